#pragma once

// Hands that nobody has recorded.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>

#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/core/tensor.hpp>
#include <posekit/pose/skeletons.hpp>
#include <posekit/synthetic/pose_generator.hpp>
#include <posekit/synthetic/random_stream.hpp>

namespace posekit::inline POSEKIT_ISA {

struct HandGeneratorOptions {
  double size = 1;  ///< mean size, 1: an adult's
  double size_deviation = 0.09;
  double variation = 1;           ///< factor of the deviations of the bones' own lengths
  double left_probability = 0.5;  ///< of a left hand
  bool turned = true;  ///< by any rotation; otherwise fingers are up and the palm along z
};

/// Lengths of a hand's bones, mm: of each finger, thumb first.
struct HandProportions {
  /// Wrist to the finger's first joint: of the thumb its carpometacarpal joint, of the others the
  /// knuckle; x to the thumb's side, y to the fingertips, z out of the palm.
  std::array<std::array<double, 3>, 5> roots{};
  /// The three bones that follow.
  std::array<std::array<double, 3>, 5> bones{};
};

/// Degrees. Of the thumb the joints are carpometacarpal, metacarpophalangeal and interphalangeal,
/// of the others metacarpophalangeal, proximal and distal.
struct FingerAngles {
  double abduction = 0;  ///< to the thumb's side; of the thumb away from the palm's plane
  std::array<double, 3> flexion{};
};

struct HandAngles {
  std::array<FingerAngles, 5> fingers{};  ///< thumb first
};

/// The angles that a hand can take, degrees. Generated hands keep to them.
namespace hand_limits {
using Range = std::array<double, 2>;
inline constexpr Range thumb_abduction{0, 50}, thumb_base{-15, 40}, thumb_middle{-10, 55},
    thumb_end{-15, 75};
inline constexpr Range abduction{-18, 18}, base{-20, 90}, middle{0, 110}, end{-5, 80};
}  // namespace hand_limits

/// A hand's joints, and which of the two it is.
struct GeneratedHand {
  Tensor<double> joints;  ///< [21, 3] of skeletons::hand_21, mm, the wrist at the origin
  bool left = false;
};

namespace internal {

void require_options(const char* function, const HandGeneratorOptions& options);

void clamp_angles(HandAngles& hand);

}  // namespace internal

/// Bones of human lengths: phalanges and metacarpals by Buryanov and Kotiuk (Int. J. Morphol.,
/// 2010), of which the end ones reach to the skin. Throws ValueError.
HandProportions random_hand(RandomStream& random, const HandGeneratorOptions& options = {});

/// Angles of a hand that is open, relaxed, a fist, points, pinches, grasps, or of which each finger
/// does something else, within `hand_limits`.
HandAngles random_hand_angles(RandomStream& random);

/// Joints [21, 3] of skeletons::hand_21 for a hand and its angles, mm. The wrist is at the origin,
/// y goes to the fingertips, z out of the palm, and x to the thumb of a right hand; a left one is
/// its mirror image.
Tensor<double> hand_kinematics(const HandProportions& hand, const HandAngles& angles,
                               bool left = false);

/// Hand `index` of those that a seed stands for. Throws ValueError for options that make no sense.
GeneratedHand generate_hand(std::uint64_t seed, std::uint64_t index,
                            const HandGeneratorOptions& options = {});

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_SYNTHETIC

#include <posekit/core/error.hpp>
#include <posekit/core/linear_algebra.hpp>

namespace posekit::inline POSEKIT_ISA {

namespace internal {

POSEKIT_INLINE void require_options(const char* function, const HandGeneratorOptions& options) {
  if (!(options.size > 0) || !std::isfinite(options.size) || !(options.size_deviation >= 0) ||
      !(options.size > 3 * options.size_deviation)) {
    throw ValueError(error_text(function, ": sizes of ", options.size, ", deviating by ",
                                options.size_deviation,
                                "; expected a positive size and less than a third of it"));
  }
  if (!(options.variation >= 0) || options.variation > 2) {
    throw ValueError(
        error_text(function, ": variation is ", options.variation, ", expected 0 to 2"));
  }
  if (!(options.left_probability >= 0 && options.left_probability <= 1)) {
    throw ValueError(error_text(function, ": left_probability is ", options.left_probability,
                                ", expected 0 to 1"));
  }
}

POSEKIT_INLINE void clamp_angles(HandAngles& hand) {
  namespace limits = hand_limits;
  for (std::size_t finger = 0; finger < 5; ++finger) {
    FingerAngles& angles = hand.fingers[finger];
    const bool thumb = finger == 0;
    clamp_to(angles.abduction, thumb ? limits::thumb_abduction : limits::abduction);
    clamp_to(angles.flexion[0], thumb ? limits::thumb_base : limits::base);
    clamp_to(angles.flexion[1], thumb ? limits::thumb_middle : limits::middle);
    clamp_to(angles.flexion[2], thumb ? limits::thumb_end : limits::end);
  }
}

/// A uniformly random rotation (Shoemake, Graphics Gems III, 1992).
inline Eigen::Matrix3d random_rotation(RandomStream& random) {
  const double u = random.uniform(), v = 2 * std::numbers::pi * random.uniform(),
               w = 2 * std::numbers::pi * random.uniform();
  const double a = std::sqrt(1 - u), b = std::sqrt(u);
  return Eigen::Quaterniond(b * std::cos(w), a * std::sin(v), a * std::cos(v), b * std::sin(w))
      .toRotationMatrix();
}

}  // namespace internal

POSEKIT_INLINE HandProportions random_hand(RandomStream& random,
                                           const HandGeneratorOptions& options) {
  internal::require_options("random_hand", options);
  const double size = random.truncated_normal(options.size, options.size_deviation);
  const auto vary = [&](double deviation) {
    return size * random.truncated_normal(1, options.variation * deviation, 2.2);
  };
  // Direction from the wrist in the palm, degrees to the thumb's side; length; height of the arch.
  constexpr std::array<std::array<double, 3>, 5> roots{
      {{42, 29, 7}, {15, 91, 0}, {2, 89, -3}, {-11, 82, -1}, {-24, 76, 4}}};
  constexpr std::array<std::array<double, 3>, 5> bones{{{46.2, 31.6, 25.5},
                                                        {39.8, 22.4, 19.7},
                                                        {44.6, 26.3, 21.3},
                                                        {41.4, 25.7, 21.3},
                                                        {32.7, 18.1, 19.9}}};
  HandProportions hand;
  const double breadth = random.truncated_normal(1, options.variation * 0.06);
  for (std::size_t finger = 0; finger < 5; ++finger) {
    const double angle = internal::radians(roots[finger][0] * breadth);
    const double length = roots[finger][1] * vary(0.04);
    hand.roots[finger] = {length * std::sin(angle), length * std::cos(angle),
                          size * roots[finger][2]};
    for (std::size_t bone = 0; bone < 3; ++bone) {
      hand.bones[finger][bone] = bones[finger][bone] * vary(0.06);
    }
  }
  return hand;
}

POSEKIT_INLINE HandAngles random_hand_angles(RandomStream& random) {
  HandAngles hand;
  // 0: straight, 1: fist
  const auto curl = [&](std::size_t finger, double amount) {
    FingerAngles& angles = hand.fingers[finger];
    const double middle = 100 * amount + random.normal(0, 7);
    if (finger == 0) {
      angles.abduction = random.normal(25, 10);
      angles.flexion = {30 * amount - 5 + random.normal(0, 7), 45 * amount + random.normal(0, 7),
                        60 * amount + random.normal(0, 9)};
    } else {
      angles.abduction =
          random.normal(0, 2) + (1 - amount) * 3 * (2.4 - static_cast<double>(finger));
      angles.flexion = {85 * amount - 4 + random.normal(0, 8), middle,
                        0.6 * middle + random.normal(0, 6)};
    }
  };
  const std::size_t gesture = random.below(7);
  const double all = random.uniform(0.15, 0.75);
  const double spread = random.uniform(-0.3, 2.4);
  for (std::size_t finger = 0; finger < 5; ++finger) {
    switch (gesture) {
      case 0:  // open
        curl(finger, random.uniform(-0.05, 0.12));
        break;
      case 1:  // relaxed
        curl(finger, 0.2 + 0.05 * static_cast<double>(finger) + random.normal(0, 0.05));
        break;
      case 2:  // a fist
        curl(finger, random.uniform(0.8, 1));
        break;
      case 3:  // points, with one or two fingers
        curl(finger, finger == 1 || (finger == 2 && all > 0.5) ? random.uniform(0, 0.12)
                                                               : random.uniform(0.6, 1));
        break;
      case 4:  // pinches
        curl(finger, finger == 0 ? 0.45 : finger == 1 ? 0.52 : random.uniform(0.1, 0.7));
        if (finger == 0) hand.fingers[0].abduction = random.normal(42, 4);
        break;
      case 5:  // grasps
        curl(finger, all + random.normal(0, 0.06));
        break;
      default:
        curl(finger, random.uniform(0, 1));
    }
    if (finger > 0) {
      // Bent fingers lie side by side.
      const double bend = std::clamp(hand.fingers[finger].flexion[0] / 90, 0.0, 1.0);
      hand.fingers[finger].abduction *= spread * (1 - 0.8 * bend);
    }
  }
  internal::clamp_angles(hand);
  return hand;
}

POSEKIT_INLINE Tensor<double> hand_kinematics(const HandProportions& hand, const HandAngles& angles,
                                              bool left) {
  using Eigen::Vector3d;
  Tensor<double> pose = zeros<double>({skeletons::hand_21.size(), 3});
  const auto put = [&](std::size_t joint, const Vector3d& at) {
    pose(joint, 0) = left ? -at[0] : at[0];
    pose(joint, 1) = at[1];
    pose(joint, 2) = at[2];
  };
  for (std::size_t finger = 0; finger < 5; ++finger) {
    const FingerAngles& own = angles.fingers[finger];
    Vector3d at(hand.roots[finger][0], hand.roots[finger][1], hand.roots[finger][2]);
    const double abduction = internal::radians(own.abduction);
    // The finger bends in the plane of `ahead` and `inward`.
    Vector3d ahead, inward;
    if (finger == 0) {
      const double aside = internal::radians(38);
      ahead = {std::sin(aside) * std::cos(abduction), std::cos(aside) * std::cos(abduction),
               std::sin(abduction)};
      inward = Vector3d(-0.85, 0.1, 0.5);
      inward = (inward - inward.dot(ahead) * ahead).normalized();
    } else {
      ahead = {std::sin(abduction), std::cos(abduction), 0};
      // Fingers that bend point to the root of the thumb.
      inward = Vector3d(-0.12 * (static_cast<double>(finger) - 2.2) * -1.0, 0, 1);
      inward = (inward - inward.dot(ahead) * ahead).normalized();
    }
    const std::size_t first = 1 + 4 * finger;
    put(first, at);
    double bend = 0;
    for (std::size_t bone = 0; bone < 3; ++bone) {
      bend += internal::radians(own.flexion[bone]);
      at += hand.bones[finger][bone] * (std::cos(bend) * ahead + std::sin(bend) * inward);
      put(first + bone + 1, at);
    }
  }
  return pose;
}

POSEKIT_INLINE GeneratedHand generate_hand(std::uint64_t seed, std::uint64_t index,
                                           const HandGeneratorOptions& options) {
  internal::require_options("generate_hand", options);
  RandomStream random(seed, index);
  GeneratedHand hand;
  hand.left = random.chance(options.left_probability);
  const HandProportions proportions = random_hand(random, options);
  hand.joints = hand_kinematics(proportions, random_hand_angles(random), hand.left);
  if (!options.turned) return hand;
  const Eigen::Matrix3d rotation = internal::random_rotation(random);
  for (std::size_t j = 0; j < hand.joints.shape()[0]; ++j) {
    const Eigen::Vector3d at =
        rotation * Eigen::Vector3d(hand.joints(j, 0), hand.joints(j, 1), hand.joints(j, 2));
    std::copy_n(at.data(), 3, hand.joints.data() + 3 * j);
  }
  return hand;
}

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_SYNTHETIC
