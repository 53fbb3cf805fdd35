#pragma once

// Keypoint inversions: a joint predicted where another one is (PoseIG, section 5.2).

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/core/tensor.hpp>
#include <posekit/pose/skeletons.hpp>

namespace posekit::inline POSEKIT_ISA {

enum class InversionKind {
  symmetric,        ///< as the same joint of the other side
  child_as_parent,  ///< as the joint it hangs from, like an ankle as its knee
  parent_as_child,  ///< as a joint that hangs from it, like an elbow as its wrist
  other,
};

inline constexpr std::array<const char*, 4> inversion_kind_names{"symmetric", "child as parent",
                                                                 "parent as child", "other"};

/// The kind of taking joint `a` for joint `b`.
constexpr InversionKind inversion_kind(const Skeleton& skeleton, std::size_t a, std::size_t b) {
  if (skeleton.flips[a] == b) return InversionKind::symmetric;
  if (skeleton.parents[a] == static_cast<int>(b)) return InversionKind::child_as_parent;
  if (skeleton.parents[b] == static_cast<int>(a)) return InversionKind::parent_as_child;
  return InversionKind::other;
}

struct InversionOptions {
  double epsilon = 5;       ///< pixels
  double large_error = 10;  ///< pixels: the share of worse errors that are inversions is reported
  std::optional<std::vector<std::uint8_t>> visible{};  ///< [F * J]; none: all
};

/// One joint predicted as another.
struct Inversion {
  std::size_t frame = 0;
  std::size_t joint = 0;  ///< that was predicted
  std::size_t taken_for = 0;
  InversionKind kind = InversionKind::other;
};

struct Inversions {
  std::vector<Inversion> found;  ///< by frame, joint, joint it was taken for
  /// The confusion matrix of Fig. 8, [J, J]: how often the row's joint was predicted at the
  /// column's true position.
  Tensor<double> confusion;
  Tensor<double> opportunities;           ///< [J, J]: how often both were visible
  std::array<std::size_t, 4> by_kind{};   ///< in the order of InversionKind
  std::size_t measured = 0;               ///< predicted joints that were looked at
  std::size_t inverted = 0;               ///< ... that were predicted as another (or several)
  std::size_t large_errors = 0;           ///< ... further than `large_error` from the truth
  std::size_t inverted_large_errors = 0;  ///< ... of those, predicted as another
};

/// Every ordered pair (A, B) with |prediction_A - truth_B| < epsilon and
/// |prediction_A - truth_A| > epsilon, both visible. Poses are [F, J, 2] in pixels. Throws
/// ShapeError and ValueError.
template <class T>
Inversions find_inversions(const Tensor<T>& prediction, const Tensor<T>& truth,
                           const Skeleton& skeleton, const InversionOptions& options = {});

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_POSE

#include <posekit/core/error.hpp>
#include <posekit/core/require.hpp>
#include <posekit/pose/comparable_poses.hpp>

namespace posekit::inline POSEKIT_ISA {

template <class T>
Inversions find_inversions(const Tensor<T>& prediction, const Tensor<T>& truth,
                           const Skeleton& skeleton, const InversionOptions& options) {
  internal::require_comparable("find_inversions", prediction, truth, skeleton, options.visible, 2);
  require_positive("find_inversions", "epsilon", options.epsilon);
  require_positive("find_inversions", "large_error", options.large_error, true);
  const std::size_t joints = skeleton.size();
  Inversions result;
  result.confusion = zeros<double>({joints, joints});
  result.opportunities = zeros<double>({joints, joints});
  for (std::size_t f = 0; f < prediction.shape()[0]; ++f) {
    const auto seen = [&](std::size_t j) {
      return !options.visible || (*options.visible)[f * joints + j] != 0;
    };
    const auto distance = [&](std::size_t a, std::size_t b) {
      return std::hypot(
          static_cast<double>(prediction(f, a, 0)) - static_cast<double>(truth(f, b, 0)),
          static_cast<double>(prediction(f, a, 1)) - static_cast<double>(truth(f, b, 1)));
    };
    for (std::size_t a = 0; a < joints; ++a) {
      if (!seen(a)) continue;
      ++result.measured;
      const double error = distance(a, a);
      bool inverted = false;
      for (std::size_t b = 0; b < joints; ++b) {
        if (b == a || !seen(b)) continue;
        result.opportunities(a, b) += 1;
        if (!(error > options.epsilon) || !(distance(a, b) < options.epsilon)) continue;
        inverted = true;
        const InversionKind kind = inversion_kind(skeleton, a, b);
        result.found.push_back({f, a, b, kind});
        result.confusion(a, b) += 1;
        ++result.by_kind[static_cast<std::size_t>(kind)];
      }
      result.inverted += inverted;
      result.large_errors += error > options.large_error;
      result.inverted_large_errors += inverted && error > options.large_error;
    }
  }
  return result;
}

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_POSE
