#include <catch2/catch.hpp>

#include <fstream>

#include <posekit/io/npz.hpp>

#include "support/close.hpp"
#include "support/mutations.hpp"
#include "support/shared_data.hpp"

namespace pk = posekit;

TEST_CASE("Archives of NumPy's are read, stored and deflated", "[io]") {
  for (const char* file : {"io/stored.npz", "io/deflated.npz"}) {
    const pk::NpzArchive archive(golden_file(file));
    CHECK(archive.names() == std::vector<std::string>{"counts", "ramp"});
    const auto ramp = archive.array<double>("ramp");
    REQUIRE(pk::shape_of(ramp) == pk::Shape{40, 25});
    for (std::size_t i = 0; i < 1000; ++i)
      REQUIRE(ramp.data()[i] == 0.5 * static_cast<double>(i % 50));
    CHECK(pk::load_npz<std::int64_t>(golden_file(file), "counts")(2) == -3);
    CHECK_THROWS_WITH(archive.array<double>("ram"),
                      Catch::Contains("has no array 'ram'; it has counts, ramp"));
  }
}

TEST_CASE("Arrays of text are read", "[io]") {
  const pk::NpzArchive archive(golden_file("io/texts.npz"));
  using Texts = std::vector<std::string>;
  const Texts words{"",
                    "hip",
                    "H\xc3\xbc"
                    "fte",
                    "\xe8\x85\xb0",
                    "left knee",
                    "\xf0\x9f\xa6\xb4"};
  for (const char* name : {"words", "swapped", "columns"}) {
    CHECK(archive.texts(name) == words);
    CHECK(archive.shape(name) == pk::Shape{2, 3});
  }
  CHECK(archive.texts("bytes") == Texts{"neck", std::string("to\0e", 4)});
  CHECK(archive.texts("empty") == Texts{"", ""});
  CHECK(archive.texts("none").empty());
  CHECK_THROWS_WITH(archive.array<double>("words"),
                    Catch::Contains("texts.npz, array 'words': holds text, expected numbers"));
  CHECK_THROWS_WITH(archive.texts("word"), Catch::Contains("has no array 'word'; it has bytes,"));
  CHECK_THROWS_WITH(pk::NpzArchive(golden_file("io/stored.npz")).texts("ramp"),
                    Catch::Contains("holds numbers, expected text"));
  // A number that is no character, and more texts than there are bytes for.
  const std::string head = "{'descr': '<U1', 'fortran_order': False, 'shape': (1,), }\n";
  const auto text = [&](const std::string& descr, const std::string& data) {
    std::string file =
        std::string("\x93NUMPY\x01\x00", 8) + static_cast<char>(head.size()) + '\0' + head + data;
    file.replace(file.find("<U1"), 3, descr);
    return pk::parse_npy_texts({reinterpret_cast<const std::uint8_t*>(file.data()), file.size()},
                               "a");
  };
  CHECK(text("<U1", std::string("A\0\0\0", 4)) == Texts{"A"});
  CHECK_THROWS_WITH(text("<U1", std::string("\0\xd8\0\0", 4)),
                    Catch::Contains("none of Unicode's"));
  CHECK_THROWS_WITH(text("<U1", "\xff\xff\xff\xff"), Catch::Contains("none of Unicode's"));
  CHECK_THROWS_WITH(text("<U2", "abcdefg"),
                    Catch::Contains("1 elements of 8 bytes, the file has 7"));
}

TEST_CASE("Damaged archives end in an error or in the same numbers", "[io]") {
  for (const char* file : {"io/stored.npz", "io/deflated.npz", "io/texts.npz"}) {
    const auto bytes = pk::read_file(golden_file(file));
    std::size_t errors = 0, read = 0;
    for_each_mutation(bytes, 3000, 4, [&](const std::vector<std::uint8_t>& damaged) {
      try {
        const pk::NpzArchive archive(damaged, "a.npz");
        for (const auto& name : archive.names()) {
          (void)archive.shape(name);
          if (std::string_view(file) == "io/texts.npz") {
            (void)archive.texts(name);
          } else {
            (void)archive.array<float>(name);
          }
        }
        ++read;
      } catch (const pk::Error&) {
        ++errors;
      }
    });
    CHECK(errors > 1000);
    CHECK(read > 10);
  }
  CHECK_THROWS_WITH(pk::NpzArchive({1, 2, 3}, "a.npz"),
                    "a.npz: is no npz file (a ZIP archive of arrays)");
  CHECK_THROWS_AS(pk::NpzArchive("/nowhere.npz"), pk::FileError);
}

TEST_CASE("What is written is read again", "[io]") {
  const auto path = scratch_folder("npz") / "a.npz";
  const pk::Tensor<float> a{{1.5f, -2.0f, 3.0f}, {4.0f, 5.0f, 6.0f}};
  pk::save_npz<float>(path, {{"first", a}, {"second", pk::zeros<float>({3, 1, 2})}});
  const pk::NpzArchive archive(path);
  CHECK(archive.names() == std::vector<std::string>{"first", "second"});
  CHECK(identical(archive.array<float>("first"), a));
  CHECK(pk::shape_of(archive.array<double>("second")) == pk::Shape{3, 1, 2});
}

TEST_CASE("Motion capture is read", "[io][shared]") {
  const auto folder = shared_folder("data/cmu_mocap");
  if (!folder) return;
  const pk::NpzArchive archive(*folder / "test.npz");
  const auto poses = archive.array<float>("poses");
  CHECK(pk::shape_of(poses) == pk::Shape{3510, 17, 3});
  CHECK(archive.array<std::int64_t>("sequence").size() == 3510);
  CHECK(archive.texts("joint_names").at(11) == "left_shoulder");
}

TEST_CASE("A deflated array has a limit in memory, as what it becomes", "[io]") {
  const auto bytes = pk::read_file(golden_file("io/deflated.npz"));
  const pk::NpzArchive whole(bytes, "a.npz");
  const std::string name = whole.names().at(0);
  const auto array = whole.array<double>(name);
  REQUIRE(array.size() > 0);
  const pk::NpzArchive enough(bytes, "a.npz", {.max_bytes = 8 * array.size() + 200});
  CHECK(identical(enough.array<double>(name), array));
  const pk::NpzArchive less(bytes, "a.npz", {.max_bytes = 8 * array.size() - 1});
  CHECK_THROWS_WITH(less.array<double>(name), Catch::Contains("NpzOptions::max_bytes"));
  // Stored arrays are as large as their file.
  const pk::NpzArchive stored(pk::read_file(golden_file("io/stored.npz")), "b.npz",
                              {.max_bytes = 1});
  CHECK_NOTHROW(stored.array<double>(stored.names().at(0)));
}
