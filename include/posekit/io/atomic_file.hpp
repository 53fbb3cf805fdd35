#pragma once

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#if __has_include(<sys/mman.h>)
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#endif

#include <posekit/core/definitions.hpp>
#include <posekit/core/error.hpp>
#include <posekit/core/isa.hpp>

namespace posekit::inline POSEKIT_ISA {

namespace internal {

/// A new file, written by the standard library, which cannot wait for the disk.
class StreamOutput {
 public:
  std::error_code create(const std::filesystem::path& path, std::filesystem::perms);
  std::error_code write(std::span<const std::uint8_t> bytes);
  std::error_code finish();
  void abandon() { stream_.close(); }
  static std::error_code flush_folder(const std::filesystem::path&) { return {}; }

 private:
  std::error_code state() const;

  std::ofstream stream_;
};

#if __has_include(<sys/mman.h>)
/// A new file, written by POSIX calls. `Durable`: `finish` waits until it is on the disk.
template <bool Durable>
class DescriptorOutput {
 public:
  DescriptorOutput() = default;
  DescriptorOutput(const DescriptorOutput&) = delete;
  DescriptorOutput& operator=(const DescriptorOutput&) = delete;
  ~DescriptorOutput() { abandon(); }

  std::error_code create(const std::filesystem::path& path, std::filesystem::perms mode) {
    do {
      file_ =
          ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, static_cast<mode_t>(mode));
    } while (file_ < 0 && errno == EINTR);
    return file_ < 0 ? last_error() : std::error_code();
  }
  std::error_code write(std::span<const std::uint8_t> bytes) {
    while (!bytes.empty()) {
      // Linux writes less than 2 GB at once, others refuse more.
      const auto written =
          ::write(file_, bytes.data(), std::min(bytes.size(), std::size_t{1} << 30));
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) return last_error();
      bytes = bytes.subspan(static_cast<std::size_t>(written));
    }
    return {};
  }
  std::error_code finish() {
    const std::error_code error = Durable ? flush(file_) : std::error_code();
    const bool closed = ::close(std::exchange(file_, -1)) == 0;
    return error || closed ? error : last_error();
  }
  void abandon() {
    if (file_ >= 0) ::close(std::exchange(file_, -1));
  }
  /// So that the names in it are on the disk, too.
  static std::error_code flush_folder(const std::filesystem::path& folder) {
    if (!Durable) return {};
    const int file = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    // One may be allowed to write into a folder that one may not read.
    if (file < 0) return errno == EACCES ? std::error_code() : last_error();
    const std::error_code error = flush(file);
    ::close(file);
    return error;
  }

 private:
  static std::error_code last_error() { return {errno, std::generic_category()}; }
  static std::error_code flush(int file) {
#ifdef F_FULLFSYNC
    // What fsync only hands to the disk, where it may stay in a buffer.
    if (::fcntl(file, F_FULLFSYNC) == 0) return {};
#endif
    int result = 0;
    do {
      result = ::fsync(file);
    } while (result != 0 && errno == EINTR);
    // Some file systems have nothing to flush.
    if (result == 0 || errno == EINVAL || errno == ENOTSUP) return {};
    return last_error();
  }

  int file_ = -1;
};

using FileOutput = DescriptorOutput<true>;
using HastyFileOutput = DescriptorOutput<false>;
#else
using FileOutput = StreamOutput;
using HastyFileOutput = StreamOutput;
#endif

}  // namespace internal

/// A file that gets its name when it is complete: what is written goes to a temporary file in the
/// same folder, which `commit` flushes to the disk and then renames. Whenever the program or the
/// machine dies, the name stands for the old file or for the new one (on systems without POSIX
/// calls only as far as they order what they write themselves). Without `commit` nothing remains
/// but the old file, or where the program is killed a temporary file besides, which
/// `remove_unfinished` removes.
///
/// A link stays a link; what it leads to is replaced. A file that is replaced hands on its
/// permissions where the system lets it.
template <class Output = internal::FileOutput>
class BasicAtomicFile {
 public:
  /// Throws FileError naming the file where it is no ordinary file or its folder cannot be written.
  explicit BasicAtomicFile(std::filesystem::path path) : path_(std::move(path)) {
    namespace fs = std::filesystem;
    std::error_code unknown;
    for (int links = 0; fs::is_symlink(path_, unknown); ++links) {
      if (links == 40) fail("is a link that leads to no file");
      path_ = path_.parent_path() / fs::read_symlink(path_, unknown);
    }
    const fs::file_status status = fs::status(path_, unknown);
    if (fs::exists(status)) {
      if (!fs::is_regular_file(status)) fail("is no ordinary file and is not replaced");
      replaces_ = true;
      permissions_ = status.permissions() & fs::perms::all;
    }
    static std::atomic<unsigned> counter{0};
    std::error_code error;
    do {
      temporary_ = path_;
      // The address tells processes apart, the counter the calls of one. What a dead process left
      // behind is passed by.
      temporary_ +=
          error_text(".", reinterpret_cast<std::uintptr_t>(this) >> 4, "-", counter++, ".tmp");
      error = output_.create(temporary_, permissions_);
    } while (error == std::errc::file_exists);
    if (error) fail("cannot be opened for writing: " + error.message());
    open_ = true;
  }
  BasicAtomicFile(const BasicAtomicFile&) = delete;
  BasicAtomicFile& operator=(const BasicAtomicFile&) = delete;
  ~BasicAtomicFile() { discard(); }

  /// Appends. Throws FileError where the disk is full, for example; the file is then discarded.
  void write(std::span<const std::uint8_t> bytes) {
    require_open("write");
    check(output_.write(bytes));
  }
  void write(std::string_view text) {
    write({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
  }

  /// Gives the file its name; nothing can be written after. Throws FileError.
  void commit() {
    require_open("commit");
    std::error_code error;
    // Those that it was created with have lost what the process withholds from new files.
    if (replaces_) std::filesystem::permissions(temporary_, permissions_, error);
    check(output_.finish());
    std::filesystem::rename(temporary_, path_, error);
    check(error);
    open_ = false;
    const auto folder = path_.parent_path();
    error = Output::flush_folder(folder.empty() ? std::filesystem::path(".") : folder);
    if (error) fail("is written, but its folder could not be flushed: " + error.message());
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw FileError(error_text(path_.string(), ": ", what));
  }
  void check(const std::error_code& error) {
    if (!error) return;
    discard();
    fail("could not be written: " + error.message());
  }
  void require_open(const char* function) const {
    if (open_) return;
    throw ValueError(error_text("AtomicFile::", function, ": ", path_.string(),
                                " is already committed or discarded"));
  }
  void discard() {
    if (!open_) return;
    open_ = false;
    output_.abandon();
    std::error_code ignored;
    std::filesystem::remove(temporary_, ignored);
  }

  std::filesystem::path path_, temporary_;
  Output output_;
  bool open_ = false, replaces_ = false;
  std::filesystem::perms permissions_ = static_cast<std::filesystem::perms>(0666);
};

using AtomicFile = BasicAtomicFile<>;

/// Removes what programs that were killed left of a file they were writing. Not while one writes.
void remove_unfinished(const std::filesystem::path& path);

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_IO

namespace posekit::inline POSEKIT_ISA {

namespace internal {

POSEKIT_INLINE std::error_code StreamOutput::create(const std::filesystem::path& path,
                                                    std::filesystem::perms) {
  std::error_code unknown;
  if (std::filesystem::exists(path, unknown)) return std::make_error_code(std::errc::file_exists);
  errno = 0;
  stream_.open(path, std::ios::binary);
  return state();
}

POSEKIT_INLINE std::error_code StreamOutput::write(std::span<const std::uint8_t> bytes) {
  errno = 0;
  stream_.write(reinterpret_cast<const char*>(bytes.data()),
                static_cast<std::streamsize>(bytes.size()));
  return state();
}

POSEKIT_INLINE std::error_code StreamOutput::finish() {
  errno = 0;
  stream_.close();
  return state();
}

POSEKIT_INLINE std::error_code StreamOutput::state() const {
  if (stream_) return {};
  // What the system said, where the library hands it on.
  return errno != 0 ? std::error_code(errno, std::generic_category())
                    : std::make_error_code(std::errc::io_error);
}

}  // namespace internal

POSEKIT_INLINE void remove_unfinished(const std::filesystem::path& path) {
  const std::string name = path.filename().string() + ".";
  const auto folder = path.parent_path();
  std::error_code error;
  for (const auto& entry :
       std::filesystem::directory_iterator(folder.empty() ? "." : folder, error)) {
    const std::string other = entry.path().filename().string();
    if (!other.starts_with(name) || !other.ends_with(".tmp")) continue;
    // Two numbers, as the constructor makes them.
    const std::string middle = other.substr(name.size(), other.size() - name.size() - 4);
    if (middle.empty() || middle.find_first_not_of("0123456789-") != std::string::npos) continue;
    std::filesystem::remove(entry.path(), error);
  }
}

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_IO
