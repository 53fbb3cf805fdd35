#pragma once

// The transform that takes a predicted pose onto the true one: by their roots, or to least squares.

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/core/linear_algebra.hpp>
#include <posekit/core/tensor.hpp>

namespace posekit::inline POSEKIT_ISA {

enum class Alignment {
  none,
  root,        ///< both poses are moved so that a joint is at the origin
  scale,       ///< as root, then the prediction is scaled to least squares
  rigid,       ///< rotation and translation to least squares, onto the truth where it is
  similarity,  ///< rotation (det = +1), scale and translation to least squares (Procrustes)
};

const char* to_string(Alignment alignment);

/// Whether both poses are moved, so that a joint of each is at the origin.
constexpr bool aligns_at_root(Alignment alignment) {
  return alignment == Alignment::root || alignment == Alignment::scale;
}

/// How well determined a frame's alignment was.
enum class AlignmentStatus : std::uint8_t {
  unique,
  ambiguous,  ///< joints on a line, or a mirrored flat pose: other rotations fit as well
  collapsed,  ///< one pose is a single point: translated, and scaled to it where that is free
  empty,      ///< no joint is visible: left as it is
  rootless,   ///< the root is not visible, by which `root` and `scale` align: NaN
};

struct AlignOptions {
  Alignment alignment = Alignment::similarity;
  std::size_t root = 0;                                ///< the joint for `root` and `scale`
  std::optional<std::vector<std::uint8_t>> visible{};  ///< [F * J]: joints that decide; none: all
  int threads = 0;
};

/// aligned = scale * rotation * (prediction - centre) + target; the centre of a rootless frame is
/// NaN
struct SimilarityTransform {
  double scale = 1;
  Eigen::Matrix3d rotation = Eigen::Matrix3d::Identity();
  Eigen::Vector3d centre = Eigen::Vector3d::Zero(), target = Eigen::Vector3d::Zero();
  AlignmentStatus status = AlignmentStatus::unique;

  /// aligned = scale * rotation * prediction + translation, where rounding does not matter.
  Eigen::Vector3d translation() const { return target - scale * (rotation * centre); }
};

/// The transform of each frame that takes the prediction [F, J, 2 or 3] onto the truth. `rigid` and
/// `similarity` are the orthogonal Procrustes problem with det = +1 (Umeyama 1991), computed in
/// double. Throws ShapeError and ValueError.
template <class T>
std::vector<SimilarityTransform> fit_alignment(const Tensor<T>& prediction, const Tensor<T>& truth,
                                               const AlignOptions& options = {});

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_POSE

#include <posekit/core/error.hpp>
#include <posekit/core/threads.hpp>

namespace posekit::inline POSEKIT_ISA {

POSEKIT_INLINE const char* to_string(Alignment alignment) {
  constexpr const char* names[] = {"none", "root", "scale", "rigid", "similarity"};
  return names[static_cast<std::size_t>(alignment)];
}

namespace internal {

/// What the derivative of an alignment needs besides its transform.
struct AlignmentParts {
  Eigen::Vector3d prediction_mean = Eigen::Vector3d::Zero(), truth_mean = prediction_mean;
  Eigen::Matrix3d v = Eigen::Matrix3d::Identity();     // right singular vectors of the covariance
  Eigen::Vector3d singular = Eigen::Vector3d::Zero();  // the last is negative where det was
  double prediction_square = 0;                        // sum of squares around the mean
  double weight = 0;                                   // number of joints that count
};

/// A joint of a pose [J, axes] with 2 or 3 axes.
template <class T>
Eigen::Vector3d joint_at(const T* pose, std::size_t axes, std::size_t joint) {
  return {static_cast<double>(pose[joint * axes]), static_cast<double>(pose[joint * axes + 1]),
          axes == 3 ? static_cast<double>(pose[joint * axes + 2]) : 0.0};
}

/// One frame's transform. Joints are [J, axes] with 2 or 3 axes.
template <class T>
SimilarityTransform fit_transform(const T* prediction, const T* truth, std::size_t joints,
                                  std::size_t axes, const std::uint8_t* visible,
                                  const AlignOptions& options, AlignmentParts* parts = nullptr) {
  SimilarityTransform fit;
  if (options.alignment == Alignment::none) return fit;
  const auto at = [axes](const T* pose, std::size_t j) { return joint_at(pose, axes, j); };
  AlignmentParts own;
  AlignmentParts& a = parts == nullptr ? own : *parts;
  const bool at_root = aligns_at_root(options.alignment);
  if (at_root && visible != nullptr && visible[options.root] == 0) {
    fit.status = AlignmentStatus::rootless;
    fit.centre.setConstant(std::numeric_limits<double>::quiet_NaN());
    return fit;
  }
  if (at_root) {
    a.prediction_mean = at(prediction, options.root);
    a.truth_mean = at(truth, options.root);
    fit.centre = a.prediction_mean;
    if (options.alignment == Alignment::root) return fit;
  }
  for (std::size_t j = 0; j < joints; ++j) {
    if (visible != nullptr && visible[j] == 0) continue;
    a.weight += 1;
    if (at_root) continue;
    a.prediction_mean += at(prediction, j);
    a.truth_mean += at(truth, j);
  }
  if (a.weight == 0) {
    fit.status = AlignmentStatus::empty;
    return fit;
  }
  if (!at_root) {
    a.prediction_mean /= a.weight;
    a.truth_mean /= a.weight;
  }
  double truth_square = 0;
  Eigen::Matrix3d covariance = Eigen::Matrix3d::Zero();
  for (std::size_t j = 0; j < joints; ++j) {
    if (visible != nullptr && visible[j] == 0) continue;
    const Eigen::Vector3d p = at(prediction, j) - a.prediction_mean;
    const Eigen::Vector3d t = at(truth, j) - a.truth_mean;
    a.prediction_square += p.squaredNorm();
    truth_square += t.squaredNorm();
    covariance += t * p.transpose();
  }
  // What is left of a single point by rounding, each pose beside its own distance from the origin.
  const auto is_point = [&](double square, const Eigen::Vector3d& mean) {
    return !(std::sqrt(square) > 1e-12 * std::sqrt(a.weight) * mean.norm());
  };
  const bool collapsed =
      is_point(a.prediction_square, a.prediction_mean) || is_point(truth_square, a.truth_mean);
  const double before = covariance.trace();  // <t, p>
  if (collapsed) {
    fit.status = AlignmentStatus::collapsed;
    a.singular.setZero();
    // Nothing is nearer to a single point than that point itself.
    const bool scales =
        options.alignment == Alignment::scale || options.alignment == Alignment::similarity;
    if (scales && is_point(truth_square, a.truth_mean)) fit.scale = 0;
  } else if (options.alignment == Alignment::scale) {
    fit.scale = before / a.prediction_square;
  } else {
    double fitted = 0;  // <t, R p>
    if (axes == 2) {
      const double cosine = covariance(0, 0) + covariance(1, 1);
      const double sine = covariance(1, 0) - covariance(0, 1);
      fitted = std::hypot(cosine, sine);
      if (fitted > 1e-12 * std::sqrt(a.prediction_square) * std::sqrt(truth_square)) {
        fit.rotation << cosine / fitted, -sine / fitted, 0, sine / fitted, cosine / fitted, 0, 0, 0,
            1;
      } else {
        fit.status = AlignmentStatus::ambiguous;
        fitted = cosine;
      }
      a.singular = Eigen::Vector3d(fitted, 0, 0);
    } else {
      // The derivative needs the singular values; elsewhere most poses need only the rotation.
      const auto near =
          parts == nullptr ? nearest_rotation(covariance) : std::optional<Eigen::Matrix3d>();
      if (near) {
        fit.rotation = *near;
        fitted = near->cwiseProduct(covariance).sum();
      } else {
        const SingularValues svd = singular_values(covariance);
        a.v = svd.v;
        a.singular = svd.values;
        Eigen::Matrix3d u = svd.u;
        if (u.determinant() * a.v.determinant() < 0) {
          u.col(2) *= -1;
          a.singular[2] *= -1;
        }
        fit.rotation = u * a.v.transpose();
        fitted = a.singular.sum();
        if (!(a.singular[1] + a.singular[2] > 1e-12 * a.singular[0])) {
          fit.status = AlignmentStatus::ambiguous;
        }
      }
    }
    if (options.alignment == Alignment::similarity) fit.scale = fitted / a.prediction_square;
  }
  fit.centre = a.prediction_mean;
  if (!at_root) fit.target = a.truth_mean;
  return fit;
}

inline void require_alignable(const char* function, const Shape& prediction, const Shape& truth,
                              const AlignOptions& options) {
  if (prediction.size() != 3 || (prediction[2] != 2 && prediction[2] != 3)) {
    throw ShapeError(error_text(function, ": prediction has shape ", to_string(prediction),
                                ", expected [F, J, 2 or 3]"));
  }
  if (truth != prediction) {
    throw ShapeError(error_text(function, ": prediction has shape ", to_string(prediction),
                                ", truth has shape ", to_string(truth), ", expected the same"));
  }
  if (options.visible && options.visible->size() != prediction[0] * prediction[1]) {
    throw ShapeError(error_text(function, ": visible has ", options.visible->size(),
                                " elements, expected one for each of ", prediction[0],
                                " frames times ", prediction[1], " joints"));
  }
  const bool at_root = aligns_at_root(options.alignment);
  if (at_root && options.root >= prediction[1]) {
    throw ValueError(error_text(function, ": root is joint ", options.root, " of ", prediction[1]));
  }
}

/// Throws ValueError where a joint that decides is not finite.
template <class T>
void require_finite(const char* function, const Tensor<T>& prediction, const Tensor<T>& truth,
                    const AlignOptions& options) {
  const std::size_t axes = prediction.shape()[2], joints = prediction.shape()[1];
  for (std::size_t i = 0; i < prediction.size(); ++i) {
    if (std::isfinite(prediction.data()[i]) && std::isfinite(truth.data()[i])) continue;
    if (options.visible && (*options.visible)[i / axes] == 0) continue;
    throw ValueError(error_text(function, ": joint ", i / axes % joints, " of frame ",
                                i / axes / joints,
                                " is not finite; mark what is unknown in `visible`"));
  }
}

template <class T>
std::vector<SimilarityTransform> fit_transforms(const Tensor<T>& prediction, const Tensor<T>& truth,
                                                const AlignOptions& options, int threads,
                                                std::vector<AlignmentParts>* parts = nullptr) {
  const std::size_t frames = prediction.shape()[0], joints = prediction.shape()[1],
                    axes = prediction.shape()[2];
  std::vector<SimilarityTransform> fits(frames);
  if (parts != nullptr) parts->resize(frames);
  // A fit costs as much as some 64 elements of simpler things.
  parallel_for(frames, threads_for(64 * frames, threads), [&](std::size_t f) {
    fits[f] = fit_transform(prediction.data() + f * joints * axes, truth.data() + f * joints * axes,
                            joints, axes,
                            options.visible ? options.visible->data() + f * joints : nullptr,
                            options, parts == nullptr ? nullptr : &(*parts)[f]);
  });
  return fits;
}

/// A joint after a transform, whose scale times rotation is `linear`.
template <class T>
std::array<double, 3> transform_joint(const SimilarityTransform& fit, const Eigen::Matrix3d& linear,
                                      const T* joint, std::size_t axes) {
  std::array<double, 3> moved{};
  for (std::size_t a = 0; a < axes; ++a) {
    moved[a] = fit.target[static_cast<Eigen::Index>(a)];
    for (std::size_t b = 0; b < axes; ++b) {
      moved[a] += linear(static_cast<Eigen::Index>(a), static_cast<Eigen::Index>(b)) *
                  (static_cast<double>(joint[b]) - fit.centre[static_cast<Eigen::Index>(b)]);
    }
  }
  return moved;
}

}  // namespace internal

template <class T>
std::vector<SimilarityTransform> fit_alignment(const Tensor<T>& prediction, const Tensor<T>& truth,
                                               const AlignOptions& options) {
  internal::require_alignable("fit_alignment", shape_of(prediction), shape_of(truth), options);
  internal::require_finite("fit_alignment", prediction, truth, options);
  return internal::fit_transforms(prediction, truth, options, resolve_threads(options.threads));
}

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_POSE
