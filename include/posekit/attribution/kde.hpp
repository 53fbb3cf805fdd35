#pragma once

#include <cmath>
#include <cstddef>
#include <numbers>
#include <vector>

#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/core/tensor.hpp>

namespace posekit::inline POSEKIT_ISA {

/// The kernel density estimate of an attribution map, evaluated at every pixel: what
/// `scipy.stats.gaussian_kde(pixels, weights=map)` gives, with Scott's factor n_eff^(-1/6),
/// n_eff = 1 / sum w^2 over the weights divided by their sum, and the full weighted 2 x 2
/// covariance. A density per square pixel; PoseIG, Sec. 3.2.
///
/// map [H, W] of magnitudes -> [H, W]. Throws ValueError where the map holds something negative or
/// not finite, is 0 everywhere, or has its weight on one line (or pixel), whose covariance is
/// singular.
template <class T>
Tensor<T> kde_map(const Tensor<T>& map, int threads = 0);

/// `kde_map` of each of several maps [J, H, W].
template <class T>
Tensor<T> kde_maps(const Tensor<T>& maps, int threads = 0);

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_ATTRIBUTION

#include <posekit/core/linear_algebra.hpp>
#include <posekit/core/threads.hpp>
#include <posekit/kernels/density.hpp>

namespace posekit::inline POSEKIT_ISA {

template <class T>
Tensor<T> kde_map(const Tensor<T>& map, int threads) {
  require_rank(map, 2, "kde_map", "map", "[H, W]");
  const std::size_t height = map.shape()[0];
  const std::size_t width = map.shape()[1];
  double sum = 0;
  for (std::size_t i = 0; i < map.size(); ++i) {
    if (!(map.data()[i] >= T(0)) || !std::isfinite(map.data()[i])) {
      throw ValueError(error_text("kde_map: map[", i / width, ", ", i % width, "] is ",
                                  map.data()[i], ", expected finite magnitudes"));
    }
    sum += static_cast<double>(map.data()[i]);
  }
  if (!(sum > 0)) throw ValueError("kde_map: the map is 0 everywhere, so that it has no density");

  std::vector<double> weights(map.size());
  double squares = 0;
  Eigen::Vector2d mean = Eigen::Vector2d::Zero();
  for (std::size_t i = 0; i < map.size(); ++i) {
    weights[i] = static_cast<double>(map.data()[i]) / sum;
    squares += weights[i] * weights[i];
    mean += weights[i] *
            Eigen::Vector2d(static_cast<double>(i % width), static_cast<double>(i / width));
  }
  Eigen::Matrix2d covariance = Eigen::Matrix2d::Zero();
  for (std::size_t i = 0; i < map.size(); ++i) {
    const Eigen::Vector2d d =
        Eigen::Vector2d(static_cast<double>(i % width), static_cast<double>(i / width)) - mean;
    covariance += weights[i] * d * d.transpose();
  }
  // numpy.cov with aweights: divided by 1 - sum w^2. Scott's factor enters squared.
  const double variance_x = covariance(0, 0);
  const double variance_y = covariance(1, 1);
  if (!(1.0 - squares > 1e-12) || !(variance_x > 0) || !(variance_y > 0) ||
      covariance.determinant() <= 1e-12 * variance_x * variance_y) {
    throw ValueError(
        "kde_map: the map has its weight on one line or pixel, where a density in two "
        "dimensions is undefined");
  }
  covariance *= std::pow(1.0 / squares, -1.0 / 3.0) / (1.0 - squares);
  const Eigen::Matrix2d inverse = covariance.inverse();
  const double norm = 2.0 * std::numbers::pi * std::sqrt(covariance.determinant());

  std::vector<double> density(map.size());
  kernels::gaussian_density(height, width, weights.data(),
                            {inverse(0, 0), inverse(0, 1), inverse(1, 1)}, density.data(),
                            resolve_threads(threads));
  Tensor<T> result = make_tensor<T>({height, width});
  for (std::size_t i = 0; i < density.size(); ++i) {
    result.data()[i] = static_cast<T>(density[i] / norm);
  }
  return result;
}

template <class T>
Tensor<T> kde_maps(const Tensor<T>& maps, int threads) {
  require_rank(maps, 3, "kde_maps", "maps", "[J, H, W]");
  const std::size_t pixels = maps.shape()[1] * maps.shape()[2];
  Tensor<T> result = make_tensor<T>(shape_of(maps));
  for (std::size_t j = 0; j < maps.shape()[0]; ++j) {
    Tensor<T> map = make_tensor<T>({maps.shape()[1], maps.shape()[2]});
    std::copy_n(maps.data() + j * pixels, pixels, map.data());
    const Tensor<T> density = kde_map(map, threads);
    std::copy_n(density.data(), pixels, result.data() + j * pixels);
  }
  return result;
}

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_ATTRIBUTION
