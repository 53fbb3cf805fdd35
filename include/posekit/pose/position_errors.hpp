#pragma once

// How far joints are from where they should be, after an alignment.

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/core/tensor.hpp>
#include <posekit/pose/fit_alignment.hpp>
#include <posekit/pose/metric_options.hpp>
#include <posekit/pose/pose_metric.hpp>
#include <posekit/pose/skeletons.hpp>

namespace posekit::inline POSEKIT_ISA {

struct PositionErrorOptions {
  Alignment alignment = Alignment::none;
  PoseMetricOptions common{};
};

/// The distance of each joint from the truth, after any alignment.
template <class T>
PoseMetric position_error(const Tensor<T>& prediction, const Tensor<T>& truth,
                          const Skeleton& skeleton, const PositionErrorOptions& options = {});

/// End-point error, without alignment; its mean is MEPE (PoseIG, section 4).
template <class T>
PoseMetric epe(const Tensor<T>& prediction, const Tensor<T>& truth, const Skeleton& skeleton,
               const PoseMetricOptions& options = {});

/// Mean per joint position error after aligning the roots (MPJPE, protocol 1 of Human3.6M).
template <class T>
PoseMetric mpjpe(const Tensor<T>& prediction, const Tensor<T>& truth, const Skeleton& skeleton,
                 const PoseMetricOptions& options = {});

/// MPJPE after the similarity transform that fits best (protocol 2): all joints decide it, those of
/// the options are measured. A mirrored pose does not become right.
template <class T>
PoseMetric pa_mpjpe(const Tensor<T>& prediction, const Tensor<T>& truth, const Skeleton& skeleton,
                    const PoseMetricOptions& options = {});

/// MPJPE after aligning the roots and scaling the prediction to least squares (Rhodin et al. 2018).
template <class T>
PoseMetric n_mpjpe(const Tensor<T>& prediction, const Tensor<T>& truth, const Skeleton& skeleton,
                   const PoseMetricOptions& options = {});

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_POSE

#include <posekit/core/error.hpp>
#include <posekit/core/threads.hpp>
#include <posekit/pose/comparable_poses.hpp>

namespace posekit::inline POSEKIT_ISA {

namespace internal {

/// |prediction - truth| of the joints that count.
template <class T>
PoseMetric distances(const char* name, const Tensor<T>& prediction, const Tensor<T>& truth,
                     const Skeleton& skeleton, Alignment alignment,
                     const PoseMetricOptions& options, std::size_t dimensions = 0) {
  require_comparable(name, prediction, truth, skeleton, options.visible, dimensions);
  const bool at_root = aligns_at_root(alignment);
  const CountedJoints counted =
      counted_joints(name, skeleton, options.joints, options.root, at_root);
  const std::size_t frames = prediction.shape()[0], joints = skeleton.size(),
                    axes = prediction.shape()[2], count = counted.indices.size();
  PoseMetric metric;
  metric.name = name;
  metric.unit = unit_of(options.unit, axes);
  metric.alignment = at_root
                         ? error_text(to_string(alignment), " at ", skeleton.joints[counted.root])
                         : std::string(to_string(alignment));
  metric.joints = counted.names;
  metric.values = make_tensor<double>({frames, count});
  const AlignOptions align_options{.alignment = alignment, .root = counted.root};
  metric.status.resize(frames);
  const int threads = threads_for(64 * frames, resolve_threads(options.threads));  // as fits cost
  parallel_for(frames, threads, [&](std::size_t f) {
    const T* p = prediction.data() + f * joints * axes;
    const T* t = truth.data() + f * joints * axes;
    const std::uint8_t* visible = options.visible ? options.visible->data() + f * joints : nullptr;
    const auto fit = fit_transform(p, t, joints, axes, visible, align_options);
    const Eigen::Matrix3d linear = fit.scale * fit.rotation;
    metric.status[f] = fit.status;
    for (std::size_t k = 0; k < count; ++k) {
      const std::size_t j = counted.indices[k];
      double& out = metric.values.data()[f * count + k];
      if (fit.status == AlignmentStatus::rootless || (visible != nullptr && visible[j] == 0)) {
        out = nothing_measured;
        continue;
      }
      const auto moved = transform_joint(fit, linear, p + j * axes, axes);
      double square = 0;
      for (std::size_t a = 0; a < axes; ++a) {
        double goal = static_cast<double>(t[j * axes + a]);
        if (at_root) goal -= static_cast<double>(t[counted.root * axes + a]);
        square += (moved[a] - goal) * (moved[a] - goal);
      }
      out = std::sqrt(square);
    }
  });
  return summarised(std::move(metric));
}

}  // namespace internal

template <class T>
PoseMetric position_error(const Tensor<T>& prediction, const Tensor<T>& truth,
                          const Skeleton& skeleton, const PositionErrorOptions& options) {
  return internal::distances("position_error", prediction, truth, skeleton, options.alignment,
                             options.common);
}

template <class T>
PoseMetric epe(const Tensor<T>& prediction, const Tensor<T>& truth, const Skeleton& skeleton,
               const PoseMetricOptions& options) {
  return internal::distances("epe", prediction, truth, skeleton, Alignment::none, options);
}

template <class T>
PoseMetric mpjpe(const Tensor<T>& prediction, const Tensor<T>& truth, const Skeleton& skeleton,
                 const PoseMetricOptions& options) {
  return internal::distances("mpjpe", prediction, truth, skeleton, Alignment::root, options);
}

template <class T>
PoseMetric pa_mpjpe(const Tensor<T>& prediction, const Tensor<T>& truth, const Skeleton& skeleton,
                    const PoseMetricOptions& options) {
  return internal::distances("pa_mpjpe", prediction, truth, skeleton, Alignment::similarity,
                             options);
}

template <class T>
PoseMetric n_mpjpe(const Tensor<T>& prediction, const Tensor<T>& truth, const Skeleton& skeleton,
                   const PoseMetricOptions& options) {
  return internal::distances("n_mpjpe", prediction, truth, skeleton, Alignment::scale, options);
}

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_POSE
