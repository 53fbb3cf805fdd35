#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include <posekit/core/error.hpp>

namespace posekit {

/// Calls `visit(marker, content)` for the segments of a JPEG file, in order, those between scans
/// included, until it returns false. `content` is what follows the segment's length; it ends where
/// the file ends at the latest.
template <class Visit>
void for_each_jpeg_segment(std::span<const std::uint8_t> jpeg, const Visit& visit) {
  if (jpeg.size() < 2 || jpeg[0] != 0xff || jpeg[1] != 0xd8) return;
  std::size_t at = 2;
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

/// Throws FileError, which begins with `name`, unless every Huffman table of a JPEG file is one
/// that a decoder has room for: at most 256 symbols, all of them in the file.
inline void check_jpeg_tables(std::span<const std::uint8_t> jpeg, const std::string& name) {
  for_each_jpeg_segment(jpeg, [&](std::uint8_t marker, std::span<const std::uint8_t> content) {
    constexpr std::uint8_t define_huffman_tables = 0xc4;
    while (marker == define_huffman_tables && !content.empty()) {
      constexpr std::size_t head =
          17;  // a byte that says which table, how many codes of each length
      std::size_t symbols = 0;
      for (std::size_t i = 1; i < head && i < content.size(); ++i) symbols += content[i];
      if (symbols > 256 || content.size() < head + symbols) {
        throw FileError(error_text(name, ": a Huffman table has ", symbols, " symbols in ",
                                   content.size(),
                                   " bytes, expected at most 256 symbols within the table"));
      }
      content = content.subspan(head + symbols);
    }
    return true;
  });
}

}  // namespace posekit
