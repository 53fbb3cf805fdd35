#pragma once

// Examples seen through a crop: picture, joints, mask, camera and positions together.

#include <cmath>
#include <cstddef>
#include <utility>

#include <posekit/batches/pose_example.hpp>
#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/image/crop.hpp>
#include <posekit/pose/camera.hpp>
#include <posekit/pose/skeletons.hpp>

namespace posekit::inline POSEKIT_ISA {

struct CropExampleOptions {
  /// Joints that lie outside the crop do not count any more.
  bool hide_outside = true;
};

/// The camera that takes a crop of a camera's pictures, of points that are turned about its optical
/// axis (and mirrored) as the crop is. Focal lengths are divided by the crop's scale and the
/// principal point moves with the picture, whatever point the crop turns about, so that this is
/// exact, lens distortion included, where fx = fy or the crop turns by a multiple of 90 degrees.
/// Otherwise no camera with two focal lengths does it exactly; the nearest is off by at most
/// |fx - fy| / (2 fx) of the distance to the principal point. Throws ValueError as `crop_rotation`.
PinholeCamera crop_camera(const PinholeCamera& camera, const Crop& crop);

/// An example seen through a crop of its picture.
///
/// The picture is sampled by `crop_image`; the mask is 1 where more than half of the pixel was.
/// Joints move with the picture and z is divided by the crop's scale. Positions are turned about
/// the camera's optical axis (and mirrored) as the picture is, and the camera becomes
/// `crop_camera`'s: they keep their depths and root depth, bone lengths and distances, and the
/// camera still projects them onto the joints. They are no longer upright where the crop turns: a
/// vertical of the scene has to be turned with them.
///
/// A crop that mirrors exchanges left and right joints by the skeleton's flips. Throws ShapeError
/// and ValueError as `require_pose_example`, ValueError where the skeleton has another number of
/// joints, and as `crop_rotation`.
PoseExample crop_example(const PoseExample& example, const Crop& crop, const Skeleton& skeleton,
                         const CropExampleOptions& options = {});

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_BATCHES

#include <posekit/batches/pose_batch.hpp>
#include <posekit/core/error.hpp>
#include <posekit/core/linear_algebra.hpp>
#include <posekit/core/tensor.hpp>
#include <posekit/image/crop_transforms.hpp>

namespace posekit::inline POSEKIT_ISA {

POSEKIT_INLINE PinholeCamera crop_camera(const PinholeCamera& camera, const Crop& crop) {
  const Eigen::Matrix2d turn = crop_rotation(crop);
  const Eigen::Vector2d focal =
      turn.cwiseAbs2() * Eigen::Vector2d(camera.fx, camera.fy) / crop.scale();
  const Eigen::Vector2d centre = crop.crop_point({camera.cx, camera.cy});
  // The distortion is symmetric about the optical axis but for the vector (p2, p1), which turns.
  const Eigen::Vector2d tangential =
      turn * Eigen::Vector2d(camera.tangential[1], camera.tangential[0]);
  PinholeCamera result = camera;
  result.fx = focal.x();
  result.fy = focal.y();
  result.cx = centre.x();
  result.cy = centre.y();
  result.tangential = {tangential.y(), tangential.x()};
  return result;
}

POSEKIT_INLINE PoseExample crop_example(const PoseExample& example, const Crop& crop,
                                        const Skeleton& skeleton,
                                        const CropExampleOptions& options) {
  require_pose_example("crop_example", "the example", example);
  const std::size_t count = example.joints.shape()[0];
  if (count != skeleton.size()) {
    throw ValueError(error_text("crop_example: the example has ", count, " joints, the skeleton ",
                                skeleton.name, " has ", skeleton.size()));
  }
  const Eigen::Matrix2d turn = crop_rotation(crop);
  const bool mirrors = is_mirrored(crop), has_positions = is_known(example.positions);
  if (has_positions) require_camera("crop_example", example.camera);

  PoseExample result;
  result.image = crop_image(example.image, crop);
  if (is_known(example.mask)) {
    const std::size_t height = example.mask.shape()[0], width = example.mask.shape()[1];
    const Tensor<float> mask = crop_image(reshaped(example.mask, {1, height, width}), crop);
    result.mask = make_tensor<float>({crop.height, crop.width});
    for (std::size_t i = 0; i < mask.size(); ++i) {
      result.mask.data()[i] = mask.data()[i] > 0.5f ? 1.0f : 0.0f;
    }
  }
  result.camera = crop_camera(example.camera, crop);
  result.root_depth = example.root_depth;
  result.three_dimensional = example.three_dimensional;
  // Where there is a camera, z is measured with its focal length.
  const double z_scale = has_positions ? result.camera.fx / example.camera.fx : 1.0 / crop.scale();

  result.joints = make_tensor<float>({count, 3});
  result.visible = make_tensor<float>({count});
  if (has_positions) result.positions = make_tensor<float>({count, 3});
  for (std::size_t from = 0; from < count; ++from) {
    const std::size_t j = mirrors ? skeleton.flips[from] : from;
    const Eigen::Vector2d at = crop.crop_point({static_cast<double>(example.joints(from, 0)),
                                                static_cast<double>(example.joints(from, 1))});
    result.joints(j, 0) = static_cast<float>(at.x());
    result.joints(j, 1) = static_cast<float>(at.y());
    result.joints(j, 2) =
        static_cast<float>(static_cast<double>(example.joints(from, 2)) * z_scale);
    const bool inside = at.x() >= -0.5 && at.y() >= -0.5 &&
                        at.x() < static_cast<double>(crop.width) - 0.5 &&
                        at.y() < static_cast<double>(crop.height) - 0.5;
    result.visible(j) = inside || !options.hide_outside ? example.visible(from) : 0.0f;
    if (!has_positions) continue;
    const Eigen::Vector2d across =
        turn * Eigen::Vector2d(static_cast<double>(example.positions(from, 0)),
                               static_cast<double>(example.positions(from, 1)));
    result.positions(j, 0) = static_cast<float>(across.x());
    result.positions(j, 1) = static_cast<float>(across.y());
    result.positions(j, 2) = example.positions(from, 2);
  }
  return result;
}

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_BATCHES
