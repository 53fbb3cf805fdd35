#pragma once

// The size that poses of MPI-INF-3DHP are brought to.

#include <array>
#include <cmath>
#include <cstddef>
#include <utility>
#include <vector>

#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/core/tensor.hpp>
#include <posekit/pose/skeletons.hpp>

namespace posekit::inline POSEKIT_ISA {

/// The factor for each of the poses [F, J, 3] that makes the way from the left knee over hip,
/// pelvis and spine to the neck `height` long (MPI-INF-3DHP's universal scale; the hip's way to the
/// pelvis does not count, as in its evaluation). Throws ShapeError, and ValueError where a joint is
/// missing or the way has no length.
template <class T>
std::vector<double> universal_scales(const Tensor<T>& poses, const Skeleton& skeleton,
                                     double height = 920.0);

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_POSE

#include <posekit/core/error.hpp>
#include <posekit/pose/skeleton_map.hpp>

namespace posekit::inline POSEKIT_ISA {

template <class T>
std::vector<double> universal_scales(const Tensor<T>& poses, const Skeleton& skeleton,
                                     double height) {
  require_poses("universal_scales", "poses", shape_of(poses), skeleton, 3);
  const std::array<std::pair<std::size_t, std::size_t>, 3> way{
      std::pair{skeleton.index("left_knee"), skeleton.index("left_hip")},
      std::pair{skeleton.index("pelvis"), skeleton.index("spine")},
      std::pair{skeleton.index("spine"), skeleton.index("neck")}};
  std::vector<double> scales;
  for (std::size_t f = 0; f < poses.shape()[0]; ++f) {
    double length = 0;
    for (const auto& [a, b] : way) {
      double square = 0;
      for (std::size_t k = 0; k < 3; ++k) {
        const double d = static_cast<double>(poses(f, a, k)) - static_cast<double>(poses(f, b, k));
        square += d * d;
      }
      length += std::sqrt(square);
    }
    if (!(length > 0) || !std::isfinite(length)) {
      throw ValueError(
          error_text("universal_scales: from knee to neck, frame ", f, " measures ", length));
    }
    scales.push_back(height / length);
  }
  return scales;
}

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_POSE
