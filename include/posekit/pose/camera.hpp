#pragma once

// Poses in front of cameras as pixels, and back, differentiable. Camera space has x to the right, y
// down and z into the scene, in the unit of the points (mm); pixels have their centres at whole
// numbers.

#include <array>
#include <cmath>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include <posekit/autodiff/tape.hpp>
#include <posekit/core/coordinates.hpp>
#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/core/tensor.hpp>
#include <posekit/pose/camera_points.hpp>
#include <posekit/pose/skeletons.hpp>

namespace posekit::inline POSEKIT_ISA {

namespace internal {

/// Points [..., 3] in front of the camera. Throws.
template <class T>
void require_points(const char* function, const char* argument, const Shape& shape,
                    const T* points);

template <std::size_t Axes, class T, class Map>
Var<T> record_points(const char* name, const Var<T>& points, const Map& map) {
  Tape<T>& tape = points.tape();
  const auto input = tape.elements(points);
  Tensor<T> value = map_points<Axes, T>(points.shape(), input->data(), map);
  return tape.record(name, std::move(value), {points}, [input, map](Pullback<T>& back) {
    const auto target = back.target(0);
    if (!target) return;
    const std::size_t count = input->size() / 3;
    for (std::size_t i = 0; i < back.count() * count; ++i) {
      const T* p = input->data() + i % count * 3;
      CameraPoint out;
      CameraJacobian slope;
      map(CameraPoint{static_cast<double>(p[0]), static_cast<double>(p[1]),
                      static_cast<double>(p[2])},
          out, &slope);
      for (std::size_t in = 0; in < 3; ++in) {
        double sum = 0;
        for (std::size_t a = 0; a < Axes; ++a) {
          sum += slope[a][in] * static_cast<double>(back.cotangent()[i * Axes + a]);
        }
        target.put(i * 3 + in, static_cast<T>(sum));
      }
    }
  });
}

template <class Camera>
auto projection(const Camera& camera) {
  return [camera](const CameraPoint& p, CameraPoint& out, CameraJacobian* slope) {
    project_point(camera, p, out, slope);
  };
}
template <class Camera>
auto unprojection(const Camera& camera) {
  return [camera](const CameraPoint& p, CameraPoint& out, CameraJacobian* slope) {
    unproject_point(camera, p, out, slope);
  };
}

}  // namespace internal

// `Camera` is PinholeCamera or WeakPerspectiveCamera. Throw ShapeError, and ValueError for a depth
// that is not positive or a camera without focal length.

/// Points [..., 3] in camera space -> pixels [..., 2].
template <class T, class Camera>
Tensor<T> project(const Tensor<T>& points, const Camera& camera) {
  require_camera("project", camera);
  internal::require_points("project", "points", shape_of(points), points.data());
  return map_points<2, T>(shape_of(points), points.data(), internal::projection(camera));
}
/// The same on the tape.
template <class T, class Camera>
Var<T> project(const Var<T>& points, const Camera& camera) {
  require_camera("project", camera);
  internal::require_points("project", "points", points.shape(), points.data());
  return internal::record_points<2>("project", points, internal::projection(camera));
}

/// Pixels and their depths, [..., 3] as (u, v, z) -> points [..., 3]. The lens's distortion is
/// inverted to rounding.
template <class T, class Camera>
Tensor<T> unproject(const Tensor<T>& pixels, const Camera& camera) {
  require_camera("unproject", camera);
  internal::require_points("unproject", "pixels", shape_of(pixels), pixels.data());
  return map_points<3, T>(shape_of(pixels), pixels.data(), internal::unprojection(camera));
}
/// The same on the tape, differentiable in the pixels and the depths.
template <class T, class Camera>
Var<T> unproject(const Var<T>& pixels, const Camera& camera) {
  require_camera("unproject", camera);
  internal::require_points("unproject", "pixels", pixels.shape(), pixels.data());
  return internal::record_points<3>("unproject", pixels, internal::unprojection(camera));
}

// MargiPose's normalised space: x and y are `Coordinates::normalized` in the image, and z is -1 at
// a near and 1 at a far plane, as in OpenGL's projection, so that the root's depth is at 0 and the
// planes are as far apart as the image is wide at that depth.

/// Points [..., 3] in camera space -> MargiPose's normalised space, for an image of width x height
/// pixels and a root at a known depth.
template <class T>
Tensor<T> normalize_points(const Tensor<T>& points, double root_depth, const PinholeCamera& camera,
                           std::size_t width, std::size_t height);

/// The inverse: from a network's normalised coordinates to camera space. Throws ValueError for
/// coordinates that lie behind every plane.
template <class T>
Tensor<T> denormalize_points(const Tensor<T>& normalized, double root_depth,
                             const PinholeCamera& camera, std::size_t width, std::size_t height);

/// The root's depth for each of normalised poses [F, J, 3] at which the way from knee to neck is
/// `height` long (see `universal_scales`): everything grows with that depth.
template <class T>
std::vector<double> infer_root_depths(const Tensor<T>& normalized, const PinholeCamera& camera,
                                      std::size_t width, std::size_t height,
                                      const Skeleton& skeleton, double knee_to_neck = 920.0);

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_POSE

#include <posekit/core/error.hpp>
#include <posekit/core/linear_algebra.hpp>
#include <posekit/pose/universal_scale.hpp>

namespace posekit::inline POSEKIT_ISA {

namespace internal {

template <class T>
void require_points(const char* function, const char* argument, const Shape& shape,
                    const T* points) {
  if (shape.empty() || shape.back() != 3) {
    throw ShapeError(error_text(function, ": ", argument, " has shape ", to_string(shape),
                                ", expected [..., 3]"));
  }
  for (std::size_t i = 0; i < element_count(shape) / 3; ++i) {
    if (points[3 * i + 2] > T(0)) continue;
    throw ValueError(error_text(function, ": the depth of point ", i, " is ", points[3 * i + 2],
                                ", expected more than 0"));
  }
}

/// normalised z = a - b / depth
struct NormalizedDepth {
  double a, b;
  NormalizedDepth(double root_depth, const PinholeCamera& camera, std::size_t width,
                  std::size_t height) {
    if (!(root_depth > 0) || !std::isfinite(root_depth)) {
      throw ValueError(error_text("the root's depth is ", root_depth, ", expected more than 0"));
    }
    const double size = root_depth * std::max(static_cast<double>(width) / camera.fx,
                                              static_cast<double>(height) / camera.fy);
    const double sum = std::hypot(root_depth, size) + root_depth;  // far + near
    a = sum / size;
    b = root_depth * sum / size;  // 2 far near / size
  }
};

}  // namespace internal

template <class T>
Tensor<T> normalize_points(const Tensor<T>& points, double root_depth, const PinholeCamera& camera,
                           std::size_t width, std::size_t height) {
  require_camera("normalize_points", camera);
  internal::require_points("normalize_points", "points", shape_of(points), points.data());
  const internal::NormalizedDepth depth(root_depth, camera, width, height);
  return map_points<3, T>(shape_of(points), points.data(),
                          [&](const CameraPoint& p, CameraPoint& out, CameraJacobian*) {
                            project_point(camera, p, out, nullptr);
                            out = {from_pixel(Coordinates::normalized, width, out[0]),
                                   from_pixel(Coordinates::normalized, height, out[1]),
                                   depth.a - depth.b / p[2]};
                          });
}

template <class T>
Tensor<T> denormalize_points(const Tensor<T>& normalized, double root_depth,
                             const PinholeCamera& camera, std::size_t width, std::size_t height) {
  require_camera("denormalize_points", camera);
  const internal::NormalizedDepth depth(root_depth, camera, width, height);
  Tensor<T> pixels = normalized;
  for (std::size_t i = 0; i + 2 < pixels.size(); i += 3) {
    T* p = pixels.data() + i;
    p[0] = static_cast<T>(to_pixel(Coordinates::normalized, width, static_cast<double>(p[0])));
    p[1] = static_cast<T>(to_pixel(Coordinates::normalized, height, static_cast<double>(p[1])));
    p[2] = static_cast<T>(depth.b / (depth.a - static_cast<double>(p[2])));
  }
  return unproject(pixels, camera);
}

template <class T>
std::vector<double> infer_root_depths(const Tensor<T>& normalized, const PinholeCamera& camera,
                                      std::size_t width, std::size_t height,
                                      const Skeleton& skeleton, double knee_to_neck) {
  return universal_scales(denormalize_points(normalized, 1.0, camera, width, height), skeleton,
                          knee_to_neck);
}

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_POSE
