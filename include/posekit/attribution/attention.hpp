#pragma once

// Where attention (or any map of magnitudes) goes: to the keypoints, to each other's places, or to
// the background ("Lifting by Image", section 5.4 and its appendix).

#include <cmath>
#include <cstddef>
#include <limits>

#include <posekit/attribution/indices.hpp>
#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/core/tensor.hpp>

namespace posekit::inline POSEKIT_ISA {

struct AttentionOptions {
  double radius = 30;  ///< of the circle around each keypoint, in pixels of the maps
  EmptyMap empty = EmptyMap::error;
};

template <class T>
struct AttentionShares {
  Tensor<T> background;  ///< [J]: the share of each joint's map outside of all circles
  /// [J, K]: the share of joint j's map inside the circle of point k. Circles may overlap.
  Tensor<T> joints;
};

/// Of maps [J, H, W] of magnitudes and points [K, 2] (x, y) in pixels; NaN points have no circle.
/// Throws ShapeError and ValueError, as the indices of PoseIG do.
template <TensorExpression E>
auto attention_shares(const E& maps, const Tensor<typename E::value_type>& points,
                      const AttentionOptions& options = {}) {
  return attention_shares(ContiguousView<typename E::value_type>(maps), points, options);
}

/// The same of contiguous elements.
template <class T>
AttentionShares<T> attention_shares(const ContiguousView<T>& maps, const Tensor<T>& points,
                                    const AttentionOptions& options = {});

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_ATTRIBUTION

namespace posekit::inline POSEKIT_ISA {

template <class T>
AttentionShares<T> attention_shares(const ContiguousView<T>& maps, const Tensor<T>& points,
                                    const AttentionOptions& options) {
  internal::require_maps(maps, "attention_shares");
  require_rank(points, 2, "attention_shares", "points", "[K, 2]");
  if (points.shape()[1] != 2) {
    throw ShapeError(error_text("attention_shares: points has shape ", to_string(shape_of(points)),
                                ", expected [K, 2]"));
  }
  if (!(options.radius > 0) || !std::isfinite(options.radius)) {
    throw ValueError(error_text("attention_shares: radius is ", options.radius,
                                ", expected a positive number of pixels"));
  }
  const std::size_t joints = maps.shape()[0], height = maps.shape()[1], width = maps.shape()[2],
                    circles = points.shape()[0];
  AttentionShares<T> result{make_tensor<T>({joints}), make_tensor<T>({joints, circles})};
  for (std::size_t j = 0; j < joints; ++j) {
    const T* map = maps.data() + j * height * width;
    const double total =
        internal::map_sum("attention_shares", map, height * width, j, options.empty);
    std::vector<double> inside(circles);
    double outside = 0;
    for (std::size_t y = 0; y < height; ++y) {
      for (std::size_t x = 0; x < width; ++x) {
        const auto value = static_cast<double>(map[y * width + x]);
        bool covered = false;
        for (std::size_t k = 0; k < circles; ++k) {
          const double dx = static_cast<double>(x) - static_cast<double>(points(k, 0));
          const double dy = static_cast<double>(y) - static_cast<double>(points(k, 1));
          if (!(dx * dx + dy * dy <= options.radius * options.radius)) continue;
          inside[k] += value;
          covered = true;
        }
        if (!covered) outside += value;
      }
    }
    result.background(j) = static_cast<T>(outside / total);
    for (std::size_t k = 0; k < circles; ++k) {
      result.joints(j, k) = static_cast<T>(inside[k] / total);
    }
  }
  return result;
}

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_ATTRIBUTION
