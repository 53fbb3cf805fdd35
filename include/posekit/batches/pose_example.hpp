#pragma once

#include <posekit/core/isa.hpp>
#include <posekit/core/tensor.hpp>
#include <posekit/pose/camera.hpp>

namespace posekit::inline POSEKIT_ISA {

/// One picture of one person (or hand) and what is known of it.
struct PoseExample {
  Tensor<float> image;  ///< [3, H, W], RGB in [0, 1]
  /// [J, 3]: x and y in pixels of `image` (pixel centres at integers); z, away from the camera, in
  /// the same unit: the distance to the root's depth in millimetres times focal length / root
  /// depth. Scaling the picture scales all three. z is NaN where only two coordinates are known.
  Tensor<float> joints;
  Tensor<float> visible;  ///< [J]: 1 where the joint counts, 0 where it is hidden or unknown
  /// [H, W]: 1 on the person; of size 0 where unknown.
  Tensor<float> mask = zeros<float>({0, 0});
  /// [J, 3] in camera space, millimetres; of size 0 where unknown.
  Tensor<float> positions = zeros<float>({0, 3});
  PinholeCamera camera;   ///< of `image`; meaningful where there are positions
  double root_depth = 0;  ///< of the root joint, millimetres
  bool three_dimensional = true;
};

}  // namespace posekit::inline POSEKIT_ISA
