#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>
#include <vector>

#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/core/tensor.hpp>
#include <posekit/synthetic/random_stream.hpp>

namespace posekit::inline POSEKIT_ISA {

/// What is behind a generated person.
struct BackdropOptions {
  double noise = 0.2;  ///< largest amplitude of the coarsest octave, in units of the full range
  int octaves = 4;
  std::size_t shapes = 9;  ///< the most rectangles and ellipses
  double ground = 0.4;     ///< probability of a ground that begins at a horizon
  double saturation = 1;   ///< of the colours behind the shapes, as a share; 0: gray
};

/// Fills a picture [3, H, W]: a gradient, perhaps a ground, noise of several octaves, shapes.
/// Values may lie outside [0, 1]. Throws ShapeError.
void paint_backdrop(Tensor<float>& image, RandomStream& random,
                    const BackdropOptions& options = {});

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_SYNTHETIC

#include <posekit/synthetic/procedural_texture.hpp>
#include <posekit/synthetic/textured_patch.hpp>

namespace posekit::inline POSEKIT_ISA {

namespace internal {

TexturedPatch random_patch(RandomStream& random, std::size_t width, std::size_t height,
                           double smallest, double largest);

/// Adds value noise, of amplitudes for each channel, on a lattice of `cell` pixels.
inline void add_noise(Tensor<float>& image, float cell, const Rgb& amplitude, std::uint32_t seed) {
  const std::size_t height = image.shape()[1], width = image.shape()[2], plane = width * height;
  // A row between two rows of the lattice is a mean of both, which serve for many rows.
  const auto lattice_row = [&](std::int32_t iy, std::vector<float>& row) {
    for (std::size_t x = 0; x < width; ++x) {
      const float at = static_cast<float>(x) / cell;
      const auto ix = static_cast<std::int32_t>(at);
      const float a = lattice_value(ix, iy, seed), b = lattice_value(ix + 1, iy, seed);
      row[x] = 2 * (a + (b - a) * smooth_step(at - static_cast<float>(ix))) - 1;
    }
  };
  std::vector<float> above(width), below(width);
  std::int32_t have = -1;
  for (std::size_t y = 0; y < height; ++y) {
    const float at = static_cast<float>(y) / cell;
    const auto iy = static_cast<std::int32_t>(at);
    if (iy != have) {
      if (iy == have + 1 && have >= 0) {
        std::swap(above, below);
      } else {
        lattice_row(iy, above);
      }
      lattice_row(iy + 1, below);
      have = iy;
    }
    const float share = smooth_step(at - static_cast<float>(iy));
    for (std::size_t c = 0; c < 3; ++c) {
      float* out = image.data() + c * plane + y * width;
      for (std::size_t x = 0; x < width; ++x) {
        out[x] += amplitude[c] * (above[x] + (below[x] - above[x]) * share);
      }
    }
  }
}

POSEKIT_INLINE TexturedPatch random_patch(RandomStream& random, std::size_t width,
                                          std::size_t height, double smallest, double largest) {
  const double size = static_cast<double>(std::min(width, height));
  // Small ones more often.
  const auto extent = [&] {
    const double share = random.uniform();
    return static_cast<float>(0.5 * size * (smallest + (largest - smallest) * share * share));
  };
  TexturedPatch patch;
  patch.x = static_cast<float>(random.uniform(-0.05, 1.05) * static_cast<double>(width));
  patch.y = static_cast<float>(random.uniform(-0.05, 1.05) * static_cast<double>(height));
  patch.half_width = extent();
  patch.half_height = extent();
  patch.angle = static_cast<float>(
      random.chance(0.5) ? random.normal(0, 0.05)
                         : random.uniform(-0.5 * std::numbers::pi, 0.5 * std::numbers::pi));
  patch.texture = random_texture(random, 0.45, 0.03 * size + 2, 0.15 * size + 4);
  return patch;
}

}  // namespace internal

POSEKIT_INLINE void paint_backdrop(Tensor<float>& image, RandomStream& random,
                                   const BackdropOptions& options) {
  require_rank(image, 3, "paint_backdrop", "image", "[3, H, W]");
  const std::size_t height = image.shape()[1], width = image.shape()[2];
  const double angle = random.uniform(0, 2 * std::numbers::pi);
  const auto colour = [&] {
    const Rgb drawn = random_colour(random);
    if (options.saturation == 1) return drawn;
    const float gray = (drawn[0] + drawn[1] + drawn[2]) / 3;
    return mix_colours({gray, gray, gray}, drawn, static_cast<float>(options.saturation));
  };
  const Rgb first = colour(), second = colour();
  const Rgb ground_near = colour();
  const Rgb ground_far = mix_colours(ground_near, first, 0.6f);
  const float horizon = random.chance(options.ground) ? static_cast<float>(random.uniform(0.4, 0.9))
                                                      : 2.0f;  // shares of the height
  const auto cx = static_cast<float>(std::cos(angle)), cy = static_cast<float>(std::sin(angle));
  for (std::size_t c = 0; c < 3; ++c) {
    for (std::size_t y = 0; y < height; ++y) {
      float* row = image.data() + (c * height + y) * width;
      const float v = static_cast<float>(y) / static_cast<float>(height);
      if (v >= horizon) {
        const float share = (v - horizon) / (1 - horizon);
        std::fill_n(row, width, ground_far[c] + (ground_near[c] - ground_far[c]) * share);
        continue;
      }
      for (std::size_t x = 0; x < width; ++x) {
        const float u = static_cast<float>(x) / static_cast<float>(width);
        const float share = 0.5f + 0.7f * ((u - 0.5f) * cx + (v - 0.5f) * cy);
        row[x] = first[c] + (second[c] - first[c]) * share;
      }
    }
  }
  const std::size_t shapes = options.shapes == 0 ? 0 : random.below(options.shapes + 1);
  for (std::size_t i = 0; i < shapes; ++i) {
    TexturedPatch patch = internal::random_patch(random, width, height, 0.04, 0.9);
    patch.elliptic = random.chance(0.4);
    patch.opacity = static_cast<float>(random.uniform(0.5, 1));
    paint_patch(patch, image);
  }
  auto amplitude = static_cast<float>(random.uniform(0.1, 1) * options.noise);
  auto cell =
      static_cast<float>(random.uniform(0.15, 0.5) * static_cast<double>(std::max(width, height)));
  for (int octave = 0; octave < options.octaves && cell >= 1; ++octave) {
    // Bright and dark together, and a little colour.
    Rgb amplitudes;
    for (float& value : amplitudes) value = amplitude * static_cast<float>(random.uniform(0.6, 1));
    internal::add_noise(image, cell, amplitudes, static_cast<std::uint32_t>(random.bits()));
    amplitude *= 0.6f;
    cell *= 0.45f;
  }
}

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_SYNTHETIC
