#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numbers>

#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/core/linear_algebra.hpp>
#include <posekit/core/tensor.hpp>
#include <posekit/pose/camera.hpp>
#include <posekit/synthetic/random_stream.hpp>

namespace posekit::inline POSEKIT_ISA {

/// Where a camera may stand that takes a picture of somebody. Pairs are lowest and highest.
struct CameraPlacementOptions {
  std::array<double, 2> distance{2500, 7000};  ///< from the middle of the joints, mm
  std::array<double, 2> azimuth{-180, 180};    ///< degrees; 0 looks at somebody who looks along z
  std::array<double, 2> elevation{-10, 40};    ///< degrees above the horizon
  double roll = 4;                             ///< standard deviation, degrees
  /// How much of the picture's side the figure takes up; beyond 1 it is cut off.
  std::array<double, 2> fill{0.7, 0.9};
  /// How far the figure's middle may be from the picture's, as a share of its sides; less where the
  /// figure would be cut off.
  double jitter = 0.06;
  double padding = 90;  ///< what the body reaches beyond its joints, mm
};

/// A camera and where it stands: camera = rotation * (world - position), where the world's y is up.
struct PlacedCamera {
  PinholeCamera camera;
  Eigen::Matrix3d rotation = Eigen::Matrix3d::Identity();
  Eigen::Vector3d position = Eigen::Vector3d::Zero();

  /// World [J, 3] -> camera space [J, 3].
  Tensor<double> to_camera(const Tensor<double>& points) const;
};

namespace internal {

void require_options(const char* function, const CameraPlacementOptions& options);

}  // namespace internal

/// A camera that looks at points [J, 3] in a world whose y is up, so that they fill a picture of
/// width x height pixels as far as the options say. Its principal point is the picture's middle.
/// It stands back further than `distance` where the points would otherwise reach around it.
/// Throws ShapeError and ValueError.
PlacedCamera place_camera(const Tensor<double>& points, std::size_t width, std::size_t height,
                          RandomStream& random, const CameraPlacementOptions& options = {});

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_SYNTHETIC

#include <posekit/core/error.hpp>

namespace posekit::inline POSEKIT_ISA {

POSEKIT_INLINE Tensor<double> PlacedCamera::to_camera(const Tensor<double>& points) const {
  Tensor<double> result = make_tensor<double>(shape_of(points));
  for (std::size_t j = 0; j < points.size() / 3; ++j) {
    const Eigen::Vector3d world(points.data()[3 * j], points.data()[3 * j + 1],
                                points.data()[3 * j + 2]);
    const Eigen::Vector3d p = rotation * (world - position);
    std::copy_n(p.data(), 3, result.data() + 3 * j);
  }
  return result;
}

namespace internal {

POSEKIT_INLINE void require_options(const char* function, const CameraPlacementOptions& options) {
  const auto require = [&](const char* name, const std::array<double, 2>& range, double low,
                           double high) {
    if (range[0] >= low && range[1] <= high && range[0] <= range[1]) return;
    throw ValueError(error_text(function, ": ", name, " is ", range[0], " to ", range[1],
                                ", expected an ascending pair from ", low, " to ", high));
  };
  require("distance", options.distance, 1, 1e7);
  require("azimuth", options.azimuth, -360, 360);
  require("elevation", options.elevation, -89, 89);
  require("fill", options.fill, 0.01, 10);
  if (!(options.roll >= 0 && options.roll <= 180) || !(options.jitter >= 0) ||
      !(options.padding >= 0) || !std::isfinite(options.jitter) ||
      !std::isfinite(options.padding)) {
    throw ValueError(error_text(function, ": roll is ", options.roll, ", jitter ", options.jitter,
                                ", padding ", options.padding,
                                "; expected none below 0, and a roll up to 180"));
  }
}

}  // namespace internal

POSEKIT_INLINE PlacedCamera place_camera(const Tensor<double>& points, std::size_t width,
                                         std::size_t height, RandomStream& random,
                                         const CameraPlacementOptions& options) {
  internal::require_options("place_camera", options);
  if (points.dimension() != 2 || points.shape()[1] != 3 || points.shape()[0] == 0) {
    throw ShapeError(error_text("place_camera: points has shape ", to_string(points.shape()),
                                ", expected [J, 3]"));
  }
  require_finite(points, "place_camera", "points");
  if (width == 0 || height == 0) {
    throw ValueError(error_text("place_camera: a picture of ", width, " x ", height, " pixels"));
  }
  using Eigen::Vector3d;
  const auto pick = [&](const std::array<double, 2>& range) {
    return random.uniform(range[0], range[1]);
  };
  const auto radians = [](double degrees) { return degrees * (std::numbers::pi / 180); };
  const std::size_t count = points.shape()[0];
  const auto point = [&](std::size_t j) {
    return Vector3d(points(j, 0), points(j, 1), points(j, 2));
  };
  Vector3d low = point(0), high = point(0);
  for (std::size_t j = 1; j < count; ++j) {
    low = low.cwiseMin(point(j));
    high = high.cwiseMax(point(j));
  }
  const Vector3d middle = (low + high) / 2;
  double radius = 0;
  for (std::size_t j = 0; j < count; ++j) radius = std::max(radius, (point(j) - middle).norm());

  const double distance = std::max(pick(options.distance), 1.6 * (radius + options.padding));
  const double azimuth = radians(pick(options.azimuth)),
               elevation = radians(pick(options.elevation));
  const double roll = radians(random.truncated_normal(0, options.roll));
  const Vector3d back(std::cos(elevation) * std::sin(azimuth), std::sin(elevation),
                      std::cos(elevation) * std::cos(azimuth));
  const Vector3d right = Vector3d::UnitY().cross(back).normalized();
  PlacedCamera placed;
  placed.rotation.row(0) = right;
  placed.rotation.row(1) = (-back).cross(right);
  placed.rotation.row(2) = -back;
  placed.rotation = Eigen::AngleAxisd(roll, Vector3d::UnitZ()).toRotationMatrix() * placed.rotation;
  placed.position = middle + distance * back;

  // The figure's rectangle on the plane at depth 1; sideways steps bring its middle to the axis.
  Eigen::Vector2d least, most;
  for (int step = 0; step < 4; ++step) {
    least.setConstant(std::numeric_limits<double>::infinity());
    most.setConstant(-std::numeric_limits<double>::infinity());
    for (std::size_t j = 0; j < count; ++j) {
      const Vector3d p = placed.rotation * (point(j) - placed.position);
      const Eigen::Vector2d at = p.head<2>() / p[2];
      const Eigen::Vector2d reach = Eigen::Vector2d::Constant(options.padding / p[2]);
      least = least.cwiseMin(at - reach);
      most = most.cwiseMax(at + reach);
    }
    if (step == 3) break;
    const Eigen::Vector2d off = distance * (least + most) / 2;
    placed.position += placed.rotation.transpose() * Vector3d(off[0], off[1], 0);
  }
  const Eigen::Vector2d extent = (most - least).cwiseMax(1e-9);
  const auto w = static_cast<double>(width), h = static_cast<double>(height);
  const double focal = pick(options.fill) * std::min(w / extent[0], h / extent[1]);
  PinholeCamera& camera = placed.camera;
  camera.fx = camera.fy = focal;
  camera.cx = (w - 1) / 2;
  camera.cy = (h - 1) / 2;
  // A camera that steps aside moves the figure in the picture.
  const auto room = [&](double side, double size) {
    return std::min(options.jitter * side, std::max(0.0, side - focal * size) / 2);
  };
  const double x = random.uniform(-1, 1) * room(w, extent[0]);
  const double y = random.uniform(-1, 1) * room(h, extent[1]);
  placed.position -=
      placed.rotation.transpose() * Vector3d(x * distance / focal, y * distance / focal, 0);
  return placed;
}

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_SYNTHETIC
