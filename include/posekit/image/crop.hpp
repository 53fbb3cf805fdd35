#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <vector>

#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/core/linear_algebra.hpp>
#include <posekit/core/tensor.hpp>
#include <posekit/image/box.hpp>
#include <posekit/image/photo_view.hpp>

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
/// Throws ValueError for an empty box, and where a number is not finite.
Crop square_crop(const Box& box, std::size_t size, double margin = 1.0, double degrees = 0.0);

/// Samples a photo [C, H, W] through a crop -> [C, crop.height, crop.width]. Bilinear; where the
/// crop is coarser than the photo, each pixel is the mean of as many samples as it covers photo
/// pixels, so that nothing is aliased. Outside the photo the value is 0.
template <class T>
Tensor<T> crop_image(const Tensor<T>& photo, const Crop& crop);

/// The same of either kind of photo:
///
///     const pk::Bitmap photo = pk::load_bitmap("photo.jpg");
///     auto image = pk::crop_image<float>(photo, crop);          // [3, H, W], in [0, 1]
template <class T>
Tensor<T> crop_image(const PhotoView<T>& photo, const Crop& crop);

/// Maps points [..., 2], last axis (x, y), from the crop to the photo.
template <class T>
Tensor<T> to_photo(const Crop& crop, Tensor<T> points);

/// Maps points [..., 2], last axis (x, y), from the photo to the crop.
template <class T>
Tensor<T> to_crop(const Crop& crop, Tensor<T> points);

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_IMAGE

#include <posekit/core/require.hpp>

namespace posekit::inline POSEKIT_ISA {

POSEKIT_INLINE Crop square_crop(const Box& box, std::size_t size, double margin, double degrees) {
  if (!(box.width > 0) || !(box.height > 0) || size == 0 || !(margin > 0)) {
    throw ValueError(error_text("square_crop: a box of ", box.width, " x ", box.height,
                                " with margin ", margin, " gives no crop of ", size, " pixels"));
  }
  require_finite_number("square_crop", "the box's corner", box.x + box.y);
  require_finite_number("square_crop", "the crop's side", std::max(box.width, box.height) * margin);
  require_finite_number("square_crop", "degrees", degrees);
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

namespace internal {

/// The columns [x0, x1) and rows [y0, y1) of a photo that a crop reads; empty where they meet
/// nowhere.
struct PhotoWindow {
  std::size_t x0 = 0, x1 = 0, y0 = 0, y1 = 0;

  PhotoWindow(const Crop& crop, std::size_t width, std::size_t height) {
    if (!crop.to_photo.allFinite()) return;
    const double right = static_cast<double>(crop.width) - 0.5;
    const double bottom = static_cast<double>(crop.height) - 0.5;
    Eigen::Vector2d low = crop.photo_point({-0.5, -0.5}), high = low;
    for (const Eigen::Vector2d& corner :
         {Eigen::Vector2d(right, -0.5), Eigen::Vector2d(-0.5, bottom), {right, bottom}}) {
      low = low.cwiseMin(crop.photo_point(corner));
      high = high.cwiseMax(crop.photo_point(corner));
    }
    // A sample reads the pixels on both sides of it.
    const auto clamped = [](double value, std::size_t length) {
      return static_cast<std::size_t>(std::clamp(value, 0.0, static_cast<double>(length)));
    };
    x0 = clamped(std::floor(low.x()) - 1, width), x1 = clamped(std::floor(high.x()) + 3, width);
    y0 = clamped(std::floor(low.y()) - 1, height), y1 = clamped(std::floor(high.y()) + 3, height);
  }

  bool empty() const { return x0 >= x1 || y0 >= y1; }
};

/// Up to Lanes channels of a photo, from `first` on, through a crop. The channels of a pixel are
/// put side by side, so that a sample's arithmetic is done for all of them at once.
template <std::size_t Lanes, class T>
void sample_channels(const PhotoView<T>& photo, std::size_t first, std::size_t channels,
                     const PhotoWindow& window, const Crop& crop, T* result) {
  const std::size_t height = photo.height(), width = photo.width();
  // The window's last column and row stand twice where they are the photo's, so that every sample
  // has a neighbour.
  const std::size_t columns = window.x1 - window.x0 + 1, rows = window.y1 - window.y0 + 1;
  std::vector<T> pixels(rows * columns * Lanes);
  for (std::size_t c = 0; c < channels; ++c) {
    for (std::size_t y = 0; y < rows; ++y) {
      const std::size_t line = std::min(window.y0 + y, height - 1);
      const std::size_t last = std::min(window.x1, width - 1);
      T* to = pixels.data() + y * columns * Lanes + c;
      photo.copy_line(first + c, line, window.x0, window.x1, to, Lanes);
      photo.copy_line(first + c, line, last, last + 1, to + (columns - 1) * Lanes, Lanes);
    }
  }
  const int samples = static_cast<int>(std::clamp(std::ceil(crop.scale() - 1e-9), 1.0, 64.0));
  const T weight = static_cast<T>(1.0 / (samples * samples));
  const auto per_pixel = static_cast<std::size_t>(samples);
  std::vector<double> offsets;
  for (int s = 0; s < samples; ++s) offsets.push_back((s + 0.5) / samples - 0.5);
  // Where the samples of a line of the crop lie: found for all of them before any is taken.
  const std::size_t count = crop.width * per_pixel;
  std::vector<double> line_u(count), at_x(count), at_y(count);
  for (std::size_t i = 0; i < count; ++i) {
    line_u[i] = static_cast<double>(i / per_pixel) + offsets[i % per_pixel];
  }
  std::vector<int> column(count), row(count), inside(count);
  std::vector<T> fraction_x(count), fraction_y(count), sums(crop.width * Lanes);
  const double right = static_cast<double>(width) - 1, bottom = static_cast<double>(height) - 1;
  const auto m = crop.to_photo;
  for (std::size_t y = 0; y < crop.height; ++y) {
    std::fill(sums.begin(), sums.end(), T(0));
    for (const double offset : offsets) {
      const double v = static_cast<double>(y) + offset;
      // Three loops, each of which compilers vectorise.
      for (std::size_t i = 0; i < count; ++i) {
        at_x[i] = m(0, 0) * line_u[i] + m(0, 1) * v + m(0, 2);
        at_y[i] = m(1, 0) * line_u[i] + m(1, 1) * v + m(1, 2);
      }
      for (std::size_t i = 0; i < count; ++i) {
        // Not &&, which compilers do not vectorise here.
        inside[i] = int{at_x[i] > -0.5} & int{at_y[i] > -0.5} & int{at_x[i] < right + 0.5} &
                    int{at_y[i] < bottom + 0.5};
        at_x[i] = std::min(std::max(at_x[i], 0.0), right);
        at_y[i] = std::min(std::max(at_y[i], 0.0), bottom);
      }
      for (std::size_t i = 0; i < count; ++i) {
        column[i] = static_cast<int>(at_x[i]);
        row[i] = static_cast<int>(at_y[i]);
        fraction_x[i] = static_cast<T>(at_x[i] - column[i]);
        fraction_y[i] = static_cast<T>(at_y[i] - row[i]);
      }
      for (std::size_t x = 0; x < crop.width; ++x) {
        std::array<T, Lanes> sum{};
        for (std::size_t i = x * per_pixel; i < (x + 1) * per_pixel; ++i) {
          if (inside[i] == 0) continue;
          const T* upper =
              pixels.data() + ((static_cast<std::size_t>(row[i]) - window.y0) * columns +
                               (static_cast<std::size_t>(column[i]) - window.x0)) *
                                  Lanes;
          const T* lower = upper + columns * Lanes;
          const T fx = fraction_x[i], fy = fraction_y[i];
          for (std::size_t c = 0; c < Lanes; ++c) {
            const T top = (1 - fx) * upper[c] + fx * upper[Lanes + c];
            const T low = (1 - fx) * lower[c] + fx * lower[Lanes + c];
            sum[c] += (1 - fy) * top + fy * low;
          }
        }
        for (std::size_t c = 0; c < Lanes; ++c) sums[x * Lanes + c] += sum[c];
      }
    }
    for (std::size_t c = 0; c < channels; ++c) {
      T* to = result + (c * crop.height + y) * crop.width;
      for (std::size_t x = 0; x < crop.width; ++x) to[x] = weight * sums[x * Lanes + c];
    }
  }
}

}  // namespace internal

template <class T>
Tensor<T> crop_image(const Tensor<T>& photo, const Crop& crop) {
  require_rank(photo, 3, "crop_image", "photo", "[C, H, W]");
  return crop_image(PhotoView<T>(photo), crop);
}

template <class T>
Tensor<T> crop_image(const PhotoView<T>& photo, const Crop& crop) {
  if (photo.empty()) throw ShapeError("crop_image: the photo has no pixels");
  const std::size_t channels = photo.channels();
  Tensor<T> result = zeros<T>({channels, crop.height, crop.width});
  const internal::PhotoWindow window(crop, photo.width(), photo.height());
  if (window.empty()) return result;
  constexpr std::size_t lanes = 4;
  for (std::size_t c = 0; c < channels; c += lanes) {
    const std::size_t count = std::min(lanes, channels - c);
    const auto sample =
        count == 1 ? &internal::sample_channels<1, T> : &internal::sample_channels<lanes, T>;
    sample(photo, c, count, window, crop, result.data() + c * crop.height * crop.width);
  }
  return result;
}

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

#endif  // POSEKIT_DEFINES_IMAGE
