#pragma once

// How far joints are from moving as they should, from a frame to the next.

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/core/tensor.hpp>
#include <posekit/pose/fit_alignment.hpp>
#include <posekit/pose/metric_options.hpp>
#include <posekit/pose/pose_metric.hpp>
#include <posekit/pose/skeletons.hpp>

namespace posekit::inline POSEKIT_ISA {

struct VelocityErrorOptions {
  /// [F]: which sequence each frame is of; empty: all are of one.
  std::vector<std::int64_t> sequence{};
  PoseMetricOptions common{};
};

/// Mean per joint velocity error: of what root-aligned joints move from a frame to the next
/// (Pavllo et al. 2019). Values are [F - 1, J]. Steps from one sequence to another are not
/// measured, nor are steps from or to what is not visible; without a visible root a step is
/// rootless.
template <class T>
PoseMetric mpjve(const Tensor<T>& prediction, const Tensor<T>& truth, const Skeleton& skeleton,
                 const VelocityErrorOptions& options = {});

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_POSE

#include <posekit/core/error.hpp>
#include <posekit/pose/comparable_poses.hpp>

namespace posekit::inline POSEKIT_ISA {

template <class T>
PoseMetric mpjve(const Tensor<T>& prediction, const Tensor<T>& truth, const Skeleton& skeleton,
                 const VelocityErrorOptions& options) {
  const PoseMetricOptions& common = options.common;
  const std::vector<std::int64_t>& sequence = options.sequence;
  internal::require_comparable("mpjve", prediction, truth, skeleton, common.visible);
  const auto counted =
      internal::counted_joints("mpjve", skeleton, common.joints, common.root, true);
  const std::size_t frames = prediction.shape()[0], joints = skeleton.size(),
                    axes = prediction.shape()[2], count = counted.indices.size();
  if (!sequence.empty() && sequence.size() != frames) {
    throw ShapeError(error_text("mpjve: sequence has ", sequence.size(), " elements, expected ",
                                frames, ", one for each frame"));
  }
  const std::size_t steps = frames > 0 ? frames - 1 : 0;
  PoseMetric metric;
  metric.name = "mpjve";
  metric.unit = internal::unit_of(common.unit, axes) + "/frame";
  metric.alignment = error_text("root at ", skeleton.joints[counted.root]);
  metric.joints = counted.names;
  metric.values = make_tensor<double>({steps, count});
  metric.status.resize(steps);
  const auto visible = [&](std::size_t f, std::size_t j) {
    return !common.visible || (*common.visible)[f * joints + j] != 0;
  };
  for (std::size_t f = 0; f < steps; ++f) {
    const bool rooted = visible(f, counted.root) && visible(f + 1, counted.root);
    if (!rooted) metric.status[f] = AlignmentStatus::rootless;
    for (std::size_t k = 0; k < count; ++k) {
      const std::size_t j = counted.indices[k];
      double& out = metric.values.data()[f * count + k];
      if (!rooted || (!sequence.empty() && sequence[f] != sequence[f + 1]) || !visible(f, j) ||
          !visible(f + 1, j)) {
        out = internal::nothing_measured;
        continue;
      }
      double square = 0;
      for (std::size_t a = 0; a < axes; ++a) {
        const auto error = [&](std::size_t frame) {
          const auto relative = [&](const Tensor<T>& pose) {
            return static_cast<double>(pose(frame, j, a)) -
                   static_cast<double>(pose(frame, counted.root, a));
          };
          return relative(prediction) - relative(truth);
        };
        const double d = error(f + 1) - error(f);
        square += d * d;
      }
      out = std::sqrt(square);
    }
  }
  return internal::summarised(std::move(metric));
}

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_POSE
