#pragma once

// The shapes that heatmaps come in, and their coordinates.

#include <array>
#include <cmath>
#include <cstddef>

#include <posekit/core/coordinates.hpp>
#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/core/require.hpp>
#include <posekit/core/shape.hpp>
#include <posekit/kernels/map_grid.hpp>

namespace posekit::inline POSEKIT_ISA {

/// N times J maps: [N, J, W], [N, J, H, W] or [N, J, D, H, W].
struct MapsShape {
  std::size_t batch = 0, joints = 0;
  MapGrid grid;
  std::size_t axes = 0;  ///< 1 to 3; coordinates are (x), (x, y) or (x, y, z)

  std::size_t maps() const { return batch * joints; }
  std::size_t size() const { return maps() * grid.size(); }
  /// [N, J]
  Shape per_map() const { return {batch, joints}; }
  /// [N, J, axes]
  Shape positions() const { return {batch, joints, axes}; }
};

/// Throws ShapeError unless `shape` is that of heatmaps with at least one pixel.
MapsShape maps_shape(const char* function, const char* argument, const Shape& shape);

/// Throws ShapeError unless `shape` is [N, J, axes].
void require_positions(const char* function, const char* argument, const Shape& shape,
                       const MapsShape& maps);

/// Throws ValueError unless `sigma` is a number of pixels that a Gaussian can have.
inline void require_sigma(const char* function, double sigma) {
  require_between(function, "sigma", sigma, 1e-6, 1e12);
}

/// Throws ValueError unless `beta` is an inverse temperature that logits can be multiplied by.
inline void require_beta(const char* function, double beta) {
  require_between(function, "beta", beta, -1e12, 1e12);
}

/// Throws ValueError where a position is infinite. NaN stands for what is not known.
template <class T>
void require_no_infinity(const char* function, const char* argument, const T* positions,
                         std::size_t count);

/// Of the axes x, y, z.
std::array<AxisCoordinates, 3> axes_coordinates(Coordinates convention, const MapGrid& grid);

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_HEATMAP

#include <posekit/core/error.hpp>

namespace posekit::inline POSEKIT_ISA {

POSEKIT_INLINE MapsShape maps_shape(const char* function, const char* argument,
                                    const Shape& shape) {
  if (shape.size() < 3 || shape.size() > 5) {
    throw ShapeError(
        error_text(function, ": ", argument, " has shape ", to_string(shape),
                   ", expected rank 3 [N, J, W], 4 [N, J, H, W] or 5 [N, J, D, H, W]"));
  }
  MapsShape maps;
  maps.batch = shape[0];
  maps.joints = shape[1];
  maps.axes = shape.size() - 2;
  maps.grid.width = shape[shape.size() - 1];
  if (maps.axes > 1) maps.grid.height = shape[shape.size() - 2];
  if (maps.axes > 2) maps.grid.depth = shape[shape.size() - 3];
  if (maps.grid.size() == 0) {
    throw ShapeError(error_text(function, ": ", argument, " has shape ", to_string(shape),
                                ", expected maps of at least one pixel"));
  }
  return maps;
}

POSEKIT_INLINE void require_positions(const char* function, const char* argument,
                                      const Shape& shape, const MapsShape& maps) {
  if (shape != maps.positions()) {
    throw ShapeError(error_text(function, ": ", argument, " has shape ", to_string(shape),
                                ", expected ", to_string(maps.positions()),
                                ": a position for each map"));
  }
}

template <class T>
void require_no_infinity(const char* function, const char* argument, const T* positions,
                         std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    if (!std::isinf(positions[i])) continue;
    throw ValueError(error_text(function, ": element ", i, " of ", argument, " is ", positions[i],
                                ", expected a finite number, or NaN for what is not known"));
  }
}

POSEKIT_INLINE std::array<AxisCoordinates, 3> axes_coordinates(Coordinates convention,
                                                               const MapGrid& grid) {
  return {axis_coordinates(convention, grid.width), axis_coordinates(convention, grid.height),
          axis_coordinates(convention, grid.depth)};
}

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_HEATMAP
