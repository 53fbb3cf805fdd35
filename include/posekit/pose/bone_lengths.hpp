#pragma once

// Whether bones are as long as they should be, and as long on the left as on the right.

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/core/tensor.hpp>
#include <posekit/pose/metric_options.hpp>
#include <posekit/pose/pose_metric.hpp>
#include <posekit/pose/skeletons.hpp>

namespace posekit::inline POSEKIT_ISA {

/// How much longer or shorter each bone is than the true one, in the unit of the poses. The
/// result's joints are bones, named after the joint at their far end.
template <class T>
PoseMetric bone_length_error(const Tensor<T>& prediction, const Tensor<T>& truth,
                             const Skeleton& skeleton, const PoseMetricOptions& options = {});

/// How much a bone's length differs from the same bone's on the other side. The result's joints are
/// the left ones at the bones' far ends.
template <class T>
PoseMetric symmetry_error(const Tensor<T>& poses, const Skeleton& skeleton,
                          const PoseMetricOptions& options = {});

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_POSE

#include <posekit/pose/comparable_poses.hpp>

namespace posekit::inline POSEKIT_ISA {

namespace internal {

/// How long each bone is; NaN where an end is not visible.
template <class T>
Tensor<double> bone_lengths(const Tensor<T>& poses, const Skeleton& skeleton,
                            const std::vector<std::size_t>& children,
                            const std::optional<std::vector<std::uint8_t>>& visible) {
  Tensor<double> lengths = make_tensor<double>({poses.shape()[0], children.size()});
  for (std::size_t f = 0; f < poses.shape()[0]; ++f) {
    for (std::size_t b = 0; b < children.size(); ++b) {
      const std::size_t child = children[b];
      const auto parent = static_cast<std::size_t>(skeleton.parents[child]);
      double square = 0;
      for (std::size_t a = 0; a < poses.shape()[2]; ++a) {
        const double d =
            static_cast<double>(poses(f, child, a)) - static_cast<double>(poses(f, parent, a));
        square += d * d;
      }
      const bool seen = !visible || ((*visible)[f * skeleton.size() + child] != 0 &&
                                     (*visible)[f * skeleton.size() + parent] != 0);
      lengths(f, b) = seen ? std::sqrt(square) : nothing_measured;
    }
  }
  return lengths;
}

}  // namespace internal

template <class T>
PoseMetric bone_length_error(const Tensor<T>& prediction, const Tensor<T>& truth,
                             const Skeleton& skeleton, const PoseMetricOptions& options) {
  internal::require_comparable("bone_length_error", prediction, truth, skeleton, options.visible);
  PoseMetric metric;
  std::vector<std::size_t> children;
  const auto counted =
      internal::counted_joints("bone_length_error", skeleton, options.joints, {}, false);
  for (const std::size_t j : counted.indices) {
    if (skeleton.parents[j] < 0) continue;
    children.push_back(j);
    metric.joints.emplace_back(skeleton.joints[j]);
  }
  metric.name = "bone_length_error";
  metric.unit = internal::unit_of(options.unit, prediction.shape()[2]);
  metric.alignment = to_string(Alignment::none);
  metric.values = internal::bone_lengths(prediction, skeleton, children, options.visible);
  const Tensor<double> expected =
      internal::bone_lengths(truth, skeleton, children, options.visible);
  for (std::size_t i = 0; i < expected.size(); ++i) {
    metric.values.data()[i] = std::abs(metric.values.data()[i] - expected.data()[i]);
  }
  return internal::summarised(std::move(metric));
}

template <class T>
PoseMetric symmetry_error(const Tensor<T>& poses, const Skeleton& skeleton,
                          const PoseMetricOptions& options) {
  internal::require_comparable("symmetry_error", poses, poses, skeleton, options.visible);
  PoseMetric metric;
  std::vector<std::size_t> left, right;
  const auto counted =
      internal::counted_joints("symmetry_error", skeleton, options.joints, {}, false);
  for (const std::size_t j : counted.indices) {
    const std::size_t other = skeleton.flips[j];
    if (body_side(skeleton.joints[j]) != BodySide::left || other == j) continue;
    if (skeleton.parents[j] < 0 || skeleton.parents[other] < 0) continue;
    left.push_back(j);
    right.push_back(other);
    metric.joints.emplace_back(skeleton.joints[j]);
  }
  metric.name = "symmetry_error";
  metric.unit = internal::unit_of(options.unit, poses.shape()[2]);
  metric.alignment = to_string(Alignment::none);
  metric.values = internal::bone_lengths(poses, skeleton, left, options.visible);
  const Tensor<double> others = internal::bone_lengths(poses, skeleton, right, options.visible);
  for (std::size_t i = 0; i < others.size(); ++i) {
    metric.values.data()[i] = std::abs(metric.values.data()[i] - others.data()[i]);
  }
  return internal::summarised(std::move(metric));
}

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_POSE
