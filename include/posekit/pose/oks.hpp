#pragma once

// Object keypoint similarity, which is COCO's.

#include <cmath>
#include <cstddef>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/core/tensor.hpp>
#include <posekit/pose/metric_options.hpp>
#include <posekit/pose/pose_metric.hpp>
#include <posekit/pose/skeletons.hpp>

namespace posekit::inline POSEKIT_ISA {

/// Object keypoint similarity of each frame, COCO's: the mean over its visible joints of
/// exp(-d^2 / (2 (2 sigma)^2 (area + eps))). Poses are [F, J, 2] in pixels, areas [F] in pixels
/// squared. NaN for frames without visible joints; the mean is that of the frames', a person's
/// similarity each. Throws ValueError where the skeleton has no published sigmas or an area is
/// negative.
template <class T>
PoseMetric oks(const Tensor<T>& prediction, const Tensor<T>& truth, const Skeleton& skeleton,
               const std::vector<double>& areas, const PoseMetricOptions& options = {});

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_POSE

#include <posekit/core/error.hpp>
#include <posekit/core/statistics.hpp>
#include <posekit/pose/position_errors.hpp>

namespace posekit::inline POSEKIT_ISA {

template <class T>
PoseMetric oks(const Tensor<T>& prediction, const Tensor<T>& truth, const Skeleton& skeleton,
               const std::vector<double>& areas, const PoseMetricOptions& options) {
  if (skeleton.oks_sigmas.empty()) {
    throw ValueError(error_text("oks: the skeleton ", skeleton.name, " has no published sigmas"));
  }
  PoseMetric metric =
      internal::distances("oks", prediction, truth, skeleton, Alignment::none, options, 2);
  metric.unit = "similarity";
  const std::size_t count = metric.joints.size();
  if (areas.size() != metric.per_frame.size()) {
    throw ShapeError(error_text("oks: there are ", areas.size(),
                                " areas, expected one for each of ", metric.per_frame.size(),
                                " frames"));
  }
  std::vector<double> spreads;
  for (const std::string& joint : metric.joints) {
    spreads.push_back(2 * skeleton.oks_sigmas[skeleton.index(joint)]);
  }
  for (std::size_t i = 0; i < metric.values.size(); ++i) {
    double& value = metric.values.data()[i];
    const double spread = spreads[i % count];
    const double area = areas[i / count] + std::numeric_limits<double>::epsilon();
    if (!(area > 0) || !std::isfinite(area)) {
      throw ValueError(error_text("oks: the area of frame ", i / count, " is ", areas[i / count]));
    }
    if (!std::isnan(value)) value = std::exp(-value * value / (spread * spread) / area / 2);
  }
  metric = internal::summarised(std::move(metric));
  metric.mean = mean_measured(metric.per_frame);
  return metric;
}

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_POSE
