#include <catch2/catch.hpp>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <set>
#include <string>

#if __has_include(<sys/mman.h>)
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <thread>
#endif

#include <posekit/io/atomic_file.hpp>
#include <posekit/io/file.hpp>

#include "support/shared_data.hpp"

namespace pk = posekit;
namespace fs = std::filesystem;

namespace {

std::string content(const fs::path& path) {
  const auto bytes = pk::read_file(path);
  return {bytes.begin(), bytes.end()};
}

std::ptrdiff_t files(const fs::path& folder) {
  return std::distance(fs::directory_iterator(folder), fs::directory_iterator());
}

}  // namespace

TEMPLATE_TEST_CASE("A file appears when it is complete", "[io]", pk::internal::StreamOutput,
                   pk::internal::FileOutput, pk::internal::HastyFileOutput) {
  using File = pk::BasicAtomicFile<TestType>;
  const auto folder = scratch_folder("atomic");
  const auto path = folder / "a.bin";
  {
    File file(path);
    CHECK_FALSE(fs::exists(path));
    file.write("one ");
    file.write(std::string_view());
    const std::uint8_t more[] = {'t', 0, 'o'};
    file.write(more);
    CHECK_FALSE(fs::exists(path));
    file.commit();
    CHECK(content(path) == std::string("one t\0o", 7));
    CHECK_THROWS_AS(file.write("late"), pk::ValueError);
    CHECK_THROWS_WITH(file.commit(), "AtomicFile::commit: " + path.string() +
                                         " is already committed or discarded");
  }
  CHECK(content(path).size() == 7);
  {
    File abandoned(path), file(path);
    abandoned.write("never");
    CHECK(files(folder) == 3);
    file.write("two");
    CHECK(content(path).size() == 7);
    file.commit();
    CHECK(content(path) == "two");
  }
  CHECK(content(path) == "two");
  CHECK(files(folder) == 1);
  // A name without a folder is one in the current folder.
  const auto before = fs::current_path();
  fs::current_path(folder);
  {
    File file("b.bin");
    file.commit();
  }
  fs::current_path(before);
  CHECK(content(folder / "b.bin").empty());
}

TEMPLATE_TEST_CASE("What cannot be written is named and leaves nothing behind", "[io]",
                   pk::internal::StreamOutput, pk::internal::FileOutput,
                   pk::internal::HastyFileOutput) {
  using File = pk::BasicAtomicFile<TestType>;
  const auto folder = scratch_folder("atomic-errors");
  CHECK_THROWS_AS(File(folder / "no" / "a"), pk::FileError);
  CHECK_THROWS_WITH(
      File(folder / "no" / "a"),
      Catch::StartsWith((folder / "no" / "a").string() + ": cannot be opened for writing: "));
  CHECK_THROWS_WITH(File(folder), folder.string() + ": is no ordinary file and is not replaced");
  File file(folder / "a");
  file.write("lost");
  fs::create_directory(folder / "a");  // somebody is faster
  CHECK_THROWS_WITH(file.commit(),
                    Catch::StartsWith((folder / "a").string() + ": could not be written: "));
  CHECK(files(folder) == 1);
  CHECK_THROWS_AS(file.write("more"), pk::ValueError);
}

TEST_CASE("What killed programs left is removed, and nothing else", "[io]") {
  const auto folder = scratch_folder("atomic-left");
  for (const char* name : {"a.bin", "a.bin.123-4.tmp", "a.bin.9-0.tmp", "a.bin.b.tmp", "a.tmp",
                           "b.bin.123-4.tmp", "a.bin.1-2.tmp.txt"})
    pk::write_file(folder / name, "x");
  pk::remove_unfinished(folder / "a.bin");
  std::set<std::string> left;
  for (const auto& entry : fs::directory_iterator(folder)) left.insert(entry.path().filename());
  CHECK(left == std::set<std::string>{"a.bin", "a.bin.b.tmp", "a.tmp", "b.bin.123-4.tmp",
                                      "a.bin.1-2.tmp.txt"});
  CHECK_NOTHROW(pk::remove_unfinished(folder / "nowhere" / "a.bin"));
}

TEMPLATE_TEST_CASE("Links stay links, and permissions stay", "[io]", pk::internal::StreamOutput,
                   pk::internal::FileOutput, pk::internal::HastyFileOutput) {
  using File = pk::BasicAtomicFile<TestType>;
  const auto folder = scratch_folder("atomic-links");
  fs::create_directory(folder / "inner");
  fs::create_symlink("inner/a", folder / "second");
  fs::create_symlink("second", folder / "first");
  for (const char* text : {"through a link to nothing yet", "again"}) {
    File file(folder / "first");
    file.write(text);
    file.commit();
    CHECK(content(folder / "inner" / "a") == text);
  }
  CHECK(fs::is_symlink(folder / "first"));
  CHECK(fs::is_symlink(folder / "second"));
  CHECK(files(folder / "inner") == 1);
  fs::create_symlink("circle", folder / "circle");
  CHECK_THROWS_WITH(File(folder / "circle"), Catch::Contains("is a link that leads to no file"));

  const auto secret = fs::perms::owner_read | fs::perms::owner_write;
  for (const auto permissions : {secret, fs::perms::all & ~fs::perms::others_exec}) {
    fs::permissions(folder / "inner" / "a", permissions);
    File file(folder / "inner" / "a");
    file.commit();
    CHECK(fs::status(folder / "inner" / "a").permissions() == permissions);
  }
}

#if __has_include(<sys/mman.h>)
TEST_CASE("A full disk is reported and leaves the old file", "[io]") {
  const auto folder = scratch_folder("atomic-full");
  pk::write_file(folder / "a", "old");
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_FSIZE, &before) == 0);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit small = before;
  small.rlim_cur = 4096;
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &small) == 0);
  std::string error;
  try {
    pk::AtomicFile file(folder / "a");
    file.write(std::string(10000, 'x'));
    file.commit();
  } catch (const pk::FileError& caught) {
    error = caught.what();
  }
  ::setrlimit(RLIMIT_FSIZE, &before);
  (void)std::signal(SIGXFSZ, handler);
  CHECK(error.find((folder / "a").string() + ": could not be written: ") == 0);
  CHECK(content(folder / "a") == "old");
  CHECK(files(folder) == 1);
}

TEST_CASE("Killed at any moment, a program leaves the old file or the new one", "[io]") {
  const auto folder = scratch_folder("atomic-killed");
  const auto path = folder / "a";
  const auto write = [&](std::size_t version) {
    pk::AtomicFile file(path);
    const std::string part(20000, static_cast<char>('a' + version % 26));
    for (std::size_t i = 0; i <= version % 26; ++i) file.write(part);
    file.commit();
  };
  write(0);
  bool changed = false;
  for (int round = 0; round < 25; ++round) {
    int ready[2];
    REQUIRE(::pipe(ready) == 0);
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      for (std::size_t version = 0; true; ++version) {
        write(version);
        if (version == 1 && ::write(ready[1], "", 1) != 1) ::_exit(1);
      }
    }
    char byte = 0;
    REQUIRE(::read(ready[0], &byte, 1) == 1);
    ::close(ready[0]);
    ::close(ready[1]);
    std::this_thread::sleep_for(std::chrono::microseconds(300 + 517 * round));
    ::kill(child, SIGKILL);
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    REQUIRE(WIFSIGNALED(status));
    const std::string text = content(path);
    REQUIRE_FALSE(text.empty());
    const auto parts = static_cast<std::size_t>(text[0] - 'a') + 1;
    changed |= parts != 1;
    REQUIRE(text == std::string(20000 * parts, text[0]));
  }
  CHECK(changed);
  // Whoever was killed may have left temporary files; they are in nobody's way.
  write(3);
  CHECK(content(path).size() == 80000);
}
#endif
