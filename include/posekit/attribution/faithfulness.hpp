#pragma once

// Whether attributions tell the truth about a network (PoseIG, section 4.2): what happens to its
// predictions as the pixels they name are taken away or put back, and how alike two maps are.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

#include <posekit/autodiff/tape.hpp>
#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/core/progress.hpp>
#include <posekit/core/statistics.hpp>
#include <posekit/core/tensor.hpp>

namespace posekit::inline POSEKIT_ISA {

/// What is done to pixels, the most important ones first.
enum class Perturbation {
  deletion,   ///< the image's pixels are replaced by those of the fill
  insertion,  ///< from the fill on, the image's pixels are put back
};

struct PerturbationOptions {
  Perturbation perturbation = Perturbation::deletion;
  std::size_t points = 50;  ///< forward passes: fractions 0, 1 / (points - 1), ..., 1 of the pixels
  std::size_t batch = 10;   ///< images that go through the network at once
  double last = 1.0;        ///< the largest fraction
  ProgressCallback progress{};
};

/// How far each joint is from its target, by the fraction of pixels that was perturbed.
struct PerturbationCurve {
  std::vector<double> fractions;  ///< [points]
  Tensor<double> errors;          ///< [points, J], pixels
  std::vector<double> area;       ///< [J], under each joint's curve: its mean error on the way
};

/// The pixels of a map [H, W], the largest values first; equal ones in their order. Throws
/// ValueError for NaN.
template <class T>
std::vector<std::size_t> importance_order(const Tensor<T>& map);

/// The pixels in a random order, the same for the same seed.
std::vector<std::size_t> random_order(std::size_t pixels, std::uint64_t seed = 0);

namespace internal {

template <class T>
PerturbationCurve perturbation_curve(const std::function<Var<T>(const Var<T>&)>& model,
                                     const Tensor<T>& image, const Tensor<T>& target,
                                     const std::vector<std::size_t>& order, const Tensor<T>& fill,
                                     const PerturbationOptions& options);

}  // namespace internal

/// Perturbs an image [C, H, W] in the order of its pixels and follows the predictions: `model`
/// takes Vars [N, C, H, W] to positions [N, J, D], `target` is [J, D], `fill` an image of the same
/// shape (its blur, its mean colour). There are as many forward passes as points. Throws
/// ShapeError, ValueError, and Cancelled where the progress callback asks for it.
template <class T, class Model>
PerturbationCurve perturbation_curve(const Model& model, const Tensor<T>& image,
                                     const Tensor<T>& target, const std::vector<std::size_t>& order,
                                     const Tensor<T>& fill,
                                     const PerturbationOptions& options = {}) {
  const std::function<Var<T>(const Var<T>&)> function = [&model](const Var<T>& x) -> Var<T> {
    return model(x);
  };
  return internal::perturbation_curve(function, image, target, order, fill, options);
}

/// Structural similarity of two maps [H, W] (Wang et al. 2004): the mean over all windows of an
/// 11 x 11 Gaussian of sigma 1.5 that lie inside, with C1 = (0.01 R)^2 and C2 = (0.03 R)^2 for the
/// common range R of both. 1 for equal maps; maps smaller than a window are one window. Throws
/// ShapeError.
template <class T>
double structural_similarity(const Tensor<T>& a, const Tensor<T>& b);

/// How alike two sets of maps [J, H, W] are.
struct MapSimilarity {
  std::vector<double> ssim;              ///< [J]; each map divided by its largest magnitude
  std::vector<double> rank_correlation;  ///< [J], Spearman's; NaN where a map is even
};

/// Throws ShapeError.
template <class T>
MapSimilarity map_similarity(const Tensor<T>& a, const Tensor<T>& b);

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_ATTRIBUTION

#include <posekit/core/error.hpp>
#include <posekit/core/permutation.hpp>

namespace posekit::inline POSEKIT_ISA {

template <class T>
std::vector<std::size_t> importance_order(const Tensor<T>& map) {
  for (const T value : map) {
    if (std::isnan(value)) throw ValueError("importance_order: the map holds NaN");
  }
  std::vector<std::size_t> order(map.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return map.data()[a] > map.data()[b]; });
  return order;
}

POSEKIT_INLINE std::vector<std::size_t> random_order(std::size_t pixels, std::uint64_t seed) {
  return random_permutation(pixels, seed);
}

template <class T>
double structural_similarity(const Tensor<T>& a, const Tensor<T>& b) {
  require_rank(a, 2, "structural_similarity", "a", "[H, W]");
  require_shape(b, shape_of(a), "structural_similarity", "b");
  const std::size_t height = a.shape()[0], width = a.shape()[1];
  if (a.size() == 0) return std::numeric_limits<double>::quiet_NaN();
  double low = std::numeric_limits<double>::infinity(), high = -low;
  for (const auto* map : {&a, &b}) {
    for (const T value : *map) {
      low = std::min(low, static_cast<double>(value));
      high = std::max(high, static_cast<double>(value));
    }
  }
  if (!(high > low)) return 1;
  const double c1 = std::pow(0.01 * (high - low), 2), c2 = std::pow(0.03 * (high - low), 2);
  const auto window = [](std::size_t extent) {
    std::vector<double> weights(std::min<std::size_t>(11, extent));
    double sum = 0;
    for (std::size_t i = 0; i < weights.size(); ++i) {
      const double d = static_cast<double>(i) - static_cast<double>(weights.size() - 1) / 2;
      sum += weights[i] = std::exp(-d * d / (2 * 1.5 * 1.5));
    }
    for (double& weight : weights) weight /= sum;
    return weights;
  };
  const auto across = window(width), down = window(height);
  const std::size_t columns = width - across.size() + 1, rows = height - down.size() + 1;
  // Weighted means of a, b, a^2, b^2 and ab: along the rows, then down the columns.
  using Moments = std::array<double, 5>;
  std::vector<Moments> partial(height * columns);
  for (std::size_t y = 0; y < height; ++y) {
    for (std::size_t x = 0; x < columns; ++x) {
      Moments sum{};
      for (std::size_t i = 0; i < across.size(); ++i) {
        const auto u = static_cast<double>(a(y, x + i)), v = static_cast<double>(b(y, x + i));
        const Moments terms{u, v, u * u, v * v, u * v};
        for (std::size_t m = 0; m < 5; ++m) sum[m] += across[i] * terms[m];
      }
      partial[y * columns + x] = sum;
    }
  }
  double total = 0;
  for (std::size_t y = 0; y < rows; ++y) {
    for (std::size_t x = 0; x < columns; ++x) {
      Moments m{};
      for (std::size_t i = 0; i < down.size(); ++i) {
        for (std::size_t k = 0; k < 5; ++k) m[k] += down[i] * partial[(y + i) * columns + x][k];
      }
      const double variance_a = m[2] - m[0] * m[0], variance_b = m[3] - m[1] * m[1],
                   covariance = m[4] - m[0] * m[1];
      total += (2 * m[0] * m[1] + c1) * (2 * covariance + c2) /
               ((m[0] * m[0] + m[1] * m[1] + c1) * (variance_a + variance_b + c2));
    }
  }
  return total / static_cast<double>(rows * columns);
}

template <class T>
MapSimilarity map_similarity(const Tensor<T>& a, const Tensor<T>& b) {
  require_rank(a, 3, "map_similarity", "a", "[J, H, W]");
  require_shape(b, shape_of(a), "map_similarity", "b");
  const std::size_t pixels = a.shape()[1] * a.shape()[2];
  MapSimilarity similarity;
  for (std::size_t j = 0; j < a.shape()[0]; ++j) {
    std::array<Tensor<double>, 2> maps;
    for (std::size_t i = 0; i < 2; ++i) {
      const T* from = (i == 0 ? a : b).data() + j * pixels;
      maps[i] = make_tensor<double>({a.shape()[1], a.shape()[2]});
      double top = 0;
      for (std::size_t k = 0; k < pixels; ++k) {
        maps[i].data()[k] = static_cast<double>(from[k]);
        top = std::max(top, std::abs(maps[i].data()[k]));
      }
      for (std::size_t k = 0; k < pixels && top > 0; ++k) maps[i].data()[k] /= top;
    }
    similarity.ssim.push_back(structural_similarity(maps[0], maps[1]));
    similarity.rank_correlation.push_back(
        rank_correlation(std::span<const double>(maps[0].data(), pixels),
                         std::span<const double>(maps[1].data(), pixels)));
  }
  return similarity;
}

namespace internal {

template <class T>
PerturbationCurve perturbation_curve(const std::function<Var<T>(const Var<T>&)>& model,
                                     const Tensor<T>& image, const Tensor<T>& target,
                                     const std::vector<std::size_t>& order, const Tensor<T>& fill,
                                     const PerturbationOptions& options) {
  constexpr const char* name = "perturbation_curve";
  require_rank(image, 3, name, "image", "[C, H, W]");
  require_rank(target, 2, name, "target", "[J, D]");
  require_shape(fill, shape_of(image), name, "fill");
  const std::size_t pixels = image.shape()[1] * image.shape()[2], channels = image.shape()[0];
  if (order.size() != pixels) {
    throw ShapeError(error_text(name, ": order has ", order.size(), " pixels, expected ", pixels));
  }
  if (options.points < 2 || options.batch == 0 || !(options.last > 0 && options.last <= 1)) {
    throw ValueError(error_text(name, ": there are ", options.points, " points up to the fraction ",
                                options.last, " in batches of ", options.batch,
                                ", expected 2 points or more, a fraction up to 1, a batch"));
  }
  const bool deletes = options.perturbation == Perturbation::deletion;
  const std::size_t joints = target.shape()[0], axes = target.shape()[1];
  PerturbationCurve curve;
  curve.errors = make_tensor<double>({options.points, joints});
  Tensor<T> now = deletes ? image : fill;
  const Tensor<T>& other = deletes ? fill : image;
  std::size_t changed = 0;
  Tape<T> tape;
  for (std::size_t first = 0; first < options.points; first += options.batch) {
    const std::size_t count = std::min(options.batch, options.points - first);
    Tensor<T> batch = make_tensor<T>({count, channels, image.shape()[1], image.shape()[2]});
    for (std::size_t k = 0; k < count; ++k) {
      const double fraction =
          options.last * static_cast<double>(first + k) / static_cast<double>(options.points - 1);
      curve.fractions.push_back(fraction);
      const auto until =
          static_cast<std::size_t>(std::lround(fraction * static_cast<double>(pixels)));
      for (; changed < until; ++changed) {
        if (order[changed] >= pixels) {
          throw ValueError(
              error_text(name, ": order names pixel ", order[changed], " of ", pixels));
        }
        for (std::size_t c = 0; c < channels; ++c) {
          now.data()[c * pixels + order[changed]] = other.data()[c * pixels + order[changed]];
        }
      }
      std::copy_n(now.data(), now.size(), batch.data() + k * now.size());
    }
    tape.clear();
    const Tensor<T> pose = model(tape.constant(std::move(batch))).value();
    require_shape(pose, {count, joints, axes}, name, "the model's positions");
    for (std::size_t k = 0; k < count; ++k) {
      for (std::size_t j = 0; j < joints; ++j) {
        double square = 0;
        for (std::size_t a = 0; a < axes; ++a) {
          const double d = static_cast<double>(pose(k, j, a)) - static_cast<double>(target(j, a));
          square += d * d;
        }
        curve.errors(first + k, j) = std::sqrt(square);
      }
    }
    if (options.progress && !options.progress({first + count, options.points})) {
      throw Cancelled(error_text(name, ": stopped"));
    }
  }
  // Trapezoids, divided by the width.
  for (std::size_t j = 0; j < joints; ++j) {
    double area = 0;
    for (std::size_t i = 0; i + 1 < options.points; ++i) {
      area += (curve.errors(i, j) + curve.errors(i + 1, j)) / 2;
    }
    curve.area.push_back(area / static_cast<double>(options.points - 1));
  }
  return curve;
}

}  // namespace internal

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_ATTRIBUTION
