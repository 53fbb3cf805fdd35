#pragma once

// The only place that includes Eigen: small dense matrices.

#include <posekit/core/isa.hpp>  // before the intrinsics that Eigen includes

#include <Eigen/Core>
#include <Eigen/LU>
#include <Eigen/SVD>

#include <limits>

namespace posekit::inline POSEKIT_ISA {

/// matrix = u * diag(values) * v^T, the values in descending order. NaN everywhere where the matrix
/// holds what is not finite.
struct SingularValues {
  Eigen::Matrix3d u, v;
  Eigen::Vector3d values;
};

inline SingularValues singular_values(const Eigen::Matrix3d& matrix) {
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

}  // namespace posekit::inline POSEKIT_ISA
