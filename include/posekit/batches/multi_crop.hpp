#pragma once

// Predictions for a person as the mean of those for several crops of the picture.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/core/tensor.hpp>
#include <posekit/image/crop.hpp>
#include <posekit/pose/skeletons.hpp>

namespace posekit::inline POSEKIT_ISA {

struct MultiCropOptions {
  double shift = 0.05;  ///< of the crop's width and height; 0: no shifted crops
  bool mirror = true;   ///< each crop also mirrored
};

/// The crops of the ten-crop scheme (Luvizon et al.; MargiPose, section 6.2): `centre` itself, four
/// that are shifted towards its corners, and all of them mirrored. `centre` is a crop of a photo,
/// or a `whole_picture` where only the crop is at hand; the shifted crops have a black border then.
/// Throws ValueError for a shift that is negative or not finite.
std::vector<Crop> multi_crop(const Crop& centre, const MultiCropOptions& options = {});

/// A photo [C, H, W] through K crops of one size -> [K, C, h, w]. Throws ShapeError.
template <class T>
Tensor<T> crop_images(const Tensor<T>& photo, const std::vector<Crop>& crops);

/// The mean of predictions [K, J, D] for one person through K crops -> [J, D], as seen through the
/// first of them. Coordinates are PoseBatch's normalised ones, D is 2 or 3. Shift, scale, rotation
/// and mirroring of each crop are undone, and mirrored crops' left and right joints exchanged.
/// Throws ShapeError, and ValueError where the skeleton has another number of joints.
///
///   const auto crops = multi_crop(square_crop(box, 256, 1.25));
///   const auto images = normalize_images<float>(crop_images(photo, crops));
///   const auto joints = merge_multi_crop(predict(images), crops, skeletons::human36m_17);
template <class T>
Tensor<T> merge_multi_crop(const Tensor<T>& predictions, const std::vector<Crop>& crops,
                           const Skeleton& skeleton);

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_BATCHES

#include <posekit/core/coordinates.hpp>
#include <posekit/core/error.hpp>
#include <posekit/core/linear_algebra.hpp>
#include <posekit/image/crop_transforms.hpp>

namespace posekit::inline POSEKIT_ISA {

POSEKIT_INLINE std::vector<Crop> multi_crop(const Crop& centre, const MultiCropOptions& options) {
  if (!(options.shift >= 0) || !std::isfinite(options.shift)) {
    throw ValueError(
        error_text("multi_crop: shift is ", options.shift, ", expected 0 or a positive number"));
  }
  std::vector<Crop> crops{centre};
  if (options.shift > 0) {
    for (const double y : {-options.shift, options.shift}) {
      for (const double x : {-options.shift, options.shift}) {
        crops.push_back(shifted_crop(centre, x, y));
      }
    }
  }
  if (options.mirror) {
    for (std::size_t i = 0, count = crops.size(); i < count; ++i) {
      crops.push_back(mirrored_crop(crops[i]));
    }
  }
  return crops;
}

template <class T>
Tensor<T> crop_images(const Tensor<T>& photo, const std::vector<Crop>& crops) {
  if (crops.empty()) throw ShapeError("crop_images: there are no crops");
  require_rank(photo, 3, "crop_images", "photo", "[C, H, W]");
  Tensor<T> result =
      make_tensor<T>({crops.size(), photo.shape()[0], crops[0].height, crops[0].width});
  for (std::size_t k = 0; k < crops.size(); ++k) {
    if (crops[k].width != crops[0].width || crops[k].height != crops[0].height) {
      throw ShapeError(error_text("crop_images: crop ", k, " has ", crops[k].width, " x ",
                                  crops[k].height, " pixels, expected ", crops[0].width, " x ",
                                  crops[0].height, " as the first"));
    }
    const Tensor<T> image = crop_image(photo, crops[k]);
    std::copy_n(image.data(), image.size(), result.data() + k * image.size());
  }
  return result;
}

template <class T>
Tensor<T> merge_multi_crop(const Tensor<T>& predictions, const std::vector<Crop>& crops,
                           const Skeleton& skeleton) {
  require_rank(predictions, 3, "merge_multi_crop", "predictions", "[K, J, D]");
  const std::size_t count = predictions.shape()[1], axes = predictions.shape()[2];
  if (crops.empty() || predictions.shape()[0] != crops.size() || (axes != 2 && axes != 3)) {
    throw ShapeError(error_text("merge_multi_crop: predictions has shape ",
                                to_string(predictions.shape()), ", expected [", crops.size(),
                                ", J, 2 or 3] for ", crops.size(), " crops"));
  }
  if (count != skeleton.size()) {
    throw ValueError(error_text("merge_multi_crop: predictions has ", count,
                                " joints, the skeleton ", skeleton.name, " has ", skeleton.size()));
  }
  const Crop& first = crops[0];
  std::vector<double> sums(count * axes);
  for (std::size_t k = 0; k < crops.size(); ++k) {
    const Crop& crop = crops[k];
    const bool mirrored = is_mirrored(crop) != is_mirrored(first);
    // z is in pixels too, each 2 / width.
    const double z_scale = static_cast<double>(crop.width) / static_cast<double>(first.width) *
                           crop.scale() / first.scale();
    for (std::size_t from = 0; from < count; ++from) {
      const auto value = [&](std::size_t axis) {
        return static_cast<double>(predictions(k, from, axis));
      };
      const Eigen::Vector2d at = first.crop_point(
          crop.photo_point({to_pixel(Coordinates::normalized, crop.width, value(0)),
                            to_pixel(Coordinates::normalized, crop.height, value(1))}));
      double* sum = sums.data() + (mirrored ? skeleton.flips[from] : from) * axes;
      sum[0] += from_pixel(Coordinates::normalized, first.width, at.x());
      sum[1] += from_pixel(Coordinates::normalized, first.height, at.y());
      if (axes == 3) sum[2] += value(2) * z_scale;
    }
  }
  Tensor<T> result = make_tensor<T>({count, axes});
  for (std::size_t i = 0; i < sums.size(); ++i) {
    result.data()[i] = static_cast<T>(sums[i] / static_cast<double>(crops.size()));
  }
  return result;
}

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_BATCHES
