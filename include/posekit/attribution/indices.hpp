#pragma once

// The attribution indices of PoseIG. All take maps [J, H, W] of magnitudes, as PoseIgResult::maps
// gives them; what divides them by their sum or maximum is part of the definition.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <type_traits>
#include <utility>
#include <vector>

#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/core/tensor.hpp>

namespace posekit::inline POSEKIT_ISA {

/// What an index of a map without any attribution is.
enum class EmptyMap {
  error,  ///< a ValueError that names the joint
  nan,    ///< not a number
};

struct ForegroundIndexOptions {
  std::size_t dilation = 5;  ///< pixels the mask grows by on each side
  EmptyMap empty = EmptyMap::error;
};

struct LocalityIndexOptions {
  double sigma = 2.0;  ///< pixels
  EmptyMap empty = EmptyMap::error;
};

struct DiffusionIndexOptions {
  double scale = 100.0;
  EmptyMap empty = EmptyMap::error;
};

namespace internal {

/// The sum of one map. Throws ValueError where a value is negative, NaN or infinite, and, unless
/// the options ask for NaN, where all are 0.
template <class T>
double map_sum(const char* function, const T* map, std::size_t pixels, std::size_t joint,
               EmptyMap empty);

template <class T>
void require_maps(const ContiguousView<T>& maps, const char* function);

}  // namespace internal

/// The mask grown by `radius` pixels on each side: a pixel is set where one within a square of side
/// 2 radius + 1 around it was (any value other than 0).
template <class M>
Tensor<M> dilate(const Tensor<M>& mask, std::size_t radius) {
  require_rank(mask, 2, "dilate", "mask", "[H, W]");
  const std::size_t height = mask.shape()[0];
  const std::size_t width = mask.shape()[1];
  // Along one axis at a time: a set pixel covers [i - radius, i + radius].
  const auto spread = [radius](std::size_t lines, std::size_t length, std::size_t line_stride,
                               std::size_t step, const M* in, M* out) {
    for (std::size_t line = 0; line < lines; ++line) {
      const M* from = in + line * line_stride;
      M* to = out + line * line_stride;
      std::size_t covered = 0;  // the first pixel not yet written
      for (std::size_t i = 0; i < length; ++i) {
        if (from[i * step] == M(0)) continue;
        const std::size_t end = std::min(length, i + std::min(radius, length) + 1);
        for (std::size_t k = std::max(covered, i - std::min(i, radius)); k < end; ++k)
          to[k * step] = M(1);
        covered = std::max(covered, end);
      }
    }
  };
  Tensor<M> across = zeros<M>(shape_of(mask));
  Tensor<M> result = zeros<M>(shape_of(mask));
  spread(height, width, width, 1, mask.data(), across.data());
  spread(width, height, 1, width, across.data(), result.data());
  return result;
}

/// FI, Eq. (11) of PoseIG: the attribution on the foreground, relative to what a uniform map would
/// have there. maps [J, H, W], mask [H, W] (foreground where not 0; it is dilated) -> [J].
/// Throws ValueError where the mask is empty.
template <TensorExpression E, class M>
auto foreground_index(const E& all, const Tensor<M>& mask,
                      const ForegroundIndexOptions& options = {}) {
  using T = typename E::value_type;
  const ContiguousView<T> maps(all);
  internal::require_maps(maps, "foreground_index");
  require_shape(mask, {maps.shape()[1], maps.shape()[2]}, "foreground_index", "mask");
  if constexpr (std::is_floating_point_v<M>) require_finite(mask, "foreground_index", "mask");
  const Tensor<M> grown = dilate(mask, options.dilation);
  const std::size_t pixels = mask.size();
  const auto foreground = static_cast<double>(
      std::count_if(grown.data(), grown.data() + pixels, [](M m) { return m != M(0); }));
  if (foreground == 0) {
    throw ValueError("foreground_index: the mask is empty, so that the index is undefined");
  }
  Tensor<T> result = make_tensor<T>({maps.shape()[0]});
  for (std::size_t j = 0; j < maps.shape()[0]; ++j) {
    const T* map = maps.data() + j * pixels;
    const double sum = internal::map_sum("foreground_index", map, pixels, j, options.empty);
    double inside = 0;
    for (std::size_t i = 0; i < pixels; ++i) {
      if (grown.data()[i] != M(0)) inside += static_cast<double>(map[i]);
    }
    result.data()[j] = static_cast<T>(inside / sum / foreground * static_cast<double>(pixels));
  }
  return result;
}

/// LI_A(X), Eq. (12) and (13) of PoseIG: the attribution for joint A around joint X under a
/// Gaussian window, relative to what a uniform map would have there. maps [J, H, W]; points [1, K,
/// 2] or [K, 2] in pixels, last axis (x, y) -> [J, K], row A, column X. A point may lie anywhere.
template <TensorExpression E>
auto locality_index(const E& maps, const Tensor<typename E::value_type>& points,
                    const LocalityIndexOptions& options = {}) {
  return locality_index(ContiguousView<typename E::value_type>(maps), points, options);
}

/// The same of contiguous elements.
template <class T>
Tensor<T> locality_index(const ContiguousView<T>& maps, const Tensor<T>& points,
                         const LocalityIndexOptions& options = {});

/// DI, Eq. (14) of PoseIG: (1 - Gini coefficient) * scale, high where many pixels take part.
/// maps [J, H, W] -> [J]. O(N log N): the double sum over |g_i - g_j| is
/// 2 sum_i (2i - N + 1) g_(i) over the sorted values.
template <TensorExpression E>
auto diffusion_index(const E& maps, const DiffusionIndexOptions& options = {}) {
  return diffusion_index(ContiguousView<typename E::value_type>(maps), options);
}

/// The same of contiguous elements.
template <class T>
Tensor<T> diffusion_index(const ContiguousView<T>& maps, const DiffusionIndexOptions& options = {});

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_ATTRIBUTION

#include <posekit/core/require.hpp>

namespace posekit::inline POSEKIT_ISA {

namespace internal {

template <class T>
double map_sum(const char* function, const T* map, std::size_t pixels, std::size_t joint,
               EmptyMap empty) {
  double sum = 0;
  for (std::size_t i = 0; i < pixels; ++i) {
    if (!(map[i] >= T(0)) || !std::isfinite(map[i])) {
      throw ValueError(error_text(function, ": the map of joint ", joint, " holds ", map[i],
                                  ", expected finite magnitudes"));
    }
    sum += static_cast<double>(map[i]);
  }
  if (!std::isfinite(sum)) {
    throw ValueError(error_text(function, ": the map of joint ", joint,
                                " holds numbers whose sum is too large"));
  }
  if (sum == 0 && empty == EmptyMap::error) {
    throw ValueError(error_text(function, ": the map of joint ", joint,
                                " is 0 everywhere, so that its index is undefined"));
  }
  return sum;
}

template <class T>
void require_maps(const ContiguousView<T>& maps, const char* function) {
  if (maps.shape().size() != 3) {
    throw ShapeError(error_text(function, ": maps has shape ", to_string(maps.shape()),
                                ", expected rank 3 [J, H, W]"));
  }
  if (maps.shape()[1] == 0 || maps.shape()[2] == 0) {
    throw ShapeError(
        error_text(function, ": maps has shape ", to_string(maps.shape()), ", expected pixels"));
  }
}

}  // namespace internal

template <class T>
Tensor<T> locality_index(const ContiguousView<T>& maps, const Tensor<T>& points,
                         const LocalityIndexOptions& options) {
  internal::require_maps(maps, "locality_index");
  const std::size_t rank = points.dimension();
  if ((rank != 2 && rank != 3) || points.shape()[rank - 1] != 2 ||
      (rank == 3 && points.shape()[0] != 1)) {
    throw ShapeError(error_text("locality_index: points has shape ", to_string(points.shape()),
                                ", expected [1, K, 2] or [K, 2]"));
  }
  require_finite(points, "locality_index", "points");
  require_between("locality_index", "sigma", options.sigma, 1e-6, 1e12);
  const std::size_t joints = maps.shape()[0];
  const std::size_t height = maps.shape()[1];
  const std::size_t width = maps.shape()[2];
  const std::size_t count = points.shape()[rank - 2];

  // The window is a product of one factor per axis. Each is scaled to have its maximum 1, which
  // cancels in the ratio and keeps it from underflowing for points far outside.
  const auto window = [&](double centre, std::size_t length) {
    const double nearest = std::round(std::clamp(centre, 0.0, static_cast<double>(length) - 1.0));
    std::vector<double> weights(length);
    for (std::size_t i = 0; i < length; ++i) {
      // (i - centre)^2 - (nearest - centre)^2, without cancelling.
      const double pixel = static_cast<double>(i);
      const double square = (pixel - nearest) * ((pixel - centre) + (nearest - centre));
      weights[i] = std::exp(-0.5 * square / (options.sigma * options.sigma));
    }
    return weights;
  };
  std::vector<double> sums(joints);
  for (std::size_t j = 0; j < joints; ++j) {
    sums[j] = internal::map_sum("locality_index", maps.data() + j * height * width, height * width,
                                j, options.empty);
  }
  Tensor<T> result = make_tensor<T>({joints, count});
  for (std::size_t k = 0; k < count; ++k) {
    const auto across = window(static_cast<double>(points.data()[2 * k]), width);
    const auto down = window(static_cast<double>(points.data()[2 * k + 1]), height);
    double mass_x = 0, mass_y = 0;
    for (const double w : across) mass_x += w;
    for (const double w : down) mass_y += w;
    for (std::size_t j = 0; j < joints; ++j) {
      const T* map = maps.data() + j * height * width;
      double weighted = 0;
      for (std::size_t y = 0; y < height; ++y) {
        if (down[y] == 0) continue;
        double row = 0;
        for (std::size_t x = 0; x < width; ++x)
          row += across[x] * static_cast<double>(map[y * width + x]);
        weighted += down[y] * row;
      }
      result.data()[j * count + k] = static_cast<T>(weighted / sums[j] / (mass_x * mass_y) *
                                                    static_cast<double>(height * width));
    }
  }
  return result;
}

template <class T>
Tensor<T> diffusion_index(const ContiguousView<T>& maps, const DiffusionIndexOptions& options) {
  internal::require_maps(maps, "diffusion_index");
  require_finite_number("diffusion_index", "scale", options.scale);
  const std::size_t pixels = maps.shape()[1] * maps.shape()[2];
  const auto n = static_cast<double>(pixels);
  Tensor<T> result = make_tensor<T>({maps.shape()[0]});
  std::vector<T> sorted(pixels);
  for (std::size_t j = 0; j < maps.shape()[0]; ++j) {
    const T* map = maps.data() + j * pixels;
    const double sum = internal::map_sum("diffusion_index", map, pixels, j, options.empty);
    std::copy_n(map, pixels, sorted.begin());
    std::sort(sorted.begin(), sorted.end());
    double spread = 0;
    for (std::size_t i = 0; i < pixels; ++i) {
      spread += (2.0 * static_cast<double>(i) - n + 1.0) * static_cast<double>(sorted[i]);
    }
    // spread_total / (2 N^2 mean) with spread_total = 2 spread and N mean = sum.
    result.data()[j] = static_cast<T>((1.0 - spread / (n * sum)) * options.scale);
  }
  return result;
}

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_ATTRIBUTION
