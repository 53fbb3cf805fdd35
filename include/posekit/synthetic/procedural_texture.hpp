#pragma once

// Colours of surfaces that nobody has painted: cloth, skin, walls, as functions of a position.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/synthetic/random_stream.hpp>

namespace posekit::inline POSEKIT_ISA {

using Rgb = std::array<float, 3>;

enum class Pattern : std::uint8_t { plain, stripes, rings, checks, dots, blotches };
inline constexpr std::size_t pattern_count = 6;

/// Two colours in a pattern, with a fine grain. Lengths are in the unit of the positions.
struct Texture {
  Pattern pattern = Pattern::plain;
  Rgb colour{0.5f, 0.5f, 0.5f};
  Rgb second{0.5f, 0.5f, 0.5f};
  float period = 100;  ///< of the pattern; more than 0
  float grain = 0;     ///< by how much the grain lightens and darkens, as a share
  float grain_period = 30;
  std::uint32_t seed = 0;  ///< of blotches and grain
};

namespace internal {

/// Value noise in [0, 1] with a lattice of unit spacing.
float value_noise(float x, float y, std::uint32_t seed);

}  // namespace internal

/// The colour at a position: `along` and `around` a limb, or x and y on something flat.
Rgb texture_colour(const Texture& texture, float along, float around);

/// A colour of a given hue, saturation and value, each in [0, 1].
Rgb hsv_colour(double hue, double saturation, double value);

/// Any colour, muted ones more often.
Rgb random_colour(RandomStream& random);

Rgb mix_colours(const Rgb& a, const Rgb& b, float share_of_b);

/// Between the skins of people from all over the world.
Rgb random_skin(RandomStream& random);

/// Cloth or wall: plain in `plain` of all cases, otherwise a pattern with a period between `finest`
/// and `coarsest`.
Texture random_texture(RandomStream& random, double plain, double finest, double coarsest);

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_SYNTHETIC

namespace posekit::inline POSEKIT_ISA {

namespace internal {

/// 24 random bits of a lattice point, as a number in [0, 1).
float lattice_value(std::int32_t x, std::int32_t y, std::uint32_t seed);

inline float smooth_step(float t) { return t * t * (3 - 2 * t); }

POSEKIT_INLINE float lattice_value(std::int32_t x, std::int32_t y, std::uint32_t seed) {
  std::uint32_t h = seed ^ (static_cast<std::uint32_t>(x) * 0x8da6b343u) ^
                    (static_cast<std::uint32_t>(y) * 0xd8163841u);
  h = (h ^ (h >> 15)) * 0x2c1b3c6du;
  h = (h ^ (h >> 12)) * 0x297a2d39u;
  h ^= h >> 15;
  return static_cast<float>(h >> 8) * 0x1.0p-24f;
}

POSEKIT_INLINE float value_noise(float x, float y, std::uint32_t seed) {
  const float fx = std::floor(x), fy = std::floor(y);
  const auto ix = static_cast<std::int32_t>(fx), iy = static_cast<std::int32_t>(fy);
  const float tx = smooth_step(x - fx), ty = smooth_step(y - fy);
  const float a = lattice_value(ix, iy, seed), b = lattice_value(ix + 1, iy, seed);
  const float c = lattice_value(ix, iy + 1, seed), d = lattice_value(ix + 1, iy + 1, seed);
  const float top = a + (b - a) * tx, bottom = c + (d - c) * tx;
  return top + (bottom - top) * ty;
}

/// Whether an oscillation of period 1 is in its first half.
inline bool first_half(float phase) { return phase - std::floor(phase) < 0.5f; }

}  // namespace internal

POSEKIT_INLINE Rgb texture_colour(const Texture& texture, float along, float around) {
  bool second = false;
  const float a = along / texture.period, b = around / texture.period;
  switch (texture.pattern) {
    case Pattern::plain:
      break;
    case Pattern::stripes:
      second = internal::first_half(b);
      break;
    case Pattern::rings:
      second = internal::first_half(a);
      break;
    case Pattern::checks:
      second = internal::first_half(a) != internal::first_half(b);
      break;
    case Pattern::dots: {
      const float x = a - std::floor(a) - 0.5f, y = b - std::floor(b) - 0.5f;
      second = x * x + y * y < 0.09f;
      break;
    }
    case Pattern::blotches:
      second = internal::value_noise(a * 2, b * 2, texture.seed) > 0.55f;
      break;
  }
  Rgb colour = second ? texture.second : texture.colour;
  if (texture.grain > 0) {
    const float noise = internal::value_noise(along / texture.grain_period,
                                              around / texture.grain_period, ~texture.seed);
    const float factor = 1 + texture.grain * (2 * noise - 1);
    for (float& channel : colour) channel *= factor;
  }
  return colour;
}

POSEKIT_INLINE Rgb hsv_colour(double hue, double saturation, double value) {
  Rgb colour;
  for (std::size_t channel = 0; channel < 3; ++channel) {
    double k = 5 - 2 * static_cast<double>(channel) + 6 * hue;
    k -= 6 * std::floor(k / 6);
    const double share = std::clamp(std::min(k, 4 - k), 0.0, 1.0);
    colour[channel] = static_cast<float>(value * (1 - saturation * share));
  }
  return colour;
}

POSEKIT_INLINE Rgb random_colour(RandomStream& random) {
  const double hue = random.uniform(), muted = random.uniform();
  return hsv_colour(hue, muted * muted * 0.95, random.uniform(0.08, 1));
}

POSEKIT_INLINE Rgb mix_colours(const Rgb& a, const Rgb& b, float share_of_b) {
  Rgb mixed;
  for (std::size_t c = 0; c < 3; ++c) mixed[c] = a[c] + (b[c] - a[c]) * share_of_b;
  return mixed;
}

POSEKIT_INLINE Rgb random_skin(RandomStream& random) {
  constexpr std::array<Rgb, 5> tones{{{0.96f, 0.82f, 0.74f},
                                      {0.89f, 0.70f, 0.57f},
                                      {0.74f, 0.53f, 0.38f},
                                      {0.53f, 0.35f, 0.23f},
                                      {0.30f, 0.19f, 0.13f}}};
  const double at = random.uniform() * static_cast<double>(tones.size() - 1);
  const std::size_t below = std::min(static_cast<std::size_t>(at), tones.size() - 2);
  Rgb colour = mix_colours(tones[below], tones[below + 1],
                           static_cast<float>(at - static_cast<double>(below)));
  for (float& channel : colour) channel *= static_cast<float>(random.uniform(0.94, 1.05));
  return colour;
}

POSEKIT_INLINE Texture random_texture(RandomStream& random, double plain, double finest,
                                      double coarsest) {
  Texture texture;
  texture.colour = random_colour(random);
  texture.second = mix_colours(texture.colour, random_colour(random),
                               static_cast<float>(random.uniform(0.3, 1)));
  const bool is_plain = random.chance(plain);
  const std::size_t pattern = 1 + random.below(pattern_count - 1);
  if (!is_plain) texture.pattern = static_cast<Pattern>(pattern);
  texture.period = static_cast<float>(random.uniform(finest, coarsest));
  texture.grain = static_cast<float>(random.uniform(0, 0.22));
  texture.grain_period = static_cast<float>(random.uniform(0.4 * finest, finest));
  texture.seed = static_cast<std::uint32_t>(random.bits());
  return texture;
}

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_SYNTHETIC
