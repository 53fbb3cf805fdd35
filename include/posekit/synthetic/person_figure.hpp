#pragma once

// Joints of a person -> a body that can be drawn.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <tuple>
#include <utility>

#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/core/tensor.hpp>
#include <posekit/synthetic/figure.hpp>
#include <posekit/synthetic/procedural_texture.hpp>
#include <posekit/synthetic/random_stream.hpp>

namespace posekit::inline POSEKIT_ISA {

struct PersonLookOptions {
  /// Whether clothes are warm (red to yellow) on the person's left limbs and cool (green to blue)
  /// on the right ones. Otherwise only the shape of the body tells the sides apart, which takes a
  /// network long to learn.
  bool side_colours = false;
  bool patterned = true;  ///< otherwise all clothes are of one colour each
};

enum class ClothLength : std::uint8_t { none, half, full };

/// What a person looks like, whatever the pose.
struct PersonLook {
  /// By number, as `person_figure` uses them.
  enum Surface : std::uint8_t {
    skin,
    shirt,
    trousers,
    shoes,
    hair,
    eyes,
    lips,
    nose,
    left_sleeve,
    right_sleeve,
    left_trouser,
    right_trouser,
    surface_count,
  };
  std::array<Texture, surface_count> textures{};
  ClothLength sleeves = ClothLength::half;
  ClothLength trouser_legs = ClothLength::full;
  float hair_length = 1;  ///< 0: bald, 1: short, 2: to the shoulders
  float girth = 1;        ///< how thick limbs are
  float belly = 1;        ///< how thick the trunk is
  float hand_tilt = 0;    ///< radians
};

PersonLook random_person_look(RandomStream& random, const PersonLookOptions& options = {});

/// The body of a person whose joints [17, 3] of skeletons::margipose_17 are in camera space, mm.
/// Lengths that the joints do not tell are shares of the height, which the legs tell. Throws
/// ShapeError.
Figure person_figure(const Tensor<double>& positions, const PersonLook& look);

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_SYNTHETIC

#include <posekit/core/linear_algebra.hpp>
#include <posekit/synthetic/limb_renderer.hpp>
#include <posekit/synthetic/person_joints.hpp>

namespace posekit::inline POSEKIT_ISA {

POSEKIT_INLINE PersonLook random_person_look(RandomStream& random,
                                             const PersonLookOptions& options) {
  PersonLook look;
  auto& t = look.textures;
  const auto plain = [&](const Rgb& colour, double grain) {
    Texture texture;
    texture.colour = colour;
    texture.grain = static_cast<float>(grain);
    texture.grain_period = 40;
    texture.seed = static_cast<std::uint32_t>(random.bits());
    return texture;
  };
  const auto scaled = [](Rgb colour, float factor) {
    for (float& channel : colour) channel *= factor;
    return colour;
  };
  const Rgb skin = random_skin(random);
  t[PersonLook::skin] = plain(skin, random.uniform(0, 0.08));
  t[PersonLook::nose] = plain(scaled(skin, 0.9f), 0);
  t[PersonLook::lips] = plain(mix_colours(skin, {0.55f, 0.12f, 0.12f}, 0.55f), 0);
  t[PersonLook::eyes] = plain({0.06f, 0.05f, 0.05f}, 0);
  t[PersonLook::hair] = plain(hsv_colour(random.uniform(0.04, 0.12), random.uniform(0.1, 0.75),
                                         std::pow(random.uniform(), 1.7) * 0.85 + 0.04),
                              random.uniform(0.1, 0.4));
  t[PersonLook::hair].grain_period = 18;
  t[PersonLook::shirt] = random_texture(random, options.patterned ? 0.5 : 1, 60, 190);
  t[PersonLook::trousers] = random_texture(random, options.patterned ? 0.75 : 1, 60, 190);
  t[PersonLook::shoes] = plain(random_colour(random), 0.1);
  look.sleeves = static_cast<ClothLength>(random.choose(std::array{0.15, 0.45, 0.4}));
  look.trouser_legs = static_cast<ClothLength>(random.choose(std::array{0.05, 0.3, 0.65}));
  look.hair_length = static_cast<float>(random.choose(std::array{0.1, 0.6, 0.3}));
  look.girth = static_cast<float>(random.truncated_normal(1, 0.09));
  look.belly = look.girth * static_cast<float>(random.truncated_normal(1, 0.07));
  look.hand_tilt = static_cast<float>(random.normal(0, 0.3));
  // Hues begin at red; the sides' ranges are as wide, and as far from one another both ways.
  constexpr double warm = 0, cool = 0.45, width = 0.15;
  for (const auto& [surface, of, hue] :
       {std::tuple{PersonLook::left_sleeve, PersonLook::shirt, warm},
        std::tuple{PersonLook::right_sleeve, PersonLook::shirt, cool},
        std::tuple{PersonLook::left_trouser, PersonLook::trousers, warm},
        std::tuple{PersonLook::right_trouser, PersonLook::trousers, cool}}) {
    t[surface] = t[of];
    if (!options.side_colours) continue;
    t[surface] = plain(hsv_colour(hue + width * random.uniform(), random.uniform(0.5, 0.95),
                                  random.uniform(0.35, 0.95)),
                       0.1);
  }
  return look;
}

POSEKIT_INLINE Figure person_figure(const Tensor<double>& positions, const PersonLook& look) {
  using Eigen::Vector3f;
  using namespace person;
  require_shape(positions, {joint_count, 3}, "person_figure", "positions");
  const auto at = [&](std::size_t joint) {
    return Vector3f(static_cast<float>(positions(joint, 0)),
                    static_cast<float>(positions(joint, 1)),
                    static_cast<float>(positions(joint, 2)));
  };
  const auto length = [&](std::size_t a, std::size_t b) { return (at(a) - at(b)).norm(); };
  // The legs are 49 % of the height.
  const float height = (length(left_hip, left_knee) + length(left_knee, left_ankle) +
                        length(right_hip, right_knee) + length(right_knee, right_ankle)) /
                       (2 * 0.491f);
  const float g = look.girth * height, b = look.belly * height;
  Figure figure;
  figure.textures = look.textures;
  const auto add = [&](const Vector3f& from, const Vector3f& to, float from_radius, float to_radius,
                       std::uint8_t texture, const Vector3f& flat_axis = Vector3f::UnitZ(),
                       float flatness = 1) {
    figure.add({from, to, from_radius, to_radius, flat_axis, flatness, texture});
  };
  const auto between = [](const Vector3f& from, const Vector3f& to, float share) {
    return Vector3f(from + share * (to - from));
  };

  // Trunk.
  const Vector3f hips = (at(left_hip) + at(right_hip)) / 2;
  const Vector3f shoulders = (at(left_shoulder) + at(right_shoulder)) / 2;
  const auto pelvis_axes = internal::body_axes(at(left_hip) - at(right_hip), at(spine) - hips);
  const auto chest_axes =
      internal::body_axes(at(left_shoulder) - at(right_shoulder), at(neck) - at(spine));
  const float half_hips = (at(left_hip) - hips).norm();
  const float half_shoulders = (at(left_shoulder) - shoulders).norm();
  const Vector3f low_hips = 0.01f * height * pelvis_axes.up;
  add(between(hips, at(left_hip), 0.75f) + low_hips, between(hips, at(right_hip), 0.75f) + low_hips,
      0.056f * b, 0.056f * b, PersonLook::trousers, pelvis_axes.front, 0.95f);
  const Vector3f waist = between(hips, at(spine), 0.75f);
  add(hips + 0.025f * height * pelvis_axes.up, waist, half_hips + 0.036f * b, 0.082f * b,
      PersonLook::trousers, pelvis_axes.front, 0.68f);
  const Vector3f chest = shoulders - 0.060f * height * chest_axes.up;
  const float chest_radius = 0.66f * half_shoulders + 0.018f * b;
  add(between(hips, at(spine), 0.6f), at(spine), 0.085f * b, 0.085f * b, PersonLook::shirt,
      pelvis_axes.front, 0.72f);
  add(at(spine), chest, 0.085f * b, chest_radius, PersonLook::shirt, chest_axes.front, 0.70f);
  const Vector3f collar = between(shoulders, at(neck), 0.45f);
  for (const std::size_t shoulder : {left_shoulder, right_shoulder}) {
    add(at(shoulder), collar, 0.030f * g, 0.034f * g, PersonLook::shirt);
    add(between(chest, at(shoulder), 0.45f), at(shoulder), 0.040f * g, 0.031f * g,
        PersonLook::shirt);
  }
  figure.joint_radius[pelvis] = 0.060f * b;
  figure.joint_radius[spine] = 0.060f * b;
  figure.joint_radius[neck] = 0.045f * g;

  // Head. Its joint is before the line from neck to top, where there is one that is not on it.
  const Vector3f up = internal::unit_or(at(head_top) - at(neck), chest_axes.up);
  Vector3f front = at(head) - at(neck);
  front -= front.dot(up) * up;
  if (front.norm() < 0.003f * height) front = chest_axes.front - chest_axes.front.dot(up) * up;
  front = internal::unit_or(front, up.unitOrthogonal());
  const Vector3f side = up.cross(front);
  const float h = height;
  const auto head_point = [&](float below_top, float forward, float sideways) {
    return Vector3f(at(head_top) + h * (forward * front + sideways * side - below_top * up));
  };
  add(between(shoulders, at(neck), 0.4f), head_point(0.09f, -0.008f, 0), 0.036f * g, 0.032f * g,
      PersonLook::skin);
  add(head_point(0.055f, 0, 0), head_point(0.096f, 0.012f, 0), 0.055f * h, 0.040f * h,
      PersonLook::skin, side, 0.82f);
  for (const float sign : {-1.0f, 1.0f}) {
    add(head_point(0.066f, 0.046f, sign * 0.018f), head_point(0.066f, 0.046f, sign * 0.021f),
        0.0085f * h, 0.0085f * h, PersonLook::eyes);
    add(head_point(0.066f, -0.002f, sign * 0.045f), head_point(0.080f, -0.002f, sign * 0.043f),
        0.011f * h, 0.008f * h, PersonLook::nose);  // an ear
  }
  add(head_point(0.070f, 0.053f, 0), head_point(0.088f, 0.062f, 0), 0.007f * h, 0.011f * h,
      PersonLook::nose);
  add(head_point(0.109f, 0.044f, -0.012f), head_point(0.109f, 0.044f, 0.012f), 0.008f * h,
      0.008f * h, PersonLook::lips);
  if (look.hair_length > 0) {
    add(head_point(0.053f, -0.013f, 0), head_point(0.085f, -0.028f, 0), 0.059f * h, 0.042f * h,
        PersonLook::hair, side, 0.86f);
    if (look.hair_length > 1) {
      add(head_point(0.075f, -0.030f, 0), head_point(0.165f, -0.038f, 0), 0.050f * h, 0.036f * h,
          PersonLook::hair, front, 0.7f);
    }
  }
  figure.joint_radius[head] = 0.055f * h;
  figure.joint_radius[head_top] = 0.045f * h;

  for (const bool right : {false, true}) {
    // Arm.
    const Vector3f shoulder = at(right ? right_shoulder : left_shoulder);
    const Vector3f elbow = at(right ? right_elbow : left_elbow);
    const Vector3f wrist = at(right ? right_wrist : left_wrist);
    const auto sleeve = right ? PersonLook::right_sleeve : PersonLook::left_sleeve;
    const auto arm = look.sleeves == ClothLength::full ? sleeve : PersonLook::skin;
    add(shoulder, elbow, 0.031f * g, 0.0235f * g, arm);
    add(elbow, wrist, 0.0240f * g, 0.0160f * g, arm);
    add(between(elbow, wrist, 0.25f), between(elbow, wrist, 0.6f), 0.0255f * g, 0.0190f * g, arm);
    if (look.sleeves == ClothLength::half) {
      add(shoulder, between(shoulder, elbow, 0.6f), 0.0345f * g, 0.0320f * g, sleeve);
    }
    const Vector3f forward = internal::unit_or(wrist - elbow, -chest_axes.up);
    // The elbow's axis; a straight arm has none.
    const Vector3f aside = chest_axes.left - chest_axes.left.dot(forward) * forward;
    const Vector3f thin =
        internal::unit_or(internal::unit_or(elbow - shoulder, forward).cross(forward),
                          internal::unit_or(aside, chest_axes.front));
    const Vector3f palm =
        std::cos(look.hand_tilt) * forward + std::sin(look.hand_tilt) * thin.cross(forward);
    add(wrist, wrist + 0.050f * h * palm, 0.0165f * g, 0.0215f * g, PersonLook::skin, thin, 0.55f);
    add(wrist + 0.050f * h * palm, wrist + 0.095f * h * palm, 0.0200f * g, 0.0110f * g,
        PersonLook::skin, thin, 0.5f);
    figure.joint_radius[right ? right_shoulder : left_shoulder] = 0.036f * g;
    figure.joint_radius[right ? right_elbow : left_elbow] = 0.025f * g;
    figure.joint_radius[right ? right_wrist : left_wrist] = 0.018f * g;

    // Leg.
    const Vector3f hip = at(right ? right_hip : left_hip);
    const Vector3f knee = at(right ? right_knee : left_knee);
    const Vector3f ankle = at(right ? right_ankle : left_ankle);
    const auto cloth = right ? PersonLook::right_trouser : PersonLook::left_trouser;
    const auto leg = look.trouser_legs == ClothLength::full ? cloth : PersonLook::skin;
    add(hip, knee, 0.051f * g, 0.0335f * g, leg);
    add(knee, ankle, 0.0335f * g, 0.0215f * g, leg);
    if (look.trouser_legs != ClothLength::none) {
      add(hip, between(hip, knee, 0.75f), 0.0560f * g, 0.0430f * g, cloth);
    }
    const Vector3f down = internal::unit_or(ankle - knee, -pelvis_axes.up);
    // A knee bends about the leg's left-right axis; where it is straight the pelvis tells it.
    const Vector3f bend = internal::unit_or(knee - hip, -pelvis_axes.up).cross(down);
    const Vector3f left = bend + 0.3f * pelvis_axes.left;
    const Vector3f ahead = internal::unit_or(left.cross(-down), down.unitOrthogonal());
    add(between(knee, ankle, 0.15f) - 0.010f * h * ahead,
        between(knee, ankle, 0.55f) - 0.006f * h * ahead, 0.0345f * g, 0.0280f * g, leg);
    add(ankle + h * (0.020f * down - 0.024f * ahead), ankle + h * (0.026f * down + 0.088f * ahead),
        0.0200f * g, 0.0165f * g, PersonLook::shoes, down, 0.8f);
    figure.joint_radius[right ? right_hip : left_hip] = 0.062f * g;
    figure.joint_radius[right ? right_knee : left_knee] = 0.036f * g;
    figure.joint_radius[right ? right_ankle : left_ankle] = 0.025f * g;
  }
  return figure;
}

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_SYNTHETIC
