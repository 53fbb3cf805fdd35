#pragma once

// The plane of a person's torso, and which side of it is the front.

#include <vector>

#include <posekit/autodiff/tape.hpp>
#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/core/tensor.hpp>
#include <posekit/pose/fit_torso.hpp>
#include <posekit/pose/skeletons.hpp>

namespace posekit::inline POSEKIT_ISA {

struct TorsoPlaneOptions {
  TorsoPelvis pelvis = TorsoPelvis::joint;
  int threads = 0;
};

template <class T>
struct TorsoPlanes {
  Tensor<T> normal;    ///< [F, 3], of length 1, to the person's front
  Tensor<T> centre;    ///< [F, 3], a point of the plane: the mean of the five, in the poses' unit
  Tensor<T> residual;  ///< [F], root of the five points' mean squared distance, in the poses' unit
  std::vector<TorsoStatus> status;  ///< [F]
};

/// The same on a tape, without the residual.
template <class T>
struct TorsoPlaneVars {
  Var<T> normal;                    ///< [F, 3]
  Var<T> centre;                    ///< [F, 3]
  std::vector<TorsoStatus> status;  ///< [F]
};

/// The plane through left and right shoulder, left and right hip and the pelvis of poses [F, J, 3]
/// in any unit, by orthogonal distance regression (Wang et al. 2019, section 3.1.2): the sum of the
/// squared distances of the five points is smallest. (The paper speaks of the sum of distances. The
/// squares are what the method's name stands for; without, 4 % of the attributes of CMU's motion
/// capture change.) Computed in double, by singular values.
///
/// The normal n is on the side where n . ((left - right) x (shoulders - hips)) > 0, left and right
/// being the sums of shoulder and hip. That is the front in any right-handed frame, y up or down;
/// in a left-handed one it is the back.
///
/// A frame without a plane is NaN in all three, and `status` says why. On the tape it has no
/// gradient besides: a loss has to leave it out, not only to weigh it with 0. There the normal is
/// differentiated through the singular vectors. Throws ShapeError, and ValueError that names all
/// joints that the skeleton lacks.
template <class T>
TorsoPlanes<T> torso_planes(const Tensor<T>& poses, const Skeleton& skeleton,
                            const TorsoPlaneOptions& options = {});
template <class T>
TorsoPlaneVars<T> torso_planes(const Var<T>& poses, const Skeleton& skeleton,
                               const TorsoPlaneOptions& options = {});

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_POSE

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <memory>
#include <utility>

#include <posekit/core/threads.hpp>
#include <posekit/pose/skeleton_map.hpp>

namespace posekit::inline POSEKIT_ISA {

namespace internal {

/// Writes three numbers of a frame, or NaN where it has no plane.
template <class T>
void put_vector(T* out, const TorsoFit& fit, const std::array<double, 3>& vector) {
  for (std::size_t a = 0; a < 3; ++a) {
    out[a] = fit.status == TorsoStatus::ok ? static_cast<T>(vector[a])
                                           : std::numeric_limits<T>::quiet_NaN();
  }
}

/// Adds to the five points' cotangents what the normal's cotangent makes of them. The normal is the
/// singular vector v3 of the smallest of the singular values s: dv3 = sum over k = 1, 2 of
/// vk (vk' dS v3) / (s3^2 - sk^2), S being the sum of a a' over the points' offsets a.
inline void add_normal_slopes(const TorsoFit& fit,
                              const std::array<std::array<double, 3>, 5>& points,
                              const std::array<double, 3>& by_normal,
                              std::array<std::array<double, 3>, 5>& slopes) {
  const auto dot = [](const std::array<double, 3>& a, const std::array<double, 3>& b) {
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
  };
  for (std::size_t k = 0; k < 2; ++k) {
    const std::array<double, 3>& axis = fit.in_plane[k];
    const double turn = dot(by_normal, axis) / (fit.singular[2] - fit.singular[k]);
    const double sum = fit.singular[2] + fit.singular[k];
    for (std::size_t i = 0; i < 5; ++i) {
      std::array<double, 3> offset{};
      for (std::size_t a = 0; a < 3; ++a) offset[a] = points[i][a] - fit.centre[a];
      const double across = turn * (dot(offset, fit.normal) / sum),
                   along = turn * (dot(offset, axis) / sum);
      for (std::size_t a = 0; a < 3; ++a) slopes[i][a] += across * axis[a] + along * fit.normal[a];
    }
  }
}

/// Which of the plane's vectors is differentiated.
enum class TorsoVector { normal, centre };

template <class T>
Var<T> record_torso_vector(const Var<T>& poses, const TorsoJoints& joints, TorsoVector which,
                           const std::shared_ptr<const std::vector<TorsoFit>>& fits) {
  Tape<T>& tape = poses.tape();
  const std::size_t frames = fits->size(), pose_size = poses.shape()[1] * 3;
  Tensor<T> value = tape.pool().take({frames, 3});
  for (std::size_t f = 0; f < frames; ++f) {
    const TorsoFit& fit = (*fits)[f];
    put_vector(value.data() + f * 3, fit, which == TorsoVector::normal ? fit.normal : fit.centre);
  }
  return tape.record(
      "torso_planes", std::move(value), {poses},
      [frames, pose_size, joints, which, fits, input = tape.elements(poses)](Pullback<T>& back) {
        const auto target = back.target(0);
        if (!target) return;
        target.put_nothing(0, back.count() * frames * pose_size);
        for (std::size_t i = 0; i < back.count() * frames; ++i) {
          const TorsoFit& fit = (*fits)[i % frames];
          if (fit.status != TorsoStatus::ok) continue;
          std::array<double, 3> cotangent{};
          for (std::size_t a = 0; a < 3; ++a) {
            cotangent[a] = static_cast<double>(back.cotangent()[i * 3 + a]);
          }
          std::array<std::array<double, 3>, 5> slopes{};
          if (which == TorsoVector::normal) {
            std::array<std::array<double, 3>, 5> points{};
            for_each_torso_coordinate(
                input->data() + i % frames * pose_size, joints,
                [&](std::size_t point, std::size_t axis, double x) { points[point][axis] = x; });
            add_normal_slopes(fit, points, cotangent, slopes);
          } else {
            for (auto& slope : slopes) {
              for (std::size_t a = 0; a < 3; ++a) slope[a] = cotangent[a] / 5;
            }
          }
          const auto add = [&](std::size_t joint, const std::array<double, 3>& slope,
                               double share) {
            T* out = target.data + i * pose_size + joint * 3;
            for (std::size_t a = 0; a < 3; ++a) out[a] += static_cast<T>(share * slope[a]);
          };
          for (std::size_t k = 0; k < 4; ++k) add(joints.corners[k], slopes[k], 1);
          if (joints.pelvis) {
            add(*joints.pelvis, slopes[4], 1);
          } else {
            add(joints.corners[2], slopes[4], 0.5);
            add(joints.corners[3], slopes[4], 0.5);
          }
        }
      });
}

}  // namespace internal

template <class T>
TorsoPlanes<T> torso_planes(const Tensor<T>& poses, const Skeleton& skeleton,
                            const TorsoPlaneOptions& options) {
  require_poses("torso_planes", "poses", shape_of(poses), skeleton, 3);
  const auto joints = internal::torso_joints("torso_planes", skeleton, options.pelvis).first;
  const std::size_t frames = poses.shape()[0];
  TorsoPlanes<T> result{make_tensor<T>({frames, 3}), make_tensor<T>({frames, 3}),
                        make_tensor<T>({frames}), std::vector<TorsoStatus>(frames)};
  internal::fit_torsos(
      poses.data(), frames, skeleton.size(), joints, resolve_threads(options.threads),
      [&](std::size_t f, const internal::TorsoFit& fit) {
        internal::put_vector(result.normal.data() + f * 3, fit, fit.normal);
        internal::put_vector(result.centre.data() + f * 3, fit, fit.centre);
        result.residual.data()[f] = fit.status == TorsoStatus::ok
                                        ? static_cast<T>(std::sqrt(0.2) * fit.singular[2])
                                        : std::numeric_limits<T>::quiet_NaN();
        result.status[f] = fit.status;
      });
  return result;
}

template <class T>
TorsoPlaneVars<T> torso_planes(const Var<T>& poses, const Skeleton& skeleton,
                               const TorsoPlaneOptions& options) {
  require_poses("torso_planes", "poses", poses.shape(), skeleton, 3);
  const auto joints = internal::torso_joints("torso_planes", skeleton, options.pelvis).first;
  Tape<T>& tape = poses.tape();
  const std::size_t frames = poses.shape()[0];
  const auto fits = std::make_shared<std::vector<internal::TorsoFit>>(frames);
  std::vector<TorsoStatus> status(frames);
  const auto input = tape.elements(poses);
  internal::fit_torsos(input->data(), frames, skeleton.size(), joints,
                       options.threads > 0 ? resolve_threads(options.threads) : tape.threads(),
                       [&](std::size_t f, const internal::TorsoFit& fit) {
                         (*fits)[f] = fit;
                         status[f] = fit.status;
                       });
  return {internal::record_torso_vector<T>(poses, joints, internal::TorsoVector::normal, fits),
          internal::record_torso_vector<T>(poses, joints, internal::TorsoVector::centre, fits),
          std::move(status)};
}

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_POSE
