#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <posekit/core/isa.hpp>

namespace posekit::inline POSEKIT_ISA {

/// An image of 8-bit samples, rows from top to bottom, channels interleaved.
struct Bitmap {
  std::size_t width = 0;
  std::size_t height = 0;
  std::size_t channels = 3;
  std::vector<std::uint8_t> samples;  ///< [height, width, channels]

  Bitmap() = default;
  Bitmap(std::size_t w, std::size_t h, std::size_t c = 3, std::uint8_t fill = 0)
      : width(w), height(h), channels(c), samples(w * h * c, fill) {}

  std::uint8_t* at(std::size_t x, std::size_t y) {
    return samples.data() + (y * width + x) * channels;
  }
  const std::uint8_t* at(std::size_t x, std::size_t y) const {
    return samples.data() + (y * width + x) * channels;
  }
};

}  // namespace posekit::inline POSEKIT_ISA
