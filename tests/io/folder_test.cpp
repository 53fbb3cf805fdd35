#include <catch2/catch.hpp>

#include <fstream>

#include <posekit/core/error.hpp>
#include <posekit/io/folder.hpp>

#include "support/shared_data.hpp"

namespace pk = posekit;
namespace fs = std::filesystem;

TEST_CASE("What cannot be looked at is not there", "[io]") {
  const auto folder = scratch_folder("folder");
  std::ofstream(folder / "file") << "x";
  fs::create_symlink("loop", folder / "loop");
  fs::create_symlink("file", folder / "link");
  CHECK(pk::is_folder(folder));
  CHECK_FALSE(pk::is_file(folder));
  CHECK(pk::is_file(folder / "file"));
  CHECK(pk::is_file(folder / "link"));
  for (const auto& path : {folder / "loop", folder / std::string(300, 'n'), folder / "file" / "x",
                           folder / "gone", fs::path()}) {
    CHECK_FALSE(pk::is_file(path));
    CHECK_FALSE(pk::is_folder(path));
  }
}

TEST_CASE("A name stays inside of a folder or does not", "[io]") {
  for (const char* inside : {"a", "a/b.jpg", "./a", "a/./b", "..a", "a..", "a/.../b"})
    CHECK(pk::stays_inside(inside));
  for (const char* outside : {"", "/a", "..", "../a", "a/../b", "a/..", "/"})
    CHECK_FALSE(pk::stays_inside(outside));
}

TEST_CASE("A folder for results goes again where nothing was written into it", "[io]") {
  const auto root = scratch_folder("output-folder");
  const auto inner = root / "a" / "b" / "c";
  {
    const pk::OutputFolder folder(inner);
    CHECK(pk::is_folder(inner));
  }
  CHECK_FALSE(fs::exists(root / "a"));
  {
    const pk::OutputFolder folder(inner / "");
    CHECK(pk::is_folder(inner));
  }  // a slash at its end
  CHECK_FALSE(fs::exists(root / "a"));
  fs::create_directories(root / "a");
  {
    const pk::OutputFolder folder(inner);
    std::ofstream(root / "a" / "b" / "x") << "x";
  }
  CHECK(fs::exists(root / "a" / "b" / "x"));
  CHECK_FALSE(fs::exists(inner));
  { const pk::OutputFolder folder(root / "a" / "b"); }
  CHECK(fs::exists(root / "a" / "b" / "x"));
}

TEST_CASE("A folder that cannot be made is told in words, and leaves nothing", "[io]") {
  const auto root = scratch_folder("output-folder-errors");
  std::ofstream(root / "file") << "x";
  CHECK_THROWS_WITH(pk::OutputFolder(root / "file"),
                    Catch::Contains("file: the output folder cannot be made: "));
  CHECK_THROWS_WITH(pk::OutputFolder(root / "file" / "x"),
                    Catch::Contains("the output folder cannot be made: Not a directory"));
  CHECK_THROWS_AS(pk::OutputFolder(root / "made" / std::string(300, 'n')), pk::FileError);
  CHECK_FALSE(fs::exists(root / "made"));
}
