#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include <posekit/io/file.hpp>
#include <posekit/io/npy.hpp>
#include <posekit/io/safetensors.hpp>
#include <posekit/testing/random_tensor.hpp>

#include "support/close.hpp"
#include "support/json_mutations.hpp"
#include "support/mutations.hpp"
#include "support/shared_data.hpp"

namespace pk = posekit;
using Dtype = pk::SafetensorsDtype;
using Json = nlohmann::ordered_json;
using pk::testing::random_tensor;

namespace {

using Bytes = std::vector<std::uint8_t>;

/// A file with this header and these elements.
Bytes safetensors(const std::string& header, const Bytes& elements = {}) {
  Bytes bytes(8 + header.size() + elements.size());
  for (std::size_t i = 0; i < 8; ++i)
    bytes[i] = static_cast<std::uint8_t>(std::uint64_t{header.size()} >> (8 * i));
  std::copy(elements.begin(), elements.end(),
            std::copy(header.begin(), header.end(), bytes.begin() + 8));
  return bytes;
}

/// A file with one tensor w.
pk::SafetensorsFile one(const std::string& dtype, const std::string& shape, const Bytes& elements) {
  return {safetensors(R"({"w":{"dtype":")" + dtype + R"(","shape":)" + shape +
                          R"(,"data_offsets":[0,)" + std::to_string(elements.size()) + "]}}",
                      elements),
          "m.st"};
}

template <class T>
Bytes bytes_of(std::initializer_list<T> values) {
  Bytes bytes(values.size() * sizeof(T));
  std::memcpy(bytes.data(), values.begin(), bytes.size());
  return bytes;
}

std::string error_of(const Bytes& bytes) {
  try {
    const pk::SafetensorsFile file(bytes, "m.st");
  } catch (const pk::FileError& error) {
    return error.what();
  }
  return "no error";
}

std::string header_error(const std::string& header, std::size_t size = 8) {
  return error_of(safetensors(header, Bytes(size)));
}

template <class T>
void check_values(const pk::SafetensorsFile& file, const std::string& name) {
  INFO(name);
  CHECK(identical(file.tensor<T>(name),
                  pk::load_npy<T>(golden_file("safetensors/" + name + ".npy"))));
}

}  // namespace

TEST_CASE("Every type of a file by another writer is read", "[io]") {
  const pk::SafetensorsFile file(golden_file("safetensors/awkward.safetensors"));
  const std::string text = "böden/层 \"0\"";
  CHECK(file.names() == std::vector<std::string>{"chars", "doubles", "scalar", "flags", "longs",
                                                 "halves", "empty", "huge", "bytes", "brains",
                                                 "ints", "words", "floats", text, "shorts",
                                                 "unsigned"});
  check_values<double>(file, "doubles");
  check_values<float>(file, "floats");
  check_values<float>(file, "halves");
  check_values<double>(file, "halves");
  check_values<float>(file, "brains");
  check_values<double>(file, "brains");
  check_values<std::int64_t>(file, "longs");
  check_values<std::int32_t>(file, "ints");
  check_values<std::int64_t>(file, "ints");
  check_values<double>(file, "ints");
  check_values<std::int16_t>(file, "shorts");
  check_values<float>(file, "shorts");
  check_values<std::int8_t>(file, "chars");
  check_values<double>(file, "chars");
  check_values<std::uint8_t>(file, "bytes");
  check_values<float>(file, "bytes");
  check_values<std::uint16_t>(file, "words");
  check_values<std::uint32_t>(file, "unsigned");
  check_values<std::int64_t>(file, "unsigned");
  check_values<std::uint64_t>(file, "huge");
  check_values<float>(file, "flags");
  check_values<std::uint8_t>(file, "flags");
  check_values<float>(file, "scalar");
  CHECK(file.shape("scalar") == pk::Shape{});
  CHECK(file.shape("floats") == pk::Shape{3, 1, 2});
  CHECK(pk::shape_of(file.tensor<float>("empty")) == pk::Shape{0, 3});
  CHECK(pk::shape_of(file.tensor<std::int64_t>(text)) == pk::Shape{2, 0, 4});
  CHECK(file.bytes("empty").empty());
  CHECK(file.bytes("doubles").size() == 48);
  CHECK(file.bytes("bytes")[5] == 255);
  const std::pair<const char*, Dtype> types[] = {
      {"doubles", Dtype::f64},  {"floats", Dtype::f32},   {"halves", Dtype::f16},
      {"brains", Dtype::bf16},  {"longs", Dtype::i64},    {"ints", Dtype::i32},
      {"shorts", Dtype::i16},   {"chars", Dtype::i8},     {"bytes", Dtype::u8},
      {"words", Dtype::u16},    {"unsigned", Dtype::u32}, {"huge", Dtype::u64},
      {"flags", Dtype::boolean}};
  for (const auto& [name, dtype] : types) {
    CHECK(file.dtype(name) == dtype);
    CHECK(file.bytes(name).size() == pk::element_count(file.shape(name)) * pk::element_size(dtype));
  }
  CHECK(pk::to_string(Dtype::boolean) == "BOOL");
  CHECK(pk::to_string(Dtype::f64) == "F64");
  CHECK(file.metadata() ==
        std::map<std::string, std::string>{{"", ""}, {"format", "np"}, {"größe", "10 µm\n\"x\""}});
  CHECK(file.contains(text));
  CHECK_FALSE(file.contains("__metadata__"));
}

TEST_CASE("A file is written byte by byte as by another writer", "[io]") {
  const auto golden = golden_file("safetensors/canonical.safetensors");
  const pk::SafetensorsFile file(golden);
  // In the order of the names, which is not that of the file.
  std::vector<pk::SafetensorsEntry> entries;
  auto names = file.names();
  std::sort(names.begin(), names.end());
  REQUIRE(names != file.names());
  for (const auto& name : names) {
    entries.push_back({name, file.dtype(name), file.shape(name), file.bytes(name), nullptr});
  }
  const auto path = scratch_folder("safetensors") / "a.safetensors";
  pk::save_safetensors(path, entries, file.metadata());
  CHECK(pk::read_file(path) == pk::read_file(golden));
}

TEMPLATE_TEST_CASE("Tensors that are saved are loaded again", "[io]", float, double, std::int64_t,
                   std::int32_t, std::int16_t, std::int8_t, std::uint64_t, std::uint32_t,
                   std::uint16_t, std::uint8_t) {
  const auto path = scratch_folder("safetensors-round") / "a.safetensors";
  const auto a = random_tensor<TestType>({2, 3, 5}, 1, 0, 100);
  const auto scalar = random_tensor<TestType>({}, 2, 0, 100);
  const auto nothing = random_tensor<TestType>({3, 0}, 3);
  pk::save_safetensors(
      path,
      {pk::safetensors_entry("b/weight", a), pk::safetensors_entry("a", nothing),
       pk::safetensors_entry("s", scalar), pk::safetensors_entry("moved", pk::Tensor<TestType>(a))},
      {{"step", "7"}});
  const pk::SafetensorsFile file(path);
  CHECK(file.names() == std::vector<std::string>{"a", "b/weight", "moved", "s"});
  CHECK(identical(file.tensor<TestType>("b/weight"), a));
  CHECK(identical(file.tensor<TestType>("moved"), a));
  CHECK(identical(file.tensor<TestType>("s"), scalar));
  CHECK(identical(file.tensor<TestType>("a"), nothing));
  CHECK(file.dtype("a") == pk::safetensors_dtype_of<TestType>());
  CHECK(file.metadata() == std::map<std::string, std::string>{{"step", "7"}});
  // The elements begin on a boundary.
  CHECK((std::filesystem::file_size(path) - (30 + 30 + 1) * sizeof(TestType)) % 8 == 0);
}

TEST_CASE("A file can be replaced while it is read, and nothing else remains", "[io]") {
  const auto folder = scratch_folder("safetensors-replaced");
  const auto path = folder / "a.safetensors";
  const auto a = random_tensor<float>({4, 3}, 1);
  pk::save_safetensors(path, {pk::safetensors_entry("w", a)});
  const pk::SafetensorsFile before(path);
  pk::save_safetensors(path, {pk::safetensors_entry("w", random_tensor<double>({2}, 2))});
  CHECK(identical(before.tensor<float>("w"), a));
  CHECK(pk::SafetensorsFile(path).shape("w") == pk::Shape{2});
  // Written into itself, on top of what it is read from.
  pk::save_safetensors(path, {{"v", before.dtype("w"), before.shape("w"), before.bytes("w"), {}}});
  CHECK(identical(pk::SafetensorsFile(path).tensor<float>("v"), a));
  CHECK_THROWS_AS(pk::save_safetensors(path, {pk::safetensors_entry("\n", a)}), pk::ValueError);
  CHECK_THROWS_AS(pk::save_safetensors(folder / "no" / "a", {}), pk::FileError);
  CHECK(std::distance(std::filesystem::directory_iterator(folder), {}) == 1);
  CHECK(identical(pk::SafetensorsFile(path).tensor<float>("v"), a));
  // No tensors are a file, too.
  pk::save_safetensors(path, {});
  CHECK(pk::SafetensorsFile(path).names().empty());
  CHECK(std::filesystem::file_size(path) == 16);
}

TEST_CASE("The order of a file depends on its tensors only", "[io]") {
  const auto folder = scratch_folder("safetensors-order");
  const auto d = random_tensor<double>({3}, 1);
  const auto f = random_tensor<float>({5}, 2);
  const auto u = random_tensor<std::uint8_t>({3}, 3, 0, 9);
  const auto i = random_tensor<std::int64_t>({1}, 4, 0, 9);
  const std::vector<pk::SafetensorsEntry> entries{
      pk::safetensors_entry("b", u), pk::safetensors_entry("c", f), pk::safetensors_entry("z", d),
      pk::safetensors_entry("y", i)};
  pk::save_safetensors(folder / "1", entries);
  pk::save_safetensors(folder / "2", {entries.rbegin(), entries.rend()});
  CHECK(pk::SafetensorsFile(folder / "1").names() == std::vector<std::string>{"y", "z", "c", "b"});
  CHECK(pk::read_file(folder / "1") == pk::read_file(folder / "2"));
}

TEST_CASE("Floating-point numbers are rounded, integers are exact", "[io]") {
  const float rounded = one("F64", "[1]", bytes_of({0.1})).tensor<float>("w")(0);
  CHECK(rounded == 0.1f);
  const auto infinite = one("F64", "[2]",
                            bytes_of({-std::numeric_limits<double>::infinity(),
                                      std::numeric_limits<double>::quiet_NaN()}));
  CHECK(infinite.tensor<float>("w")(0) == -std::numeric_limits<float>::infinity());
  CHECK(std::isnan(infinite.tensor<float>("w")(1)));
  CHECK_THROWS_WITH(infinite.tensor<int>("w"),
                    "m.st, tensor 'w', F64 read as I32: element 0: the element -inf does not fit "
                    "the integer type asked for");
  CHECK_THROWS_WITH(one("F64", "[3]", bytes_of({1.0, -2e38, 4e38})).tensor<float>("w"),
                    Catch::StartsWith("m.st, tensor 'w', F64 read as F32: element 2: the element"));

  CHECK(one("F32", "[1]", bytes_of({-3.0f})).tensor<std::int8_t>("w")(0) == -3);
  CHECK(one("F64", "[1]", bytes_of({0x1p62})).tensor<std::int64_t>("w")(0) == 1ll << 62);
  CHECK_THROWS_WITH(one("F32", "[2]", bytes_of({4.0f, 2.5f})).tensor<std::int64_t>("w"),
                    "m.st, tensor 'w', F32 read as I64: element 1: the element 2.5 has no exact "
                    "value of this type");
  CHECK_THROWS_AS(one("F32", "[1]", bytes_of({-1.0f})).tensor<std::uint8_t>("w"), pk::FileError);
  CHECK_THROWS_AS(one("F32", "[1]", bytes_of({0x1p63f})).tensor<std::int64_t>("w"), pk::FileError);
  CHECK_THROWS_AS(one("F16", "[1]", {0x00, 0x38}).tensor<int>("w"), pk::FileError);  // a half
  CHECK(one("F16", "[1]", {0x00, 0x42}).tensor<int>("w")(0) == 3);
  CHECK(one("BF16", "[1]", {0x40, 0xc0}).tensor<int>("w")(0) == -3);

  const std::int64_t most = std::numeric_limits<std::int64_t>::max();
  const std::int64_t least = std::numeric_limits<std::int64_t>::min();
  CHECK(one("I64", "[2]", bytes_of({least, std::int64_t{3} << 50})).tensor<float>("w")(0) ==
        -0x1p63f);
  CHECK_THROWS_AS(one("I64", "[1]", bytes_of({most})).tensor<double>("w"), pk::FileError);
  CHECK_THROWS_WITH(one("I32", "[3]", bytes_of({16777216, 0, -16777217})).tensor<float>("w"),
                    "m.st, tensor 'w', I32 read as F32: element 2: the element -16777217 has no "
                    "exact value of this type");
  CHECK(one("I32", "[1]", bytes_of({-16777217})).tensor<double>("w")(0) == -16777217.0);
  CHECK_THROWS_WITH(one("I64", "[1]", bytes_of({std::int64_t{-129}})).tensor<std::int8_t>("w"),
                    Catch::Contains("-129 does not fit"));
  CHECK_THROWS_WITH(one("BOOL", "[2]", {1, 2}).tensor<float>("w"),
                    "m.st, tensor 'w', BOOL read as F32: element 1: the element 2 is not 0 or 1");
}

TEST_CASE("A tensor that is not there is asked for with an error that lists what is", "[io]") {
  const pk::SafetensorsFile file(golden_file("safetensors/canonical.safetensors"));
  const std::string expected =
      golden_file("safetensors/canonical.safetensors").string() +
      ": has no tensor 'double'; it has 'böden/层 \"0\"', 'doubles', 'longs', 'empty', 'floats', "
      "'scalar', 'brains', 'bytes', 'chars', 'flags'";
  CHECK_THROWS_WITH(file.tensor<float>("double"), expected);
  CHECK_THROWS_WITH(file.shape("double"), expected);
  CHECK_THROWS_WITH(file.dtype("double"), expected);
  CHECK_THROWS_WITH(file.bytes("double"), expected);
  CHECK_THROWS_WITH(pk::SafetensorsFile(safetensors("{}"), "m.st").bytes("x\n"),
                    "m.st: has no tensor 'x\\x0a'; it has none");
  CHECK_THROWS_WITH(pk::SafetensorsFile("/nowhere.safetensors"),
                    "/nowhere.safetensors: no such file");
  std::vector<pk::SafetensorsEntry> many;
  for (int i = 100; i < 350; ++i) many.push_back({std::to_string(i), Dtype::u8, {0}, {}, nullptr});
  const auto path = scratch_folder("safetensors-many") / "a.safetensors";
  pk::save_safetensors(path, many);
  CHECK_THROWS_WITH(pk::SafetensorsFile(path).shape("a"),
                    Catch::EndsWith("'198', '199' and 150 more"));
}

TEST_CASE("A file that is read can be moved", "[io]") {
  pk::SafetensorsFile a(golden_file("safetensors/canonical.safetensors"));
  pk::SafetensorsFile b = one("U8", "[2]", {4, 9});
  const auto longs = a.tensor<std::int64_t>("longs");
  const pk::SafetensorsFile c = std::move(a);
  CHECK(identical(c.tensor<std::int64_t>("longs"), longs));
  a = std::move(b);
  CHECK(a.tensor<int>("w")(1) == 9);
  CHECK(a.names() == std::vector<std::string>{"w"});
}

TEST_CASE("What is wrong with a safetensors file is told in words", "[io]") {
  CHECK(error_of({}) ==
        "m.st: is no safetensors file: found 0 bytes, expected at least the 8 of the header's "
        "length");
  CHECK(error_of(Bytes(7)).find("found 7 bytes") != std::string::npos);
  CHECK(error_of(Bytes(12, 0xff)) ==
        "m.st: is no safetensors file: the length of the header: found 18446744073709551615 "
        "bytes, expected at most 100000000");
  CHECK(error_of({0, 0, 0, 1, 0, 0, 0, 0, '{', '}'}) ==
        "m.st: is truncated: the length of the header: found 16777216 bytes, expected at most the "
        "2 that follow it");
  CHECK(error_of({1, 0xe1, 0xf5, 5, 0, 0, 0, 0, '{', '}'}).find("expected at most 100000000") !=
        std::string::npos);

  const std::string no_json = "m.st: the header: found something that is no JSON at byte ";
  CHECK(header_error("") == no_json +
                                "8 of the file, expected a JSON object of tensors, beginning with "
                                "{");
  CHECK(header_error(" {}", 0).find(no_json + "8 ") == 0);
  CHECK(header_error("[]", 0).find(no_json + "8 ") == 0);
  CHECK(header_error("\xef\xbb\xbf{}", 0).find(no_json + "8 ") == 0);
  CHECK(header_error("{} x", 0).find(no_json + "11 ") == 0);
  CHECK(header_error("{}{}", 0).find(no_json + "10 ") == 0);
  CHECK(header_error(std::string("{}\0\0", 4), 0).find(no_json + "10 ") == 0);
  CHECK(header_error("{", 0).find(no_json) == 0);
  CHECK(header_error("{\"a\":}", 0).find(no_json + "13 ") == 0);
  CHECK(header_error("{\"\xc3(\":{}}", 0).find(no_json) == 0);
  CHECK(header_error("{\"\xed\xa0\x80\":{}}", 0).find(no_json) == 0);
  CHECK(header_error("{\"\\ud800\":{}}", 0).find(no_json) == 0);
  CHECK(header_error("{/**/}", 0).find(no_json) == 0);
  CHECK(header_error("{}  \n", 0) == "no error");

  const std::string w = "m.st: the header, tensor 'w', field ";
  const auto tensor = [](const std::string& dtype, const std::string& shape,
                         const std::string& offsets) {
    return R"({"w":{"dtype":)" + dtype + R"(,"shape":)" + shape + R"(,"data_offsets":)" + offsets +
           "}}";
  };
  CHECK(header_error(tensor("\"F32\"", "[2]", "[0,8]")) == "no error");
  // dtype
  const std::string all =
      "expected one of BOOL, U8, I8, U16, I16, F16, BF16, U32, I32, F32, U64, I64, F64";
  for (const auto& [value, found] :
       {std::pair<std::string, std::string>{"\"F8_E4M3\"", "'F8_E4M3'"},
        {"\"f32\"", "'f32'"},
        {"\"F32\\u0000\"", "'F32\\x00'"},
        {"null", "null"},
        {"4", "4"},
        {"[\"F32\"]", "an array"},
        {"{}", "an object"}}) {
    CHECK(header_error(tensor(value, "[2]", "[0,8]")) ==
          w + "'dtype': found " + found + ", " + all);
  }
  // shape
  const auto shape_error = [&](const std::string& shape) {
    return header_error(tensor("\"F32\"", shape, "[0,8]"));
  };
  CHECK(shape_error("2") == w + "'shape': found 2, expected an array of extents");
  CHECK(shape_error("{}") == w + "'shape': found an object, expected an array of extents");
  CHECK(shape_error("\"2\"") == w + "'shape': found text '2', expected an array of extents");
  for (const auto& [value, found] : {std::pair<std::string, std::string>{"-2", "-2"},
                                     {"-0", "0"},
                                     {"2.0", "'2.0'"},
                                     {"2e0", "'2e0'"},
                                     {"18446744073709551616", "'18446744073709551616'"},
                                     {"\"2\"", "text '2'"},
                                     {"[2]", "an array"},
                                     {"{}", "an object"},
                                     {"true", "true"},
                                     {"null", "null"}}) {
    CHECK(shape_error("[" + value + "]") ==
          w + "'shape': found " + found + ", expected a whole number that is not negative");
  }
  CHECK(shape_error("[3]") ==
        w + "'data_offsets': found [0, 8], expected offsets 12 bytes apart, for shape [3] of F32");
  for (const std::string huge :
       {"[18446744073709551615]", "[4294967296, 4294967296]", "[0, 18446744073709551615, 2]",
        "[2305843009213693953, 8]", "[9223372036854775807, 2]"}) {
    CHECK(shape_error(huge) ==
          w + "'shape': found " + huge + ", expected extents whose product fits the address space");
  }
  // Four times this is 8 in 64 bits.
  CHECK(shape_error("[4611686018427387906]").find("fits the address space") != std::string::npos);
  std::string ones = "2";
  for (int i = 0; i < 63; ++i) ones += ",1";
  CHECK(shape_error("[" + ones + "]") == "no error");
  CHECK(shape_error("[" + ones + ",1]") == w + "'shape': found more, expected at most 64 extents");
  // data_offsets
  const auto offset_error = [&](const std::string& offsets) {
    return header_error(tensor("\"F32\"", "[2]", offsets));
  };
  CHECK(offset_error("[0]") == w + "'data_offsets': found [0], expected an array of two offsets");
  CHECK(offset_error("[0,8,8]") == w + "'data_offsets': found more, expected two offsets");
  CHECK(offset_error("[0,-8]") ==
        w + "'data_offsets': found -8, expected a whole number that is not negative");
  CHECK(offset_error("[8,0]") ==
        w + "'data_offsets': found [8, 0], expected offsets 8 bytes apart, for shape [2] of F32");
  CHECK(offset_error("[0,16]") == w + "'data_offsets': found [0, 16], expected offsets within the "
                                      "8 bytes that follow the header (is it truncated?)");
  CHECK(header_error(tensor("\"U8\"", "[9]", "[0,9]")).find("[0, 9], expected offsets within") !=
        std::string::npos);
  CHECK(offset_error("[18446744073709551615,7]").find("8 bytes apart") != std::string::npos);
  CHECK(offset_error("[18446744073709551608,18446744073709551615]").find("within the 8 bytes") !=
        std::string::npos);
  CHECK(header_error(tensor("\"F32\"", "[1]", "[4,8]")) ==
        w + "'data_offsets': found [4, 8], expected offsets from 0 on, without holes or overlap");
  CHECK(header_error(tensor("\"F32\"", "[2]", "[0,8]"), 11) ==
        "m.st: the header: found tensors of 8 bytes, expected as many as follow the header, 11");
  CHECK(header_error("{}", 1) ==
        "m.st: the header: found tensors of 0 bytes, expected as many as follow the header, 1");
  const auto two = [&](const std::string& a, const std::string& b, std::size_t size) {
    return header_error(
        R"({"a":{"dtype":"U8","shape":)" + a + R"(},"b":{"dtype":"U8","shape":)" + b + "}}", size);
  };
  CHECK(two(R"([4],"data_offsets":[0,4])", R"([4],"data_offsets":[4,8])", 8) == "no error");
  const std::string overlap =
      "'data_offsets': found [3, 7], expected offsets from 4 on, without "
      "holes or overlap";
  CHECK(two(R"([4],"data_offsets":[0,4])", R"([4],"data_offsets":[3,7])", 8) ==
        "m.st: the header, tensor 'b', field " + overlap);
  CHECK(two(R"([4],"data_offsets":[3,7])", R"([4],"data_offsets":[0,4])", 7) ==
        "m.st: the header, tensor 'a', field " + overlap);
  CHECK(two(R"([3],"data_offsets":[0,3])", R"([4],"data_offsets":[4,8])", 8)
            .find("found [4, 8], expected offsets from 3 on") != std::string::npos);
  CHECK(two(R"([4],"data_offsets":[0,4])", R"([4],"data_offsets":[0,4])", 4)
            .find("tensor 'b', field 'data_offsets': found [0, 4]") != std::string::npos);
  CHECK(two(R"([4],"data_offsets":[0,4])", R"([0],"data_offsets":[2,2])", 4)
            .find("tensor 'b', field 'data_offsets': found [2, 2]") != std::string::npos);
  // fields
  CHECK(header_error(R"({"w":{"dtype":"F32","shape":[2]}})") ==
        w + "'data_offsets': found no such field, expected an array of two offsets");
  CHECK(header_error(R"({"w":{}})") == w + "'dtype': found no such field, " + all);
  CHECK(header_error(R"({"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"x":1}})") ==
        w + "'x': found an unknown field, expected 'dtype', 'shape' and 'data_offsets'");
  CHECK(header_error(R"({"w":{"shape":[2],"sh\u0061pe":[2]}})") ==
        w + "'shape': found a second field of this name, expected one");
  // entries
  const std::string entry = R"({"dtype":"U8","shape":[0],"data_offsets":[0,0]})";
  CHECK(header_error("{\"a\":" + entry + ",\"\\u0061\":" + entry + "}", 0) ==
        "m.st: the header, entry 'a': found a second entry of this name, expected one");
  CHECK(header_error("{\"a\\u0000b\":" + entry + "}", 0) ==
        "m.st: the header, entry 'a\\x00b': found a name with control characters, expected text");
  CHECK(header_error("{\"\":" + entry + "}", 0) == "no error");
  CHECK(header_error(R"({"w":[]})") ==
        "m.st: the header, entry 'w': found an array, expected an object of dtype, shape and "
        "data_offsets");
  CHECK(header_error(R"({"w":1.5})").find("entry 'w': found '1.5', expected an object") !=
        std::string::npos);
  const std::string deep(1000000, '['), deeper = R"({"w":{"shape":)" + deep;
  CHECK(header_error(R"({"w":)" + deep).find("entry 'w': found an array") != std::string::npos);
  CHECK(header_error(deeper).find("'shape': found an array, expected a whole number") !=
        std::string::npos);
  // metadata
  const std::string metadata = "m.st: the header, entry '__metadata__'";
  CHECK(header_error(R"({"__metadata__":{"a":"b","c":""}})", 0) == "no error");
  CHECK(header_error(R"({"__metadata__":"a"})") ==
        metadata + ": found text 'a', expected an object of texts");
  for (const auto& [value, found] : {std::pair<std::string, std::string>{"1", "1"},
                                     {"null", "null"},
                                     {"false", "false"},
                                     {"{}", "an object"},
                                     {"[]", "an array"}}) {
    CHECK(header_error(R"({"__metadata__":{"a":"b","c":)" + value + "}}") ==
          metadata + ", field 'c': found " + found + ", expected text");
  }
  CHECK(header_error(R"({"__metadata__":{"a":"b","a":"c"}})") ==
        metadata + ", field 'a': found a second field of this name, expected one");
  CHECK(header_error(R"({"__metadata__":{},"__metadata__":{}})") ==
        metadata + ": found a second entry of this name, expected one");
  // What the file says is shortened, and not in the midst of a character.
  std::string name = "x";
  for (int i = 0; i < 100; ++i) name += "ü";
  CHECK(header_error("{\"" + name + "\":0}") ==
        "m.st: the header, entry '" + name.substr(0, 79) +
            "...': found 0, expected an object of dtype, shape and data_offsets");
}

TEST_CASE("What cannot be saved is told in words", "[io]") {
  const auto folder = scratch_folder("safetensors-refused");
  const auto path = folder / "a.safetensors";
  const Bytes eight(8);
  const auto refused = [&](std::string name, Dtype dtype, pk::Shape shape) {
    try {
      pk::save_safetensors(path, {{std::move(name), dtype, std::move(shape), eight, nullptr}});
    } catch (const pk::ValueError& error) {
      return std::string(error.what()).substr(("save_safetensors: " + path.string()).size() + 2);
    }
    return std::string("no error");
  };
  CHECK(refused("w", Dtype::f32, {3}) ==
        "tensor 'w' has 8 bytes, expected 12 for shape [3] of F32");
  CHECK(refused("__metadata__", Dtype::f32, {2}) == "tensor '__metadata__' has a reserved name");
  CHECK(refused("a\tb", Dtype::f32, {2}) == "tensor 'a\\x09b' has a name with control characters");
  CHECK(refused("\xff", Dtype::f32, {2}) == "the text '\xff' is not UTF-8");
  CHECK(refused("w", Dtype::u8, pk::Shape(65, 1)) == "tensor 'w' has 65 axes, expected at most 64");
  CHECK_THROWS_WITH(pk::save_safetensors(path, {{"w", static_cast<Dtype>(13), {8}, eight, {}}}),
                    "SafetensorsDtype: 13 is none of its values");
  CHECK_THROWS_AS(
      pk::save_safetensors(
          path, {{"w", Dtype::u8, {std::size_t{1} << 40, std::size_t{1} << 40}, eight, {}}}),
      pk::ShapeError);
  CHECK_THROWS_WITH(pk::save_safetensors(
                        path, {{"w", Dtype::u8, {8}, eight, {}}, {"w", Dtype::u8, {8}, eight, {}}}),
                    Catch::EndsWith("tensor 'w' is given twice"));
  CHECK_THROWS_WITH(pk::save_safetensors(path, {}, {{"a", "\x80"}}),
                    Catch::EndsWith("the text '\x80' is not UTF-8"));
  CHECK(std::filesystem::is_empty(folder));
  // What is accepted is read again.
  CHECK(refused(" ", Dtype::f64, pk::Shape(64, 1)) == "no error");
  CHECK(pk::SafetensorsFile(path).shape(" ").size() == 64);
  pk::save_safetensors(path, {{"", Dtype::f64, {1}, eight, {}}},
                       {{std::string("\0\n", 2), "\"\\"}});
  CHECK(pk::SafetensorsFile(path).metadata().begin()->first.size() == 2);
  CHECK(pk::SafetensorsFile(path).bytes("").size() == 8);
}

namespace {

/// Reads a possibly damaged file whole: true where it is one. What it says must then hold.
bool readable(const Bytes& bytes) {
  std::unique_ptr<const pk::SafetensorsFile> file;
  try {
    file = std::make_unique<const pk::SafetensorsFile>(bytes, "m.st");
  } catch (const pk::FileError& error) {
    if (std::string(error.what()).find("m.st: ") != 0) FAIL(error.what());
    return false;
  }
  const std::uint8_t* end = nullptr;
  for (const auto& name : file->names()) {
    const auto part = file->bytes(name);
    const std::size_t count = pk::element_count(file->shape(name));
    if (part.size() != count * pk::element_size(file->dtype(name))) FAIL(name);
    if (end != nullptr && part.data() != end) FAIL(name);
    end = part.data() + part.size();
    const auto read = [&](auto type) {
      try {
        if (file->tensor<decltype(type)>(name).size() != count) FAIL(name);
      } catch (const pk::FileError&) {
      }
    };
    read(0.0f);
    read(0.0);
    read(std::int64_t{0});
    read(std::uint16_t{0});
  }
  return true;
}

/// The header of a file, and what follows it.
std::pair<Bytes, Bytes> parts(const Bytes& file) {
  const auto end = file.begin() + 8 + (file[0] | std::ptrdiff_t{file[1]} << 8);
  return {Bytes(file.begin() + 8, end), Bytes(end, file.end())};
}

}  // namespace

TEST_CASE("Damaged headers of the right length end in an error or in tensors", "[io]") {
  const auto file = parts(pk::read_file(golden_file("safetensors/awkward.safetensors")));
  std::size_t errors = 0, read = 0;
  for_each_mutation(file.first, 8000, 6, [&](const Bytes& bytes) {
    const std::string header(bytes.begin(), bytes.end());
    ++(readable(safetensors(header, file.second)) ? read : errors);
  });
  CHECK(errors > 4000);
  CHECK(read > 150);
}

TEST_CASE("Damaged safetensors files end in an error or in tensors", "[io]") {
  for (const char* name :
       {"safetensors/awkward.safetensors", "safetensors/canonical.safetensors"}) {
    const auto file = pk::read_file(golden_file(name));
    REQUIRE(readable(file));
    std::size_t errors = 0, read = 0;
    for_each_mutation(file, 6000, 5,
                      [&](const Bytes& bytes) { ++(readable(bytes) ? read : errors); });
    CHECK(errors > 3000);
    CHECK(read > 50);
    // Cut off anywhere, it is none.
    for (std::size_t size = 0; size < file.size(); ++size) {
      if (readable({file.begin(), file.begin() + static_cast<std::ptrdiff_t>(size)})) FAIL(size);
    }
  }
}

TEST_CASE("Headers that are JSON but wrong end in an error or in tensors", "[io]") {
  const auto whole = parts(pk::read_file(golden_file("safetensors/canonical.safetensors")));
  const Json header = Json::parse(whole.first);
  const std::vector<Json> replacements{
      nullptr,
      true,
      -1,
      0,
      1,
      8,
      1e300,
      4294967296u,
      std::numeric_limits<std::uint64_t>::max(),
      "",
      "F16",
      "F64",
      Json::array(),
      Json::array({0, 8}),
      Json::array({0, 142}),
      Json::array({1, "a"}),
      Json::array({1ull << 32, 1ull << 32}),
      Json::object(),
      Json{{"dtype", "U8"}, {"shape", {0}}, {"data_offsets", {0, 0}}}};
  std::size_t errors = 0, read = 0;
  for_each_json_mutation(header, replacements, [&](const Json& changed) {
    ++(readable(safetensors(changed.dump(), whole.second)) ? read : errors);
  });
  CHECK(errors > 1000);
  CHECK(read > 20);
}
