#include <catch2/catch.hpp>

#include <fstream>
#include <limits>

#include <posekit/io/file.hpp>
#include <posekit/io/npy.hpp>
#include <posekit/testing/random_tensor.hpp>

#include "support/close.hpp"
#include "support/mutations.hpp"
#include "support/shared_data.hpp"

namespace pk = posekit;
using pk::testing::random_tensor;

namespace {

/// The bytes of an npy file with this header and data.
std::vector<std::uint8_t> npy(std::string header, const std::vector<std::uint8_t>& data,
                              int version = 1) {
  std::vector<std::uint8_t> bytes{0x93, 'N', 'U', 'M', 'P', 'Y', static_cast<std::uint8_t>(version),
                                  0};
  header += '\n';
  for (int i = 0; i < (version == 1 ? 2 : 4); ++i)
    bytes.push_back(static_cast<std::uint8_t>(header.size() >> (8 * i) & 0xff));
  bytes.insert(bytes.end(), header.begin(), header.end());
  bytes.insert(bytes.end(), data.begin(), data.end());
  return bytes;
}

template <class T = double>
pk::Tensor<T> parse(const std::string& descr, const std::string& shape,
                    const std::vector<std::uint8_t>& data, bool fortran = false, int version = 1) {
  return pk::parse_npy<T>(npy("{'descr': '" + descr + "', 'fortran_order': " +
                                  (fortran ? "True" : "False") + ", 'shape': " + shape + ", }",
                              data, version),
                          "x.npy");
}

std::string parse_error(const std::vector<std::uint8_t>& bytes) {
  try {
    (void)pk::parse_npy<float>(bytes, "x.npy");
  } catch (const pk::FileError& error) {
    return error.what();
  }
  return "no error";
}

}  // namespace

TEMPLATE_TEST_CASE("What is saved is loaded again", "[io]", float, double, std::int64_t,
                   std::int32_t, std::uint8_t) {
  const auto folder = scratch_folder("npy");
  for (const pk::Shape& shape : {pk::Shape{}, pk::Shape{1}, pk::Shape{0, 3}, pk::Shape{5},
                                 pk::Shape{2, 3, 4}, pk::Shape{1, 2, 1, 3, 1}}) {
    const auto t = random_tensor<TestType>(shape, 1, 0, 100);
    pk::save_npy(folder / "t.npy", t);
    CHECK(identical(pk::load_npy<TestType>(folder / "t.npy"), t));
    CHECK(std::filesystem::file_size(folder / "t.npy") % 64 == t.size() * sizeof(TestType) % 64);
  }
}

TEST_CASE("numpy reads what is saved, and writes what is loaded", "[io]") {
  // Written by numpy: Fortran order among them.
  const auto maps = pk::load_npy<double>(golden_file("attribution/maps.npy"));
  CHECK(pk::shape_of(maps) == pk::Shape{4, 23, 31});
  CHECK(pk::load_npy<std::uint8_t>(golden_file("attribution/mask.npy"))(9, 17) == 1);
}

TEST_CASE("Every type, order and version", "[io]") {
  CHECK(parse("|b1", "(3,)", {0, 1, 5})(2) == 1);
  CHECK(parse("|i1", "(2,)", {0x7f, 0x80})(1) == -128);
  CHECK(parse("|u1", "(2,)", {0x7f, 0x80})(1) == 128);
  CHECK(parse("<i2", "(1,)", {0xfe, 0xff})(0) == -2);
  CHECK(parse(">i2", "(1,)", {0xff, 0xfe})(0) == -2);
  CHECK(parse("<u2", "(1,)", {0xfe, 0xff})(0) == 65534);
  CHECK(parse(">u4", "(1,)", {0, 0, 1, 2})(0) == 258);
  CHECK(parse("<i4", "(1,)", {0xff, 0xff, 0xff, 0xff})(0) == -1);
  CHECK(parse("<u8", "(1,)", {1, 0, 0, 0, 0, 0, 0, 0x80})(0) == Approx(9223372036854775809.0));
  CHECK(parse<std::int64_t>(">i8", "(1,)", {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfd})(0) ==
        -3);
  CHECK(parse("<f2", "(1,)", {0x00, 0xc0})(0) == -2);
  CHECK(parse(">f2", "(1,)", {0x3c, 0x00})(0) == 1);
  CHECK(parse("<f4", "()", {0, 0, 0xc0, 0x3f})() == 1.5);
  CHECK(parse(">f8", "(1,)", {0x3f, 0xf8, 0, 0, 0, 0, 0, 0})(0) == 1.5);
  for (const int version : {1, 2, 3}) CHECK(parse("|u1", "(2,)", {4, 5}, false, version)(1) == 5);
  const auto columns = parse("|u1", "(2, 3)", {1, 2, 3, 4, 5, 6}, true);
  CHECK(columns(0, 0) == 1);
  CHECK(columns(1, 0) == 2);
  CHECK(columns(0, 1) == 3);
  CHECK(columns(1, 2) == 6);
  CHECK(parse("|u1", "(2L,)", {4, 5})(1) == 5);
  CHECK(parse<int>("<f4", "(1,)", {0, 0, 0xc0, 0x3f})(0) == 1);
}

TEST_CASE("What is wrong with an array file is told in words", "[io]") {
  const std::string ok = "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }";
  const std::vector<std::uint8_t> eight(8);
  CHECK(parse_error({}) == "x.npy: is not an npy file (it does not begin with \\x93NUMPY)");
  CHECK(parse_error(npy(ok, eight, 4)).find("format version 4, expected 1 to 3") !=
        std::string::npos);
  CHECK(parse_error(npy(ok, {1, 2, 3})) ==
        "x.npy: is truncated: shape [2] needs 2 elements of 4 bytes, the file has 3 bytes of data");
  auto cut = npy(ok, eight);
  cut.resize(30);
  CHECK(parse_error(cut).find("is truncated: the npy header has") != std::string::npos);
  const auto header_error = [&](const std::string& header) {
    return parse_error(npy(header, eight));
  };
  CHECK(header_error("{'descr': '<c8', 'fortran_order': False, 'shape': (1,)}")
            .find("unsupported type '<c8'") != std::string::npos);
  CHECK(header_error("{'descr': '<f16', 'fortran_order': False, 'shape': (1,)}")
            .find("unsupported type") != std::string::npos);
  CHECK(header_error("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}")
            .find("structured types") != std::string::npos);
  CHECK(header_error("{'descr': '<f4', 'shape': (1,)}").find("lacks") != std::string::npos);
  CHECK(header_error("{'descr': '<f4', 'fortran_order': Maybe, 'shape': (1,)}")
            .find("True or False") != std::string::npos);
  CHECK(header_error("{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}")
            .find("an extent that is no number") != std::string::npos);
  CHECK(header_error("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}")
            .find("huge extent") != std::string::npos);
  CHECK(
      header_error(
          "{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296, 4294967296)}")
          .find("too many elements") != std::string::npos);
  CHECK(header_error("{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000000,)}")
            .find("is truncated") != std::string::npos);
  CHECK(header_error("{'extra': 'x'}").find("unknown key 'extra'") != std::string::npos);
  CHECK(header_error("nonsense").find("has no '{'") != std::string::npos);
  CHECK_THROWS_WITH(parse<int>("<f4", "(1,)", {0, 0, 0xc0, 0x7f}),
                    "x.npy: the element nan does not fit the integer type asked for");
  CHECK_THROWS_AS(parse<std::uint8_t>("<f4", "(1,)", {0, 0, 0x80, 0xbf}), pk::FileError);
  CHECK_THROWS_WITH(pk::load_npy<float>("/nowhere/x.npy"), "/nowhere/x.npy: no such file");
}

TEST_CASE("Damaged array files end in an error or in an array", "[io]") {
  const auto file = pk::read_file(golden_file("attribution/fi_2.npy"));
  std::size_t errors = 0, arrays = 0;
  for_each_mutation(file, 20000, 1, [&](const std::vector<std::uint8_t>& bytes) {
    try {
      (void)pk::parse_npy<float>(bytes, "x.npy");
      ++arrays;
    } catch (const pk::FileError&) {
      ++errors;
    }
  });
  CHECK(errors > 5000);
  CHECK(arrays > 1000);
}

TEST_CASE("Numbers that do not fit the type asked for are refused", "[io]") {
  const auto file = scratch_folder("npy-narrowing") / "x.npy";
  pk::save_npy(file, pk::tensor_from<std::int64_t>({2}, std::vector<std::int64_t>{7, -300}));
  CHECK_THROWS_WITH(pk::load_npy<std::uint8_t>(file), Catch::Contains("-300 does not fit"));
  CHECK(pk::load_npy<std::int16_t>(file)(1) == -300);
  pk::save_npy(file, pk::tensor_from<double>({1}, std::vector<double>{1e300}));
  CHECK_THROWS_WITH(pk::load_npy<float>(file), Catch::Contains("does not fit"));
  pk::save_npy(file, pk::tensor_from<double>(
                         {1}, std::vector<double>{std::numeric_limits<double>::infinity()}));
  CHECK(pk::load_npy<float>(file)(0) == std::numeric_limits<float>::infinity());
}
