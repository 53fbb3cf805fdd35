#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include <posekit/core/error.hpp>
#include <posekit/io/image.hpp>

/// PNG, JPEG and EXIF.
inline void fuzz_image(std::span<const std::uint8_t> bytes) {
  try {
    const auto image = posekit::parse_image(bytes, "x");
    // Every sample was written: under MemorySanitizer this is a use.
    std::size_t sum = 0;
    for (const std::uint8_t sample : image.samples) sum += sample;
    if (sum == 1) (void)posekit::to_tensor<float>(image);
  } catch (const posekit::Error&) {
  }
}
