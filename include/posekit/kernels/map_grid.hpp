#pragma once

#include <array>
#include <cstddef>

#include <posekit/core/isa.hpp>

namespace posekit::inline POSEKIT_ISA {

/// The size of one heatmap. Maps of fewer than three axes have a depth (and height) of 1.
struct MapGrid {
  std::size_t depth = 1, height = 1, width = 1;
  constexpr std::size_t size() const { return depth * height * width; }
  /// Of the axes x, y, z.
  constexpr std::array<std::size_t, 3> extents() const { return {width, height, depth}; }
};

}  // namespace posekit::inline POSEKIT_ISA
