#pragma once

#include <cstddef>

#include <posekit/core/isa.hpp>

namespace posekit::inline POSEKIT_ISA {

/// How a coordinate along an axis of `length` pixels is measured.
enum class Coordinates {
  pixel,               ///< pixel centres at 0, 1, ..., length - 1
  normalized,          ///< pixel centres at (2p + 1) / length - 1: -1 and 1 are the image's edges
  normalized_corners,  ///< 2p / (length - 1) - 1: -1 and 1 are the centres of the outermost pixels
};

/// An affine map along one axis: pixel index -> scale * index + offset.
struct AxisCoordinates {
  double scale;
  double offset;
};

/// The map from pixel indices to coordinates. For `normalized_corners` an axis of one pixel has
/// its only centre at 0.
constexpr AxisCoordinates axis_coordinates(Coordinates convention, std::size_t length) {
  const auto n = static_cast<double>(length);
  switch (convention) {
    case Coordinates::normalized:
      return {2.0 / n, 1.0 / n - 1.0};
    case Coordinates::normalized_corners:
      return length > 1 ? AxisCoordinates{2.0 / (n - 1.0), -1.0} : AxisCoordinates{0.0, 0.0};
    case Coordinates::pixel:
      break;
  }
  return {1.0, 0.0};
}

constexpr double from_pixel(Coordinates convention, std::size_t length, double pixel) {
  const AxisCoordinates axis = axis_coordinates(convention, length);
  return axis.scale * pixel + axis.offset;
}

/// The inverse of `from_pixel`; on an axis that has collapsed to one point, pixel 0.
constexpr double to_pixel(Coordinates convention, std::size_t length, double coordinate) {
  const AxisCoordinates axis = axis_coordinates(convention, length);
  return axis.scale == 0.0 ? 0.0 : (coordinate - axis.offset) / axis.scale;
}

}  // namespace posekit::inline POSEKIT_ISA
