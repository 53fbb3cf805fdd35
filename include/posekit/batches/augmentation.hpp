#pragma once

// Random changes of examples that leave their labels right.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>
#include <utility>

#include <posekit/batches/crop_example.hpp>
#include <posekit/batches/pose_example.hpp>
#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/core/tensor.hpp>
#include <posekit/image/color_change.hpp>
#include <posekit/image/crop.hpp>
#include <posekit/pose/skeletons.hpp>

namespace posekit::inline POSEKIT_ISA {

/// What a value is drawn from, uniformly. Where both ends are the same, it is that value.
struct Range {
  double low = 0, high = 0;
};

struct AugmentationOptions {
  std::uint64_t seed = 0;
  Range scale{0.8, 1.25};        ///< how many times as large the person becomes
  Range translation{-0.1, 0.1};  ///< of the picture's width, and of its height
  Range rotation{-30, 30};       ///< degrees, clockwise in the picture
  double flip = 0.5;             ///< the probability of a mirrored picture
  Range brightness{0.8, 1.25};   ///< this and what follows: see ColorChange
  Range contrast{0.8, 1.25};
  Range saturation{0.8, 1.25};
  Range hue{-10, 10};
  Range gain{0.9, 1.1};           ///< for each channel
  Range noise{0, 0};              ///< standard deviation of normal noise on each value
  double erase = 0;               ///< the probability that a rectangle gets one random colour
  Range erased_area{0.02, 0.2};   ///< of the picture
  Range erased_aspect{0.3, 3.3};  ///< the rectangle's width / height, in a square picture
  /// The crop's centre moves by this times its side, before anything else (PoseIG, section 5.1:
  /// crop noise). For `augmented_crop` only.
  Range crop_shift{0, 0};
};

/// What was drawn; the defaults change nothing.
struct Augmentation {
  double scale = 1;
  double translation_x = 0, translation_y = 0;
  double rotation = 0;
  bool flip = false;
  ColorChange color{};
  double noise = 0;
  std::uint64_t noise_seed = 0;
  bool erase = false;
  /// The erased rectangle, as parts of the picture's width and height.
  double erased_x = 0, erased_y = 0, erased_width = 0, erased_height = 0;
  std::array<double, 3> erased_color{};
  double crop_shift_x = 0, crop_shift_y = 0;
};

/// Whether a photo is cropped before or after it is augmented (PoseIG, section 5.1).
enum class AugmentationOrder {
  /// What augmentation moves into the picture is black, although the photo goes on there. The usual
  /// order; networks learn the black borders as a shortcut.
  crop_then_augment,
  /// The whole photo is augmented, so that only what lies outside the photo is black.
  augment_then_crop,
};

struct AugmentedCropOptions {
  std::size_t size = 256;  ///< the result has size x size pixels
  double margin = 1.25;    ///< see `square_crop`
  AugmentationOrder order = AugmentationOrder::augment_then_crop;
  /// Joints that lie outside the picture do not count any more.
  bool hide_outside = true;
};

/// Draws an augmentation: a pure function of (options, epoch, index). Each value has a random
/// number of its own, so that changing one range leaves what else is drawn as it is. Throws
/// ValueError naming the range that makes no sense.
Augmentation draw_augmentation(const AugmentationOptions& options, std::uint64_t epoch,
                               std::size_t index);

/// Where an augmentation's pixels come from in a picture of this size: mirrored, turned and scaled
/// about its middle, then moved.
Crop augmentation_crop(const Augmentation& augmentation, std::size_t width, std::size_t height);

/// The part of an augmentation that moves no pixels: colours, noise and the erased rectangle, in
/// this order. Values stay in [0, 1].
Tensor<float> augment_colors(Tensor<float> picture, const Augmentation& augmentation);

/// An example augmented within its own picture; what comes from outside is black. See
/// `crop_example` for what becomes of joints, camera and positions, and for what is thrown.
/// Erasing hides no joint.
///
///   augment(example, skeletons::human36m_17, draw_augmentation(options, epoch, index))
PoseExample augment(const PoseExample& example, const Skeleton& skeleton,
                    const Augmentation& augmentation, const CropExampleOptions& options = {});

/// The square around a person's box in a photo, augmented. Both orders put the joints at the same
/// place; they differ in what is seen around the crop, and in joints that only the first order's
/// crop loses. Throws as `square_crop` and `crop_example`.
PoseExample augmented_crop(const PoseExample& photo, const Box& box, const Skeleton& skeleton,
                           const Augmentation& augmentation,
                           const AugmentedCropOptions& options = {});

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_BATCHES

#include <posekit/core/error.hpp>
#include <posekit/core/linear_algebra.hpp>
#include <posekit/core/random.hpp>
#include <posekit/image/crop_transforms.hpp>

namespace posekit::inline POSEKIT_ISA {

POSEKIT_INLINE Augmentation draw_augmentation(const AugmentationOptions& options,
                                              std::uint64_t epoch, std::size_t index) {
  const auto require_range = [](const char* name, const Range& range, double lowest,
                                double highest) {
    if (range.low >= lowest && range.high <= highest && range.low <= range.high) return;
    throw ValueError(error_text("draw_augmentation: ", name, " is from ", range.low, " to ",
                                range.high, ", expected ascending numbers from ", lowest, " to ",
                                highest));
  };
  constexpr double tiny = 1e-3, huge = 1e3;
  require_range("scale", options.scale, tiny, huge);
  require_range("translation", options.translation, -huge, huge);
  require_range("rotation", options.rotation, -360, 360);
  require_range("flip", {options.flip, options.flip}, 0, 1);
  require_range("brightness", options.brightness, 0, huge);
  require_range("contrast", options.contrast, 0, huge);
  require_range("saturation", options.saturation, 0, huge);
  require_range("hue", options.hue, -360, 360);
  require_range("gain", options.gain, 0, huge);
  require_range("noise", options.noise, 0, huge);
  require_range("erase", {options.erase, options.erase}, 0, 1);
  require_range("erased_area", options.erased_area, 0, 1);
  require_range("erased_aspect", options.erased_aspect, tiny, huge);
  require_range("crop_shift", options.crop_shift, -huge, huge);

  const CounterRandom random(CounterRandom(options.seed, epoch).bits(index));
  const auto draw = [&](const Range& range, std::uint64_t number) {
    return range.low + (range.high - range.low) * random.uniform(number);
  };
  Augmentation result;
  result.scale = draw(options.scale, 0);
  result.translation_x = draw(options.translation, 1);
  result.translation_y = draw(options.translation, 2);
  result.rotation = draw(options.rotation, 3);
  result.flip = random.uniform(4) < options.flip;
  result.color = {.brightness = draw(options.brightness, 5),
                  .contrast = draw(options.contrast, 6),
                  .saturation = draw(options.saturation, 7),
                  .hue = draw(options.hue, 8),
                  .gain = {draw(options.gain, 9), draw(options.gain, 10), draw(options.gain, 11)}};
  result.noise = draw(options.noise, 12);
  result.noise_seed = random.bits(13);
  result.erase = random.uniform(14) < options.erase;
  if (result.erase) {
    const double area = draw(options.erased_area, 15);
    const double aspect = draw(options.erased_aspect, 16);
    result.erased_width = std::min(std::sqrt(area * aspect), 1.0);
    result.erased_height = std::min(std::sqrt(area / aspect), 1.0);
    result.erased_x = draw({0, 1 - result.erased_width}, 17);
    result.erased_y = draw({0, 1 - result.erased_height}, 18);
    result.erased_color = {random.uniform(19), random.uniform(20), random.uniform(21)};
  }
  result.crop_shift_x = draw(options.crop_shift, 22);
  result.crop_shift_y = draw(options.crop_shift, 23);
  return result;
}

POSEKIT_INLINE Crop augmentation_crop(const Augmentation& augmentation, std::size_t width,
                                      std::size_t height) {
  const double angle = augmentation.rotation * std::numbers::pi / 180;
  Eigen::Matrix2d forward;
  forward << std::cos(angle), -std::sin(angle), std::sin(angle), std::cos(angle);
  forward *= augmentation.scale;
  if (augmentation.flip) forward.col(0) *= -1;
  const Eigen::Vector2d size(static_cast<double>(width), static_cast<double>(height));
  const Eigen::Vector2d middle = 0.5 * (size - Eigen::Vector2d::Ones());
  const Eigen::Vector2d moved =
      size.cwiseProduct(Eigen::Vector2d(augmentation.translation_x, augmentation.translation_y));
  Crop crop = whole_picture(width, height);
  crop.to_photo.leftCols<2>() = forward.inverse();
  crop.to_photo.col(2) = middle - crop.to_photo.leftCols<2>() * (middle + moved);
  return crop;
}

POSEKIT_INLINE Tensor<float> augment_colors(Tensor<float> picture,
                                            const Augmentation& augmentation) {
  picture = change_colors(std::move(picture), augmentation.color);
  if (augmentation.noise > 0) {
    const CounterRandom random(augmentation.noise_seed);
    for (std::size_t i = 0; i < picture.size(); ++i) {
      const double noisy =
          static_cast<double>(picture.data()[i]) + augmentation.noise * random.normal(i);
      picture.data()[i] = static_cast<float>(std::clamp(noisy, 0.0, 1.0));
    }
  }
  if (augmentation.erase) {
    const auto pixel = [](double part, std::size_t length) {
      const double n = static_cast<double>(length);
      return static_cast<std::size_t>(std::clamp(std::round(part * n), 0.0, n));
    };
    const std::size_t height = picture.shape()[1], width = picture.shape()[2];
    const std::size_t x0 = pixel(augmentation.erased_x, width);
    const std::size_t x1 = pixel(augmentation.erased_x + augmentation.erased_width, width);
    const std::size_t y0 = pixel(augmentation.erased_y, height);
    const std::size_t y1 = pixel(augmentation.erased_y + augmentation.erased_height, height);
    for (std::size_t c = 0; c < 3; ++c) {
      const auto color = static_cast<float>(augmentation.erased_color[c]);
      for (std::size_t y = y0; y < y1; ++y) {
        for (std::size_t x = x0; x < x1; ++x) picture(c, y, x) = color;
      }
    }
  }
  return picture;
}

POSEKIT_INLINE PoseExample augment(const PoseExample& example, const Skeleton& skeleton,
                                   const Augmentation& augmentation,
                                   const CropExampleOptions& options) {
  require_pose_example("augment", "the example", example);
  PoseExample result = crop_example(
      example, augmentation_crop(augmentation, example.image.shape()[2], example.image.shape()[1]),
      skeleton, options);
  result.image = augment_colors(std::move(result.image), augmentation);
  return result;
}

POSEKIT_INLINE PoseExample augmented_crop(const PoseExample& photo, const Box& box,
                                          const Skeleton& skeleton,
                                          const Augmentation& augmentation,
                                          const AugmentedCropOptions& options) {
  const Crop crop = shifted_crop(square_crop(box, options.size, options.margin),
                                 augmentation.crop_shift_x, augmentation.crop_shift_y);
  const CropExampleOptions hiding{.hide_outside = options.hide_outside};
  if (options.order == AugmentationOrder::crop_then_augment) {
    return augment(crop_example(photo, crop, skeleton, hiding), skeleton, augmentation, hiding);
  }
  const Crop augmented = augmentation_crop(augmentation, options.size, options.size);
  PoseExample result = crop_example(photo, crop_of_crop(crop, augmented), skeleton, hiding);
  result.image = augment_colors(std::move(result.image), augmentation);
  return result;
}

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_BATCHES
