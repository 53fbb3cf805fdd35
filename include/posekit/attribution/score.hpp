#pragma once

#include <cmath>
#include <cstddef>

#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>

namespace posekit::inline POSEKIT_ISA {

/// How a joint's distance from its target becomes a likelihood in [0, 1].
enum class LikelihoodKind {
  squared_distance,  ///< S = exp(-c |J - J_gt|^2), Eq. (9) of PoseIG
  distance,          ///< S = exp(-c |J - J_gt|), the reference implementation
};

struct Likelihood {
  LikelihoodKind kind = LikelihoodKind::squared_distance;
  double c = 0.3;
};

/// S of one joint, and its gradient with respect to the `dimensions` coordinates of the prediction.
/// At distance 0 the gradient is 0.
template <class T>
double likelihood(const Likelihood& options, const T* predicted, const T* target,
                  std::size_t dimensions, double* gradient = nullptr);

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_ATTRIBUTION

namespace posekit::inline POSEKIT_ISA {

template <class T>
double likelihood(const Likelihood& options, const T* predicted, const T* target,
                  std::size_t dimensions, double* gradient) {
  double squared = 0;
  for (std::size_t d = 0; d < dimensions; ++d) {
    const double delta = static_cast<double>(predicted[d]) - static_cast<double>(target[d]);
    squared += delta * delta;
  }
  const double distance = std::sqrt(squared);
  const bool quadratic = options.kind == LikelihoodKind::squared_distance;
  const double score = std::exp(-options.c * (quadratic ? squared : distance));
  if (gradient == nullptr) return score;
  // dS/dJ = -c S d(distance^p)/dJ, and d(distance)/dJ = delta / distance.
  const double factor =
      quadratic ? -2.0 * options.c * score : (distance > 0 ? -options.c * score / distance : 0.0);
  for (std::size_t d = 0; d < dimensions; ++d) {
    gradient[d] = factor * (static_cast<double>(predicted[d]) - static_cast<double>(target[d]));
  }
  return score;
}

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_ATTRIBUTION
