#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>

namespace posekit::inline POSEKIT_ISA {

/// How the stored image has to be turned to stand upright: upright (x, y) is stored (x, y), or
/// (y, x) where `transposed`, counted from the right where `flip_x` and from below where `flip_y`
/// (both in stored coordinates).
struct ExifOrientation {
  bool transposed = false;
  bool flip_x = false;
  bool flip_y = false;
  friend bool operator==(const ExifOrientation&, const ExifOrientation&) = default;
};

/// The orientation in an EXIF segment's TIFF structure; upright where there is none.
ExifOrientation tiff_orientation(std::span<const std::uint8_t> tiff);

/// The orientation that a camera wrote into a JPEG file's EXIF data; upright where there is none.
ExifOrientation exif_orientation(std::span<const std::uint8_t> jpeg);

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_IO

#include <posekit/io/jpeg.hpp>

namespace posekit::inline POSEKIT_ISA {

POSEKIT_INLINE ExifOrientation tiff_orientation(std::span<const std::uint8_t> tiff) {
  // A header, then a directory of 12-byte entries.
  if (tiff.size() < 8) return {};
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

POSEKIT_INLINE ExifOrientation exif_orientation(std::span<const std::uint8_t> jpeg) {
  ExifOrientation orientation;
  for_each_jpeg_segment(jpeg, [&](std::uint8_t marker, std::span<const std::uint8_t> content) {
    constexpr std::uint8_t application_1 = 0xe1;
    if (marker != application_1 || content.size() < 6 ||
        std::memcmp(content.data(), "Exif\0\0", 6) != 0) {
      return true;
    }
    orientation = tiff_orientation(content.subspan(6));
    return false;
  });
  return orientation;
}

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_IO
