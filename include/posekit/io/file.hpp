#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <posekit/core/error.hpp>

namespace posekit {

/// The bytes of a file. Throws FileError naming the file when it is missing, a folder, unreadable,
/// or larger than `limit` bytes.
inline std::vector<std::uint8_t> read_file(const std::filesystem::path& path,
                                           std::uintmax_t limit = std::uintmax_t{1} << 36) {
  std::error_code error;
  const auto status = std::filesystem::status(path, error);
  if (!std::filesystem::exists(status)) {
    throw FileError(error_text(path.string(), ": no such file"));
  }
  if (std::filesystem::is_directory(status)) {
    throw FileError(error_text(path.string(), ": is a folder, expected a file"));
  }
  const std::uintmax_t size = std::filesystem::file_size(path, error);
  if (error) throw FileError(error_text(path.string(), ": cannot be read: ", error.message()));
  if (size > limit) {
    throw FileError(error_text(path.string(), ": has ", size, " bytes, more than the ", limit,
                               " that are accepted"));
  }
  std::vector<std::uint8_t> bytes(static_cast<std::size_t>(size));
  std::ifstream stream(path, std::ios::binary);
  if (!stream) throw FileError(error_text(path.string(), ": cannot be opened for reading"));
  stream.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  if (static_cast<std::size_t>(stream.gcount()) != bytes.size()) {
    throw FileError(error_text(path.string(), ": only ", stream.gcount(), " of ", bytes.size(),
                               " bytes could be read"));
  }
  return bytes;
}

/// Writes a whole file or nothing: the parts go, one after the other, to a temporary file in the
/// same folder, which then takes the name. Throws FileError naming the file.
inline void write_file(std::filesystem::path path, std::initializer_list<std::string_view> parts) {
  static std::atomic<unsigned> counter{0};
  std::error_code unknown;
  // A link stays a link; what it leads to is replaced.
  if (std::filesystem::is_symlink(path, unknown)) {
    path = std::filesystem::weakly_canonical(path, unknown);
  }
  if (std::filesystem::exists(path, unknown) && !std::filesystem::is_regular_file(path, unknown)) {
    throw FileError(error_text(path.string(), ": is no ordinary file and is not replaced"));
  }
  std::filesystem::path temporary = path;
  // The address tells processes apart, the counter the calls of one.
  temporary +=
      error_text(".", reinterpret_cast<std::uintptr_t>(&temporary) >> 4, "-", counter++, ".tmp");
  std::error_code ignored;
  {
    std::ofstream stream(temporary, std::ios::binary);
    if (!stream) throw FileError(error_text(path.string(), ": cannot be opened for writing"));
    for (const std::string_view part : parts) {
      stream.write(part.data(), static_cast<std::streamsize>(part.size()));
    }
    stream.flush();
    if (!stream) {
      stream.close();
      std::filesystem::remove(temporary, ignored);
      throw FileError(error_text(path.string(), ": could not be written (is the disk full?)"));
    }
  }
  std::error_code error;
  std::filesystem::rename(temporary, path, error);
  if (error) {
    std::filesystem::remove(temporary, ignored);
    throw FileError(error_text(path.string(), ": could not be written: ", error.message()));
  }
}

inline void write_file(const std::filesystem::path& path, std::string_view text) {
  write_file(path, {text});
}

}  // namespace posekit
