#pragma once

// Ways to read a position off a heatmap that have no useful derivative: Tensor only. `soft_argmax`
// and `expectation` are the differentiable ones.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <vector>

#include <posekit/core/coordinates.hpp>
#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/core/tensor.hpp>

namespace posekit::inline POSEKIT_ISA {

struct DecodeOptions {
  Coordinates coordinates = Coordinates::normalized;
  int threads = 0;  ///< 0: as many as OpenMP would use
};

struct DarkOptions {
  double sigma = 2.0;  ///< pixels, of the blur that smooths the map before its logarithm is taken
  Coordinates coordinates = Coordinates::normalized;
  int threads = 0;  ///< 0: as many as OpenMP would use
};

/// The centre of each map's largest pixel, the first of equals. Maps as `soft_argmax` ->
/// [N, J, 1 to 3]. NaN is passed over. Throws ShapeError.
template <TensorExpression E>
auto hard_argmax(const E& heatmaps, const DecodeOptions& options = {}) {
  return hard_argmax(ContiguousView<typename E::value_type>(heatmaps), options);
}

/// The same of contiguous elements.
template <class T>
Tensor<T> hard_argmax(const ContiguousView<T>& heatmaps, const DecodeOptions& options);

/// The largest pixel, shifted by a quarter of a pixel along each axis towards its higher neighbour;
/// a pixel on the rim is not shifted along the axis it is at the end of.
template <TensorExpression E>
auto quarter_offset_argmax(const E& heatmaps, const DecodeOptions& options = {}) {
  return quarter_offset_argmax(ContiguousView<typename E::value_type>(heatmaps), options);
}

/// The same of contiguous elements.
template <class T>
Tensor<T> quarter_offset_argmax(const ContiguousView<T>& heatmaps, const DecodeOptions& options);

/// Distribution-aware decoding (DARK) after Zhang et al., "Distribution-Aware Coordinate
/// Representation for Human Pose Estimation" (CVPR 2020): the map is blurred, and the maximum of
/// the Gaussian that its logarithm's derivatives around the largest pixel describe is the position.
/// heatmaps [N, J, H, W] with values that are not negative. Peaks less than two pixels from the rim
/// stay at their pixel. Throws ShapeError and ValueError.
template <TensorExpression E>
auto dark_argmax(const E& heatmaps, const DarkOptions& options = {}) {
  return dark_argmax(ContiguousView<typename E::value_type>(heatmaps), options);
}

/// The same of contiguous elements.
template <class T>
Tensor<T> dark_argmax(const ContiguousView<T>& heatmaps, const DarkOptions& options);

/// Probabilities to the power of `exponent`, divided by their sum: sharper above 1, flatter below.
/// Maps that sum to 0 stay 0. Throws ShapeError and ValueError.
template <TensorExpression E>
auto sharpen(const E& heatmaps, double exponent) {
  return sharpen(ContiguousView<typename E::value_type>(heatmaps), exponent);
}

/// The same of contiguous elements.
template <class T>
Tensor<T> sharpen(const ContiguousView<T>& heatmaps, double exponent);

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_HEATMAP

#include <posekit/core/require.hpp>
#include <posekit/core/threads.hpp>
#include <posekit/heatmap/maps.hpp>

namespace posekit::inline POSEKIT_ISA::internal {

/// Pixel of the largest value (the first of equals) along x, y, z. NaN is larger than nothing.
template <class T>
std::array<std::size_t, 3> peak_pixel(const MapGrid& grid, const T* map);

/// Positions [N, J, axes] from `refine(map, peak) -> offsets from the peak in pixels`.
template <class T, class Refine>
Tensor<T> decode(const char* function, const ContiguousView<T>& view, Coordinates convention,
                 int threads, const Refine& refine) {
  const MapsShape maps = maps_shape(function, "heatmaps", view.shape());
  const auto axes = axes_coordinates(convention, maps.grid);
  Tensor<T> result = make_tensor<T>(maps.positions());
  parallel_for(maps.maps(), threads_for(maps.size(), resolve_threads(threads)), [&](std::size_t i) {
    const T* map = view.data() + i * maps.grid.size();
    const auto peak = peak_pixel(maps.grid, map);
    const std::array<double, 3> offset = refine(maps, map, peak);
    for (std::size_t a = 0; a < maps.axes; ++a) {
      result.data()[i * maps.axes + a] = static_cast<T>(
          axes[a].scale * (static_cast<double>(peak[a]) + offset[a]) + axes[a].offset);
    }
  });
  return result;
}

/// The heatmap under a Gaussian blur at one pixel; outside the map are zeros.
template <class T>
double blurred_at(const MapGrid& grid, const T* map, std::ptrdiff_t x, std::ptrdiff_t y,
                  const std::vector<double>& kernel);

template <class T>
std::array<std::size_t, 3> peak_pixel(const MapGrid& grid, const T* map) {
  std::size_t best = 0;
  for (std::size_t i = 1; i < grid.size(); ++i) {
    if (map[i] > map[best] || (std::isnan(map[best]) && !std::isnan(map[i]))) best = i;
  }
  return {best % grid.width, best / grid.width % grid.height, best / grid.width / grid.height};
}

template <class T>
double blurred_at(const MapGrid& grid, const T* map, std::ptrdiff_t x, std::ptrdiff_t y,
                  const std::vector<double>& kernel) {
  const auto radius = static_cast<std::ptrdiff_t>(kernel.size()) - 1;
  double sum = 0;
  for (std::ptrdiff_t v = std::max<std::ptrdiff_t>(0, y - radius);
       v <= std::min<std::ptrdiff_t>(static_cast<std::ptrdiff_t>(grid.height) - 1, y + radius);
       ++v) {
    double row = 0;
    for (std::ptrdiff_t u = std::max<std::ptrdiff_t>(0, x - radius);
         u <= std::min<std::ptrdiff_t>(static_cast<std::ptrdiff_t>(grid.width) - 1, x + radius);
         ++u) {
      row += kernel[static_cast<std::size_t>(std::abs(u - x))] *
             static_cast<double>(
                 map[static_cast<std::size_t>(v) * grid.width + static_cast<std::size_t>(u)]);
    }
    sum += kernel[static_cast<std::size_t>(std::abs(v - y))] * row;
  }
  return sum;
}

}  // namespace posekit::inline POSEKIT_ISA::internal

namespace posekit::inline POSEKIT_ISA {

template <class T>
Tensor<T> hard_argmax(const ContiguousView<T>& view, const DecodeOptions& options) {
  return internal::decode<T>(
      "hard_argmax", view, options.coordinates, options.threads,
      [](const auto&, const T*, const auto&) { return std::array<double, 3>{}; });
}

template <class T>
Tensor<T> quarter_offset_argmax(const ContiguousView<T>& view, const DecodeOptions& options) {
  return internal::decode<T>(
      "quarter_offset_argmax", view, options.coordinates, options.threads,
      [](const MapsShape& maps, const T* map, const std::array<std::size_t, 3>& peak) {
        const auto extents = maps.grid.extents();
        const std::array<std::size_t, 3> steps{1, maps.grid.width,
                                               maps.grid.width * maps.grid.height};
        const std::size_t at = peak[0] + maps.grid.width * (peak[1] + maps.grid.height * peak[2]);
        std::array<double, 3> offset{};
        for (std::size_t a = 0; a < maps.axes; ++a) {
          if (peak[a] == 0 || peak[a] + 1 >= extents[a]) continue;
          const T before = map[at - steps[a]], after = map[at + steps[a]];
          offset[a] = after > before ? 0.25 : (after < before ? -0.25 : 0.0);
        }
        return offset;
      });
}

template <class T>
Tensor<T> dark_argmax(const ContiguousView<T>& view, const DarkOptions& options) {
  if (view.shape().size() != 4) {
    throw ShapeError(error_text("dark_argmax: heatmaps has shape ", to_string(view.shape()),
                                ", expected rank 4 [N, J, H, W]"));
  }
  require_sigma("dark_argmax", options.sigma);
  std::vector<double> kernel;
  const auto radius = static_cast<std::size_t>(std::min(std::ceil(3.0 * options.sigma), 65536.0));
  for (std::size_t i = 0; i <= radius; ++i) {
    const auto d = static_cast<double>(i) / options.sigma;
    kernel.push_back(std::exp(-0.5 * d * d));
  }
  return internal::decode<T>(
      "dark_argmax", view, options.coordinates, options.threads,
      [&](const MapsShape& maps, const T* map, const std::array<std::size_t, 3>& peak) {
        std::array<double, 3> offset{};
        const auto [depth, height, width] = maps.grid;
        if (peak[0] < 2 || peak[0] + 2 >= width || peak[1] < 2 || peak[1] + 2 >= height)
          return offset;
        const auto log_at = [&](std::ptrdiff_t dx, std::ptrdiff_t dy) {
          const double value =
              internal::blurred_at(maps.grid, map, static_cast<std::ptrdiff_t>(peak[0]) + dx,
                                   static_cast<std::ptrdiff_t>(peak[1]) + dy, kernel);
          return std::log(std::max(value, 1e-10));
        };
        const double centre = log_at(0, 0);
        const double gx = 0.5 * (log_at(1, 0) - log_at(-1, 0)),
                     gy = 0.5 * (log_at(0, 1) - log_at(0, -1));
        const double xx = 0.25 * (log_at(2, 0) - 2 * centre + log_at(-2, 0));
        const double yy = 0.25 * (log_at(0, 2) - 2 * centre + log_at(0, -2));
        const double xy = 0.25 * (log_at(1, 1) - log_at(-1, 1) - log_at(1, -1) + log_at(-1, -1));
        const double determinant = xx * yy - xy * xy;
        if (!(determinant > 0) || !(xx < 0)) return offset;  // no maximum
        offset[0] = -(yy * gx - xy * gy) / determinant;
        offset[1] = -(xx * gy - xy * gx) / determinant;
        // A parabola that fits badly may point anywhere.
        if (!(std::abs(offset[0]) <= 2) || !(std::abs(offset[1]) <= 2)) offset = {};
        return offset;
      });
}

template <class T>
Tensor<T> sharpen(const ContiguousView<T>& view, double exponent) {
  const MapsShape maps = maps_shape("sharpen", "heatmaps", view.shape());
  require_positive("sharpen", "exponent", exponent);
  Tensor<T> result = make_tensor<T>(view.shape());
  const std::size_t pixels = maps.grid.size();
  for (std::size_t i = 0; i < maps.maps(); ++i) {
    const T* in = view.data() + i * pixels;
    T* out = result.data() + i * pixels;
    double top = 0, sum = 0;
    for (std::size_t k = 0; k < pixels; ++k) {
      if (in[k] < T(0) || std::isinf(in[k]))
        throw ValueError(
            error_text("sharpen: a heatmap holds ", in[k], ", expected probabilities"));
      const auto value = static_cast<double>(in[k]);
      top = std::isnan(value) || std::isnan(top) ? std::nan("") : std::max(top, value);
    }
    for (std::size_t k = 0; k < pixels; ++k) {
      // Relative to the largest: high powers do not vanish.
      const double value = top == 0 ? 0.0 : std::pow(static_cast<double>(in[k]) / top, exponent);
      out[k] = static_cast<T>(value);
      sum += value;
    }
    for (std::size_t k = 0; k < pixels && sum > 0; ++k)
      out[k] = static_cast<T>(static_cast<double>(out[k]) / sum);
  }
  return result;
}

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_HEATMAP
