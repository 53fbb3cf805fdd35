#pragma once

// Brightness, contrast, saturation, hue and white balance of a picture.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <utility>

#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/core/tensor.hpp>

namespace posekit::inline POSEKIT_ISA {

/// What is done to colours; the defaults change nothing.
struct ColorChange {
  double brightness = 1;                ///< all values times this: black stays black
  double contrast = 1;                  ///< distances from the picture's mean luminance times this
  double saturation = 1;                ///< 0: gray; luminance stays
  double hue = 0;                       ///< degrees around the gray axis; luminance stays
  std::array<double, 3> gain{1, 1, 1};  ///< of red, green and blue
};

/// Changes the colours of a picture [3, H, W] in [0, 1]: gain and brightness, then hue and
/// saturation, then contrast, as one affine map of RGB, and clamps to [0, 1]. Hue and saturation
/// turn and scale the plane of I and Q of the colour space YIQ, whose Y is the luminance
/// 0.299 R + 0.587 G + 0.114 B. Throws ShapeError, and ValueError for what is not finite.
Tensor<float> change_colors(Tensor<float> picture, const ColorChange& change);

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_IMAGE

#include <posekit/core/error.hpp>
#include <posekit/core/linear_algebra.hpp>

namespace posekit::inline POSEKIT_ISA {

POSEKIT_INLINE Tensor<float> change_colors(Tensor<float> picture, const ColorChange& change) {
  if (picture.dimension() != 3 || picture.shape()[0] != 3) {
    throw ShapeError(error_text("change_colors: picture has shape ", to_string(picture.shape()),
                                ", expected [3, H, W]"));
  }
  for (const auto& [name, value] : {std::pair{"brightness", change.brightness},
                                    {"contrast", change.contrast},
                                    {"saturation", change.saturation},
                                    {"hue", change.hue},
                                    {"gain of red", change.gain[0]},
                                    {"gain of green", change.gain[1]},
                                    {"gain of blue", change.gain[2]}}) {
    if (!std::isfinite(value)) {
      throw ValueError(
          error_text("change_colors: ", name, " is ", value, ", expected a finite number"));
    }
  }
  if (picture.size() == 0) return picture;
  Eigen::Matrix3d to_yiq;
  to_yiq << 0.299, 0.587, 0.114, 0.5959, -0.2746, -0.3213, 0.2115, -0.5227, 0.3112;
  const double angle = change.hue * std::numbers::pi / 180;
  Eigen::Matrix3d chroma = Eigen::Matrix3d::Identity();
  chroma.bottomRightCorner<2, 2>() << std::cos(angle), -std::sin(angle), std::sin(angle),
      std::cos(angle);
  chroma.bottomRightCorner<2, 2>() *= change.saturation;
  Eigen::Matrix3d color = Eigen::Matrix3d::Identity();
  if (change.hue != 0 || change.saturation != 1) color = to_yiq.inverse() * chroma * to_yiq;
  for (int c = 0; c < 3; ++c) {
    color.col(c) *= change.brightness * change.gain[static_cast<std::size_t>(c)];
  }

  const std::size_t pixels = picture.size() / 3;
  float* red = picture.data();
  float* green = red + pixels;
  float* blue = green + pixels;
  double offset = 0;
  if (change.contrast != 1) {
    Eigen::Vector3d mean = Eigen::Vector3d::Zero();
    for (std::size_t i = 0; i < pixels; ++i) {
      mean += Eigen::Vector3d(static_cast<double>(red[i]), static_cast<double>(green[i]),
                              static_cast<double>(blue[i]));
    }
    mean /= static_cast<double>(pixels);
    offset = (1 - change.contrast) * to_yiq.row(0).dot(color * mean);
    color *= change.contrast;
  }
  const Eigen::Matrix3f m = color.cast<float>();
  const auto shift = static_cast<float>(offset);
  const auto within = [](float value) { return std::min(std::max(value, 0.0f), 1.0f); };
  for (std::size_t i = 0; i < pixels; ++i) {
    const float r = red[i], g = green[i], b = blue[i];
    red[i] = within(m(0, 0) * r + m(0, 1) * g + m(0, 2) * b + shift);
    green[i] = within(m(1, 0) * r + m(1, 1) * g + m(1, 2) * b + shift);
    blue[i] = within(m(2, 0) * r + m(2, 1) * g + m(2, 2) * b + shift);
  }
  return picture;
}

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_IMAGE
