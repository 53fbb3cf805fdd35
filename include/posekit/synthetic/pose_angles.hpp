#pragma once

// The angles of a person's joints, and where they put the joints of a body.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <utility>

#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/core/linear_algebra.hpp>
#include <posekit/core/tensor.hpp>
#include <posekit/synthetic/person_joints.hpp>

namespace posekit::inline POSEKIT_ISA {

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

namespace internal {

void clamp_angles(PoseAngles& angles);

/// The least distance of two line segments (Ericson, Real-Time Collision Detection, 5.1.9).
double segment_distance(const Eigen::Vector3d& a0, const Eigen::Vector3d& a1,
                        const Eigen::Vector3d& b0, const Eigen::Vector3d& b1);

}  // namespace internal

/// Joints [17, 3] of skeletons::margipose_17 for a body and its angles, mm: y is up, the pelvis is
/// at the origin, and a person of heading 0 looks along z, with the left side at positive x.
Tensor<double> forward_kinematics(const BodyProportions& body, const PoseAngles& angles);

/// Whether limbs of a pose [17, 3], taken as capsules, meet the torso, the head or each other.
/// `height` is the person's, in the pose's unit. Throws ShapeError.
bool intersects_itself(const Tensor<double>& pose, double height);

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_SYNTHETIC

#include <posekit/core/error.hpp>

namespace posekit::inline POSEKIT_ISA {

namespace internal {

inline void clamp_to(double& angle, const angle_limits::Range& range) {
  angle = std::clamp(angle, range[0], range[1]);
}

inline double radians(double degrees) { return degrees * (std::numbers::pi / 180); }

POSEKIT_INLINE void clamp_angles(PoseAngles& angles) {
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

POSEKIT_INLINE double segment_distance(const Eigen::Vector3d& a0, const Eigen::Vector3d& a1,
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

}  // namespace internal

POSEKIT_INLINE Tensor<double> forward_kinematics(const BodyProportions& body,
                                                 const PoseAngles& angles) {
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

POSEKIT_INLINE bool intersects_itself(const Tensor<double>& pose, double height) {
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

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_SYNTHETIC
