#pragma once

// Poses as they are compared: moved by what takes the prediction onto the truth.

#include <algorithm>
#include <array>
#include <cstddef>
#include <limits>
#include <utility>
#include <vector>

#include <posekit/autodiff/tape.hpp>
#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/core/tensor.hpp>
#include <posekit/pose/fit_alignment.hpp>

namespace posekit::inline POSEKIT_ISA {

template <class T>
struct AlignedPoses {
  Tensor<T> prediction;  ///< [F, J, 2 or 3], moved
  Tensor<T> truth;       ///< moved too for `root` and `scale`, as it came otherwise
  std::vector<AlignmentStatus> status;
};

/// Poses as they are compared after an alignment: a rootless frame is NaN in both. Throws as
/// `fit_alignment`.
template <class T>
AlignedPoses<T> align(const Tensor<T>& prediction, const Tensor<T>& truth,
                      const AlignOptions& options = {});

/// The prediction after its alignment on the tape, differentiated through the transform itself; the
/// truth is a constant. Compare it with `align(...).truth`. Where a rotation is ambiguous, it is
/// held fixed in the directions that nothing decides. A rootless frame is NaN and has no gradient:
/// a loss has to leave it out, not only to weigh it with 0.
template <class T>
Var<T> align(const Var<T>& prediction, const Tensor<T>& truth, const AlignOptions& options = {});

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_POSE

#include <posekit/core/linear_algebra.hpp>

namespace posekit::inline POSEKIT_ISA {

namespace internal {

template <class T>
void transform_pose(const SimilarityTransform& fit, const T* pose, std::size_t joints,
                    std::size_t axes, T* out) {
  const Eigen::Matrix3d linear = fit.scale * fit.rotation;
  for (std::size_t j = 0; j < joints; ++j) {
    const auto moved = transform_joint(fit, linear, pose + j * axes, axes);
    for (std::size_t a = 0; a < axes; ++a) out[j * axes + a] = static_cast<T>(moved[a]);
  }
}

/// For `root` and `scale` the truth's root goes to the origin, where it is visible.
template <class T>
Tensor<T> aligned_truth(Tensor<T> truth, const AlignOptions& options) {
  if (!aligns_at_root(options.alignment)) return truth;
  const std::size_t joints = truth.shape()[1], axes = truth.shape()[2];
  for (std::size_t f = 0; f < truth.shape()[0]; ++f) {
    T* pose = truth.data() + f * joints * axes;
    if (options.visible && (*options.visible)[f * joints + options.root] == 0) {
      std::fill_n(pose, joints * axes, std::numeric_limits<T>::quiet_NaN());
      continue;
    }
    const std::array<T, 3> root{pose[options.root * axes], pose[options.root * axes + 1],
                                axes == 3 ? pose[options.root * axes + 2] : T(0)};
    for (std::size_t i = 0; i < joints * axes; ++i) pose[i] -= root[i % axes];
  }
  return truth;
}

}  // namespace internal

template <class T>
AlignedPoses<T> align(const Tensor<T>& prediction, const Tensor<T>& truth,
                      const AlignOptions& options) {
  const auto fits = fit_alignment(prediction, truth, options);
  const std::size_t joints = prediction.shape()[1], axes = prediction.shape()[2];
  AlignedPoses<T> result{
      make_tensor<T>(shape_of(prediction)), internal::aligned_truth(Tensor<T>(truth), options), {}};
  for (std::size_t f = 0; f < fits.size(); ++f) {
    internal::transform_pose(fits[f], prediction.data() + f * joints * axes, joints, axes,
                             result.prediction.data() + f * joints * axes);
    result.status.push_back(fits[f].status);
  }
  return result;
}

template <class T>
Var<T> align(const Var<T>& prediction, const Tensor<T>& truth, const AlignOptions& options) {
  internal::require_alignable("align", prediction.shape(), shape_of(truth), options);
  Tape<T>& tape = prediction.tape();
  const auto input = tape.shared_value(prediction);
  internal::require_finite("align", *input, truth, options);
  std::vector<internal::AlignmentParts> parts;
  auto fits = internal::fit_transforms(*input, truth, options, tape.threads(), &parts);
  const std::size_t frames = truth.shape()[0], joints = truth.shape()[1], axes = truth.shape()[2];
  Tensor<T> value = tape.pool().take(prediction.shape());
  for (std::size_t f = 0; f < frames; ++f) {
    internal::transform_pose(fits[f], input->data() + f * joints * axes, joints, axes,
                             value.data() + f * joints * axes);
  }
  return tape.record(
      "align", std::move(value), {prediction},
      [=, truth = Tensor<T>(truth), fits = std::move(fits),
       parts = std::move(parts)](Pullback<T>& back) {
        const auto target = back.target(0);
        if (!target) return;
        const bool at_root = aligns_at_root(options.alignment);
        for (std::size_t i = 0; i < back.count() * frames; ++i) {
          const std::size_t f = i % frames;
          const auto at = [axes = axes](const T* pose, std::size_t j) {
            return internal::joint_at(pose, axes, j);
          };
          const T* g = back.cotangent() + i * joints * axes;
          const T* p = input->data() + f * joints * axes;
          const T* t = truth.data() + f * joints * axes;
          const auto& fit = fits[f];
          const auto& part = parts[f];
          if (fit.status == AlignmentStatus::rootless) {
            for (std::size_t k = 0; k < joints * axes; ++k) target.put(i * joints * axes + k, T(0));
            continue;
          }
          const bool moves =
              options.alignment != Alignment::none && fit.status != AlignmentStatus::empty;
          const bool fitted = moves && options.alignment != Alignment::root &&
                              fit.status != AlignmentStatus::collapsed;
          // aligned = scale R (p - mean) + constant
          Eigen::Matrix3d by_linear = Eigen::Matrix3d::Zero();
          Eigen::Vector3d total = Eigen::Vector3d::Zero();
          for (std::size_t j = 0; j < joints; ++j) {
            by_linear += at(g, j) * (at(p, j) - part.prediction_mean).transpose();
            total += at(g, j);
          }
          const Eigen::Matrix3d linear_t = fit.scale * fit.rotation.transpose();
          Eigen::Matrix3d by_covariance = Eigen::Matrix3d::Zero();
          double by_square = 0;
          if (fitted && (options.alignment == Alignment::similarity ||
                         options.alignment == Alignment::scale)) {
            // scale = <R, covariance> / square; R is optimal, so that it adds nothing here.
            const double by_scale = (fit.rotation.transpose() * by_linear).trace();
            by_covariance += by_scale / part.prediction_square * fit.rotation;
            by_square -= by_scale * fit.scale / part.prediction_square;
          }
          if (fitted && !at_root && axes == 3) {
            // R^T dR = V Omega V^T, Omega_ij = (V^T (R^T dM - dM^T R) V)_ij / (s_i + s_j)
            Eigen::Matrix3d b =
                fit.scale * part.v.transpose() * fit.rotation.transpose() * by_linear * part.v;
            for (Eigen::Index r = 0; r < 3; ++r) {
              for (Eigen::Index c = r; c < 3; ++c) {
                const double sum = part.singular[r] + part.singular[c];
                const double odd = (b(r, c) - b(c, r)) / 2;
                const bool decided = r != c && sum > 1e-12 * part.singular[0];
                b(r, c) = decided ? odd / sum : 0.0;
                b(c, r) = -b(r, c);
              }
            }
            by_covariance += 2 * fit.rotation * part.v * b * part.v.transpose();
          } else if (fitted && !at_root && fit.status == AlignmentStatus::unique) {
            // In the plane the angle is that of (trace, m10 - m01).
            const double turn = fit.scale * ((fit.rotation.transpose() * by_linear)(1, 0) -
                                             (fit.rotation.transpose() * by_linear)(0, 1));
            Eigen::Matrix3d quarter = Eigen::Matrix3d::Zero();
            quarter(0, 1) = -1;
            quarter(1, 0) = 1;
            by_covariance += turn / part.singular[0] * fit.rotation * quarter;
          }
          // With respect to each joint, as if the mean were fixed; and the mean's share.
          Eigen::Vector3d of_means = Eigen::Vector3d::Zero();
          std::vector<Eigen::Vector3d> slopes(joints);
          for (std::size_t j = 0; j < joints; ++j) {
            const bool counts = !options.visible || (*options.visible)[f * joints + j] != 0;
            Eigen::Vector3d slope = linear_t * at(g, j);
            if (fitted && counts) {
              const Eigen::Vector3d fit_slope =
                  by_covariance.transpose() * (at(t, j) - part.truth_mean) +
                  2 * by_square * (at(p, j) - part.prediction_mean);
              slope += fit_slope;
              of_means += fit_slope;
            }
            slopes[j] = slope;
          }
          if (moves) of_means += linear_t * total;
          for (std::size_t j = 0; j < joints; ++j) {
            if (moves && at_root && j == options.root) slopes[j] -= of_means;
            if (moves && !at_root &&
                (!options.visible || (*options.visible)[f * joints + j] != 0)) {
              slopes[j] -= of_means / part.weight;
            }
            for (std::size_t a = 0; a < axes; ++a) {
              target.put((i * joints + j) * axes + a,
                         static_cast<T>(slopes[j][static_cast<Eigen::Index>(a)]));
            }
          }
        }
      });
}

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_POSE
