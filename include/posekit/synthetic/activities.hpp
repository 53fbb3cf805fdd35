#pragma once

// What people do, as the angles of their joints.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <numbers>

#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/synthetic/pose_angles.hpp>
#include <posekit/synthetic/random_stream.hpp>

namespace posekit::inline POSEKIT_ISA {

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

/// Angles of somebody who does something, within `angle_limits`.
PoseAngles random_angles(RandomStream& random, Activity activity);

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_SYNTHETIC

namespace posekit::inline POSEKIT_ISA {

namespace internal {

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

}  // namespace internal

POSEKIT_INLINE PoseAngles random_angles(RandomStream& random, Activity activity) {
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

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_SYNTHETIC
