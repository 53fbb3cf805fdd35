#pragma once

// Pictures of poses that more than one command draws.

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>

#include <posekit/attribution/explanation.hpp>
#include <posekit/core/tensor.hpp>
#include <posekit/image/crop.hpp>
#include <posekit/io/image.hpp>
#include <posekit/pose/skeletons.hpp>
#include <posekit/viz/canvas.hpp>

/// Two of three coordinates of joints [J, 3] -> [J, 2].
posekit::Tensor<float> seen_along(const posekit::Tensor<float>& joints, std::size_t first,
                                  std::size_t second);

/// The bones of a pose in one muted colour, for the truth behind a prediction: points [J, 2] in
/// pixels of a picture that is drawn at (x0, y0) with `zoom`.
void draw_shadow(posekit::Canvas& canvas, const posekit::Skeleton& skeleton,
                 const posekit::Tensor<float>& points, double x0, double y0, double zoom);

/// A panel for each explained joint of an image [3, S, S]: what raises and what lowers the
/// likelihood of the place it was put. `truth` [J, 3], pixels, or nothing.
posekit::Bitmap draw_explanation(const posekit::Skeleton& skeleton,
                                 const posekit::Tensor<float>& image,
                                 const posekit::PoseExplanation<float>& why,
                                 const posekit::Tensor<float>* truth);

/// A person in a photo as a network is shown it.
struct PhotoCrop {
  posekit::Crop crop;
  posekit::Tensor<float> image;  ///< [3, S, S]
};

/// `box` is --box's x,y,width,height of the person; empty: all of the photo. Throws
/// posekit::FileError, and ValueError for a box that makes no sense.
PhotoCrop crop_of_photo(const std::filesystem::path& photo, const std::string& box,
                        std::size_t image_size);
