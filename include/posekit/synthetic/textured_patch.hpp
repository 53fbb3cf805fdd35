#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <span>

#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/core/tensor.hpp>
#include <posekit/synthetic/procedural_texture.hpp>

namespace posekit::inline POSEKIT_ISA {

/// A flat rectangle or ellipse in a picture, in pixels.
struct TexturedPatch {
  float x = 0, y = 0;  ///< its middle
  float half_width = 0, half_height = 0;
  float angle = 0;  ///< radians, clockwise
  bool elliptic = false;
  float opacity = 1;
  Texture texture{};
};

/// Whether a position, in pixels, is on a patch.
bool covers(const TexturedPatch& patch, float px, float py);

/// Paints a patch over a picture [3, H, W], smooth at its border, and takes the share of each pixel
/// that it covers away from `visible` [H * W] where that is given.
void paint_patch(const TexturedPatch& patch, Tensor<float>& image, std::span<float> visible = {});

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_SYNTHETIC

namespace posekit::inline POSEKIT_ISA {

namespace internal {

/// Positions as seen from a patch's middle and along its sides.
class PatchFrame {
 public:
  explicit PatchFrame(const TexturedPatch& patch)
      : patch_(patch), cosine_(std::cos(patch.angle)), sine_(std::sin(patch.angle)) {}

  std::array<float, 2> own_position(float px, float py) const {
    const float dx = px - patch_.x, dy = py - patch_.y;
    return {cosine_ * dx + sine_ * dy, cosine_ * dy - sine_ * dx};
  }
  /// How far outside the border a position of its own is, in pixels (of an ellipse about so).
  float outside(const std::array<float, 2>& own) const {
    const auto [u, v] = own;
    if (!patch_.elliptic) {
      return std::max(std::abs(u) - patch_.half_width, std::abs(v) - patch_.half_height);
    }
    const float a = u / patch_.half_width, b = v / patch_.half_height;
    return (std::sqrt(a * a + b * b) - 1) * std::min(patch_.half_width, patch_.half_height);
  }
  /// How far it goes from its middle along the picture's x and y.
  std::array<float, 2> reach() const {
    const float c = std::abs(cosine_), s = std::abs(sine_);
    return {c * patch_.half_width + s * patch_.half_height,
            s * patch_.half_width + c * patch_.half_height};
  }

 private:
  const TexturedPatch& patch_;
  float cosine_, sine_;
};

}  // namespace internal

POSEKIT_INLINE bool covers(const TexturedPatch& patch, float px, float py) {
  const internal::PatchFrame frame(patch);
  return frame.outside(frame.own_position(px, py)) <= 0;
}

POSEKIT_INLINE void paint_patch(const TexturedPatch& patch, Tensor<float>& image,
                                std::span<float> visible) {
  require_rank(image, 3, "paint_patch", "image", "[3, H, W]");
  const std::size_t height = image.shape()[1], width = image.shape()[2], plane = width * height;
  const internal::PatchFrame frame(patch);
  const auto [reach_x, reach_y] = frame.reach();
  // A NaN becomes 0.
  const auto clamped = [](float value, std::size_t limit) {
    return static_cast<std::size_t>(value > 0 ? std::min(value, static_cast<float>(limit)) : 0.0f);
  };
  const std::size_t left = clamped(std::floor(patch.x - reach_x - 1), width);
  const std::size_t right = clamped(std::ceil(patch.x + reach_x) + 2, width);
  const std::size_t top = clamped(std::floor(patch.y - reach_y - 1), height);
  const std::size_t bottom = clamped(std::ceil(patch.y + reach_y) + 2, height);
  for (std::size_t row = top; row < bottom; ++row) {
    for (std::size_t column = left; column < right; ++column) {
      const auto own = frame.own_position(static_cast<float>(column), static_cast<float>(row));
      const float covered = std::clamp(0.5f - frame.outside(own), 0.0f, 1.0f);
      if (!(covered > 0)) continue;
      const float share = covered * patch.opacity;
      const Rgb colour = texture_colour(patch.texture, own[0], own[1]);
      const std::size_t pixel = row * width + column;
      for (std::size_t channel = 0; channel < 3; ++channel) {
        float& value = image.data()[channel * plane + pixel];
        value += (colour[channel] - value) * share;
      }
      if (!visible.empty()) visible[pixel] *= 1 - covered;
    }
  }
}

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_SYNTHETIC
