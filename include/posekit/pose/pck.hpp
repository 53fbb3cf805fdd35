#pragma once

// The percentage of correct keypoints: of joints whose error is below a threshold.

#include <cmath>
#include <cstddef>
#include <string_view>
#include <vector>

#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/core/tensor.hpp>
#include <posekit/pose/fit_alignment.hpp>
#include <posekit/pose/metric_options.hpp>
#include <posekit/pose/pose_metric.hpp>
#include <posekit/pose/skeletons.hpp>

namespace posekit::inline POSEKIT_ISA {

// The values are fractions, whatever unit the options say the poses have.

struct PckOptions {
  double threshold = 150.0;  ///< errors below it count as right, in the unit of the poses
  bool inclusive = false;    ///< ... and those equal to it
  Alignment alignment = Alignment::root;
  PoseMetricOptions common{};
};

struct AucOptions {
  double last = 150.0;     ///< the largest threshold; the smallest is 0
  std::size_t count = 31;  ///< of evenly spaced thresholds
  Alignment alignment = Alignment::root;
  PoseMetricOptions common{};
};

/// Of PCK relative to a size of each frame.
struct RelativePckOptions {
  double fraction = 0.5;
  bool inclusive = true;
  PoseMetricOptions common{};
};

/// The fraction of joints whose error is below a threshold (strictly, unless `inclusive`): 3DPCK
/// with the default of 150 mm after aligning the roots (Mehta et al. 2017).
template <class T>
PoseMetric pck(const Tensor<T>& prediction, const Tensor<T>& truth, const Skeleton& skeleton,
               const PckOptions& options = {});

/// The mean of PCK over evenly spaced thresholds 0, 5, ..., 150 mm. A perfect pose has 30/31, as
/// no error is below 0.
template <class T>
PoseMetric auc(const Tensor<T>& prediction, const Tensor<T>& truth, const Skeleton& skeleton,
               const AucOptions& options = {});

/// The fraction of joints whose error is within a fraction of each frame's size [F]: a head's, a
/// torso's, a box's longer side (PCK@bounding box). Throws ValueError where a size is not positive.
template <class T>
PoseMetric relative_pck(const Tensor<T>& prediction, const Tensor<T>& truth,
                        const Skeleton& skeleton, const std::vector<double>& sizes,
                        const RelativePckOptions& options = {});

/// PCKh@0.5 of MPII: within (and at) half of the head's size, which is 0.6 times the diagonal of
/// the head's box (`head_diagonals` [F]). Pelvis and thorax do not count, as in MPII's mean, unless
/// the options name the joints.
template <class T>
PoseMetric pckh(const Tensor<T>& prediction, const Tensor<T>& truth, const Skeleton& skeleton,
                const std::vector<double>& head_diagonals, RelativePckOptions options = {});

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_POSE

#include <posekit/core/error.hpp>
#include <posekit/core/require.hpp>
#include <posekit/pose/position_errors.hpp>

namespace posekit::inline POSEKIT_ISA {

template <class T>
PoseMetric pck(const Tensor<T>& prediction, const Tensor<T>& truth, const Skeleton& skeleton,
               const PckOptions& options) {
  require_positive("pck", "threshold", options.threshold, true);
  PoseMetric metric =
      internal::distances("pck", prediction, truth, skeleton, options.alignment, options.common);
  metric.unit = "fraction";
  for (double& value : metric.values) {
    if (std::isnan(value)) continue;
    value = value < options.threshold || (options.inclusive && value == options.threshold) ? 1 : 0;
  }
  return internal::summarised(std::move(metric));
}

template <class T>
PoseMetric auc(const Tensor<T>& prediction, const Tensor<T>& truth, const Skeleton& skeleton,
               const AucOptions& options) {
  if (options.count < 2) {
    throw ValueError(
        error_text("auc: count is ", options.count, ", expected 2 thresholds or more"));
  }
  require_positive("auc", "last", options.last);
  PoseMetric metric =
      internal::distances("auc", prediction, truth, skeleton, options.alignment, options.common);
  metric.unit = "fraction";
  for (double& value : metric.values) {
    if (std::isnan(value)) continue;
    std::size_t right = 0;
    for (std::size_t i = 0; i < options.count; ++i) {
      right +=
          value < options.last * static_cast<double>(i) / static_cast<double>(options.count - 1);
    }
    value = static_cast<double>(right) / static_cast<double>(options.count);
  }
  return internal::summarised(std::move(metric));
}

template <class T>
PoseMetric relative_pck(const Tensor<T>& prediction, const Tensor<T>& truth,
                        const Skeleton& skeleton, const std::vector<double>& sizes,
                        const RelativePckOptions& options) {
  require_positive("relative_pck", "fraction", options.fraction, true);
  PoseMetric metric = internal::distances("relative_pck", prediction, truth, skeleton,
                                          Alignment::none, options.common);
  metric.unit = "fraction";
  const std::size_t count = metric.joints.size();
  if (sizes.size() != metric.per_frame.size()) {
    throw ShapeError(error_text("relative_pck: there are ", sizes.size(),
                                " sizes, expected one for each of ", metric.per_frame.size(),
                                " frames"));
  }
  for (std::size_t i = 0; i < metric.values.size(); ++i) {
    double& value = metric.values.data()[i];
    const double size = sizes[i / count];
    if (std::isnan(value)) continue;
    if (!(size > 0) || !std::isfinite(size)) {
      throw ValueError(error_text("relative_pck: the size of frame ", i / count, " is ", size));
    }
    const double threshold = options.fraction * size;
    value = value < threshold || (options.inclusive && value == threshold) ? 1 : 0;
  }
  return internal::summarised(std::move(metric));
}

template <class T>
PoseMetric pckh(const Tensor<T>& prediction, const Tensor<T>& truth, const Skeleton& skeleton,
                const std::vector<double>& head_diagonals, RelativePckOptions options) {
  if (options.common.joints.empty()) {
    for (const std::string_view joint : skeleton.joints) {
      if (joint != "pelvis" && joint != "thorax") options.common.joints.emplace_back(joint);
    }
  }
  std::vector<double> heads;
  for (const double diagonal : head_diagonals) heads.push_back(0.6 * diagonal);
  PoseMetric metric = relative_pck(prediction, truth, skeleton, heads, options);
  metric.name = "pckh";
  return metric;
}

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_POSE
