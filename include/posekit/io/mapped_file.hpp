#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <utility>
#include <vector>

#if __has_include(<sys/mman.h>)
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#endif

#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>

namespace posekit::inline POSEKIT_ISA {

/// The bytes of a file, for reading: mapped into memory where the system can do so, so that what is
/// not looked at is never read; otherwise read.
///
/// A file that is replaced by another of its name stays what it was. One that is made shorter in
/// place while it is mapped is not: looking at what was cut off ends the program on most systems.
class MappedFile {
 public:
  /// No bytes.
  MappedFile() = default;
  /// Throws FileError naming the file when it is missing, a folder or a device, or unreadable.
  explicit MappedFile(const std::filesystem::path& path);
  ~MappedFile() { release(); }

  MappedFile(MappedFile&& other) noexcept
      : bytes_(std::exchange(other.bytes_, {})), copy_(std::exchange(other.copy_, {})) {}
  MappedFile& operator=(MappedFile&& other) noexcept;

  /// Valid as long as this object, or the one it is moved to.
  std::span<const std::uint8_t> bytes() const { return bytes_; }

 private:
#if __has_include(<sys/mman.h>)
  struct Descriptor {
    int number;
    explicit Descriptor(int opened) : number(opened) {}
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    ~Descriptor() {
      if (number >= 0) ::close(number);
    }
  };

  /// False where the file can be read, but its file system cannot map it.
  bool map(const std::filesystem::path& path);
#endif

  void release();

  std::span<const std::uint8_t> bytes_;
  std::vector<std::uint8_t> copy_;  // empty where the bytes are mapped
};

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_IO

#include <posekit/core/error.hpp>
#include <posekit/io/file.hpp>

namespace posekit::inline POSEKIT_ISA {

POSEKIT_INLINE MappedFile::MappedFile(const std::filesystem::path& path) {
#if __has_include(<sys/mman.h>)
  if (map(path)) return;
#endif
  copy_ = read_file(path);
  bytes_ = copy_;
}

POSEKIT_INLINE MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(bytes_, other.bytes_);
  std::swap(copy_, other.copy_);
  return *this;
}

POSEKIT_INLINE bool MappedFile::map(const std::filesystem::path& path) {
  const auto fail = [&](const auto& what) {
    throw FileError(error_text(path.string(), ": ", what));
  };
  // Without O_NONBLOCK, opening a pipe would wait for its other end.
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.number < 0) {
    const int error = errno;
    if (error == ENOENT) fail("no such file");
    fail("cannot be opened for reading: " + std::generic_category().message(error));
  }
  struct stat status {};
  if (::fstat(file.number, &status) != 0) {
    fail("cannot be read: " + std::generic_category().message(errno));
  }
  if (S_ISDIR(status.st_mode)) fail("is a folder, expected a file");
  if (!S_ISREG(status.st_mode)) fail("is no ordinary file");
  if (!std::in_range<std::ptrdiff_t>(status.st_size)) {
    fail(error_text("has ", status.st_size, " bytes, more than fit the address space"));
  }
  const auto size = static_cast<std::size_t>(status.st_size);
  if (size == 0) return true;  // nothing can be mapped
  void* start = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.number, 0);
  if (start == MAP_FAILED && errno == ENOMEM) {
    fail(error_text("has ", size, " bytes, more than the process may map"));
  }
  if (start == MAP_FAILED) return false;
  bytes_ = {static_cast<const std::uint8_t*>(start), size};
  return true;
}

POSEKIT_INLINE void MappedFile::release() {
#if __has_include(<sys/mman.h>)
  if (copy_.empty() && !bytes_.empty()) {
    ::munmap(const_cast<std::uint8_t*>(bytes_.data()), bytes_.size());
  }
#endif
}

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_IO
