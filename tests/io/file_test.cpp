#include <catch2/catch.hpp>

#include <fstream>

#include <posekit/io/file.hpp>

#include "support/shared_data.hpp"

namespace pk = posekit;
namespace fs = std::filesystem;

TEST_CASE("Files are read whole, or an error names them", "[io]") {
  const auto folder = scratch_folder("file");
  pk::write_file(folder / "a.bin", {"abc", std::string_view("\0d", 2)});
  const auto bytes = pk::read_file(folder / "a.bin");
  REQUIRE(bytes.size() == 5);
  CHECK(bytes[3] == 0);
  CHECK(bytes[4] == 'd');
  CHECK_THROWS_WITH(pk::read_file(folder / "b.bin"), Catch::Contains("b.bin: no such file"));
  CHECK_THROWS_WITH(pk::read_file(folder), Catch::Contains("is a folder"));
  CHECK_THROWS_WITH(pk::read_file(folder / "a.bin", 4),
                    Catch::Contains("has 5 bytes, more than the 4"));
}

TEST_CASE("Files are written whole or not at all", "[io]") {
  const auto folder = scratch_folder("file-write");
  pk::write_file(folder / "a.txt", "one");
  pk::write_file(folder / "a.txt", "two");
  CHECK(pk::read_file(folder / "a.txt").size() == 3);
  CHECK(std::distance(fs::directory_iterator(folder), fs::directory_iterator()) == 1);
  CHECK_THROWS_WITH(pk::write_file(folder / "no" / "a.txt", "x"),
                    Catch::Contains("a.txt: cannot be opened for writing"));
  fs::create_directory(folder / "taken");
  std::ofstream(folder / "taken" / "inside") << 1;
  CHECK_THROWS_WITH(pk::write_file(folder / "taken", "x"), Catch::Contains("is no ordinary file"));
  CHECK(std::distance(fs::directory_iterator(folder), fs::directory_iterator()) == 2);
  // A link stays a link.
  fs::create_symlink(folder / "a.txt", folder / "link");
  pk::write_file(folder / "link", "three");
  CHECK(fs::is_symlink(folder / "link"));
  CHECK(pk::read_file(folder / "a.txt").size() == 5);
}
