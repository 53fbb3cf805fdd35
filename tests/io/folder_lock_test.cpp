#include <catch2/catch.hpp>

#include <thread>
#include <vector>

#include <posekit/io/folder_lock.hpp>

#include "support/shared_data.hpp"

namespace pk = posekit;

TEST_CASE("A folder is held by one at a time", "[io]") {
  if (!pk::FolderLock::supported()) return;
  const auto folder = scratch_folder("folder-lock");
  {
    const pk::FolderLock lock(folder, "a training");
    CHECK_THROWS_WITH(pk::FolderLock(folder, "another training"),
                      Catch::Contains("another training is writing into this folder"));
    CHECK_FALSE(pk::FolderLock::try_lock(folder));
  }
  CHECK(std::filesystem::is_empty(folder));
  auto lock = pk::FolderLock::try_lock(folder);
  REQUIRE(lock);
  CHECK(lock->exclusive());
  auto moved = std::optional<pk::FolderLock>(std::move(*lock));
  lock.reset();
  CHECK_FALSE(pk::FolderLock::try_lock(folder));
  moved.reset();
  CHECK(pk::FolderLock::try_lock(folder));
  CHECK(std::filesystem::is_empty(folder));
  CHECK_THROWS_WITH(pk::FolderLock(folder / "gone", "a training"),
                    Catch::Contains("gone: cannot be written: "));
}

TEST_CASE("Of many who want a folder, one has it at any moment", "[io]") {
  if (!pk::FolderLock::supported()) return;
  const auto folder = scratch_folder("folder-lock-threads");
  std::atomic<int> inside{0}, most{0}, entered{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int done = 0; done < 200;) {
        const auto lock = pk::FolderLock::try_lock(folder);
        if (!lock) {
          std::this_thread::yield();
          continue;
        }
        const int now = ++inside;
        int before = most.load();
        while (before < now && !most.compare_exchange_weak(before, now)) {
        }
        ++entered;
        ++done;
        --inside;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  CHECK(most == 1);
  CHECK(entered == 800);
  CHECK(std::filesystem::is_empty(folder));
}
