#pragma once

// What a metric of poses says: what it measured (its unit, the alignment before it, the joints that
// counted), and the value of each joint in each frame, from which the means over joints, frames,
// groups and actions follow.

#include <cmath>
#include <cstddef>
#include <limits>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/core/tensor.hpp>
#include <posekit/pose/fit_alignment.hpp>
#include <posekit/pose/skeletons.hpp>

namespace posekit::inline POSEKIT_ISA {

struct PoseMetric {
  std::string name;
  std::string unit;                 ///< of the values: "mm", "px", "mm/frame", "fraction"
  std::string alignment;            ///< before it was measured
  std::vector<std::string> joints;  ///< that counted, or bones, or pairs of joints
  Tensor<double> values;            ///< [F, joints]; NaN where nothing was measured
  double mean = std::numeric_limits<double>::quiet_NaN();  ///< over all that was measured
  std::vector<double> per_joint;  ///< means over the frames; NaN where nothing was measured
  std::vector<double> per_frame;  ///< means over the joints; NaN where nothing was measured
  std::size_t measured = 0;       ///< how many values are not NaN
  /// Of each row of values, where there was an alignment.
  std::vector<AlignmentStatus> status{};

  /// Means over the joints of each group, in the order in which the groups appear.
  std::vector<std::pair<std::string, double>> per_group(
      JointGrouping grouping = JointGrouping::interpretability) const;
  /// Means over the frames of each action (or sequence, or subject): one label for each frame.
  /// Throws ShapeError.
  std::vector<std::pair<std::string, double>> per_action(
      const std::vector<std::string>& labels) const;

 private:
  /// Means over the values of each label; that of a value is `labels[of(frame, joint)]`.
  template <class Of>
  std::vector<std::pair<std::string, double>> grouped(const std::vector<std::string>& labels,
                                                      const Of& of) const {
    std::vector<std::pair<std::string, double>> means;
    if (values.size() == 0) return means;
    std::map<std::string_view, std::size_t> known;
    std::vector<std::size_t> places;
    for (const std::string& label : labels) {
      const auto [place, is_new] = known.try_emplace(label, means.size());
      if (is_new) means.emplace_back(label, 0.0);
      places.push_back(place->second);
    }
    std::vector<std::size_t> counts(means.size());
    for (std::size_t f = 0; f < per_frame.size(); ++f) {
      for (std::size_t j = 0; j < joints.size(); ++j) {
        const double value = values.data()[f * joints.size() + j];
        if (std::isnan(value)) continue;
        const std::size_t place = places[of(f, j)];
        means[place].second += value;
        ++counts[place];
      }
    }
    for (std::size_t i = 0; i < means.size(); ++i) {
      means[i].second = counts[i] == 0 ? std::numeric_limits<double>::quiet_NaN()
                                       : means[i].second / static_cast<double>(counts[i]);
    }
    return means;
  }
};

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_POSE

#include <posekit/core/error.hpp>

namespace posekit::inline POSEKIT_ISA {

POSEKIT_INLINE std::vector<std::pair<std::string, double>> PoseMetric::per_group(
    JointGrouping grouping) const {
  std::vector<std::string> labels;
  for (const std::string& joint : joints) labels.emplace_back(joint_group(joint, grouping));
  return grouped(labels, [](std::size_t, std::size_t j) { return j; });
}

POSEKIT_INLINE std::vector<std::pair<std::string, double>> PoseMetric::per_action(
    const std::vector<std::string>& labels) const {
  if (labels.size() != per_frame.size()) {
    throw ShapeError(error_text("per_action: there are ", labels.size(),
                                " labels, expected one "
                                "for each of ",
                                per_frame.size(), " frames"));
  }
  return grouped(labels, [](std::size_t f, std::size_t) { return f; });
}

namespace internal {

constexpr double nothing_measured = std::numeric_limits<double>::quiet_NaN();

/// Fills in the means of `values`.
POSEKIT_INLINE PoseMetric summarised(PoseMetric metric) {
  const std::size_t joints = metric.joints.size();
  const std::size_t frames = metric.values.shape()[0];
  const auto ratio = [](double sum, std::size_t count) {
    return count == 0 ? nothing_measured : sum / static_cast<double>(count);
  };
  std::vector<double> joint_sums(joints);
  std::vector<std::size_t> joint_counts(joints);
  double total = 0;
  metric.per_frame.clear();
  metric.measured = 0;
  for (std::size_t f = 0; f < frames; ++f) {
    double sum = 0;
    std::size_t count = 0;
    for (std::size_t j = 0; j < joints; ++j) {
      const double value = metric.values.data()[f * joints + j];
      if (std::isnan(value)) continue;
      sum += value;
      ++count;
      joint_sums[j] += value;
      ++joint_counts[j];
    }
    metric.per_frame.push_back(ratio(sum, count));
    total += sum;
    metric.measured += count;
  }
  metric.mean = ratio(total, metric.measured);
  metric.per_joint.clear();
  for (std::size_t j = 0; j < joints; ++j) {
    metric.per_joint.push_back(ratio(joint_sums[j], joint_counts[j]));
  }
  return metric;
}

}  // namespace internal

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_POSE
