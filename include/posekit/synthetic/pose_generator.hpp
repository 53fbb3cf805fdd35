#pragma once

// People that nobody has recorded: bodies of human proportions in the postures of everyday
// movement.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>
#include <utility>

#include <posekit/core/error.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/core/linear_algebra.hpp>
#include <posekit/core/tensor.hpp>
#include <posekit/core/threads.hpp>
#include <posekit/synthetic/person_joints.hpp>
#include <posekit/synthetic/random_stream.hpp>

namespace posekit {

/// What a generated person does; the names of the weights in PoseGeneratorOptions.
enum class Activity : std::size_t {
  standing,
  walking,
  running,
  reaching,
  sitting,
  crouching,
  arms_up,
  jumping,
  kicking,
  bending,
  free,  ///< any angles within the limits
};
inline constexpr std::size_t activity_count = 11;

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

/// Lengths of a body's segments, mm. Left and right are equal.
struct BodyProportions {
  double height = 0;
  double hip_width = 0;    ///< between the hip joints
  double pelvis_rise = 0;  ///< of the pelvis joint above the middle of the hips
  double pelvis_back = 0;  ///< of the pelvis joint behind it
  double lower_spine = 0;  ///< pelvis to spine
  double upper_spine = 0;  ///< spine to neck
  double shoulder_width = 0;
  double shoulder_drop = 0;  ///< of the shoulders below the neck joint
  double upper_arm = 0;
  double forearm = 0;
  double thigh = 0;
  double shank = 0;
  double neck_to_head = 0;
  double neck_to_top = 0;
};

/// Angles of a ball joint, degrees: flexion takes the limb forward, abduction away from the body's
/// middle, axial turns it around itself, inward limbs outward.
struct LimbAngles {
  double flexion = 0;
  double abduction = 0;
  double axial = 0;
  double hinge = 0;  ///< of the elbow or the knee; 0 is straight
};

/// Angles of a part of the trunk against the one below, degrees: forward, to the left, and turned
/// to the left.
struct TrunkAngles {
  double flexion = 0;
  double lateral = 0;
  double twist = 0;
};

struct PoseAngles {
  TrunkAngles pelvis;                ///< against upright; its twist is the heading
  TrunkAngles chest;                 ///< against the pelvis
  TrunkAngles head;                  ///< against the chest
  std::array<LimbAngles, 2> legs{};  ///< left, right
  std::array<LimbAngles, 2> arms{};  ///< left, right
};

/// The angles that a person can take, degrees: lowest and highest. Generated poses keep to them.
namespace angle_limits {
using Range = std::array<double, 2>;
inline constexpr Range knee{0, 150}, elbow{0, 150};
inline constexpr Range hip_flexion{-40, 125}, hip_abduction{-25, 55}, hip_axial{-35, 40};
inline constexpr Range shoulder_flexion{-60, 180}, shoulder_abduction{-40, 85},
    shoulder_axial{-95, 95};
inline constexpr Range chest_flexion{-25, 75}, chest_lateral{-30, 30}, chest_twist{-40, 40};
inline constexpr Range head_flexion{-45, 45}, head_lateral{-35, 35}, head_twist{-70, 70};
}  // namespace angle_limits

}  // namespace posekit

namespace posekit::inline POSEKIT_ISA {

namespace internal {

inline void clamp_to(double& angle, const angle_limits::Range& range) {
  angle = std::clamp(angle, range[0], range[1]);
}

inline void clamp_angles(PoseAngles& angles) {
  namespace limits = angle_limits;
  clamp_to(angles.chest.flexion, limits::chest_flexion);
  clamp_to(angles.chest.lateral, limits::chest_lateral);
  clamp_to(angles.chest.twist, limits::chest_twist);
  clamp_to(angles.head.flexion, limits::head_flexion);
  clamp_to(angles.head.lateral, limits::head_lateral);
  clamp_to(angles.head.twist, limits::head_twist);
  for (LimbAngles& leg : angles.legs) {
    clamp_to(leg.flexion, limits::hip_flexion);
    clamp_to(leg.abduction, limits::hip_abduction);
    clamp_to(leg.axial, limits::hip_axial);
    clamp_to(leg.hinge, limits::knee);
  }
  for (LimbAngles& arm : angles.arms) {
    clamp_to(arm.flexion, limits::shoulder_flexion);
    clamp_to(arm.abduction, limits::shoulder_abduction);
    clamp_to(arm.axial, limits::shoulder_axial);
    clamp_to(arm.hinge, limits::elbow);
  }
}

inline double radians(double degrees) { return degrees * (std::numbers::pi / 180); }

/// The rotation that a part of the trunk has against the one below; x left, y up, z forward.
inline Eigen::Matrix3d trunk_rotation(const TrunkAngles& angles) {
  return (Eigen::AngleAxisd(radians(angles.twist), Eigen::Vector3d::UnitY()) *
          Eigen::AngleAxisd(-radians(angles.lateral), Eigen::Vector3d::UnitZ()) *
          Eigen::AngleAxisd(radians(angles.flexion), Eigen::Vector3d::UnitX()))
      .toRotationMatrix();
}

/// Both segments of a left limb that hangs down at rest, as directions in its parent's frame. An
/// elbow (bend = 1) bends forward, a knee (bend = -1) backward.
inline std::pair<Eigen::Vector3d, Eigen::Vector3d> limb_directions(const LimbAngles& angles,
                                                                   double bend) {
  const double flexion = radians(angles.flexion), abduction = radians(angles.abduction);
  const Eigen::Vector3d upper(std::sin(abduction), -std::cos(abduction) * std::cos(flexion),
                              std::cos(abduction) * std::sin(flexion));
  const Eigen::Vector3d down(0, -1, 0);
  const Eigen::Matrix3d swing = rotation_between<double>(down, upper);
  const double hinge = radians(angles.hinge);
  const Eigen::Vector3d bent(0, -std::cos(hinge), bend * std::sin(hinge));
  const Eigen::AngleAxisd axial(radians(angles.axial), Eigen::Vector3d::UnitY());
  const Eigen::Vector3d turned = axial * bent;
  return {upper, swing * turned};
}

// Angles for each activity. What comes out of limits is clamped afterwards.

inline void relax_arms(RandomStream& random, PoseAngles& angles) {
  for (LimbAngles& arm : angles.arms) {
    arm = {.flexion = random.normal(-4, 12),
           .abduction = random.normal(6, 7),
           .axial = random.normal(4, 22),
           .hinge = std::abs(random.normal(28, 15))};
  }
}

/// An arm that points, waves, carries or rests on the hip.
inline void gesture(RandomStream& random, LimbAngles& arm) {
  switch (random.below(5)) {
    case 0:  // in front of the body
      arm = {random.normal(35, 20), random.normal(8, 12), random.normal(-25, 30),
             random.normal(80, 25)};
      break;
    case 1:  // points
      arm = {random.uniform(20, 120), random.uniform(-15, 60), random.normal(0, 30),
             std::abs(random.normal(10, 20))};
      break;
    case 2:  // to the side
      arm = {random.normal(0, 30), random.uniform(35, 85), random.normal(0, 40),
             std::abs(random.normal(25, 40))};
      break;
    case 3:  // on the hip
      arm = {random.normal(-20, 10), random.normal(38, 8), random.normal(-75, 12),
             random.normal(90, 12)};
      break;
    default:  // at the head
      arm = {random.normal(60, 25), random.normal(25, 20), random.normal(-20, 30),
             random.normal(125, 15)};
  }
}

inline void stand(RandomStream& random, PoseAngles& angles) {
  const double bend = std::abs(random.normal(10, 9));
  for (LimbAngles& leg : angles.legs) {
    leg = {.flexion = random.normal(-1, 7) + 0.5 * bend,
           .abduction = random.normal(1.5, 5),
           .axial = random.normal(-1, 8),
           .hinge = std::max(0.0, random.normal(4, 11) + bend)};
  }
  relax_arms(random, angles);
  for (LimbAngles& arm : angles.arms) {
    if (random.chance(0.3)) gesture(random, arm);
  }
}

/// A bump of height 1 around a phase, both in turns.
inline double gait_bump(double phase, double centre, double width) {
  double distance = phase - centre;
  distance -= std::round(distance);
  return std::exp(-0.5 * distance * distance / (width * width));
}

/// A step, as the angles of walking and running go over a gait cycle (Perry and Burnfield, Gait
/// Analysis): the hip swings like a cosine, the knee gives way after the foot's contact and bends
/// most while the foot is in the air.
inline void step(RandomStream& random, PoseAngles& angles, bool runs) {
  const double phase = random.uniform();
  const double effort = random.uniform(0.35, 1.15);
  const double swing = effort * (runs ? random.normal(32, 5) : random.normal(24, 5));
  const double hip_mean = runs ? random.normal(9, 4) : random.normal(4, 6);
  const double stance_knee = runs ? random.normal(28, 7) : std::abs(random.normal(9, 9));
  const double swing_knee =
      (0.4 + 0.6 * effort) * (runs ? random.normal(80, 14) : random.normal(50, 8));
  const double arm_swing = runs ? random.normal(22, 8) : effort * std::abs(random.normal(14, 9));
  const double elbow = runs ? random.normal(98, 16) : std::abs(random.normal(30, 14));
  const double width = random.normal(-1, 4);
  for (std::size_t side = 0; side < 2; ++side) {
    const double own = phase + 0.5 * static_cast<double>(side);
    const double wave = std::cos(2 * std::numbers::pi * own);
    angles.legs[side] = {
        .flexion = hip_mean + swing * wave + random.normal(0, 3),
        .abduction = width + random.normal(0, 3.5),
        .axial = random.normal(-2, 6),
        .hinge = std::max(0.0, stance_knee + 10 * gait_bump(own, 0.14, 0.07) +
                                   swing_knee * gait_bump(own, 0.73, 0.105) + random.normal(0, 4))};
    angles.arms[side] = {.flexion = (runs ? -16 : -6) - arm_swing * wave + random.normal(0, 6),
                         .abduction = runs ? random.normal(8, 6) : random.normal(4, 5),
                         .axial = random.normal(runs ? -10 : 8, runs ? 12 : 18),
                         .hinge = elbow - 0.6 * arm_swing * wave + random.normal(0, 7)};
  }
  const double counter = effort * random.normal(6, 3) * std::cos(2 * std::numbers::pi * phase);
  angles.chest.twist += counter;
  angles.pelvis.twist -= counter;
  angles.pelvis.flexion += runs ? random.normal(4, 3) : random.normal(1, 2);
  angles.chest.flexion += runs ? random.normal(4, 4) : random.normal(0, 3);
  if (!runs) {
    for (LimbAngles& arm : angles.arms) {
      if (random.chance(0.08)) gesture(random, arm);
    }
  }
}

inline void crouch(RandomStream& random, PoseAngles& angles) {
  const double depth = random.uniform(0.45, 1.15);
  for (LimbAngles& leg : angles.legs) {
    leg = {.flexion = random.normal(95, 12) * depth,
           .abduction = random.normal(12, 9),
           .axial = random.normal(0, 12),
           .hinge = random.normal(115, 14) * depth};
  }
  angles.pelvis.flexion += random.normal(22, 10) * depth;
  angles.chest.flexion += random.normal(18, 12) * depth;
  for (LimbAngles& arm : angles.arms) {
    arm = {random.normal(45, 25), random.normal(10, 15), random.normal(0, 30),
           std::abs(random.normal(45, 30))};
  }
}

inline void sit(RandomStream& random, PoseAngles& angles) {
  const double knees = random.normal(85, 18);
  for (LimbAngles& leg : angles.legs) {
    leg = {.flexion = random.normal(84, 9),
           .abduction = random.normal(7, 7),
           .axial = random.normal(0, 10),
           .hinge = knees + random.normal(0, 14)};
  }
  angles.pelvis.flexion += random.normal(-6, 8);
  angles.chest.flexion += random.normal(10, 10);
  for (LimbAngles& arm : angles.arms) {
    arm = {random.normal(25, 14), random.normal(8, 9), random.normal(-10, 25),
           random.normal(60, 22)};
    if (random.chance(0.3)) gesture(random, arm);
  }
}

inline void jump(RandomStream& random, PoseAngles& angles) {
  const double tuck = random.uniform(0, 1.2);
  for (LimbAngles& leg : angles.legs) {
    leg = {.flexion = random.normal(2, 6) + 50 * tuck + random.normal(0, 9 * tuck),
           .abduction = random.normal(4, 6),
           .axial = random.normal(-1, 8),
           .hinge = std::max(0.0, random.normal(22, 12) + 75 * tuck + random.normal(0, 14 * tuck))};
  }
  angles.pelvis.flexion += random.normal(12, 8) * tuck;
  angles.chest.flexion += random.normal(12, 12) * tuck;
  const double lift = random.chance(0.3) ? random.uniform(30, 160) : random.normal(-12, 14);
  for (LimbAngles& arm : angles.arms) {
    arm = {lift + random.normal(0, 10), random.normal(13, 9), random.normal(5, 18),
           std::abs(random.normal(42, 20))};
  }
}

inline void kick(RandomStream& random, PoseAngles& angles) {
  const std::size_t side = random.below(2);
  angles.legs[side] = {random.uniform(-32, 75), random.normal(4, 10), random.normal(0, 10),
                       std::abs(random.normal(45, 28))};
  angles.legs[1 - side] = {random.normal(6, 11), random.normal(5, 9), random.normal(-3, 9),
                           std::abs(random.normal(34, 13))};
  angles.chest.twist += random.normal(0, 12);
  angles.pelvis.lateral += random.normal(0, 8);
  angles.pelvis.flexion += random.normal(0, 9);
  angles.chest.flexion += random.normal(6, 9);
  for (LimbAngles& arm : angles.arms) {
    arm = {random.normal(4, 24), random.normal(14, 22), random.normal(20, 35),
           std::abs(random.normal(34, 16))};
  }
}

inline void bend_over(RandomStream& random, PoseAngles& angles) {
  stand(random, angles);
  const double bend = random.uniform(0.3, 1);
  angles.pelvis.flexion += 45 * bend + random.normal(0, 6);
  angles.chest.flexion += 40 * bend + random.normal(0, 8);
  const double knees = random.uniform(0, 60) * bend;
  for (LimbAngles& leg : angles.legs) {
    leg.flexion += 45 * bend + 0.5 * knees;
    leg.hinge += knees;
  }
  for (LimbAngles& arm : angles.arms) {
    arm = {random.normal(60, 25) * bend, random.normal(6, 10), random.normal(0, 25),
           std::abs(random.normal(25, 20))};
  }
}

inline void move_freely(RandomStream& random, PoseAngles& angles) {
  namespace limits = angle_limits;
  const auto within = [&](const limits::Range& range) {
    return random.uniform(range[0], range[1]);
  };
  for (LimbAngles& leg : angles.legs) {
    leg = {random.uniform(-30, 100), random.uniform(-12, 40), random.uniform(-20, 25),
           random.uniform(0, 120)};
  }
  for (LimbAngles& arm : angles.arms) {
    arm = {within(limits::shoulder_flexion), random.uniform(-25, 85), random.uniform(-70, 70),
           random.uniform(0, 135)};
  }
  angles.pelvis.flexion += random.normal(5, 20);
  angles.pelvis.lateral += random.normal(0, 12);
  angles.chest.flexion += random.normal(8, 16);
  angles.chest.lateral += random.normal(0, 10);
  angles.chest.twist += random.normal(0, 14);
}

inline void act(RandomStream& random, Activity activity, PoseAngles& angles) {
  switch (activity) {
    case Activity::standing:
      return stand(random, angles);
    case Activity::walking:
      return step(random, angles, false);
    case Activity::running:
      return step(random, angles, true);
    case Activity::reaching:
      if (random.chance(0.5)) {
        stand(random, angles);
      } else {
        step(random, angles, false);
      }
      for (LimbAngles& arm : angles.arms) {
        if (random.chance(0.7)) gesture(random, arm);
      }
      angles.chest.flexion += random.normal(8, 10);
      angles.chest.twist += random.normal(0, 10);
      return;
    case Activity::sitting:
      return sit(random, angles);
    case Activity::crouching:
      return crouch(random, angles);
    case Activity::arms_up:
      stand(random, angles);
      for (LimbAngles& arm : angles.arms) {
        if (!random.chance(0.85)) continue;
        arm = {random.normal(145, 25), random.normal(12, 16), random.normal(0, 25),
               std::abs(random.normal(25, 30))};
      }
      return;
    case Activity::jumping:
      return jump(random, angles);
    case Activity::kicking:
      return kick(random, angles);
    case Activity::bending:
      return bend_over(random, angles);
    case Activity::free:
      return move_freely(random, angles);
  }
}

/// The least distance of two line segments (Ericson, Real-Time Collision Detection, 5.1.9).
inline double segment_distance(const Eigen::Vector3d& a0, const Eigen::Vector3d& a1,
                               const Eigen::Vector3d& b0, const Eigen::Vector3d& b1) {
  const Eigen::Vector3d u = a1 - a0, v = b1 - b0, w = a0 - b0;
  const double uu = u.squaredNorm(), vv = v.squaredNorm(), uv = u.dot(v);
  const double uw = u.dot(w), vw = v.dot(w);
  if (!(uu > 0) || !(vv > 0)) return w.norm();
  const double determinant = uu * vv - uv * uv;
  double s =
      determinant > 1e-12 * uu * vv ? std::clamp((uv * vw - vv * uw) / determinant, 0.0, 1.0) : 0.0;
  const double t = std::clamp((uv * s + vw) / vv, 0.0, 1.0);
  s = std::clamp((uv * t - uw) / uu, 0.0, 1.0);
  return (w + s * u - t * v).norm();
}

inline void require_options(const char* function, const PoseGeneratorOptions& options) {
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

/// A body. The means lie between the anatomical lengths of Drillis and Contini (1966) and those of
/// the skeletons of motion capture, which set the shoulders lower and the wrists nearer to the
/// elbow; the deviations cover both. Throws ValueError.
inline BodyProportions random_body(RandomStream& random, const PoseGeneratorOptions& options = {}) {
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

/// Angles of somebody who does something, within `angle_limits`.
inline PoseAngles random_angles(RandomStream& random, Activity activity) {
  PoseAngles angles;
  angles.pelvis = {.flexion = random.normal(0, 4),
                   .lateral = random.normal(0, 3),
                   .twist = random.uniform(-180, 180)};
  angles.chest = {
      .flexion = random.normal(3, 6), .lateral = random.normal(1, 4), .twist = random.normal(0, 6)};
  angles.head = {.flexion = random.normal(0, 10),
                 .lateral = random.normal(0, 5),
                 .twist = random.normal(0, 16)};
  internal::act(random, activity, angles);
  internal::clamp_angles(angles);
  return angles;
}

/// Joints [17, 3] of skeletons::margipose_17 for a body and its angles, mm: y is up, the pelvis is
/// at the origin, and a person of heading 0 looks along z, with the left side at positive x.
inline Tensor<double> forward_kinematics(const BodyProportions& body, const PoseAngles& angles) {
  using Eigen::Vector3d;
  Tensor<double> pose = make_tensor<double>({person::joint_count, 3});
  const auto put = [&](std::size_t joint, const Vector3d& at) {
    for (std::size_t axis = 0; axis < 3; ++axis) {
      pose(joint, axis) = at[static_cast<Eigen::Index>(axis)];
    }
  };
  // Half of the spine's bend is below the spine joint.
  const TrunkAngles half{angles.chest.flexion / 2, angles.chest.lateral / 2,
                         angles.chest.twist / 2};
  const Eigen::Matrix3d pelvis = internal::trunk_rotation(angles.pelvis);
  const Eigen::Matrix3d middle = pelvis * internal::trunk_rotation(half);
  const Eigen::Matrix3d chest = pelvis * internal::trunk_rotation(angles.chest);
  const Eigen::Matrix3d head = chest * internal::trunk_rotation(angles.head);
  const Vector3d spine = middle * Vector3d(0, body.lower_spine, 0);
  const Vector3d neck = spine + chest * Vector3d(0, body.upper_spine, 0);
  put(person::pelvis, Vector3d::Zero());
  put(person::spine, spine);
  put(person::neck, neck);
  // The head stands before the neck, and its joint a little before the line to its top.
  put(person::head, neck + head * Vector3d(0, 0.975, 0.22) * body.neck_to_head);
  put(person::head_top, neck + head * Vector3d(0, 0.989, 0.15) * body.neck_to_top);

  const auto limb = [&](const Eigen::Matrix3d& parent, Vector3d root, double bend, bool right,
                        const LimbAngles& limb_angles, double upper, double lower,
                        const std::array<std::size_t, 3>& joints, const Vector3d& origin) {
    auto [first, second] = internal::limb_directions(limb_angles, bend);
    if (right) {
      root[0] = -root[0];
      first[0] = -first[0];
      second[0] = -second[0];
    }
    const Vector3d start = origin + parent * root;
    const Vector3d hinge = start + parent * first * upper;
    put(joints[0], start);
    put(joints[1], hinge);
    put(joints[2], hinge + parent * second * lower);
  };
  for (std::size_t side = 0; side < 2; ++side) {
    const bool right = side == 1;
    limb(
        pelvis, Vector3d(body.hip_width / 2, -body.pelvis_rise, body.pelvis_back), -1, right,
        angles.legs[side], body.thigh, body.shank,
        right
            ? std::array<std::size_t, 3>{person::right_hip, person::right_knee, person::right_ankle}
            : std::array<std::size_t, 3>{person::left_hip, person::left_knee, person::left_ankle},
        Vector3d::Zero());
    // A raised arm takes the shoulder with it.
    const LimbAngles& arm = angles.arms[side];
    const double height = -std::cos(internal::radians(arm.abduction)) *
                          std::cos(internal::radians(arm.flexion));  // of the elbow
    const double rise = 0.022 * body.height * std::clamp(height + 0.4, 0.0, 1.4);
    limb(chest, Vector3d(body.shoulder_width / 2, rise - body.shoulder_drop, 0), 1, right, arm,
         body.upper_arm, body.forearm,
         right ? std::array<std::size_t, 3>{person::right_shoulder, person::right_elbow,
                                            person::right_wrist}
               : std::array<std::size_t, 3>{person::left_shoulder, person::left_elbow,
                                            person::left_wrist},
         neck);
  }
  return pose;
}

/// Whether limbs of a pose [17, 3], taken as capsules, meet the torso, the head or each other.
/// `height` is the person's, in the pose's unit. Throws ShapeError.
inline bool intersects_itself(const Tensor<double>& pose, double height) {
  require_shape(pose, {person::joint_count, 3}, "intersects_itself", "pose");
  const auto at = [&](std::size_t joint) {
    return Eigen::Vector3d(pose(joint, 0), pose(joint, 1), pose(joint, 2));
  };
  const auto meet = [&](std::size_t a0, std::size_t a1, std::size_t b0, std::size_t b1,
                        double share) {
    return internal::segment_distance(at(a0), at(a1), at(b0), at(b1)) < share * height;
  };
  using namespace person;
  for (const auto& [elbow, wrist] :
       {std::pair{left_elbow, left_wrist}, std::pair{right_elbow, right_wrist}}) {
    if (meet(elbow, wrist, pelvis, neck, 0.070) || meet(elbow, wrist, head, head_top, 0.060) ||
        meet(elbow, wrist, left_hip, left_knee, 0.036) ||
        meet(elbow, wrist, right_hip, right_knee, 0.036)) {
      return true;
    }
  }
  for (const auto& [knee, ankle] :
       {std::pair{left_knee, left_ankle}, std::pair{right_knee, right_ankle}}) {
    if (meet(knee, ankle, pelvis, neck, 0.070)) return true;
  }
  for (const auto& [hip, knee] :
       {std::pair{left_hip, left_knee}, std::pair{right_hip, right_knee}}) {
    if (meet(hip, knee, spine, neck, 0.060)) return true;
  }
  return meet(left_elbow, left_wrist, right_elbow, right_wrist, 0.030) ||
         meet(left_knee, left_ankle, right_knee, right_ankle, 0.038) ||
         meet(left_hip, left_knee, right_knee, right_ankle, 0.042) ||
         meet(right_hip, right_knee, left_knee, left_ankle, 0.042);
}

/// Pose `index` of those that a seed stands for: joints [17, 3] of skeletons::margipose_17, mm, as
/// `forward_kinematics` places them. Limbs do not meet (`intersects_itself`). Throws ValueError for
/// options that make no sense.
inline Tensor<double> generate_pose(std::uint64_t seed, std::uint64_t index,
                                    const PoseGeneratorOptions& options = {}) {
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

/// Poses begin ... begin + count - 1 as [count, 17, 3]. `threads` 0: as many as OpenMP would use;
/// the result does not depend on it. Throws ValueError.
inline Tensor<double> generate_poses(std::uint64_t seed, std::uint64_t begin, std::size_t count,
                                     const PoseGeneratorOptions& options = {}, int threads = 0) {
  internal::require_options("generate_poses", options);
  Tensor<double> poses = make_tensor<double>({count, person::joint_count, 3});
  parallel_for(count, resolve_threads(threads), [&](std::size_t i) {
    const Tensor<double> pose = generate_pose(seed, begin + i, options);
    std::copy_n(pose.data(), pose.size(), poses.data() + i * pose.size());
  });
  return poses;
}

}  // namespace posekit::inline POSEKIT_ISA
