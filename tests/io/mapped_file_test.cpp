#include <catch2/catch.hpp>

#include <algorithm>
#include <fstream>
#include <type_traits>
#include <utility>

#include <posekit/core/error.hpp>
#include <posekit/io/file.hpp>
#include <posekit/io/mapped_file.hpp>

#include "support/shared_data.hpp"

namespace pk = posekit;
namespace fs = std::filesystem;

TEST_CASE("The bytes of a mapped file are those of the file", "[io]") {
  const auto folder = scratch_folder("mapped");
  const auto path = folder / "a.bin";
  for (const std::size_t size : {0u, 1u, 4095u, 4096u, 4097u, 70001u}) {
    std::string content(size, ' ');
    for (std::size_t i = 0; i < size; ++i) content[i] = static_cast<char>(i * 7 % 251);
    pk::write_file(path, content);
    const pk::MappedFile file(path);
    const auto read = pk::read_file(path);
    CHECK(std::ranges::equal(file.bytes(), read));
  }
#if __has_include(<sys/mman.h>)
  if (sizeof(void*) > 4) {
    // More than fits into memory: what is not looked at is not read.
    const std::uintmax_t size = std::uintmax_t{1} << 36;
    std::ofstream(folder / "large.bin") << "begin";
    std::error_code no_sparse_files;
    fs::resize_file(folder / "large.bin", size, no_sparse_files);
    if (!no_sparse_files) {
      const pk::MappedFile file(folder / "large.bin");
      REQUIRE(file.bytes().size() == size);
      CHECK(file.bytes()[4] == 'n');
      CHECK(file.bytes().back() == 0);
    }
  }
#endif
  fs::remove_all(folder);
}

TEST_CASE("A mapping can be handed on", "[io]") {
  static_assert(!std::is_copy_constructible_v<pk::MappedFile>);
  static_assert(std::is_nothrow_move_constructible_v<pk::MappedFile>);
  const auto folder = scratch_folder("mapped-moved");
  pk::write_file(folder / "a.bin", "first");
  pk::write_file(folder / "b.bin", "the second");
  pk::MappedFile a(folder / "a.bin");
  const auto seen = a.bytes();
  pk::MappedFile b(std::move(a));
  CHECK(b.bytes().data() == seen.data());
  CHECK(b.bytes().size() == 5);
  a = pk::MappedFile(folder / "b.bin");
  CHECK(a.bytes().size() == 10);
  b = std::move(a);
  CHECK(b.bytes().size() == 10);
  CHECK(pk::MappedFile().bytes().empty());
  // A file that takes the name of a mapped one does not touch it.
  pk::write_file(folder / "b.bin", "third");
  CHECK(b.bytes()[4] == 's');
  CHECK(b.bytes().size() == 10);
}

TEST_CASE("What cannot be mapped is named", "[io]") {
  const auto folder = scratch_folder("mapped-errors");
  CHECK_THROWS_WITH(pk::MappedFile(folder / "no.bin"), (folder / "no.bin: no such file").string());
  CHECK_THROWS_WITH(pk::MappedFile(folder), folder.string() + ": is a folder, expected a file");
  CHECK_THROWS_AS(pk::MappedFile(folder / "no.bin"), pk::FileError);
  if (fs::exists("/dev/zero")) {
    CHECK_THROWS_AS(pk::MappedFile("/dev/zero"), pk::FileError);
    CHECK_THROWS_WITH(pk::MappedFile("/dev/zero"), Catch::StartsWith("/dev/zero: "));
  }
}
