#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>

namespace posekit::inline POSEKIT_ISA {

/// The bytes of a file. Throws FileError naming the file when it is missing, a folder, unreadable,
/// or larger than `limit` bytes.
std::vector<std::uint8_t> read_file(const std::filesystem::path& path,
                                    std::uintmax_t limit = std::uintmax_t{1} << 36);

/// The first bytes of a file, `size` of them or as many as there are. Throws FileError as
/// `read_file`.
std::vector<std::uint8_t> read_file_head(const std::filesystem::path& path, std::size_t size);

/// Writes a whole file or nothing, the parts one after the other, as BasicAtomicFile does but
/// without waiting for the disk. Throws FileError naming the file.
void write_file(const std::filesystem::path& path, std::initializer_list<std::string_view> parts);

void write_file(const std::filesystem::path& path, std::string_view text);

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_IO

#include <posekit/core/error.hpp>
#include <posekit/io/atomic_file.hpp>

namespace posekit::inline POSEKIT_ISA {

namespace internal {

/// The size of a file. Throws FileError where it is missing, a folder or a device, or unreadable.
inline std::uintmax_t require_readable(const std::filesystem::path& path) {
  std::error_code error;
  const auto status = std::filesystem::status(path, error);
  if (!std::filesystem::exists(status)) {
    // A loop of links, say, or a folder that nobody may look into.
    throw FileError(error_text(path.string(), ": ",
                               error && status.type() != std::filesystem::file_type::not_found
                                   ? "cannot be read: " + error.message()
                                   : "no such file"));
  }
  if (std::filesystem::is_directory(status)) {
    throw FileError(error_text(path.string(), ": is a folder, expected a file"));
  }
  const std::uintmax_t size = std::filesystem::file_size(path, error);
  if (error) throw FileError(error_text(path.string(), ": cannot be read: ", error.message()));
  return size;
}

}  // namespace internal

POSEKIT_INLINE std::vector<std::uint8_t> read_file(const std::filesystem::path& path,
                                                   std::uintmax_t limit) {
  const std::uintmax_t size = internal::require_readable(path);
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

POSEKIT_INLINE std::vector<std::uint8_t> read_file_head(const std::filesystem::path& path,
                                                        std::size_t size) {
  internal::require_readable(path);
  std::vector<std::uint8_t> bytes(size);
  std::ifstream stream(path, std::ios::binary);
  if (!stream) throw FileError(error_text(path.string(), ": cannot be opened for reading"));
  stream.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(size));
  bytes.resize(static_cast<std::size_t>(stream.gcount()));
  return bytes;
}

POSEKIT_INLINE void write_file(const std::filesystem::path& path,
                               std::initializer_list<std::string_view> parts) {
  BasicAtomicFile<internal::HastyFileOutput> file(path);
  for (const std::string_view part : parts) file.write(part);
  file.commit();
}

POSEKIT_INLINE void write_file(const std::filesystem::path& path, std::string_view text) {
  write_file(path, {text});
}

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_IO
