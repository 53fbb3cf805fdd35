#pragma once

// Whether poses can be compared: as many, of the same skeleton, and known where they count.

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/core/tensor.hpp>
#include <posekit/pose/skeletons.hpp>

namespace posekit::inline POSEKIT_ISA {

namespace internal {

/// Throws unless prediction and truth are poses of the skeleton, as many of one as of the other,
/// with finite coordinates wherever they are measured.
template <class T>
void require_comparable(const char* function, const Tensor<T>& prediction, const Tensor<T>& truth,
                        const Skeleton& skeleton,
                        const std::optional<std::vector<std::uint8_t>>& visible,
                        std::size_t dimensions = 0);

}  // namespace internal

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_POSE

#include <posekit/core/error.hpp>
#include <posekit/pose/skeleton_map.hpp>

namespace posekit::inline POSEKIT_ISA {

namespace internal {

template <class T>
void require_comparable(const char* function, const Tensor<T>& prediction, const Tensor<T>& truth,
                        const Skeleton& skeleton,
                        const std::optional<std::vector<std::uint8_t>>& visible,
                        std::size_t dimensions) {
  require_poses(function, "prediction", shape_of(prediction), skeleton, dimensions);
  require_poses(function, "truth", shape_of(truth), skeleton, dimensions);
  if (shape_of(prediction) != shape_of(truth)) {
    throw ShapeError(error_text(function, ": prediction has shape ",
                                to_string(shape_of(prediction)), ", truth has shape ",
                                to_string(shape_of(truth)), ", expected the same"));
  }
  const std::size_t joints = skeleton.size(), axes = prediction.shape()[2];
  if (visible && visible->size() != prediction.shape()[0] * joints) {
    throw ShapeError(error_text(function, ": visible has ", visible->size(),
                                " elements, expected one for each of ", prediction.shape()[0],
                                " frames times ", joints, " joints"));
  }
  // Whether all is well is known quickly; which one is not, slowly.
  T zero = 0;
  for (std::size_t i = 0; i < prediction.size(); ++i) {
    zero += prediction.data()[i] * T(0) + truth.data()[i] * T(0);
  }
  if (zero == T(0)) return;
  for (std::size_t i = 0; i < prediction.size(); ++i) {
    const std::size_t at = i / axes;
    if (visible && (*visible)[at] == 0) continue;
    const bool of_truth = !std::isfinite(truth.data()[i]);
    if (!of_truth && std::isfinite(prediction.data()[i])) continue;
    throw ValueError(error_text(function, ": ", of_truth ? "truth" : "prediction", " of joint ",
                                skeleton.joints[at % joints], " in frame ", at / joints, " is ",
                                of_truth ? truth.data()[i] : prediction.data()[i],
                                "; mark what is unknown in `visible`"));
  }
}

}  // namespace internal

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_POSE
