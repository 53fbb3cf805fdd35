#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include <posekit/batches/pose_batch.hpp>
#include <posekit/batches/pose_example.hpp>
#include <posekit/core/random.hpp>
#include <posekit/pose/skeletons.hpp>

/// A person of scattered joints 4 m in front of a camera whose principal point is not the picture's
/// middle, in a picture of noise, with a mask on its left half.
inline posekit::PoseExample scattered_example(const posekit::Skeleton& skeleton, std::size_t width,
                                              std::size_t height, std::uint64_t seed,
                                              posekit::PinholeCamera camera = {
                                                  .fx = 400, .fy = 400, .cx = 70, .cy = 41}) {
  const posekit::CounterRandom random(seed);
  posekit::PoseExample example;
  example.image = posekit::make_tensor<float>({3, height, width});
  for (std::size_t i = 0; i < example.image.size(); ++i) {
    example.image.data()[i] = static_cast<float>(random.uniform(i));
  }
  example.mask = posekit::zeros<float>({height, width});
  for (std::size_t y = 0; y < height; ++y) {
    for (std::size_t x = 0; x < width / 2; ++x) example.mask(y, x) = 1;
  }
  example.camera = camera;
  example.root_depth = 4000;
  const std::size_t count = skeleton.size();
  example.positions = posekit::make_tensor<float>({count, 3});
  for (std::size_t j = 0; j < count; ++j) {
    // Pixels well within the picture, at depths around the root's.
    const auto draw = [&](std::size_t a) { return random.uniform(1000000 + 3 * j + a); };
    const double u = (0.3 + 0.4 * draw(0)) * static_cast<double>(width);
    const double v = (0.3 + 0.4 * draw(1)) * static_cast<double>(height);
    const double z = 4000 + 800 * (draw(2) - 0.5);
    example.positions(j, 0) = static_cast<float>((u - camera.cx) / camera.fx * z);
    example.positions(j, 1) = static_cast<float>((v - camera.cy) / camera.fy * z);
    example.positions(j, 2) = static_cast<float>(z);
  }
  example.joints = posekit::picture_joints(example.positions, camera, example.root_depth);
  example.visible = posekit::make_tensor<float>({count});
  std::fill_n(example.visible.data(), count, 1.0f);
  return example;
}

/// The same, black but for a bright dot at one joint.
inline posekit::PoseExample dotted(posekit::PoseExample example, std::size_t joint,
                                   double sigma = 1.5) {
  const double px = static_cast<double>(example.joints(joint, 0));
  const double py = static_cast<double>(example.joints(joint, 1));
  for (std::size_t y = 0; y < example.image.shape()[1]; ++y) {
    for (std::size_t x = 0; x < example.image.shape()[2]; ++x) {
      const double dx = static_cast<double>(x) - px, dy = static_cast<double>(y) - py;
      const auto value = static_cast<float>(std::exp(-(dx * dx + dy * dy) / (2 * sigma * sigma)));
      for (std::size_t c = 0; c < 3; ++c) example.image(c, y, x) = value;
    }
  }
  return example;
}

struct Dot {
  double x = 0, y = 0, mass = 0;
};

/// Where the bright dot of a picture [3, H, W] is.
inline Dot find_dot(const posekit::Tensor<float>& picture) {
  Dot dot;
  for (std::size_t y = 0; y < picture.shape()[1]; ++y) {
    for (std::size_t x = 0; x < picture.shape()[2]; ++x) {
      const double value = static_cast<double>(picture(1, y, x));
      dot.x += value * static_cast<double>(x);
      dot.y += value * static_cast<double>(y);
      dot.mass += value;
    }
  }
  dot.x /= dot.mass;
  dot.y /= dot.mass;
  return dot;
}
