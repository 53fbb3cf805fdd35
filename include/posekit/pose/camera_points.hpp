#pragma once

// Cameras, and single points in front of them.

#include <array>
#include <cmath>
#include <cstddef>

#include <posekit/core/definitions.hpp>
#include <posekit/core/error.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/core/tensor.hpp>

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

/// (x, y, z) in camera space, or (u, v) in pixels with z.
using CameraPoint = std::array<double, 3>;
using CameraJacobian = std::array<std::array<double, 3>, 3>;  ///< [output][input]

/// A point in camera space -> pixels with its depth; its derivatives too where `slope` is not null.
/// A point of depth 0 has no pixel: infinity or NaN.
void project_point(const PinholeCamera& c, const CameraPoint& p, CameraPoint& out,
                   CameraJacobian* slope);

/// The inverse: of a lens's distortion by Newton's method, from the undistorted point.
void unproject_point(const PinholeCamera& c, const CameraPoint& pixel, CameraPoint& out,
                     CameraJacobian* slope);

void project_point(const WeakPerspectiveCamera& c, const CameraPoint& p, CameraPoint& out,
                   CameraJacobian* slope);

void unproject_point(const WeakPerspectiveCamera& c, const CameraPoint& pixel, CameraPoint& out,
                     CameraJacobian* slope);

/// Throw ValueError, beginning with `function`, for a camera without focal length or scale.
void require_camera(const char* function, const PinholeCamera& c);
void require_camera(const char* function, const WeakPerspectiveCamera& c);

/// `map(point, out, null)` for each point of [..., 3], of which Axes coordinates are kept. Throws
/// ShapeError.
template <std::size_t Axes, class T, class Map>
Tensor<T> map_points(const Shape& shape, const T* points, const Map& map) {
  if (shape.empty() || shape.back() != 3) {
    throw ShapeError(
        error_text("map_points: points has shape ", to_string(shape), ", expected [..., 3]"));
  }
  Shape result_shape = shape;
  result_shape.back() = Axes;
  Tensor<T> result = make_tensor<T>(result_shape);
  for (std::size_t i = 0; i < element_count(shape) / 3; ++i) {
    CameraPoint out;
    map(CameraPoint{static_cast<double>(points[3 * i]), static_cast<double>(points[3 * i + 1]),
                    static_cast<double>(points[3 * i + 2])},
        out, nullptr);
    for (std::size_t a = 0; a < Axes; ++a) result.data()[i * Axes + a] = static_cast<T>(out[a]);
  }
  return result;
}

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_POSE

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

}  // namespace internal

POSEKIT_INLINE void project_point(const PinholeCamera& c, const CameraPoint& p, CameraPoint& out,
                                  CameraJacobian* slope) {
  const double x = p[0] / p[2], y = p[1] / p[2];
  const internal::DistortedPoint d = internal::distort(c, x, y);
  out = {c.fx * d.x + c.cx, c.fy * d.y + c.cy, p[2]};
  if (slope == nullptr) return;
  (*slope)[0] = {c.fx * d.xx / p[2], c.fx * d.xy / p[2], -c.fx * (d.xx * x + d.xy * y) / p[2]};
  (*slope)[1] = {c.fy * d.yx / p[2], c.fy * d.yy / p[2], -c.fy * (d.yx * x + d.yy * y) / p[2]};
  (*slope)[2] = {0, 0, 1};
}

POSEKIT_INLINE void unproject_point(const PinholeCamera& c, const CameraPoint& pixel,
                                    CameraPoint& out, CameraJacobian* slope) {
  const double u = (pixel[0] - c.cx) / c.fx, v = (pixel[1] - c.cy) / c.fy, z = pixel[2];
  double x = u, y = v;
  internal::DistortedPoint d = internal::distort(c, x, y);
  for (int step = 0; step < 30; ++step) {
    const double ex = u - d.x, ey = v - d.y;
    const double determinant = d.xx * d.yy - d.xy * d.yx;
    if (std::hypot(ex, ey) < 1e-16 || determinant == 0) break;
    x += (d.yy * ex - d.xy * ey) / determinant;
    y += (d.xx * ey - d.yx * ex) / determinant;
    d = internal::distort(c, x, y);
  }
  out = {x * z, y * z, z};
  if (slope == nullptr) return;
  const double determinant = d.xx * d.yy - d.xy * d.yx;
  (*slope)[0] = {z * d.yy / determinant / c.fx, -z * d.xy / determinant / c.fy, x};
  (*slope)[1] = {-z * d.yx / determinant / c.fx, z * d.xx / determinant / c.fy, y};
  (*slope)[2] = {0, 0, 1};
}

POSEKIT_INLINE void project_point(const WeakPerspectiveCamera& c, const CameraPoint& p,
                                  CameraPoint& out, CameraJacobian* slope) {
  out = {c.scale * p[0] + c.tx, c.scale * p[1] + c.ty, p[2]};
  if (slope != nullptr) *slope = {{{c.scale, 0, 0}, {0, c.scale, 0}, {0, 0, 1}}};
}

POSEKIT_INLINE void unproject_point(const WeakPerspectiveCamera& c, const CameraPoint& pixel,
                                    CameraPoint& out, CameraJacobian* slope) {
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

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_POSE
