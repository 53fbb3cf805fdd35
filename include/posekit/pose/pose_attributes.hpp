#pragma once

// On which side of the torso's plane the limbs and the head are.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/core/tensor.hpp>
#include <posekit/pose/fit_torso.hpp>
#include <posekit/pose/skeletons.hpp>

namespace posekit::inline POSEKIT_ISA {

/// Where a joint is, seen from the torso's plane.
enum class PoseAttribute : std::int32_t { front = 0, back = 1, on_plane = 2 };

/// The class of a joint of which that is not known.
inline constexpr std::int32_t unknown_attribute = -1;

inline constexpr std::size_t pose_attribute_count = 9;
inline constexpr std::size_t pose_attribute_class_count = 3;

/// The joints that have an attribute, in the order of Wang et al. 2019, section 3.1.2.
inline constexpr std::array<std::string_view, pose_attribute_count> pose_attribute_joints{
    "left_elbow", "left_wrist", "right_elbow", "right_wrist", "left_knee",
    "left_ankle", "right_knee", "right_ankle", "head"};

struct PoseAttributeOptions {
  /// mm: a joint that is nearer to the plane is on it; 0: only one that is in it. (The paper names
  /// no threshold. With 50 mm a third of the joints of CMU's motion capture are on the plane.)
  double threshold = 50;
  TorsoPelvis pelvis = TorsoPelvis::joint;
  int threads = 0;
};

template <class T>
struct PoseAttributes {
  /// [F, 9], a PoseAttribute, or -1 where the plane or the joint is unknown
  Tensor<std::int32_t> classes;
  Tensor<T> distance;               ///< [F, 9], mm from the plane, positive in front; NaN: unknown
  std::vector<TorsoStatus> status;  ///< [F], of the plane
};

/// The attributes of poses [F, J, 3] in mm, by the plane of `torso_planes` (Wang et al. 2019,
/// section 3.1.2). They do not change when a pose is turned or moved; of its mirror image, sides
/// exchanged (`flip_poses`), left and right are exchanged. Throws ShapeError; ValueError that names
/// all joints that the skeleton lacks, for a threshold that is negative or not finite, and, with a
/// threshold, for poses in metres: where the median over frames of the way from hip to shoulder is
/// below 10.
template <class T>
PoseAttributes<T> pose_attributes(const Tensor<T>& poses, const Skeleton& skeleton,
                                  const PoseAttributeOptions& options = {});

/// Classes [F, A] as probabilities [F, A, 3]: 1 for the class, zeros where it is unknown. Throws
/// ShapeError, and ValueError for a class that there is not.
template <class T>
Tensor<T> one_hot_attributes(const Tensor<std::int32_t>& classes);

/// The most probable class [N, 9] of probabilities or logits [N, 9, 3], the first of equal ones;
/// -1 where one of the three is NaN. Throws ShapeError.
template <class T>
Tensor<std::int32_t> attribute_classes(const Tensor<T>& probabilities);

/// Shares of right classes. NaN where no class is known.
struct AttributeAccuracy {
  std::array<double, pose_attribute_count> per_attribute{};  ///< as `pose_attribute_joints`
  std::array<std::size_t, pose_attribute_count> counts{};    ///< known classes of each
  double mean = 0;                                           ///< over all known classes
  std::size_t count = 0;                                     ///< of them
  /// Left and right together, as in Table 4 of Wang et al. 2019.
  double head = 0, elbow = 0, wrist = 0, knee = 0, ankle = 0;
  double average = 0;  ///< mean of these five, that table's last column
};

/// How many of the predicted classes [F, 9] are the true ones. Where the truth is unknown (-1)
/// nothing counts; a prediction that is unknown where the truth is not is wrong. Throws ShapeError,
/// and ValueError for a class that there is not.
AttributeAccuracy attribute_accuracy(const Tensor<std::int32_t>& predicted,
                                     const Tensor<std::int32_t>& truth);

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_POSE

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include <posekit/core/error.hpp>
#include <posekit/core/threads.hpp>
#include <posekit/pose/skeleton_map.hpp>

namespace posekit::inline POSEKIT_ISA {

namespace internal {

inline void require_attribute_options(const PoseAttributeOptions& options) {
  if (!(options.threshold >= 0) || !std::isfinite(options.threshold)) {
    throw ValueError(error_text("pose_attributes: threshold is ", options.threshold,
                                " mm, expected a finite number of at least 0"));
  }
}

/// Throws ValueError where torsos are so small that they are in metres. `heights` are of the frames
/// that have a plane.
POSEKIT_INLINE void require_millimetres(std::vector<double> heights, double threshold) {
  if (heights.empty() || threshold == 0) return;
  const auto middle = heights.begin() + static_cast<std::ptrdiff_t>(heights.size() / 2);
  std::nth_element(heights.begin(), middle, heights.end());
  if (*middle >= 10) return;
  throw ValueError(
      error_text("pose_attributes: poses look like metres: from hip to shoulder it is ", *middle,
                 " in the median, expected mm, as the threshold of ", threshold, " mm"));
}

inline void require_classes(const char* function, const char* argument,
                            const Tensor<std::int32_t>& classes) {
  for (std::size_t i = 0; i < classes.size(); ++i) {
    const std::int32_t value = classes.data()[i];
    if (value >= unknown_attribute && value <= static_cast<std::int32_t>(PoseAttribute::on_plane)) {
      continue;
    }
    const std::size_t width = classes.shape()[1];
    throw ValueError(error_text(function, ": ", argument, "[", i / width, ", ", i % width, "] is ",
                                value, ", expected 0, 1, 2, or -1 for unknown"));
  }
}

inline PoseAttribute attribute_at(double distance, double threshold) {
  if (distance == 0 || std::abs(distance) < threshold) return PoseAttribute::on_plane;
  return distance > 0 ? PoseAttribute::front : PoseAttribute::back;
}

}  // namespace internal

template <class T>
PoseAttributes<T> pose_attributes(const Tensor<T>& poses, const Skeleton& skeleton,
                                  const PoseAttributeOptions& options) {
  constexpr std::size_t count = pose_attribute_count;
  require_poses("pose_attributes", "poses", shape_of(poses), skeleton, 3);
  internal::require_attribute_options(options);
  const auto joints =
      internal::torso_joints("pose_attributes", skeleton, options.pelvis, pose_attribute_joints);
  const std::size_t frames = poses.shape()[0], pose_size = skeleton.size() * 3;
  PoseAttributes<T> result{make_tensor<std::int32_t>({frames, count}),
                           make_tensor<T>({frames, count}), std::vector<TorsoStatus>(frames)};
  std::vector<double> heights(frames);
  internal::fit_torsos(
      poses.data(), frames, skeleton.size(), joints.first, resolve_threads(options.threads),
      [&](std::size_t f, const internal::TorsoFit& fit) {
        result.status[f] = fit.status;
        heights[f] = fit.height;
        for (std::size_t k = 0; k < count; ++k) {
          const T* joint = poses.data() + f * pose_size + joints.second[k] * 3;
          double distance = 0;
          for (std::size_t a = 0; a < 3; ++a) {
            distance += (static_cast<double>(joint[a]) - fit.centre[a]) * fit.normal[a];
          }
          const bool known = fit.status == TorsoStatus::ok && std::isfinite(distance);
          result.distance.data()[f * count + k] =
              known ? static_cast<T>(distance) : std::numeric_limits<T>::quiet_NaN();
          result.classes.data()[f * count + k] =
              known ? static_cast<std::int32_t>(internal::attribute_at(distance, options.threshold))
                    : unknown_attribute;
        }
      });
  std::size_t kept = 0;
  for (std::size_t f = 0; f < frames; ++f) {
    if (result.status[f] == TorsoStatus::ok) heights[kept++] = heights[f];
  }
  heights.resize(kept);
  internal::require_millimetres(std::move(heights), options.threshold);
  return result;
}

template <class T>
Tensor<T> one_hot_attributes(const Tensor<std::int32_t>& classes) {
  require_rank(classes, 2, "one_hot_attributes", "classes", "[F, A]");
  internal::require_classes("one_hot_attributes", "classes", classes);
  Tensor<T> result = zeros<T>({classes.shape()[0], classes.shape()[1], 3});
  for (std::size_t i = 0; i < classes.size(); ++i) {
    const std::int32_t value = classes.data()[i];
    if (value != unknown_attribute) result.data()[i * 3 + static_cast<std::size_t>(value)] = T(1);
  }
  return result;
}

template <class T>
Tensor<std::int32_t> attribute_classes(const Tensor<T>& probabilities) {
  if (probabilities.dimension() != 3 || probabilities.shape()[1] != pose_attribute_count ||
      probabilities.shape()[2] != 3) {
    throw ShapeError(error_text("attribute_classes: probabilities has shape ",
                                to_string(probabilities.shape()), ", expected [N, 9, 3]"));
  }
  auto result = make_tensor<std::int32_t>({probabilities.shape()[0], pose_attribute_count});
  for (std::size_t i = 0; i < result.size(); ++i) {
    const T* of = probabilities.data() + i * 3;
    const bool known = !std::isnan(of[0]) && !std::isnan(of[1]) && !std::isnan(of[2]);
    result.data()[i] =
        known ? static_cast<std::int32_t>(std::max_element(of, of + 3) - of) : unknown_attribute;
  }
  return result;
}

POSEKIT_INLINE AttributeAccuracy attribute_accuracy(const Tensor<std::int32_t>& predicted,
                                                    const Tensor<std::int32_t>& truth) {
  constexpr std::size_t count = pose_attribute_count;
  if (truth.dimension() != 2 || truth.shape()[1] != count) {
    throw ShapeError(error_text("attribute_accuracy: truth has shape ", to_string(truth.shape()),
                                ", expected [F, 9]"));
  }
  require_shape(predicted, shape_of(truth), "attribute_accuracy", "predicted");
  internal::require_classes("attribute_accuracy", "predicted", predicted);
  internal::require_classes("attribute_accuracy", "truth", truth);
  std::array<std::size_t, count> right{};
  AttributeAccuracy result;
  for (std::size_t i = 0; i < truth.size(); ++i) {
    if (truth.data()[i] == unknown_attribute) continue;
    ++result.counts[i % count];
    if (predicted.data()[i] == truth.data()[i]) ++right[i % count];
  }
  // 0 / 0 is NaN.
  const auto share = [](std::size_t part, std::size_t all) {
    return static_cast<double>(part) / static_cast<double>(all);
  };
  std::size_t all_right = 0;
  for (std::size_t k = 0; k < count; ++k) {
    result.per_attribute[k] = share(right[k], result.counts[k]);
    result.count += result.counts[k];
    all_right += right[k];
  }
  result.mean = share(all_right, result.count);
  const auto group = [&](std::string_view part) {
    std::size_t of_group = 0, known = 0;
    for (std::size_t k = 0; k < count; ++k) {
      if (!joint_names::has_part(pose_attribute_joints[k], part)) continue;
      of_group += right[k];
      known += result.counts[k];
    }
    return share(of_group, known);
  };
  result.head = group("head");
  result.elbow = group("elbow");
  result.wrist = group("wrist");
  result.knee = group("knee");
  result.ankle = group("ankle");
  result.average = (result.head + result.elbow + result.wrist + result.knee + result.ankle) / 5;
  return result;
}

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_POSE
