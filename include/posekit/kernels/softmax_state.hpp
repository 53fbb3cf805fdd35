#pragma once

#include <array>

#include <posekit/core/isa.hpp>

namespace posekit::inline POSEKIT_ISA::kernels {

/// p = 2^((logit - extreme) * scale) * inverse_mass with scale = beta log2(e), and the extreme the
/// logit of the largest weight. Differences come first: they are exact where it matters. Where a
/// logit times beta is +infinity, `infinite` says so and p is even over the pixels that are.
template <class T>
struct SoftmaxState {
  T scale = 0;
  T extreme = 0;
  T least = 0;  ///< the smallest (logit - extreme) * scale
  T inverse_mass = 0;
  T log_mass = 0;
  double mass = 0;
  std::array<double, 3> mean{};  ///< the expected x, y, z, in pixels
  bool infinite = false;

  std::array<T, 3> rounded_mean() const {
    return {static_cast<T>(mean[0]), static_cast<T>(mean[1]), static_cast<T>(mean[2])};
  }
};

}  // namespace posekit::inline POSEKIT_ISA::kernels
