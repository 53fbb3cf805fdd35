#pragma once

// People that nobody has recorded: bodies of human proportions in the postures of everyday
// movement.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/core/tensor.hpp>
#include <posekit/synthetic/activities.hpp>
#include <posekit/synthetic/pose_angles.hpp>
#include <posekit/synthetic/random_stream.hpp>

namespace posekit::inline POSEKIT_ISA {

struct PoseGeneratorOptions {
  double height = 1700;          ///< mean of the body height, mm
  double height_deviation = 90;  ///< its standard deviation, mm
  /// Factor of the deviations of the segments' shares of the height; 0: all people have the same.
  double variation = 1;
  /// How often each Activity comes, in its order; they need not sum to 1.
  std::array<double, activity_count> activities{16, 26, 10, 10, 4, 4, 5, 10, 7, 3, 5};
  /// How often a pose whose limbs meet each other or the torso is drawn again before the person
  /// just stands.
  int attempts = 24;
};

namespace internal {

void require_options(const char* function, const PoseGeneratorOptions& options);

}  // namespace internal

/// A body. The means lie between the anatomical lengths of Drillis and Contini (1966) and those of
/// the skeletons of motion capture, which set the shoulders lower and the wrists nearer to the
/// elbow; the deviations cover both. Throws ValueError.
BodyProportions random_body(RandomStream& random, const PoseGeneratorOptions& options = {});

/// Pose `index` of those that a seed stands for: joints [17, 3] of skeletons::margipose_17, mm, as
/// `forward_kinematics` places them. Limbs do not meet (`intersects_itself`). Throws ValueError for
/// options that make no sense.
Tensor<double> generate_pose(std::uint64_t seed, std::uint64_t index,
                             const PoseGeneratorOptions& options = {});

/// Poses begin ... begin + count - 1 as [count, 17, 3]. `threads` 0: as many as OpenMP would use;
/// the result does not depend on it. Throws ValueError.
Tensor<double> generate_poses(std::uint64_t seed, std::uint64_t begin, std::size_t count,
                              const PoseGeneratorOptions& options = {}, int threads = 0);

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_SYNTHETIC

#include <posekit/core/error.hpp>
#include <posekit/core/threads.hpp>

namespace posekit::inline POSEKIT_ISA {

namespace internal {

POSEKIT_INLINE void require_options(const char* function, const PoseGeneratorOptions& options) {
  if (!(options.height > 0) || !(options.height_deviation >= 0) ||
      !(options.height > 3 * options.height_deviation) || !std::isfinite(options.height)) {
    throw ValueError(error_text(function, ": heights of ", options.height, " mm, deviating by ",
                                options.height_deviation,
                                "; expected a positive height and less than a third of it"));
  }
  if (!(options.variation >= 0) || options.variation > 2) {
    throw ValueError(
        error_text(function, ": variation is ", options.variation, ", expected 0 to 2"));
  }
  double sum = 0;
  for (const double weight : options.activities) {
    if (!(weight >= 0) || !std::isfinite(weight)) {
      throw ValueError(error_text(function, ": an activity has weight ", weight,
                                  ", expected at least 0 and finite"));
    }
    sum += weight;
  }
  if (!(sum > 0)) throw ValueError(error_text(function, ": all activities have weight 0"));
  if (options.attempts < 0) {
    throw ValueError(
        error_text(function, ": attempts is ", options.attempts, ", expected at least 0"));
  }
}

}  // namespace internal

POSEKIT_INLINE BodyProportions random_body(RandomStream& random,
                                           const PoseGeneratorOptions& options) {
  internal::require_options("random_body", options);
  BodyProportions body;
  body.height = random.truncated_normal(options.height, options.height_deviation);
  // share of the height, and the share's relative deviation
  const auto segment = [&](double share, double deviation) {
    return body.height * share * random.truncated_normal(1, options.variation * deviation, 2.2);
  };
  body.hip_width = segment(0.109, 0.07);
  body.pelvis_rise = segment(0.056, 0.13);
  body.pelvis_back = segment(0.014, 0.35);
  body.lower_spine = segment(0.070, 0.08);
  body.upper_spine = segment(0.134, 0.11);
  body.shoulder_width = segment(0.230, 0.05);
  body.shoulder_drop = segment(0.023, 0.20);
  body.upper_arm = segment(0.171, 0.05);
  body.forearm = segment(0.123, 0.09);
  body.thigh = segment(0.249, 0.035);
  body.shank = segment(0.242, 0.035);
  body.neck_to_head = segment(0.105, 0.06);
  body.neck_to_top = segment(0.168, 0.05);
  return body;
}

POSEKIT_INLINE Tensor<double> generate_pose(std::uint64_t seed, std::uint64_t index,
                                            const PoseGeneratorOptions& options) {
  internal::require_options("generate_pose", options);
  RandomStream random(seed, index);
  const BodyProportions body = random_body(random, options);
  const auto activity = static_cast<Activity>(random.choose(options.activities));
  for (int attempt = 0; attempt < options.attempts; ++attempt) {
    Tensor<double> pose = forward_kinematics(body, random_angles(random, activity));
    if (!intersects_itself(pose, body.height)) return pose;
  }
  PoseAngles still;
  still.pelvis.twist = random.uniform(-180, 180);
  for (LimbAngles& arm : still.arms) arm.abduction = 12;
  return forward_kinematics(body, still);
}

POSEKIT_INLINE Tensor<double> generate_poses(std::uint64_t seed, std::uint64_t begin,
                                             std::size_t count, const PoseGeneratorOptions& options,
                                             int threads) {
  internal::require_options("generate_poses", options);
  Tensor<double> poses = make_tensor<double>({count, person::joint_count, 3});
  parallel_for(count, resolve_threads(threads), [&](std::size_t i) {
    const Tensor<double> pose = generate_pose(seed, begin + i, options);
    std::copy_n(pose.data(), pose.size(), poses.data() + i * pose.size());
  });
  return poses;
}

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_SYNTHETIC
