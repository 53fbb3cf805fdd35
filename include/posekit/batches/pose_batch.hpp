#pragma once

// Examples joined to what a network is trained on, and its predictions turned back.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numeric>
#include <span>
#include <string>
#include <vector>

#include <posekit/batches/pose_example.hpp>
#include <posekit/core/coordinates.hpp>
#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/core/tensor.hpp>
#include <posekit/image/imagenet.hpp>
#include <posekit/pose/camera.hpp>

namespace posekit::inline POSEKIT_ISA {

/// A network's input is (value - mean) / standard_deviation, for red, green and blue. The defaults
/// are ImageNet's.
struct PoseBatchOptions {
  std::array<double, 3> mean = imagenet_mean;
  std::array<double, 3> standard_deviation = imagenet_deviation;
};

/// N examples of one size.
template <class T>
struct PoseBatch {
  Tensor<T> images;  ///< [N, 3, H, W], by mean and standard deviation
  /// [N, J, 3]: x and y as Coordinates::normalized; z is 2 / W for each pixel of PoseExample's z,
  /// so that a step of one pixel is as long in x and z. 0 where it is not known.
  Tensor<T> targets;
  Tensor<T> visible;                   ///< [N, J]: 1 where the joint counts, otherwise 0
  Tensor<T> three_dimensional;         ///< [N]: 1 where z is known, otherwise 0
  Tensor<T> positions;                 ///< [N, J, 3], millimetres; NaN where they are not known
  std::vector<PinholeCamera> cameras;  ///< [N], of the images
  std::vector<double> root_depths;     ///< [N], millimetres
  std::vector<std::size_t> indices;    ///< [N], in the data set
};

/// Whether an example's mask or positions are there: a tensor that nothing was put into has rank 0.
bool is_known(const Tensor<float>& part);

/// Throws ShapeError where the parts of an example do not fit together and ValueError where a joint
/// that counts is not finite (z may be so where the example is not three-dimensional). The text
/// begins with `function` and `name` and says which joint.
void require_pose_example(const char* function, const std::string& name,
                          const PoseExample& example);

/// Images [..., 3, H, W] in [0, 1] as a network's input, of the same shape. Throws ShapeError, and
/// ValueError for a standard deviation that is not positive.
template <class T>
Tensor<T> normalize_images(const Tensor<float>& images, const PoseBatchOptions& options = {});

/// Joints [..., 3] as PoseExample's, in pixels of a picture -> normalised as PoseBatch's targets.
/// Throws ShapeError.
template <class T>
Tensor<T> normalize_joints(Tensor<T> joints, std::size_t width, std::size_t height);

/// The inverse: a network's prediction [..., 3] -> pixels. Throws ShapeError.
template <class T>
Tensor<T> denormalize_joints(Tensor<T> joints, std::size_t width, std::size_t height);

/// Positions [J, 3] in camera space, millimetres -> joints [J, 3] as PoseExample's: pixels, and
/// z = (Z - root_depth) fx / root_depth. NaN stays NaN. Throws ShapeError and ValueError.
template <class T>
Tensor<T> picture_joints(const Tensor<T>& positions, const PinholeCamera& camera,
                         double root_depth);

/// The inverse, of N poses with a camera and a root's depth each: joints [N, J, 3] in pixels ->
/// positions [N, J, 3] in camera space, millimetres. Z = Zr + z Zr / fx, X = Z (x - cx) / fx and so
/// on, the lens's distortion undone. Throws ShapeError and ValueError.
template <class T>
Tensor<T> camera_space_joints(const Tensor<T>& joints, std::span<const PinholeCamera> cameras,
                              std::span<const double> root_depths);

/// A network's normalised prediction [N, J, 3] for a batch -> camera space, millimetres, with the
/// batch's own cameras and root depths.
template <class T>
Tensor<T> camera_space_joints(const Tensor<T>& normalized, const PoseBatch<T>& batch);

/// Joins examples of one size and one skeleton. `indices` are theirs in the data set; by default
/// they are counted. Throws ShapeError where sizes differ, which names the example and both, and
/// what `require_pose_example` throws: joints that do not count may be NaN and become 0, others may
/// not.
template <class T>
PoseBatch<T> pose_batch(std::span<const PoseExample> examples, const PoseBatchOptions& options = {},
                        std::span<const std::size_t> indices = {});

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_BATCHES

#include <posekit/core/error.hpp>

namespace posekit::inline POSEKIT_ISA {

POSEKIT_INLINE bool is_known(const Tensor<float>& part) {
  return part.dimension() > 0 && part.size() > 0;
}

POSEKIT_INLINE void require_pose_example(const char* function, const std::string& name,
                                         const PoseExample& example) {
  const auto require = [&](const Tensor<float>& tensor, const char* argument, bool fits,
                           const std::string& expected) {
    if (fits) return;
    throw ShapeError(error_text(function, ": ", name, ": ", argument, " has shape ",
                                to_string(tensor.shape()), ", expected ", expected));
  };
  const Shape image = shape_of(example.image), joints = shape_of(example.joints);
  require(example.image, "image", image.size() == 3 && image[0] == 3 && example.image.size() > 0,
          "[3, H, W]");
  require(example.joints, "joints", joints.size() == 2 && joints[1] == 3 && joints[0] > 0,
          "[J, 3]");
  require(example.visible, "visible", shape_of(example.visible) == Shape{joints[0]},
          to_string(Shape{joints[0]}));
  const Shape pixels{image[1], image[2]};
  require(example.mask, "mask", !is_known(example.mask) || shape_of(example.mask) == pixels,
          to_string(pixels) + " as the image, or nothing");
  require(example.positions, "positions",
          !is_known(example.positions) || shape_of(example.positions) == joints,
          to_string(joints) + " as joints, or nothing");
  for (std::size_t j = 0; j < joints[0]; ++j) {
    const float visible = example.visible(j);
    if (!(visible >= 0) || !std::isfinite(visible)) {
      throw ValueError(error_text(function, ": ", name, ": visible of joint ", j, " is ", visible,
                                  ", expected 0 or 1"));
    }
    if (visible == 0) continue;
    const auto require_known = [&](const Tensor<float>& tensor, const char* argument,
                                   std::size_t axes) {
      for (std::size_t a = 0; a < axes; ++a) {
        if (std::isfinite(tensor(j, a))) continue;
        throw ValueError(error_text(function, ": ", name, ": ", "xyz"[a], " of ", argument, " ", j,
                                    ", which counts, is ", tensor(j, a),
                                    ", expected a finite number"));
      }
    };
    require_known(example.joints, "joint", example.three_dimensional ? 3 : 2);
    if (is_known(example.positions) && example.three_dimensional) {
      require_known(example.positions, "the position of joint", 3);
    }
  }
}

namespace internal {

inline void require_normalization(const char* function, const PoseBatchOptions& options) {
  for (std::size_t c = 0; c < 3; ++c) {
    if (options.standard_deviation[c] > 0 && std::isfinite(options.standard_deviation[c]) &&
        std::isfinite(options.mean[c])) {
      continue;
    }
    throw ValueError(error_text(function, ": channel ", c, " has mean ", options.mean[c],
                                " and standard deviation ", options.standard_deviation[c],
                                ", expected finite numbers, the second positive"));
  }
}

/// Writes planes of `pixels` each, red, green, blue, red, ...
template <class T>
void write_normalized(const Tensor<float>& images, std::size_t pixels,
                      const PoseBatchOptions& options, T* out) {
  for (std::size_t begin = 0, plane = 0; begin < images.size(); begin += pixels, ++plane) {
    const T mean = static_cast<T>(options.mean[plane % 3]);
    const T deviation = static_cast<T>(options.standard_deviation[plane % 3]);
    std::transform(images.data() + begin, images.data() + begin + pixels, out + begin,
                   [&](float value) { return (static_cast<T>(value) - mean) / deviation; });
  }
}

}  // namespace internal

template <class T>
Tensor<T> normalize_images(const Tensor<float>& images, const PoseBatchOptions& options) {
  const Shape shape = shape_of(images);
  if (shape.size() < 3 || shape[shape.size() - 3] != 3) {
    throw ShapeError(error_text("normalize_images: images has shape ", to_string(shape),
                                ", expected [..., 3, H, W]"));
  }
  internal::require_normalization("normalize_images", options);
  Tensor<T> result = make_tensor<T>(shape);
  internal::write_normalized(images, shape[shape.size() - 2] * shape[shape.size() - 1], options,
                             result.data());
  return result;
}

namespace internal {

/// The scale and offset that take pixels to normalised coordinates, of x, y and z.
inline std::array<AxisCoordinates, 3> joint_axes(std::size_t width, std::size_t height) {
  const AxisCoordinates x = axis_coordinates(Coordinates::normalized, width);
  return {x, axis_coordinates(Coordinates::normalized, height), AxisCoordinates{x.scale, 0}};
}

inline void require_joint_axes(const char* function, const Shape& shape) {
  if (!shape.empty() && shape.back() == 3) return;
  throw ShapeError(
      error_text(function, ": joints has shape ", to_string(shape), ", expected [..., 3]"));
}

}  // namespace internal

template <class T>
Tensor<T> normalize_joints(Tensor<T> joints, std::size_t width, std::size_t height) {
  internal::require_joint_axes("normalize_joints", shape_of(joints));
  const auto axes = internal::joint_axes(width, height);
  for (std::size_t i = 0; i < joints.size(); ++i) {
    const auto [scale, offset] = axes[i % 3];
    joints.data()[i] = static_cast<T>(scale * static_cast<double>(joints.data()[i]) + offset);
  }
  return joints;
}

template <class T>
Tensor<T> denormalize_joints(Tensor<T> joints, std::size_t width, std::size_t height) {
  internal::require_joint_axes("denormalize_joints", shape_of(joints));
  const auto axes = internal::joint_axes(width, height);
  for (std::size_t i = 0; i < joints.size(); ++i) {
    const auto [scale, offset] = axes[i % 3];
    joints.data()[i] = static_cast<T>((static_cast<double>(joints.data()[i]) - offset) / scale);
  }
  return joints;
}

template <class T>
Tensor<T> picture_joints(const Tensor<T>& positions, const PinholeCamera& camera,
                         double root_depth) {
  require_rank(positions, 2, "picture_joints", "positions", "[J, 3]");
  internal::require_joint_axes("picture_joints", shape_of(positions));
  require_camera("picture_joints", camera);
  if (!(root_depth > 0) || !std::isfinite(root_depth)) {
    throw ValueError(
        error_text("picture_joints: root_depth is ", root_depth, ", expected more than 0"));
  }
  return map_points<3, T>(shape_of(positions), positions.data(),
                          [&](const CameraPoint& p, CameraPoint& out, CameraJacobian*) {
                            project_point(camera, p, out, nullptr);
                            out[2] = (p[2] - root_depth) * camera.fx / root_depth;
                          });
}

template <class T>
Tensor<T> camera_space_joints(const Tensor<T>& joints, std::span<const PinholeCamera> cameras,
                              std::span<const double> root_depths) {
  require_rank(joints, 3, "camera_space_joints", "joints", "[N, J, 3]");
  internal::require_joint_axes("camera_space_joints", shape_of(joints));
  const std::size_t n = joints.shape()[0], values = joints.shape()[1] * 3;
  if (cameras.size() != n || root_depths.size() != n) {
    throw ShapeError(error_text("camera_space_joints: joints has shape ", to_string(joints.shape()),
                                ", but there are ", cameras.size(), " cameras and ",
                                root_depths.size(), " root depths"));
  }
  Tensor<T> result = make_tensor<T>(shape_of(joints));
  for (std::size_t i = 0; i < n; ++i) {
    require_camera("camera_space_joints", cameras[i]);
    const double root = root_depths[i];
    const Tensor<T> pose = map_points<3, T>(
        {values / 3, 3}, joints.data() + i * values,
        [&](const CameraPoint& p, CameraPoint& out, CameraJacobian*) {
          unproject_point(cameras[i], {p[0], p[1], root + p[2] * root / cameras[i].fx}, out,
                          nullptr);
        });
    std::copy_n(pose.data(), values, result.data() + i * values);
  }
  return result;
}

template <class T>
Tensor<T> camera_space_joints(const Tensor<T>& normalized, const PoseBatch<T>& batch) {
  return camera_space_joints(
      denormalize_joints(normalized, batch.images.shape()[3], batch.images.shape()[2]),
      batch.cameras, batch.root_depths);
}

template <class T>
PoseBatch<T> pose_batch(std::span<const PoseExample> examples, const PoseBatchOptions& options,
                        std::span<const std::size_t> indices) {
  if (examples.empty()) throw ValueError("pose_batch: there are no examples");
  const std::size_t n = examples.size();
  if (!indices.empty() && indices.size() != n) {
    throw ShapeError(
        error_text("pose_batch: there are ", n, " examples, but ", indices.size(), " indices"));
  }
  PoseBatch<T> batch;
  batch.indices.resize(n);
  std::iota(batch.indices.begin(), batch.indices.end(), std::size_t{0});
  std::copy(indices.begin(), indices.end(), batch.indices.begin());
  const auto name = [&](std::size_t i) {
    return indices.empty() ? error_text("example ", i)
                           : error_text("example ", i, " (index ", indices[i], ")");
  };
  const Shape image = shape_of(examples[0].image), joints = shape_of(examples[0].joints);
  for (std::size_t i = 0; i < n; ++i) {
    require_pose_example("pose_batch", name(i), examples[i]);
    const auto require_same = [&](const Tensor<float>& tensor, const Shape& shape,
                                  const char* argument) {
      if (shape_of(tensor) == shape) return;
      throw ShapeError(error_text("pose_batch: ", name(i), ": ", argument, " has shape ",
                                  to_string(tensor.shape()), ", expected ", to_string(shape),
                                  " as of ", name(0)));
    };
    require_same(examples[i].image, image, "image");
    require_same(examples[i].joints, joints, "joints");
  }
  const std::size_t count = joints[0], height = image[1], width = image[2];
  internal::require_normalization("pose_batch", options);
  batch.images = make_tensor<T>({n, 3, height, width});
  batch.targets = zeros<T>({n, count, 3});
  batch.visible = zeros<T>({n, count});
  batch.three_dimensional = zeros<T>({n});
  batch.positions = make_tensor<T>({n, count, 3});
  std::fill_n(batch.positions.data(), batch.positions.size(), std::numeric_limits<T>::quiet_NaN());
  for (std::size_t i = 0; i < n; ++i) {
    const PoseExample& example = examples[i];
    internal::write_normalized(example.image, height * width, options,
                               batch.images.data() + i * example.image.size());
    const Tensor<T> targets = normalize_joints(cast<T>(example.joints), width, height);
    const std::size_t axes = example.three_dimensional ? 3 : 2;
    for (std::size_t j = 0; j < count; ++j) {
      batch.visible(i, j) = static_cast<T>(example.visible(j));
      for (std::size_t a = 0; a < axes; ++a) {
        if (std::isfinite(targets(j, a))) batch.targets(i, j, a) = targets(j, a);
      }
    }
    batch.three_dimensional(i) = example.three_dimensional ? T(1) : T(0);
    if (is_known(example.positions)) {
      const Tensor<T> positions = cast<T>(example.positions);
      std::copy_n(positions.data(), positions.size(), batch.positions.data() + i * count * 3);
    }
    batch.cameras.push_back(example.camera);
    batch.root_depths.push_back(example.root_depth);
  }
  return batch;
}

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_BATCHES
