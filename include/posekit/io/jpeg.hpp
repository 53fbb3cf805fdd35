#pragma once

// The structure of JPEG files, checked before a decoder sees them.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>

namespace posekit::inline POSEKIT_ISA {

/// The bytes from the start of image on, where a file is a JPEG file: fill bytes may come before
/// any marker, the first one included. Otherwise nothing.
std::span<const std::uint8_t> jpeg_content(std::span<const std::uint8_t> file);

bool is_jpeg(std::span<const std::uint8_t> file);

/// Calls `visit(marker, content)` for the segments of a JPEG file, in order, those between scans
/// included, until it returns false. `content` is what follows the segment's length; it ends where
/// the file ends at the latest.
template <class Visit>
void for_each_jpeg_segment(std::span<const std::uint8_t> file, const Visit& visit) {
  const auto jpeg = jpeg_content(file);
  std::size_t at = 0;
  while (at < jpeg.size()) {
    // To the next marker: over what a damaged segment left, or over a scan's coded pixels.
    while (at < jpeg.size() && jpeg[at] != 0xff) ++at;
    while (at < jpeg.size() && jpeg[at] == 0xff) ++at;
    if (at == jpeg.size()) return;
    const std::uint8_t marker = jpeg[at++];
    constexpr std::uint8_t end_of_image = 0xd9;
    if (marker == end_of_image) return;
    const bool without_content = marker <= 0x01 || (marker >= 0xd0 && marker <= 0xd8);
    if (without_content) continue;
    if (jpeg.size() - at < 2) return;
    const std::size_t length = static_cast<std::size_t>(jpeg[at]) << 8 | jpeg[at + 1];
    if (length < 2) continue;
    const auto rest = jpeg.subspan(at + 2);
    if (!visit(marker, rest.first(std::min(length - 2, rest.size())))) return;
    at += 2 + std::min(length - 2, rest.size());
  }
}

/// Throws FileError, which begins with `name`, unless a JPEG file is one that a decoder survives,
/// and reads nothing from that was never written: every Huffman table has at most 256 symbols, all
/// of them in the file; scans use tables that are there; and they are at most 100.
void check_jpeg(std::span<const std::uint8_t> file, const std::string& name);

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_IO

#include <posekit/core/error.hpp>

namespace posekit::inline POSEKIT_ISA {

POSEKIT_INLINE std::span<const std::uint8_t> jpeg_content(std::span<const std::uint8_t> file) {
  std::size_t at = 0;
  while (at < file.size() && file[at] == 0xff) ++at;
  if (at == 0 || at == file.size() || file[at] != 0xd8) return {};
  return file.subspan(at + 1);
}

POSEKIT_INLINE bool is_jpeg(std::span<const std::uint8_t> file) {
  return !jpeg_content(file).empty();
}

namespace internal {

/// What a JPEG file has defined so far, and what its scans need of it.
class JpegTables {
 public:
  explicit JpegTables(const std::string& name) : name_(name) {}

  void read(std::uint8_t marker, std::span<const std::uint8_t> content) {
    if (marker == 0xc4) define_huffman_tables(content);
    if (marker == 0xdb) define_quantisation_tables(content);
    if (marker == 0xc0 || marker == 0xc1 || marker == 0xc2) {
      progressive_ = marker == 0xc2;
      read_frame(content);
    }
    if (marker == 0xda) read_scan(content);
  }

 private:
  template <class... Parts>
  [[noreturn]] void fail(const Parts&... parts) const {
    throw FileError(error_text(name_, ": ", parts...));
  }

  void define_huffman_tables(std::span<const std::uint8_t> content) {
    while (!content.empty()) {
      // A byte that says which table, and how many codes of each length.
      constexpr std::size_t head = 17;
      std::size_t symbols = 0;
      for (std::size_t i = 1; i < head && i < content.size(); ++i) symbols += content[i];
      if (symbols > 256 || content.size() < head + symbols) {
        fail("a Huffman table has ", symbols, " symbols in ", content.size(),
             " bytes, expected at most 256 symbols within the table");
      }
      huffman_[content[0] >> 4 & 1][content[0] & 15] = true;
      content = content.subspan(head + symbols);
    }
  }
  void define_quantisation_tables(std::span<const std::uint8_t> content) {
    while (!content.empty()) {
      const std::size_t size = content[0] >> 4 == 0 ? 65 : 129;
      if (content.size() < size) fail("a quantisation table is truncated");
      quantisation_[content[0] & 15] = true;
      content = content.subspan(size);
    }
  }
  void read_frame(std::span<const std::uint8_t> content) {
    components_ = {};
    for (std::size_t at = 6; at + 3 <= content.size() && components_.count < 4; at += 3) {
      components_.ids[components_.count] = content[at];
      components_.quantisation[components_.count++] = content[at + 2] & 15;
    }
  }
  void read_scan(std::span<const std::uint8_t> content) {
    if (content.empty() || content.size() < 4 + std::size_t{2} * content[0]) {
      fail("the head of a scan is truncated");
    }
    // A decoder goes over the picture for each of them, however few bytes they have.
    constexpr std::size_t most = 100;
    if (++scans_ > most) fail("has more than ", most, " scans");
    const std::size_t count = content[0];
    const std::uint8_t first = content[1 + 2 * count];  // coefficient of each block
    const std::uint8_t last = content[2 + 2 * count];
    const bool refines = content[3 + 2 * count] >> 4 != 0;  // a bit more of what is known
    for (std::size_t i = 0; i < count; ++i) {
      const std::uint8_t id = content[1 + 2 * i], tables = content[2 + 2 * i];
      if (!progressive_ || (first == 0 && !refines)) require(0, tables >> 4);
      if (!progressive_ || last > 0) require(1, tables & 15);
      for (std::size_t k = 0; k < components_.count; ++k) {
        if (components_.ids[k] == id && !quantisation_[components_.quantisation[k]]) {
          fail("a scan uses quantisation table ", int{components_.quantisation[k]},
               ", which the file has not defined");
        }
      }
    }
  }
  void require(std::size_t kind, int number) const {
    if (huffman_[kind][static_cast<std::size_t>(number)]) return;
    fail("a scan uses ", kind == 0 ? "DC" : "AC", " Huffman table ", number,
         ", which the file has not defined");
  }

  struct Components {
    std::size_t count = 0;
    std::array<std::uint8_t, 4> ids{}, quantisation{};
  };

  const std::string& name_;
  std::array<std::array<bool, 16>, 2> huffman_{};  // DC, AC
  std::array<bool, 16> quantisation_{};
  Components components_;
  std::size_t scans_ = 0;
  bool progressive_ = false;
};

}  // namespace internal

POSEKIT_INLINE void check_jpeg(std::span<const std::uint8_t> file, const std::string& name) {
  internal::JpegTables tables(name);
  for_each_jpeg_segment(file, [&](std::uint8_t marker, std::span<const std::uint8_t> content) {
    tables.read(marker, content);
    return true;
  });
}

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_IO
