#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>

namespace posekit::inline POSEKIT_ISA {

/// How far a Gaussian kernel reaches.
enum class BlurKernel {
  gaussian,  ///< to 6 standard deviations: what is left out is 2e-9 of its mass
  taps_31,   ///< 31 taps whatever the standard deviation (the reference implementation of PoseIG;
             ///< at 19 pixels they hold 58.5 % of the mass)
};

/// A normalised Gaussian sampled at whole pixels, and its derivative with respect to the standard
/// deviation. Element j stands for the distances j and -j.
struct GaussianKernel {
  std::vector<double> weights;
  std::vector<double> slopes;
  std::size_t radius() const { return weights.size() - 1; }
};

/// Throws ValueError when `sigma` is negative or no number.
GaussianKernel gaussian_kernel(double sigma, BlurKernel kind = BlurKernel::gaussian);

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_ATTRIBUTION

#include <posekit/core/error.hpp>

namespace posekit::inline POSEKIT_ISA {

POSEKIT_INLINE GaussianKernel gaussian_kernel(double sigma, BlurKernel kind) {
  if (!(sigma >= 0) || !(sigma < 1e6)) {
    throw ValueError(
        error_text("gaussian_kernel: sigma is ", sigma, ", expected a number in [0, 1e6)"));
  }
  const std::size_t radius =
      kind == BlurKernel::taps_31 ? 15 : static_cast<std::size_t>(std::ceil(6.0 * sigma));
  GaussianKernel kernel;
  kernel.weights.assign(radius + 1, 0.0);
  kernel.slopes.assign(radius + 1, 0.0);
  kernel.weights[0] = 1.0;
  // Below this, every weight but the central one underflows, and so does every slope.
  if (sigma < 0.025) return kernel;
  double mass = 1.0, moment = 0.0;
  for (std::size_t j = 1; j <= radius; ++j) {
    const double distance = static_cast<double>(j) / sigma;
    kernel.weights[j] = std::exp(-0.5 * distance * distance);
    mass += 2.0 * kernel.weights[j];
    moment += 2.0 * kernel.weights[j] * distance * distance;
  }
  // d/dsigma (e_j / mass) = w_j (j^2 - mean j^2) / sigma^3
  for (std::size_t j = 0; j <= radius; ++j) {
    const double distance = static_cast<double>(j) / sigma;
    kernel.weights[j] /= mass;
    kernel.slopes[j] = kernel.weights[j] * (distance * distance - moment / mass) / sigma;
  }
  return kernel;
}

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_ATTRIBUTION
