#pragma once

#include <cmath>
#include <cstddef>
#include <numbers>
#include <vector>

#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/core/tensor.hpp>

namespace posekit::inline POSEKIT_ISA {

struct KdeOptions {
  int threads = 0;  ///< 0: as many as OpenMP would use
};

/// The kernel density estimate of an attribution map, evaluated at every pixel: what
/// `scipy.stats.gaussian_kde(pixels, weights=map)` gives, with Scott's factor n_eff^(-1/6),
/// n_eff = 1 / sum w^2 over the weights divided by their sum, and the full weighted 2 x 2
/// covariance. A density per square pixel; PoseIG, Sec. 3.2.
///
/// map [H, W] of magnitudes, a tensor or a view of one -> [H, W]. Throws ValueError where the map
/// holds something negative or not finite, is 0 everywhere, or has its weight on one line (or
/// pixel), whose covariance is singular.
///
///     pk::kde_map(xt::view(maps, k));
template <TensorExpression E>
auto kde_map(const E& map, const KdeOptions& options = {}) {
  return kde_map(ContiguousView<typename E::value_type>(map), options);
}

/// The same of contiguous elements.
template <class T>
Tensor<T> kde_map(const ContiguousView<T>& map, const KdeOptions& options);

/// `kde_map` of each of several maps [J, H, W].
template <TensorExpression E>
auto kde_maps(const E& maps, const KdeOptions& options = {}) {
  return kde_maps(ContiguousView<typename E::value_type>(maps), options);
}

/// The same of contiguous elements.
template <class T>
Tensor<T> kde_maps(const ContiguousView<T>& maps, const KdeOptions& options = {});

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_ATTRIBUTION

#include <posekit/core/linear_algebra.hpp>
#include <posekit/core/threads.hpp>
#include <posekit/kernels/density.hpp>

namespace posekit::inline POSEKIT_ISA {

namespace internal {

template <class T>
void write_density(const T* map, std::size_t height, std::size_t width, int threads, T* density) {
  const std::size_t size = height * width;
  double sum = 0;
  for (std::size_t i = 0; i < size; ++i) {
    if (!(map[i] >= T(0)) || !std::isfinite(map[i])) {
      throw ValueError(error_text("kde_map: map[", i / width, ", ", i % width, "] is ", map[i],
                                  ", expected finite magnitudes"));
    }
    sum += static_cast<double>(map[i]);
  }
  if (!(sum > 0)) throw ValueError("kde_map: the map is 0 everywhere, so that it has no density");

  std::vector<double> weights(size);
  double squares = 0;
  Eigen::Vector2d mean = Eigen::Vector2d::Zero();
  for (std::size_t i = 0; i < size; ++i) {
    weights[i] = static_cast<double>(map[i]) / sum;
    squares += weights[i] * weights[i];
    mean += weights[i] *
            Eigen::Vector2d(static_cast<double>(i % width), static_cast<double>(i / width));
  }
  Eigen::Matrix2d covariance = Eigen::Matrix2d::Zero();
  for (std::size_t i = 0; i < size; ++i) {
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

  std::vector<double> values(size);
  kernels::gaussian_density(height, width, weights.data(),
                            {inverse(0, 0), inverse(0, 1), inverse(1, 1)}, values.data(),
                            resolve_threads(threads));
  for (std::size_t i = 0; i < size; ++i) density[i] = static_cast<T>(values[i] / norm);
}

}  // namespace internal

template <class T>
Tensor<T> kde_map(const ContiguousView<T>& map, const KdeOptions& options) {
  if (map.shape().size() != 2) {
    throw ShapeError(
        error_text("kde_map: map has shape ", to_string(map.shape()), ", expected rank 2 [H, W]"));
  }
  Tensor<T> result = make_tensor<T>(map.shape());
  internal::write_density(map.data(), map.shape()[0], map.shape()[1], options.threads,
                          result.data());
  return result;
}

template <class T>
Tensor<T> kde_maps(const ContiguousView<T>& maps, const KdeOptions& options) {
  if (maps.shape().size() != 3) {
    throw ShapeError(error_text("kde_maps: maps has shape ", to_string(maps.shape()),
                                ", expected rank 3 [J, H, W]"));
  }
  const std::size_t height = maps.shape()[1], width = maps.shape()[2];
  Tensor<T> result = make_tensor<T>(maps.shape());
  for (std::size_t j = 0; j < maps.shape()[0]; ++j) {
    const std::size_t first = j * height * width;
    internal::write_density(maps.data() + first, height, width, options.threads,
                            result.data() + first);
  }
  return result;
}

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_ATTRIBUTION
