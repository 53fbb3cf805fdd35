#pragma once

// Joints of a hand -> a body that can be drawn.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/core/tensor.hpp>
#include <posekit/synthetic/figure.hpp>
#include <posekit/synthetic/procedural_texture.hpp>
#include <posekit/synthetic/random_stream.hpp>

namespace posekit::inline POSEKIT_ISA {

/// What a hand looks like, whatever its pose.
struct HandLook {
  enum Surface : std::uint8_t { skin, nails, sleeve, surface_count };
  std::array<Texture, surface_count> textures{};
  float girth = 1;
  float sleeve_gap = 40;                  ///< bare forearm, mm; beyond the forearm: no sleeve
  std::array<float, 2> wrist_bend{0, 0};  ///< radians: out of the palm's plane, and in it
};

HandLook random_hand_look(RandomStream& random);

/// A hand whose joints [21, 3] of skeletons::hand_21 are in camera space, mm, with a piece of
/// forearm. `left` tells where its back is. Throws ShapeError.
Figure hand_figure(const Tensor<double>& positions, bool left, const HandLook& look);

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_SYNTHETIC

#include <posekit/core/linear_algebra.hpp>
#include <posekit/synthetic/limb_renderer.hpp>

namespace posekit::inline POSEKIT_ISA {

POSEKIT_INLINE HandLook random_hand_look(RandomStream& random) {
  HandLook look;
  Texture& skin = look.textures[HandLook::skin];
  skin.colour = random_skin(random);
  skin.grain = static_cast<float>(random.uniform(0, 0.12));
  skin.grain_period = static_cast<float>(random.uniform(4, 14));
  skin.seed = static_cast<std::uint32_t>(random.bits());
  look.textures[HandLook::nails].colour = mix_colours(skin.colour, {0.95f, 0.75f, 0.72f}, 0.6f);
  look.textures[HandLook::sleeve] = random_texture(random, 0.5, 8, 30);
  look.girth = static_cast<float>(random.truncated_normal(1, 0.09));
  look.sleeve_gap = static_cast<float>(random.chance(0.5) ? random.uniform(15, 80) : 1000.0);
  look.wrist_bend = {static_cast<float>(random.truncated_normal(0, 0.35)),
                     static_cast<float>(random.truncated_normal(0, 0.15))};
  return look;
}

POSEKIT_INLINE Figure hand_figure(const Tensor<double>& positions, bool left,
                                  const HandLook& look) {
  using Eigen::Vector3f;
  constexpr std::size_t wrist = 0, thumb = 1, index = 5, middle = 9, pinky = 17;
  require_shape(positions, {21, 3}, "hand_figure", "positions");
  const auto at = [&](std::size_t joint) {
    return Vector3f(static_cast<float>(positions(joint, 0)),
                    static_cast<float>(positions(joint, 1)),
                    static_cast<float>(positions(joint, 2)));
  };
  // An adult's middle finger ends 181 mm from the wrist.
  float size = (at(middle) - at(wrist)).norm();
  for (std::size_t bone = 0; bone < 3; ++bone) {
    size += (at(middle + bone + 1) - at(middle + bone)).norm();
  }
  size /= 181;
  const float g = size * look.girth;
  Figure figure;
  std::copy(look.textures.begin(), look.textures.end(), figure.textures.begin());
  const auto add = [&](const Vector3f& from, const Vector3f& to, float from_radius, float to_radius,
                       std::uint8_t texture, const Vector3f& flat_axis, float flatness) {
    figure.add({from, to, from_radius * g, to_radius * g, flat_axis, flatness, texture});
  };
  const Vector3f ahead = internal::unit_or(at(middle) - at(wrist), Vector3f::UnitY());
  // Out of the palm: right hands have the thumb on its right side where the fingers are up.
  Vector3f palm = (at(index) - at(pinky)).cross(at(middle) - at(wrist));
  palm = internal::unit_or(left ? Vector3f(-palm) : palm, ahead.unitOrthogonal());
  const Vector3f across = ahead.cross(palm);

  const auto& bend = look.wrist_bend;
  const Vector3f arm = (-std::cos(bend[0]) * std::cos(bend[1]) * ahead + std::sin(bend[0]) * palm +
                        std::sin(bend[1]) * across)
                           .normalized();
  const Vector3f arm_flat = internal::unit_or(palm - palm.dot(arm) * arm, palm);
  constexpr float forearm = 170;
  add(at(wrist), at(wrist) + forearm * size * arm, 27, 35, HandLook::skin, arm_flat, 0.75f);
  if (look.sleeve_gap < forearm - 20) {
    add(at(wrist) + look.sleeve_gap * size * arm, at(wrist) + (forearm + 10) * size * arm, 33, 43,
        HandLook::sleeve, arm_flat, 0.85f);
  }
  for (std::size_t root = index; root <= pinky; root += 4) {
    add(at(wrist), at(root), 17, root == pinky ? 11.5f : 13, HandLook::skin, palm, 0.8f);
    if (root < pinky) add(at(root), at(root + 4), 11, 10.5f, HandLook::skin, palm, 0.85f);
  }
  const auto half_way = [&](std::size_t a, std::size_t b) { return Vector3f((at(a) + at(b)) / 2); };
  // The heel of the hand, on both sides, and the web of the thumb.
  add(at(wrist) + 12 * size * ahead, half_way(wrist, pinky) + 4 * size * palm, 17, 15,
      HandLook::skin, palm, 0.9f);
  add(at(wrist), at(thumb), 18, 17, HandLook::skin, palm, 0.9f);
  add(at(thumb), half_way(wrist, index), 15, 14, HandLook::skin, palm, 0.8f);
  add(half_way(thumb, thumb + 1), half_way(thumb, index), 11, 11, HandLook::skin, palm, 0.8f);

  for (std::size_t finger = 0; finger < 5; ++finger) {
    const std::size_t root = 1 + 4 * finger;
    constexpr std::array<float, 5> widths{1.18f, 1.0f, 1.0f, 0.96f, 0.84f};
    const float w = widths[finger];
    const bool is_thumb = finger == 0;
    const Vector3f tip_direction = internal::unit_or(at(root + 3) - at(root + 2), ahead);
    // Skin ends at the tip's joint.
    const Vector3f end = at(root + 3) - 4 * size * tip_direction;
    add(at(root), at(root + 1), (is_thumb ? 14.0f : 9.8f) * w, 8.8f * w, HandLook::skin, palm, 1);
    add(at(root + 1), at(root + 2), 8.9f * w, 8.0f * w, HandLook::skin, palm, 1);
    add(at(root + 2), end, 8.0f * w, 6.3f * w, HandLook::skin, palm, 1);
    // The nail, on the back: bones bend away from it, and a straight finger's back is the hand's.
    const Vector3f curl = tip_direction - internal::unit_or(at(root + 1) - at(root), ahead);
    Vector3f inward = curl + 0.15f * (is_thumb ? Vector3f(palm - across) : palm);
    inward -= inward.dot(tip_direction) * tip_direction;
    inward = internal::unit_or(inward, palm);
    const Vector3f nail = end - 5.2f * g * w * inward;
    add(nail - 3 * size * tip_direction, nail + 2 * size * tip_direction, 4.6f * w, 4.4f * w,
        HandLook::nails, inward, 0.45f);
    for (std::size_t joint = 0; joint < 4; ++joint) {
      figure.joint_radius[root + joint] = (joint == 0 ? 12 : joint == 3 ? 6 : 9) * g * w;
    }
  }
  figure.joint_radius[wrist] = 22 * g;
  return figure;
}

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_SYNTHETIC
