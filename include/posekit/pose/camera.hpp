#pragma once

// Cameras: from points in front of them to pixels, and back. Camera space has x to the right, y
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
#include <posekit/pose/skeletons.hpp>

namespace posekit::inline POSEKIT_ISA {

/// How tangential distortion enters; radial distortion is the same in both.
enum class Distortion {
  human36m,  ///< x (p1 y + p2 x) + p2 r^2, ...: Human3.6M's own projection
  opencv,    ///< 2 p1 x y + p2 (r^2 + 2 x^2), ...: twice the first term of Human3.6M's
};

struct PinholeCamera {
  double fx = 1, fy = 1;               ///< focal lengths, in pixels
  double cx = 0, cy = 0;               ///< principal point, in pixels
  std::array<double, 3> radial{};      ///< k1, k2, k3 of r^2, r^4, r^6
  std::array<double, 2> tangential{};  ///< p1, p2
  Distortion distortion = Distortion::human36m;
};

/// u = scale x + tx: all points as far away as their mean.
struct WeakPerspectiveCamera {
  double scale = 1;  ///< pixels per unit
  double tx = 0, ty = 0;
};

namespace internal {

using Point = std::array<double, 3>;
using Jacobian = std::array<std::array<double, 3>, 3>;  // [output][input]

void project_point(const PinholeCamera& c, const Point& p, Point& out, Jacobian* slope);

/// Newton's method, from the undistorted point.
void unproject_point(const PinholeCamera& c, const Point& pixel, Point& out, Jacobian* slope);

void project_point(const WeakPerspectiveCamera& c, const Point& p, Point& out, Jacobian* slope);

void unproject_point(const WeakPerspectiveCamera& c, const Point& pixel, Point& out,
                     Jacobian* slope);

void require_camera(const char* function, const PinholeCamera& c);
void require_camera(const char* function, const WeakPerspectiveCamera& c);

/// Points [..., 3] in front of the camera. Throws.
template <class T>
void require_points(const char* function, const char* argument, const Shape& shape,
                    const T* points);

/// `map(point, out, jacobian)` for each point of [..., 3], of which Axes coordinates are kept.
template <std::size_t Axes, class T, class Map>
Tensor<T> map_points(const Shape& shape, const T* points, const Map& map) {
  Shape result_shape = shape;
  result_shape.back() = Axes;
  Tensor<T> result = make_tensor<T>(result_shape);
  for (std::size_t i = 0; i < element_count(shape) / 3; ++i) {
    Point out;
    map(Point{static_cast<double>(points[3 * i]), static_cast<double>(points[3 * i + 1]),
              static_cast<double>(points[3 * i + 2])},
        out, nullptr);
    for (std::size_t a = 0; a < Axes; ++a) result.data()[i * Axes + a] = static_cast<T>(out[a]);
  }
  return result;
}

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
      Point out;
      Jacobian slope;
      map(Point{static_cast<double>(p[0]), static_cast<double>(p[1]), static_cast<double>(p[2])},
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
  return [camera](const Point& p, Point& out, Jacobian* slope) {
    project_point(camera, p, out, slope);
  };
}
template <class Camera>
auto unprojection(const Camera& camera) {
  return [camera](const Point& p, Point& out, Jacobian* slope) {
    unproject_point(camera, p, out, slope);
  };
}

}  // namespace internal

// `Camera` is PinholeCamera or WeakPerspectiveCamera. Throw ShapeError, and ValueError for a depth
// that is not positive or a camera without focal length.

/// Points [..., 3] in camera space -> pixels [..., 2].
template <class T, class Camera>
Tensor<T> project(const Tensor<T>& points, const Camera& camera) {
  internal::require_camera("project", camera);
  internal::require_points("project", "points", shape_of(points), points.data());
  return internal::map_points<2, T>(shape_of(points), points.data(), internal::projection(camera));
}
/// The same on the tape.
template <class T, class Camera>
Var<T> project(const Var<T>& points, const Camera& camera) {
  internal::require_camera("project", camera);
  internal::require_points("project", "points", points.shape(), points.data());
  return internal::record_points<2>("project", points, internal::projection(camera));
}

/// Pixels and their depths, [..., 3] as (u, v, z) -> points [..., 3]. The lens's distortion is
/// inverted to rounding.
template <class T, class Camera>
Tensor<T> unproject(const Tensor<T>& pixels, const Camera& camera) {
  internal::require_camera("unproject", camera);
  internal::require_points("unproject", "pixels", shape_of(pixels), pixels.data());
  return internal::map_points<3, T>(shape_of(pixels), pixels.data(),
                                    internal::unprojection(camera));
}
/// The same on the tape, differentiable in the pixels and the depths.
template <class T, class Camera>
Var<T> unproject(const Var<T>& pixels, const Camera& camera) {
  internal::require_camera("unproject", camera);
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

/// A point on the image plane (x / z, y / z) as the lens bends it, and the derivatives.
struct DistortedPoint {
  double x, y;
  double xx, xy, yx, yy;  // d x / d (x, y), d y / d (x, y)
};

inline DistortedPoint distort(const PinholeCamera& c, double x, double y) {
  const auto [k1, k2, k3] = c.radial;
  const auto [p1, p2] = c.tangential;
  const double r = x * x + y * y;
  const double radial = 1 + r * (k1 + r * (k2 + r * k3));
  const double slope = k1 + r * (2 * k2 + r * 3 * k3);  // d radial / d r
  const double n = c.distortion == Distortion::opencv ? 2 : 1;
  const double bend = radial + n * (p1 * y + p2 * x);
  const double bend_x = 2 * x * slope + n * p2, bend_y = 2 * y * slope + n * p1;
  return {x * bend + p2 * r,       y * bend + p1 * r,       bend + x * bend_x + 2 * p2 * x,
          x * bend_y + 2 * p2 * y, y * bend_x + 2 * p1 * x, bend + y * bend_y + 2 * p1 * y};
}

POSEKIT_INLINE void project_point(const PinholeCamera& c, const Point& p, Point& out,
                                  Jacobian* slope) {
  const double x = p[0] / p[2], y = p[1] / p[2];
  const DistortedPoint d = distort(c, x, y);
  out = {c.fx * d.x + c.cx, c.fy * d.y + c.cy, p[2]};
  if (slope == nullptr) return;
  (*slope)[0] = {c.fx * d.xx / p[2], c.fx * d.xy / p[2], -c.fx * (d.xx * x + d.xy * y) / p[2]};
  (*slope)[1] = {c.fy * d.yx / p[2], c.fy * d.yy / p[2], -c.fy * (d.yx * x + d.yy * y) / p[2]};
  (*slope)[2] = {0, 0, 1};
}

POSEKIT_INLINE void unproject_point(const PinholeCamera& c, const Point& pixel, Point& out,
                                    Jacobian* slope) {
  const double u = (pixel[0] - c.cx) / c.fx, v = (pixel[1] - c.cy) / c.fy, z = pixel[2];
  double x = u, y = v;
  DistortedPoint d = distort(c, x, y);
  for (int step = 0; step < 30; ++step) {
    const double ex = u - d.x, ey = v - d.y;
    const double determinant = d.xx * d.yy - d.xy * d.yx;
    if (std::hypot(ex, ey) < 1e-16 || determinant == 0) break;
    x += (d.yy * ex - d.xy * ey) / determinant;
    y += (d.xx * ey - d.yx * ex) / determinant;
    d = distort(c, x, y);
  }
  out = {x * z, y * z, z};
  if (slope == nullptr) return;
  const double determinant = d.xx * d.yy - d.xy * d.yx;
  (*slope)[0] = {z * d.yy / determinant / c.fx, -z * d.xy / determinant / c.fy, x};
  (*slope)[1] = {-z * d.yx / determinant / c.fx, z * d.xx / determinant / c.fy, y};
  (*slope)[2] = {0, 0, 1};
}

POSEKIT_INLINE void project_point(const WeakPerspectiveCamera& c, const Point& p, Point& out,
                                  Jacobian* slope) {
  out = {c.scale * p[0] + c.tx, c.scale * p[1] + c.ty, p[2]};
  if (slope != nullptr) *slope = {{{c.scale, 0, 0}, {0, c.scale, 0}, {0, 0, 1}}};
}

POSEKIT_INLINE void unproject_point(const WeakPerspectiveCamera& c, const Point& pixel, Point& out,
                                    Jacobian* slope) {
  out = {(pixel[0] - c.tx) / c.scale, (pixel[1] - c.ty) / c.scale, pixel[2]};
  if (slope != nullptr) *slope = {{{1 / c.scale, 0, 0}, {0, 1 / c.scale, 0}, {0, 0, 1}}};
}

POSEKIT_INLINE void require_camera(const char* function, const PinholeCamera& c) {
  if (c.fx == 0 || c.fy == 0 || !std::isfinite(c.fx) || !std::isfinite(c.fy)) {
    throw ValueError(error_text(function, ": the focal lengths are ", c.fx, " and ", c.fy));
  }
}

POSEKIT_INLINE void require_camera(const char* function, const WeakPerspectiveCamera& c) {
  if (c.scale == 0 || !std::isfinite(c.scale)) {
    throw ValueError(error_text(function, ": the camera's scale is ", c.scale));
  }
}

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
  internal::require_camera("normalize_points", camera);
  internal::require_points("normalize_points", "points", shape_of(points), points.data());
  const internal::NormalizedDepth depth(root_depth, camera, width, height);
  return internal::map_points<3, T>(
      shape_of(points), points.data(),
      [&](const internal::Point& p, internal::Point& out, internal::Jacobian*) {
        internal::project_point(camera, p, out, nullptr);
        out = {from_pixel(Coordinates::normalized, width, out[0]),
               from_pixel(Coordinates::normalized, height, out[1]), depth.a - depth.b / p[2]};
      });
}

template <class T>
Tensor<T> denormalize_points(const Tensor<T>& normalized, double root_depth,
                             const PinholeCamera& camera, std::size_t width, std::size_t height) {
  internal::require_camera("denormalize_points", camera);
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
