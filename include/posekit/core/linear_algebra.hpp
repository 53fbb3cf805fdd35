#pragma once

// The only place that includes Eigen: small dense matrices.

#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>  // before the intrinsics that Eigen includes

#include <Eigen/Core>
#include <Eigen/Geometry>
#include <Eigen/LU>
#include <Eigen/SVD>

#include <cmath>
#include <limits>
#include <optional>

namespace posekit::inline POSEKIT_ISA {

/// matrix = u * diag(values) * v^T, the values in descending order. NaN everywhere where the matrix
/// holds what is not finite.
struct SingularValues {
  Eigen::Matrix3d u, v;
  Eigen::Vector3d values;
};

SingularValues singular_values(const Eigen::Matrix3d& matrix);

/// The smallest rotation that takes the direction of `from` to that of `to`; where they are
/// opposite, half a turn about some axis across them. Neither may be zero.
template <class T>
Eigen::Matrix<T, 3, 3> rotation_between(const Eigen::Matrix<T, 3, 1>& from,
                                        const Eigen::Matrix<T, 3, 1>& to);

/// The rotation nearest to a matrix whose determinant is well above 0 (its polar factor), by
/// Newton's iteration (Higham 1986); nothing where the matrix is not so.
std::optional<Eigen::Matrix3d> nearest_rotation(const Eigen::Matrix3d& matrix);

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_CORE

namespace posekit::inline POSEKIT_ISA {

POSEKIT_INLINE SingularValues singular_values(const Eigen::Matrix3d& matrix) {
  SingularValues result;
  if (!matrix.allFinite()) {
    const double nan = std::numeric_limits<double>::quiet_NaN();
    result.u.setConstant(nan);
    result.v.setConstant(nan);
    result.values.setConstant(nan);
    return result;
  }
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"  // of infinite matrices, which are none here
#endif
  const Eigen::JacobiSVD<Eigen::Matrix3d> svd(matrix, Eigen::ComputeFullU | Eigen::ComputeFullV);
  result.u = svd.matrixU();
  result.v = svd.matrixV();
  result.values = svd.singularValues();
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif
  return result;
}

template <class T>
Eigen::Matrix<T, 3, 3> rotation_between(const Eigen::Matrix<T, 3, 1>& from,
                                        const Eigen::Matrix<T, 3, 1>& to) {
  const Eigen::Matrix<T, 3, 1> a = from / from.norm(), b = to / to.norm();
  const T cosine = a.dot(b);
  Eigen::Matrix<T, 3, 3> rotation;
  const Eigen::Matrix<T, 3, 1> v = a.cross(b);
  if (cosine < T(0) && v.squaredNorm() < std::numeric_limits<T>::epsilon()) {
    const Eigen::Matrix<T, 3, 1> axis = a.unitOrthogonal();
    for (int i = 0; i < 3; ++i) {
      for (int k = 0; k < 3; ++k) rotation(i, k) = 2 * axis[i] * axis[k] - (i == k ? T(1) : T(0));
    }
    return rotation;
  }
  // Rodrigues' formula with the axis a x b, whose length is the sine; 1 / (1 + cosine) without
  // cancellation.
  const T factor = cosine < T(0) ? (T(1) - cosine) / v.squaredNorm() : T(1) / (T(1) + cosine);
  for (int i = 0; i < 3; ++i) {
    for (int k = 0; k < 3; ++k) rotation(i, k) = v[i] * v[k] * factor + (i == k ? cosine : T(0));
  }
  for (int i = 0; i < 3; ++i) {
    const int next = (i + 1) % 3, last = (i + 2) % 3;
    rotation(next, last) -= v[i];
    rotation(last, next) += v[i];
  }
  return rotation;
}

POSEKIT_INLINE std::optional<Eigen::Matrix3d> nearest_rotation(const Eigen::Matrix3d& matrix) {
  const double norm = matrix.norm();
  if (!(norm > 0) || !std::isfinite(norm)) return std::nullopt;
  Eigen::Matrix3d x = matrix / norm;
  if (!(x.determinant() > 1e-4)) return std::nullopt;
  for (int step = 0; step < 20; ++step) {
    Eigen::Matrix3d inverse;  // transposed
    inverse.row(0) = x.row(1).cross(x.row(2));
    inverse.row(1) = x.row(2).cross(x.row(0));
    inverse.row(2) = x.row(0).cross(x.row(1));
    inverse /= x.row(0).dot(inverse.row(0));
    const double scale = std::sqrt(inverse.norm() / x.norm());
    const Eigen::Matrix3d next = 0.5 * (scale * x + inverse / scale);
    const double change = (next - x).squaredNorm();
    x = next;
    // Convergence is quadratic: what is left is the square of this.
    if (change < 1e-18) return x;
  }
  return std::nullopt;
}

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_CORE
