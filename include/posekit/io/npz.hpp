#pragma once

// NumPy's archives: ZIP files of arrays, stored or deflated.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <posekit/core/definitions.hpp>
#include <posekit/core/error.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/core/tensor.hpp>
#include <posekit/io/file.hpp>
#include <posekit/io/npy.hpp>

namespace posekit::inline POSEKIT_ISA {

struct NpzOptions {
  /// What one deflated array may need in memory, unpacked or as what it is read as: a small file
  /// can hold a thousand times its size.
  std::size_t max_bytes = std::size_t{1} << 30;
};

/// The arrays of an npz file. Nothing is unpacked before it is asked for.
class NpzArchive {
 public:
  /// Throws FileError naming the file where it is missing or no archive.
  explicit NpzArchive(const std::filesystem::path& path, const NpzOptions& options = {})
      : NpzArchive(read_file(path), path.string(), options) {}
  /// From the bytes of a file; `name` stands for it in errors.
  NpzArchive(std::vector<std::uint8_t> bytes, std::string name, const NpzOptions& options = {});

  std::vector<std::string> names() const;

  /// One array, converted to T as `load_npy` does. Throws FileError, which lists the arrays where
  /// there is none of this name.
  template <class T>
  Tensor<T> array(const std::string& name) const;

  /// The texts of an array of strings, as `parse_npy_texts` gives them. Throws as `array`.
  std::vector<std::string> texts(const std::string& name) const;

  bool contains(const std::string& name) const { return entries_.contains(name); }

  /// An array's shape, of which only the beginning is read where it is stored. Throws as `array`.
  Shape shape(const std::string& name) const;

 private:
  struct Entry {
    std::uint64_t method = 0, crc = 0, packed = 0, size = 0, offset = 0;
  };

  [[noreturn]] void fail(const std::string& what) const {
    throw FileError(error_text(name_, ": ", what));
  }
  const Entry& find(const std::string& name) const;
  std::uint64_t number(std::uint64_t at, std::size_t bytes) const;

  void read_directory();

  /// An entry's bytes as they are in the file.
  std::span<const std::uint8_t> packed(const Entry& entry, const std::string& where) const;

  void require_memory(std::uint64_t bytes, const std::string& where) const;

  /// An entry's bytes, of which each element becomes `element` bytes.
  std::vector<std::uint8_t> unpack(const Entry& entry, const std::string& where,
                                   std::size_t element) const;

  std::vector<std::uint8_t> bytes_;
  std::string name_;
  NpzOptions options_;
  std::map<std::string, Entry> entries_;
};

/// Reads one array of an npz file. Throws FileError.
template <class T>
Tensor<T> load_npz(const std::filesystem::path& path, const std::string& name,
                   const NpzOptions& options = {});

/// Writes arrays into an npz file (stored, not deflated), whole or not at all. Throws FileError,
/// and ValueError where they are more than a ZIP archive without extensions holds (4 GB).
template <class T>
void save_npz(const std::filesystem::path& path, const std::map<std::string, Tensor<T>>& arrays);

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_IO

#include <posekit/core/listed.hpp>
#include <posekit/io/image.hpp>
#include <posekit/io/npy_header.hpp>

namespace posekit::inline POSEKIT_ISA {

namespace internal {

/// The checksum that ZIP and PNG use.
inline std::uint32_t crc32(std::span<const std::uint8_t> bytes) {
  static const auto table = [] {
    std::array<std::uint32_t, 256> values{};
    for (std::uint32_t i = 0; i < 256; ++i) {
      values[i] = i;
      for (int k = 0; k < 8; ++k) {
        values[i] = (values[i] >> 1) ^ ((values[i] & 1u) != 0 ? 0xedb88320u : 0u);
      }
    }
    return values;
  }();
  std::uint32_t crc = 0xffffffffu;
  for (const std::uint8_t byte : bytes) crc = table[(crc ^ byte) & 0xffu] ^ (crc >> 8);
  return ~crc;
}

/// A little-endian number. The caller has checked that it is there.
inline std::uint64_t little_endian(const std::uint8_t* p, std::size_t bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < bytes; ++i) value |= static_cast<std::uint64_t>(p[i]) << (8 * i);
  return value;
}

}  // namespace internal

POSEKIT_INLINE NpzArchive::NpzArchive(std::vector<std::uint8_t> bytes, std::string name,
                                      const NpzOptions& options)
    : bytes_(std::move(bytes)), name_(std::move(name)), options_(options) {
  read_directory();
}

POSEKIT_INLINE std::vector<std::string> NpzArchive::names() const {
  std::vector<std::string> result;
  for (const auto& [name, entry] : entries_) result.push_back(name);
  return result;
}

POSEKIT_INLINE std::vector<std::string> NpzArchive::texts(const std::string& name) const {
  const std::string where = error_text(name_, ", array '", name, "'");
  return parse_npy_texts(unpack(find(name), where, sizeof(std::string)), where);
}

POSEKIT_INLINE Shape NpzArchive::shape(const std::string& name) const {
  const Entry& entry = find(name);
  const std::string where = error_text(name_, ", array '", name, "'");
  if (entry.method == 0) return internal::npy_header(packed(entry, where), where).shape;
  return internal::npy_header(unpack(entry, where, 0), where).shape;
}

POSEKIT_INLINE const NpzArchive::Entry& NpzArchive::find(const std::string& name) const {
  const auto found = entries_.find(name);
  if (found != entries_.end()) return found->second;
  std::string all;
  for (const auto& [known, entry] : entries_) append_listed(all, known);
  throw FileError(error_text(name_, ": has no array '", name, "'; it has ", all));
}

POSEKIT_INLINE std::uint64_t NpzArchive::number(std::uint64_t at, std::size_t bytes) const {
  if (at > bytes_.size() || bytes_.size() - at < bytes) fail("is truncated");
  return internal::little_endian(bytes_.data() + at, bytes);
}

POSEKIT_INLINE void NpzArchive::read_directory() {
  // The end of the directory is the last record, before a comment of up to 65535 bytes.
  constexpr std::size_t end_size = 22;
  if (bytes_.size() < end_size) fail("is no npz file (a ZIP archive of arrays)");
  std::size_t end = bytes_.size() - end_size;
  const std::size_t last = end > 65535 ? end - 65535 : 0;
  while (number(end, 4) != 0x06054b50u) {
    if (end == last) fail("is no npz file (a ZIP archive of arrays)");
    --end;
  }
  const std::uint64_t count = number(end + 10, 2);
  std::uint64_t at = number(end + 16, 4);
  for (std::uint64_t i = 0; i < count; ++i) {
    if (number(at, 4) != 0x02014b50u) fail("has a damaged directory");
    Entry entry;
    if ((number(at + 8, 2) & 1u) != 0) fail("is encrypted");
    entry.method = number(at + 10, 2);
    entry.crc = number(at + 16, 4);
    entry.packed = number(at + 20, 4);
    entry.size = number(at + 24, 4);
    const std::uint64_t name = number(at + 28, 2), extra = number(at + 30, 2),
                        comment = number(at + 32, 2);
    entry.offset = number(at + 42, 4);
    (void)number(at + 46 + name, 0);
    std::string text(bytes_.begin() + static_cast<std::ptrdiff_t>(at + 46),
                     bytes_.begin() + static_cast<std::ptrdiff_t>(at + 46 + name));
    if (text.ends_with(".npy")) text.resize(text.size() - 4);
    at += 46 + name + extra + comment;
    entries_[text] = entry;
  }
}

POSEKIT_INLINE std::span<const std::uint8_t> NpzArchive::packed(const Entry& entry,
                                                                const std::string& where) const {
  if (entry.packed > 0x7fffff00u || entry.size == 0xffffffffu || entry.size > 0x7fffffffu) {
    throw FileError(where + ": has more than 2 GB, expected less");
  }
  if (number(entry.offset, 4) != 0x04034b50u) fail("has a damaged entry");
  const std::uint64_t start =
      entry.offset + 30 + number(entry.offset + 26, 2) + number(entry.offset + 28, 2);
  if (start > bytes_.size() || entry.packed > bytes_.size() - start) fail("is truncated");
  return std::span(bytes_).subspan(start, entry.packed);
}

POSEKIT_INLINE void NpzArchive::require_memory(std::uint64_t bytes,
                                               const std::string& where) const {
  if (bytes <= options_.max_bytes) return;
  throw FileError(error_text(where, ": needs ", bytes, " bytes, more than the ", options_.max_bytes,
                             " that are allowed (NpzOptions::max_bytes)"));
}

POSEKIT_INLINE std::vector<std::uint8_t> NpzArchive::unpack(const Entry& entry,
                                                            const std::string& where,
                                                            std::size_t element) const {
  const auto from = packed(entry, where);
  std::vector<std::uint8_t> content;
  if (entry.method == 0) {
    content.assign(from.begin(), from.end());
  } else if (entry.method == 8) {
    // No array is empty: it has a header. Deflate makes nothing more than about a thousand times
    // as small.
    if (entry.size == 0 || entry.size / 1100 > entry.packed)
      throw FileError(where + ": is damaged");
    require_memory(entry.size, where);
    content.resize(entry.size);
    // stb looks a few bytes ahead, and takes the end of its input for the end of the data.
    std::vector<std::uint8_t> padded(from.begin(), from.end());
    padded.insert(padded.end(), 16, std::uint8_t{0});
    const int written = stb::stbi_zlib_decode_noheader_buffer(
        reinterpret_cast<char*>(content.data()), static_cast<int>(content.size()),
        reinterpret_cast<const char*>(padded.data()), static_cast<int>(padded.size()));
    if (written < 0) throw FileError(where + ": cannot be unpacked, it is damaged");
    content.resize(static_cast<std::size_t>(written));
  } else {
    throw FileError(error_text(where, ": is compressed by method ", entry.method,
                               ", expected 0 (stored) or 8 (deflated)"));
  }
  if (content.size() != entry.size || internal::crc32(content) != entry.crc) {
    throw FileError(where + ": is damaged, its checksum is wrong");
  }
  if (entry.method == 8) {
    const auto header = internal::npy_header(content, where);
    require_memory(internal::npy_count(header, content.size(), where) * element, where);
  }
  return content;
}

template <class T>
Tensor<T> load_npz(const std::filesystem::path& path, const std::string& name,
                   const NpzOptions& options) {
  return NpzArchive(path, options).array<T>(name);
}

template <class T>
void save_npz(const std::filesystem::path& path, const std::map<std::string, Tensor<T>>& arrays) {
  const auto number = [](std::string& text, std::uint64_t value, int bytes) {
    for (int i = 0; i < bytes; ++i) text += static_cast<char>((value >> (8 * i)) & 0xffu);
  };
  std::string file, directory;
  for (const auto& [name, array] : arrays) {
    const std::string content = npy_bytes(array), entry = name + ".npy";
    const std::uint64_t offset = file.size();
    if (offset + content.size() > 0xfffffff0u) {
      throw ValueError(error_text(path.string(), ": the arrays are more than 4 GB"));
    }
    const std::uint32_t crc =
        internal::crc32({reinterpret_cast<const std::uint8_t*>(content.data()), content.size()});
    // Version, flags, method, time, date (1 January 1980), checksum, sizes, lengths of the names.
    std::string common;
    for (const auto& [value, bytes] : {std::pair<std::uint64_t, int>{20, 2},
                                       {0, 2},
                                       {0, 2},
                                       {0, 2},
                                       {33, 2},
                                       {crc, 4},
                                       {content.size(), 4},
                                       {content.size(), 4},
                                       {entry.size(), 2},
                                       {0, 2}}) {
      number(common, value, bytes);
    }
    number(file, 0x04034b50u, 4);
    file += common + entry + content;
    number(directory, 0x02014b50u, 4);
    number(directory, 20, 2);
    directory += common;
    number(directory, 0, 2);  // comment
    number(directory, 0, 2);  // disk
    number(directory, 0, 2);  // attributes
    number(directory, 0, 4);
    number(directory, offset, 4);
    directory += entry;
  }
  std::string end;
  number(end, 0x06054b50u, 4);
  number(end, 0, 4);
  number(end, arrays.size(), 2);
  number(end, arrays.size(), 2);
  number(end, directory.size(), 4);
  number(end, file.size(), 4);
  number(end, 0, 2);
  write_file(path, {file, directory, end});
}

template <class T>
Tensor<T> NpzArchive::array(const std::string& name) const {
  const std::string where = error_text(name_, ", array '", name, "'");
  return parse_npy<T>(unpack(find(name), where, sizeof(T)), where);
}

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_IO
