#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>

#include <posekit/core/isa.hpp>
#include <posekit/core/linear_algebra.hpp>
#include <posekit/core/tensor.hpp>

namespace posekit {

/// A rectangle in a photo, in pixels from its upper left corner (COCO's convention: pixel i covers
/// [i, i + 1)).
struct Box {
  double x = 0, y = 0, width = 0, height = 0;
};

}  // namespace posekit

namespace posekit::inline POSEKIT_ISA {

/// The part of a photo that a network sees, and the way back. Positions have pixel centres at
/// whole numbers on both sides.
struct Crop {
  std::size_t width = 0, height = 0;  ///< of the crop
  /// photo = to_photo.leftCols<2>() * crop + to_photo.col(2)
  Eigen::Matrix<double, 2, 3> to_photo = Eigen::Matrix<double, 2, 3>::Zero();

  Eigen::Vector2d photo_point(const Eigen::Vector2d& crop) const {
    return to_photo.leftCols<2>() * crop + to_photo.col(2);
  }
  Eigen::Vector2d crop_point(const Eigen::Vector2d& photo) const {
    return to_photo.leftCols<2>().inverse() * (photo - to_photo.col(2));
  }
  /// Photo pixels per crop pixel.
  double scale() const { return std::sqrt(std::abs(to_photo.leftCols<2>().determinant())); }
};

/// A square crop of size x size pixels around a box, `margin` times as large as its longer side,
/// turned by `degrees` (clockwise in the photo). What lies outside the photo will be black.
/// Throws ValueError for an empty box.
inline Crop square_crop(const Box& box, std::size_t size, double margin = 1.0,
                        double degrees = 0.0) {
  if (!(box.width > 0) || !(box.height > 0) || size == 0 || !(margin > 0)) {
    throw ValueError(error_text("square_crop: a box of ", box.width, " x ", box.height,
                                " with margin ", margin, " gives no crop of ", size, " pixels"));
  }
  const double scale = std::max(box.width, box.height) * margin / static_cast<double>(size);
  const double angle = degrees * 3.14159265358979323846 / 180.0;
  Crop crop;
  crop.width = crop.height = size;
  crop.to_photo.leftCols<2>() << std::cos(angle), -std::sin(angle), std::sin(angle),
      std::cos(angle);
  crop.to_photo.leftCols<2>() *= scale;
  const double middle = 0.5 * (static_cast<double>(size) - 1.0);
  const Eigen::Vector2d centre(box.x + 0.5 * box.width - 0.5, box.y + 0.5 * box.height - 0.5);
  crop.to_photo.col(2) = centre - crop.to_photo.leftCols<2>() * Eigen::Vector2d(middle, middle);
  return crop;
}

/// Samples a photo [C, H, W] through a crop -> [C, crop.height, crop.width]. Bilinear; where the
/// crop is coarser than the photo, each pixel is the mean of as many samples as it covers photo
/// pixels, so that nothing is aliased. Outside the photo the value is 0.
template <class T>
Tensor<T> crop_image(const Tensor<T>& photo, const Crop& crop) {
  require_rank(photo, 3, "crop_image", "photo", "[C, H, W]");
  const std::size_t channels = photo.shape()[0];
  const std::size_t height = photo.shape()[1];
  const std::size_t width = photo.shape()[2];
  if (photo.size() == 0) throw ShapeError("crop_image: the photo has no pixels");
  Tensor<T> result = zeros<T>({channels, crop.height, crop.width});
  const int samples = std::clamp(static_cast<int>(std::ceil(crop.scale() - 1e-9)), 1, 64);
  const double weight = 1.0 / (samples * samples);
  for (std::size_t y = 0; y < crop.height; ++y) {
    for (std::size_t x = 0; x < crop.width; ++x) {
      for (int s = 0; s < samples * samples; ++s) {
        const double ox = (s % samples + 0.5) / samples - 0.5;
        const double oy = (s / samples + 0.5) / samples - 0.5;
        const Eigen::Vector2d p =
            crop.photo_point({static_cast<double>(x) + ox, static_cast<double>(y) + oy});
        if (!(p.x() > -0.5 && p.y() > -0.5 && p.x() < static_cast<double>(width) - 0.5 &&
              p.y() < static_cast<double>(height) - 0.5)) {
          continue;
        }
        const double px = std::clamp(p.x(), 0.0, static_cast<double>(width - 1));
        const double py = std::clamp(p.y(), 0.0, static_cast<double>(height - 1));
        const auto x0 = static_cast<std::size_t>(px);
        const auto y0 = static_cast<std::size_t>(py);
        const std::size_t x1 = std::min(x0 + 1, width - 1);
        const std::size_t y1 = std::min(y0 + 1, height - 1);
        const double fx = px - static_cast<double>(x0);
        const double fy = py - static_cast<double>(y0);
        for (std::size_t c = 0; c < channels; ++c) {
          const T* plane = photo.data() + c * height * width;
          const double top = (1 - fx) * static_cast<double>(plane[y0 * width + x0]) +
                             fx * static_cast<double>(plane[y0 * width + x1]);
          const double bottom = (1 - fx) * static_cast<double>(plane[y1 * width + x0]) +
                                fx * static_cast<double>(plane[y1 * width + x1]);
          result.data()[(c * crop.height + y) * crop.width + x] +=
              static_cast<T>(weight * ((1 - fy) * top + fy * bottom));
        }
      }
    }
  }
  return result;
}

/// Maps points [..., 2], last axis (x, y), from the crop to the photo.
template <class T>
Tensor<T> to_photo(const Crop& crop, Tensor<T> points) {
  for (std::size_t i = 0; i + 1 < points.size(); i += 2) {
    const Eigen::Vector2d p = crop.photo_point(
        {static_cast<double>(points.data()[i]), static_cast<double>(points.data()[i + 1])});
    points.data()[i] = static_cast<T>(p.x());
    points.data()[i + 1] = static_cast<T>(p.y());
  }
  return points;
}

/// Maps points [..., 2], last axis (x, y), from the photo to the crop.
template <class T>
Tensor<T> to_crop(const Crop& crop, Tensor<T> points) {
  for (std::size_t i = 0; i + 1 < points.size(); i += 2) {
    const Eigen::Vector2d p = crop.crop_point(
        {static_cast<double>(points.data()[i]), static_cast<double>(points.data()[i + 1])});
    points.data()[i] = static_cast<T>(p.x());
    points.data()[i + 1] = static_cast<T>(p.y());
  }
  return points;
}

}  // namespace posekit::inline POSEKIT_ISA
