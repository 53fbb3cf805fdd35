#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace posekit {

/// How the stored image has to be turned to stand upright: upright (x, y) is stored (x, y), or
/// (y, x) where `transposed`, counted from the right where `flip_x` and from below where `flip_y`
/// (both in stored coordinates).
struct ExifOrientation {
  bool transposed = false;
  bool flip_x = false;
  bool flip_y = false;
  friend bool operator==(const ExifOrientation&, const ExifOrientation&) = default;
};

/// The orientation that a camera wrote into a JPEG file's EXIF data; upright where there is none.
inline ExifOrientation exif_orientation(std::span<const std::uint8_t> jpeg) {
  const auto big16 = [&](std::size_t at) {
    return static_cast<std::size_t>(jpeg[at]) << 8 | jpeg[at + 1];
  };
  if (jpeg.size() < 4 || jpeg[0] != 0xff || jpeg[1] != 0xd8) return {};
  for (std::size_t at = 2; at + 4 <= jpeg.size() && jpeg[at] == 0xff;) {
    const std::uint8_t marker = jpeg[at + 1];
    const std::size_t length = big16(at + 2);
    if (marker == 0xda || length < 2 || at + 2 + length > jpeg.size()) return {};
    const auto segment = jpeg.subspan(at + 4, length - 2);
    at += 2 + length;
    if (marker != 0xe1 || segment.size() < 14 || std::memcmp(segment.data(), "Exif\0\0", 6) != 0) {
      continue;
    }
    // A TIFF header, then a directory of 12-byte entries.
    const auto tiff = segment.subspan(6);
    const bool little = tiff[0] == 'I';
    const auto number = [&](std::size_t offset, std::size_t bytes) {
      std::size_t value = 0;
      for (std::size_t i = 0; i < bytes; ++i) {
        value = value << 8 | tiff[offset + (little ? bytes - 1 - i : i)];
      }
      return value;
    };
    const std::size_t directory = number(4, 4);
    if (directory > tiff.size() || tiff.size() - directory < 2) return {};
    const std::size_t entries = number(directory, 2);
    for (std::size_t i = 0; i < entries; ++i) {
      const std::size_t entry = directory + 2 + 12 * i;
      if (entry + 12 > tiff.size()) return {};
      if (number(entry, 2) != 0x0112) continue;
      switch (number(entry + 8, 2)) {
        case 2:
          return {false, true, false};
        case 3:
          return {false, true, true};
        case 4:
          return {false, false, true};
        case 5:
          return {true, false, false};
        case 6:
          return {true, false, true};
        case 7:
          return {true, true, true};
        case 8:
          return {true, true, false};
        default:
          return {};
      }
    }
    return {};
  }
  return {};
}

}  // namespace posekit
