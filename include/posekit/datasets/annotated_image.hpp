#pragma once

// Pictures on disk with what is known of the person in them, read when they are needed.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <posekit/batches/pose_example.hpp>
#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/core/tensor.hpp>
#include <posekit/datasets/coco.hpp>
#include <posekit/image/crop.hpp>
#include <posekit/pose/camera.hpp>
#include <posekit/pose/skeletons.hpp>

namespace posekit::inline POSEKIT_ISA {

/// One person in a picture that has not been read yet.
struct AnnotatedImage {
  std::filesystem::path image;              ///< a PNG or JPEG file
  std::size_t width = 0, height = 0;        ///< that the picture should have; 0: unknown
  Box box{};                                ///< around the person
  std::filesystem::path mask{};             ///< a picture, white on the person; empty: none
  std::optional<CocoAnnotation> outline{};  ///< the mask as COCO has it
  // What follows is PoseExample's.
  Tensor<float> joints{}, visible{}, positions{};
  PinholeCamera camera{};
  double root_depth = 0;
  bool three_dimensional = true;
};

/// A data set of pictures of one skeleton.
struct AnnotatedImages {
  const Skeleton* skeleton = nullptr;
  std::vector<AnnotatedImage> images;
};

/// The smallest box that holds the joints [J, 2 or 3] that count; empty where there are none.
Box joints_box(const Tensor<float>& joints, const Tensor<float>& visible);

/// Reads the picture, and the mask where there is one. Throws FileError, which begins with the
/// file's name, where one is missing, truncated or damaged, where the mask or the annotation is of
/// another size, and where a joint that counts is not a finite number.
PoseExample load_pose_example(const AnnotatedImage& source);

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_DATASETS

#include <posekit/batches/pose_batch.hpp>
#include <posekit/core/error.hpp>
#include <posekit/io/file.hpp>
#include <posekit/io/image.hpp>
#include <posekit/io/jpeg.hpp>

namespace posekit::inline POSEKIT_ISA {

namespace internal {

/// Decoders show what is missing of a JPEG file as gray. Throws FileError unless its end is there.
inline void require_whole_jpeg(std::span<const std::uint8_t> bytes, const std::string& name) {
  if (!is_jpeg(bytes)) return;
  std::size_t pixels = bytes.size();
  for_each_jpeg_segment(bytes, [&](std::uint8_t marker, std::span<const std::uint8_t> content) {
    constexpr std::uint8_t start_of_scan = 0xda;
    if (marker == start_of_scan) {
      pixels = static_cast<std::size_t>(content.data() - bytes.data()) + content.size();
    }
    return true;
  });
  // Among coded pixels, 0xff is followed by 0 but for markers.
  constexpr std::array<std::uint8_t, 2> end_of_image{0xff, 0xd9};
  const auto rest = bytes.subspan(pixels);
  if (std::search(rest.begin(), rest.end(), end_of_image.begin(), end_of_image.end()) ==
      rest.end()) {
    throw FileError(error_text(name, ": ends after ", bytes.size(),
                               " bytes without an end of image: truncated?"));
  }
}

}  // namespace internal

POSEKIT_INLINE Box joints_box(const Tensor<float>& joints, const Tensor<float>& visible) {
  const double infinity = std::numeric_limits<double>::infinity();
  double x0 = infinity, y0 = infinity, x1 = -infinity, y1 = -infinity;
  for (std::size_t j = 0; j < visible.size(); ++j) {
    if (!(visible(j) > 0)) continue;
    const double x = static_cast<double>(joints(j, 0)), y = static_cast<double>(joints(j, 1));
    x0 = std::min(x0, x), x1 = std::max(x1, x);
    y0 = std::min(y0, y), y1 = std::max(y1, y);
  }
  // A pixel covers half a pixel around its centre, and boxes count from the picture's corner.
  return x0 <= x1 ? Box{x0, y0, x1 - x0 + 1, y1 - y0 + 1} : Box{};
}

POSEKIT_INLINE PoseExample load_pose_example(const AnnotatedImage& source) {
  const std::string name = source.image.string();
  PoseExample example;
  {
    const std::vector<std::uint8_t> bytes = read_image_file(source.image);
    internal::require_whole_jpeg(bytes, name);
    example.image = to_tensor<float>(parse_image(bytes, name));
  }
  const std::size_t height = example.image.shape()[1], width = example.image.shape()[2];
  if ((source.width != 0 && source.width != width) ||
      (source.height != 0 && source.height != height)) {
    throw FileError(error_text(name, ": has ", width, " x ", height,
                               " pixels, its annotation is of ", source.width, " x ",
                               source.height));
  }
  if (!source.mask.empty()) {
    const std::string mask_name = source.mask.string();
    const std::vector<std::uint8_t> bytes = read_image_file(source.mask);
    internal::require_whole_jpeg(bytes, mask_name);
    const Bitmap mask = parse_image(bytes, mask_name, 1);
    if (mask.width != width || mask.height != height) {
      throw FileError(error_text(mask_name, ": has ", mask.width, " x ", mask.height,
                                 " pixels, its picture ", name, " has ", width, " x ", height));
    }
    example.mask = make_tensor<float>({height, width});
    std::transform(mask.samples.begin(), mask.samples.end(), example.mask.data(),
                   [](std::uint8_t sample) { return sample > 127 ? 1.0f : 0.0f; });
  }
  example.joints = source.joints;
  example.visible = source.visible;
  example.positions = source.positions;
  example.camera = source.camera;
  example.root_depth = source.root_depth;
  example.three_dimensional = source.three_dimensional;
  try {
    if (source.mask.empty() && source.outline) {
      example.mask = cast<float>(segmentation_mask(*source.outline, height, width));
    }
    require_pose_example("load_pose_example", "the annotation", example);
  } catch (const Error& error) {
    throw FileError(error_text(name, ": ", error.what()));
  }
  return example;
}

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_DATASETS
