#pragma once

// Errors of poses. Every result says what it measured: its unit, the alignment before it, and the
// joints that counted; and it keeps the value of each joint in each frame, from which the means
// over joints, frames, groups and actions follow.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/core/tensor.hpp>
#include <posekit/pose/alignment.hpp>
#include <posekit/pose/skeletons.hpp>

namespace posekit::inline POSEKIT_ISA {

/// What a metric's options have in common.
struct PoseMetricOptions {
  std::vector<std::string> joints{};  ///< that count; empty: all
  std::string root{};  ///< the joint that poses are aligned at; empty: the skeleton's
  /// [F * J]: 0 where a joint is not counted, and does not decide an alignment. None: all count.
  std::optional<std::vector<std::uint8_t>> visible{};
  std::string unit{};  ///< of the poses; empty: "px" in the plane, "mm" in space
  int threads = 0;
};

/// Of `position_error`.
struct PositionErrorOptions {
  Alignment alignment = Alignment::none;
  std::vector<std::string> joints{};
  std::string root{};
  std::optional<std::vector<std::uint8_t>> visible{};
  std::string unit{};  ///< of the poses; empty: "px" in the plane, "mm" in space
  int threads = 0;
};

/// Of `pck` and, without the threshold, `auc`.
struct PckOptions {
  double threshold = 150.0;  ///< errors below it count as right, in the unit of the poses
  bool inclusive = false;    ///< ... and those equal to it
  Alignment alignment = Alignment::root;
  std::vector<std::string> joints{};
  std::string root{};
  std::optional<std::vector<std::uint8_t>> visible{};
  int threads = 0;
};

struct AucOptions {
  double last = 150.0;     ///< the largest threshold; the smallest is 0
  std::size_t count = 31;  ///< of evenly spaced thresholds
  Alignment alignment = Alignment::root;
  std::vector<std::string> joints{};
  std::string root{};
  std::optional<std::vector<std::uint8_t>> visible{};
  int threads = 0;
};

/// Of PCK relative to a size of each frame.
struct RelativePckOptions {
  double fraction = 0.5;
  bool inclusive = true;
  std::vector<std::string> joints{};
  std::optional<std::vector<std::uint8_t>> visible{};
  int threads = 0;
};

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
  /// Of each frame, where there was an alignment.
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

namespace internal {

constexpr double nothing_measured = std::numeric_limits<double>::quiet_NaN();

/// |prediction - truth| of the joints that count.
template <class T>
PoseMetric distances(const char* name, const Tensor<T>& prediction, const Tensor<T>& truth,
                     const Skeleton& skeleton, const PositionErrorOptions& options,
                     std::size_t dimensions = 0);

}  // namespace internal

// Prediction and truth are [F, J, 2 or 3], frames of a skeleton's joints. All throw ShapeError
// where the shapes do not fit (naming both numbers of joints), and ValueError for joints that the
// skeleton lacks, coordinates that are not finite, and a root that is missing.

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

/// Mean per joint velocity error: of what root-aligned joints move from a frame to the next
/// (Pavllo et al. 2019). Values are [F - 1, J]. Where `sequence` [F] is given, steps from one
/// sequence to another are not measured; nor are steps from or to what is not visible.
template <class T>
PoseMetric mpjve(const Tensor<T>& prediction, const Tensor<T>& truth, const Skeleton& skeleton,
                 const PoseMetricOptions& options = {},
                 const std::vector<std::int64_t>& sequence = {});

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

/// Object keypoint similarity of each frame, COCO's: the mean over its visible joints of
/// exp(-d^2 / (2 (2 sigma)^2 (area + eps))). Poses are [F, J, 2] in pixels, areas [F] in pixels
/// squared. NaN for frames without visible joints; the mean is that of the frames', a person's
/// similarity each. Throws ValueError where the skeleton has no published sigmas or an area is
/// negative.
template <class T>
PoseMetric oks(const Tensor<T>& prediction, const Tensor<T>& truth, const Skeleton& skeleton,
               const std::vector<double>& areas, const PoseMetricOptions& options = {});

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

#include <posekit/core/error.hpp>
#include <posekit/core/require.hpp>
#include <posekit/core/statistics.hpp>
#include <posekit/core/threads.hpp>
#include <posekit/pose/skeleton_map.hpp>

namespace posekit::inline POSEKIT_ISA::internal {

/// Fills in the means of `values`.
PoseMetric summarised(PoseMetric metric);

/// Throws unless prediction and truth are poses of the skeleton, as many of one as of the other,
/// with finite coordinates wherever they are measured.
template <class T>
void require_comparable(const char* function, const Tensor<T>& prediction, const Tensor<T>& truth,
                        const Skeleton& skeleton,
                        const std::optional<std::vector<std::uint8_t>>& visible,
                        std::size_t dimensions = 0);

}  // namespace posekit::inline POSEKIT_ISA::internal

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

inline std::string unit_of(const std::string& unit, std::size_t axes) {
  return !unit.empty() ? unit : axes == 2 ? "px" : "mm";
}

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

/// Which joints count, and the root's index where one is needed.
struct CountedJoints {
  std::vector<std::size_t> indices;
  std::vector<std::string> names;
  std::size_t root = 0;
};

inline CountedJoints counted_joints(const char* function, const Skeleton& skeleton,
                                    const std::vector<std::string>& joints, const std::string& root,
                                    bool needs_root) {
  CountedJoints counted;
  for (const std::string& joint : joints) counted.indices.push_back(skeleton.index(joint));
  if (joints.empty()) {
    for (std::size_t j = 0; j < skeleton.size(); ++j) counted.indices.push_back(j);
  }
  for (const std::size_t j : counted.indices) counted.names.emplace_back(skeleton.joints[j]);
  if (!needs_root) return counted;
  if (root.empty() && skeleton.root.empty()) {
    throw ValueError(error_text(function, ": the skeleton ", skeleton.name,
                                " has no root to align at; name one in the options"));
  }
  counted.root = skeleton.index(root.empty() ? skeleton.root : std::string_view(root));
  return counted;
}

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

template <class T>
PoseMetric distances(const char* name, const Tensor<T>& prediction, const Tensor<T>& truth,
                     const Skeleton& skeleton, const PositionErrorOptions& options,
                     std::size_t dimensions) {
  require_comparable(name, prediction, truth, skeleton, options.visible, dimensions);
  const bool at_root = aligns_at_root(options.alignment);
  const CountedJoints counted =
      counted_joints(name, skeleton, options.joints, options.root, at_root);
  const std::size_t frames = prediction.shape()[0], joints = skeleton.size(),
                    axes = prediction.shape()[2], count = counted.indices.size();
  if (at_root && options.visible) {
    for (std::size_t f = 0; f < frames; ++f) {
      if ((*options.visible)[f * joints + counted.root] != 0) continue;
      throw ValueError(error_text(name, ": the root, ", skeleton.joints[counted.root],
                                  ", is not visible in frame ", f));
    }
  }
  PoseMetric metric;
  metric.name = name;
  metric.unit = unit_of(options.unit, axes);
  metric.alignment =
      at_root ? error_text(to_string(options.alignment), " at ", skeleton.joints[counted.root])
              : std::string(to_string(options.alignment));
  metric.joints = counted.names;
  metric.values = make_tensor<double>({frames, count});
  const AlignOptions align_options{options.alignment, counted.root, options.visible,
                                   options.threads};
  metric.status.resize(frames);
  const int threads = frames > 256 ? resolve_threads(options.threads) : 1;
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
      if (visible != nullptr && visible[j] == 0) {
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

inline PositionErrorOptions with_alignment(const PoseMetricOptions& o, Alignment alignment) {
  return {alignment, o.joints, o.root, o.visible, o.unit, o.threads};
}

}  // namespace internal

template <class T>
PoseMetric position_error(const Tensor<T>& prediction, const Tensor<T>& truth,
                          const Skeleton& skeleton, const PositionErrorOptions& options) {
  return internal::distances("position_error", prediction, truth, skeleton, options);
}

template <class T>
PoseMetric epe(const Tensor<T>& prediction, const Tensor<T>& truth, const Skeleton& skeleton,
               const PoseMetricOptions& options) {
  return internal::distances("epe", prediction, truth, skeleton,
                             internal::with_alignment(options, Alignment::none));
}

template <class T>
PoseMetric mpjpe(const Tensor<T>& prediction, const Tensor<T>& truth, const Skeleton& skeleton,
                 const PoseMetricOptions& options) {
  return internal::distances("mpjpe", prediction, truth, skeleton,
                             internal::with_alignment(options, Alignment::root));
}

template <class T>
PoseMetric pa_mpjpe(const Tensor<T>& prediction, const Tensor<T>& truth, const Skeleton& skeleton,
                    const PoseMetricOptions& options) {
  return internal::distances("pa_mpjpe", prediction, truth, skeleton,
                             internal::with_alignment(options, Alignment::similarity));
}

template <class T>
PoseMetric n_mpjpe(const Tensor<T>& prediction, const Tensor<T>& truth, const Skeleton& skeleton,
                   const PoseMetricOptions& options) {
  return internal::distances("n_mpjpe", prediction, truth, skeleton,
                             internal::with_alignment(options, Alignment::scale));
}

template <class T>
PoseMetric mpjve(const Tensor<T>& prediction, const Tensor<T>& truth, const Skeleton& skeleton,
                 const PoseMetricOptions& options, const std::vector<std::int64_t>& sequence) {
  internal::require_comparable("mpjve", prediction, truth, skeleton, options.visible);
  const auto counted =
      internal::counted_joints("mpjve", skeleton, options.joints, options.root, true);
  const std::size_t frames = prediction.shape()[0], joints = skeleton.size(),
                    axes = prediction.shape()[2], count = counted.indices.size();
  if (!sequence.empty() && sequence.size() != frames) {
    throw ShapeError(error_text("mpjve: sequence has ", sequence.size(), " elements, expected ",
                                frames, ", one for each frame"));
  }
  const std::size_t steps = frames > 0 ? frames - 1 : 0;
  PoseMetric metric;
  metric.name = "mpjve";
  metric.unit = internal::unit_of(options.unit, axes) + "/frame";
  metric.alignment = error_text("root at ", skeleton.joints[counted.root]);
  metric.joints = counted.names;
  metric.values = make_tensor<double>({steps, count});
  const auto visible = [&](std::size_t f, std::size_t j) {
    return !options.visible || (*options.visible)[f * joints + j] != 0;
  };
  for (std::size_t f = 0; f < steps; ++f) {
    for (std::size_t k = 0; k < count; ++k) {
      const std::size_t j = counted.indices[k];
      double& out = metric.values.data()[f * count + k];
      if ((!sequence.empty() && sequence[f] != sequence[f + 1]) || !visible(f, j) ||
          !visible(f + 1, j) || !visible(f, counted.root) || !visible(f + 1, counted.root)) {
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

template <class T>
PoseMetric pck(const Tensor<T>& prediction, const Tensor<T>& truth, const Skeleton& skeleton,
               const PckOptions& options) {
  require_positive("pck", "threshold", options.threshold, true);
  PoseMetric metric = internal::distances("pck", prediction, truth, skeleton,
                                          {options.alignment, options.joints, options.root,
                                           options.visible, "fraction", options.threads});
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
  PoseMetric metric = internal::distances("auc", prediction, truth, skeleton,
                                          {options.alignment, options.joints, options.root,
                                           options.visible, "fraction", options.threads});
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
  PoseMetric metric = internal::distances(
      "relative_pck", prediction, truth, skeleton,
      {Alignment::none, options.joints, {}, options.visible, "fraction", options.threads});
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
  if (options.joints.empty()) {
    for (const std::string_view joint : skeleton.joints) {
      if (joint != "pelvis" && joint != "thorax") options.joints.emplace_back(joint);
    }
  }
  std::vector<double> heads;
  for (const double diagonal : head_diagonals) heads.push_back(0.6 * diagonal);
  PoseMetric metric = relative_pck(prediction, truth, skeleton, heads, options);
  metric.name = "pckh";
  return metric;
}

template <class T>
PoseMetric oks(const Tensor<T>& prediction, const Tensor<T>& truth, const Skeleton& skeleton,
               const std::vector<double>& areas, const PoseMetricOptions& options) {
  if (skeleton.oks_sigmas.empty()) {
    throw ValueError(error_text("oks: the skeleton ", skeleton.name, " has no published sigmas"));
  }
  PoseMetric metric = internal::distances("oks", prediction, truth, skeleton,
                                          internal::with_alignment(options, Alignment::none), 2);
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
