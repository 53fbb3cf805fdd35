#pragma once

// Crops made from other crops.

#include <cmath>
#include <cstddef>

#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/core/linear_algebra.hpp>
#include <posekit/image/crop.hpp>

namespace posekit::inline POSEKIT_ISA {

/// All of a picture, as it is.
Crop whole_picture(std::size_t width, std::size_t height);

/// A crop of a crop, as a crop of the photo.
Crop crop_of_crop(const Crop& outer, const Crop& inner);

/// The same part of the photo with left and right exchanged.
Crop mirrored_crop(const Crop& crop);

/// A crop of the same size whose content lies `x` of its width to the right of this one's, and `y`
/// of its height below.
Crop shifted_crop(const Crop& crop, double x, double y);

/// Whether a crop exchanges left and right.
inline bool is_mirrored(const Crop& crop) { return crop.to_photo.leftCols<2>().determinant() < 0; }

/// The turn from the photo to the crop, without its scale: a rotation, or a rotation and a
/// reflection. Throws ValueError unless the crop scales all directions alike.
Eigen::Matrix2d crop_rotation(const Crop& crop);

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_IMAGE

#include <posekit/core/error.hpp>

namespace posekit::inline POSEKIT_ISA {

POSEKIT_INLINE Crop whole_picture(std::size_t width, std::size_t height) {
  Crop crop;
  crop.width = width;
  crop.height = height;
  crop.to_photo.leftCols<2>().setIdentity();
  return crop;
}

POSEKIT_INLINE Crop crop_of_crop(const Crop& outer, const Crop& inner) {
  Crop crop = inner;
  crop.to_photo.leftCols<2>() = outer.to_photo.leftCols<2>() * inner.to_photo.leftCols<2>();
  crop.to_photo.col(2) = outer.photo_point(inner.to_photo.col(2));
  return crop;
}

POSEKIT_INLINE Crop mirrored_crop(const Crop& crop) {
  Crop mirror = whole_picture(crop.width, crop.height);
  mirror.to_photo(0, 0) = -1;
  mirror.to_photo(0, 2) = static_cast<double>(crop.width) - 1;
  return crop_of_crop(crop, mirror);
}

POSEKIT_INLINE Crop shifted_crop(const Crop& crop, double x, double y) {
  Crop shift = whole_picture(crop.width, crop.height);
  shift.to_photo(0, 2) = x * static_cast<double>(crop.width);
  shift.to_photo(1, 2) = y * static_cast<double>(crop.height);
  return crop_of_crop(crop, shift);
}

POSEKIT_INLINE Eigen::Matrix2d crop_rotation(const Crop& crop) {
  const double scale = crop.scale();
  const Eigen::Matrix2d rotation = crop.to_photo.leftCols<2>().transpose() / scale;
  if (!(scale > 0) || !std::isfinite(scale) || !crop.to_photo.col(2).allFinite() ||
      !((rotation * rotation.transpose() - Eigen::Matrix2d::Identity()).norm() < 1e-6)) {
    const auto& m = crop.to_photo;
    throw ValueError(error_text("crop_rotation: the crop's linear part is [", m(0, 0), ", ",
                                m(0, 1), "; ", m(1, 0), ", ", m(1, 1),
                                "], expected one scale and a rotation or reflection"));
  }
  return rotation;
}

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_IMAGE
