#pragma once

// A Gaussian over a map is a product of one factor for each axis.

#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

#include <posekit/core/isa.hpp>
#include <posekit/kernels/map_rows.hpp>
#include <posekit/simd/batch.hpp>
#include <posekit/simd/exp.hpp>

namespace posekit::inline POSEKIT_ISA::kernels {

/// The factor of one axis at each of its pixels.
template <class T>
struct GaussianAxis {
  std::vector<T> log_weight;  ///< log of `weight`: finite where `weight` has vanished
  std::vector<T> weight;
  std::vector<T> score;  ///< the derivative of log_weight with respect to the mean, in pixels
  std::size_t peak = 0;  ///< the pixel of the largest weight
  std::vector<double> logs, weights;  ///< working space
};

/// The factor of an axis of `length` pixels for a mean and a standard deviation in pixels: with
/// `normalised`, weights that sum to 1 wherever the mean is, also far outside the map; otherwise
/// exp(-(i - mean)^2 / (2 sigma^2)). Computed in double.
template <class T, class Arch = simd::DefaultArch>
void gaussian_axis(std::size_t length, double mean, double sigma, bool normalised,
                   GaussianAxis<T>& axis) {
  using Batch = simd::Batch<double, Arch>;
  constexpr std::size_t L = simd::lanes<double, Arch>;
  const std::size_t padded = (length + L - 1) / L * L;
  axis.log_weight.resize(length);
  axis.weight.resize(length);
  axis.score.resize(length);
  const double precision = 1.0 / (sigma * sigma);
  // The pixel nearest to the mean has the largest weight; all are taken relative to it.
  const double last = static_cast<double>(length) - 1.0;
  const double nearest = std::round(std::fmin(std::fmax(mean, 0.0), last));
  // (i - mean)^2 - (start - mean)^2 = (i - start) (i + start - 2 mean) does not cancel.
  const double start = normalised ? nearest : mean;
  axis.peak = nearest >= 0 ? static_cast<std::size_t>(nearest) : 0;
  constexpr double lowest = -1e30;  // stays finite in products with 0, in float too
  const Batch lanes = lane_numbers<double, Arch>();
  Batch masses(0.0), moments(0.0);
  auto& logs = axis.logs;
  auto& weights = axis.weights;
  logs.resize(padded);
  weights.resize(padded);
  for (std::size_t i = 0; i < padded; i += L) {
    const Batch distance = lanes + Batch(static_cast<double>(i) - mean);
    const Batch other = lanes + Batch(static_cast<double>(i) + (start - 2.0 * mean));
    const Batch from_start = lanes + Batch(static_cast<double>(i) - start);
    const Batch log = xsimd::max(Batch(lowest), Batch(-0.5 * precision) * from_start * other);
    Batch weight = simd::exp<double, Arch>(log);
    if (i + L > length) weight = within<double, Arch>(weight, PartOfVector{length - i});
    simd::store<double, Arch>(logs.data() + i, log);
    simd::store<double, Arch>(weights.data() + i, weight);
    masses += weight;
    moments = xsimd::fma(weight, distance, moments);
  }
  const double mass = simd::sum_lanes<double, Arch>(masses);
  const double moment = simd::sum_lanes<double, Arch>(moments);
  const double scale = normalised ? 1.0 / mass : 1.0;
  const double log_mass = normalised ? std::log(mass) : 0.0;
  const double centre = normalised ? moment / mass : 0.0;  // of the distances
  for (std::size_t i = 0; i < length; ++i) {
    axis.log_weight[i] = static_cast<T>(logs[i] - log_mass);
    axis.weight[i] = static_cast<T>(weights[i] * scale);
    axis.score[i] = static_cast<T>(precision * (static_cast<double>(i) - mean - centre));
  }
}

}  // namespace posekit::inline POSEKIT_ISA::kernels
