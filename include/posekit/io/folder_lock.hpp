#pragma once

// A folder that one process at a time writes into.

#include <filesystem>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

#if __has_include(<sys/file.h>) && __has_include(<unistd.h>)
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#define POSEKIT_HAS_FLOCK
#endif

#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>

namespace posekit::inline POSEKIT_ISA {

/// Holds a folder for as long as it lives, by a file `.lock` in it that is locked. The lock of a
/// process that dies is free at once. Where the system or the file system knows no locks, there are
/// none: see `supported` and `exclusive`.
class FolderLock {
 public:
  /// Throws FileError where somebody else holds the folder (`purpose` says what for: "a training"),
  /// and where nothing can be written into it.
  FolderLock(const std::filesystem::path& folder, const std::string& purpose);
  /// The lock where nobody else holds the folder.
  static std::optional<FolderLock> try_lock(const std::filesystem::path& folder);
  FolderLock(FolderLock&& other) noexcept;
  FolderLock& operator=(FolderLock&& other) noexcept;
  ~FolderLock() { release(); }

  /// Whether nobody else has it: false where the file system (of some networks) knows no locks.
  bool exclusive() const { return exclusive_; }

  static constexpr bool supported() {
#ifdef POSEKIT_HAS_FLOCK
    return true;
#else
    return false;
#endif
  }

 private:
  FolderLock() = default;

#ifdef POSEKIT_HAS_FLOCK
  std::error_code acquire(const std::filesystem::path& folder);
  void close() {
    if (descriptor_ >= 0) ::close(std::exchange(descriptor_, -1));
  }
  void release();
#else
  std::error_code acquire(const std::filesystem::path&) { return {}; }
  void release() {}
#endif

  std::filesystem::path file_;
  int descriptor_ = -1;
  bool exclusive_ = false;
};

}  // namespace posekit::inline POSEKIT_ISA

#undef POSEKIT_HAS_FLOCK

#if POSEKIT_DEFINES_IO

#include <posekit/core/error.hpp>

namespace posekit::inline POSEKIT_ISA {

POSEKIT_INLINE FolderLock::FolderLock(const std::filesystem::path& folder,
                                      const std::string& purpose) {
  const std::error_code error = acquire(folder);
  if (!error) return;
  if (error == std::errc::operation_would_block) {
    throw FileError(error_text(folder.string(), ": ", purpose, " is writing into this folder (it ",
                               "holds ", file_.string(), "); wait for it, or choose another"));
  }
  throw FileError(error_text(folder.string(), ": cannot be written: ", error.message()));
}

POSEKIT_INLINE std::optional<FolderLock> FolderLock::try_lock(const std::filesystem::path& folder) {
  FolderLock lock;
  if (lock.acquire(folder)) return std::nullopt;
  return lock;
}

POSEKIT_INLINE FolderLock::FolderLock(FolderLock&& other) noexcept
    : file_(std::move(other.file_)),
      descriptor_(std::exchange(other.descriptor_, -1)),
      exclusive_(other.exclusive_) {}

POSEKIT_INLINE FolderLock& FolderLock::operator=(FolderLock&& other) noexcept {
  std::swap(file_, other.file_);
  std::swap(descriptor_, other.descriptor_);
  std::swap(exclusive_, other.exclusive_);
  return *this;
}

POSEKIT_INLINE std::error_code FolderLock::acquire(const std::filesystem::path& folder) {
  std::error_code error;
  file_ = std::filesystem::absolute(folder, error) / ".lock";  // the current folder may change
  if (error) return error;
  for (;;) {
    descriptor_ = ::open(file_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (descriptor_ < 0) return {errno, std::generic_category()};
    if (::flock(descriptor_, LOCK_EX | LOCK_NB) != 0) {
      const int reason = errno;
      if (reason == EINTR) {
        close();
        continue;
      }
      if (reason != EWOULDBLOCK) return {};  // no locks here
      close();
      return std::make_error_code(std::errc::operation_would_block);
    }
    // Whoever held it may have removed it between the two calls.
    struct stat held {
    }, named{};
    if (::fstat(descriptor_, &held) == 0 && ::lstat(file_.c_str(), &named) == 0 &&
        held.st_ino == named.st_ino && held.st_dev == named.st_dev) {
      exclusive_ = true;
      return {};
    }
    close();
  }
}

POSEKIT_INLINE void FolderLock::release() {
  if (descriptor_ < 0) return;
  ::unlink(file_.c_str());  // while it is held, so that nobody else's is removed
  close();
}

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_IO
