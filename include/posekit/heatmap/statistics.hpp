#pragma once

#include <cmath>
#include <cstddef>

#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/core/tensor.hpp>

namespace posekit::inline POSEKIT_ISA {

/// Numbers that tell how sure a heatmap is.
template <class T>
struct HeatmapStatistics {
  Tensor<T> peak;           ///< [N, J], the largest value
  Tensor<T> peak_position;  ///< [N, J, D], its pixel
  Tensor<T> mass;           ///< [N, J], the sum of all values
  Tensor<T> mean;           ///< [N, J, D], the expected pixel, of the values divided by their sum
  Tensor<T> covariance;     ///< [N, J, D, D], its spread, in pixels squared
  Tensor<T> entropy;        ///< [N, J], -sum p log p of the values divided by their sum, in nats
};

/// Statistics of heatmaps [N, J, W], [N, J, H, W] or [N, J, D, H, W] whose values are not negative;
/// in pixels, axes ordered x, y, z. A map that sums to 0 has NaN for a mean, covariance and
/// entropy. Throws ShapeError.
template <TensorExpression E>
auto heatmap_statistics(const E& heatmaps, int threads = 0) {
  return heatmap_statistics(ContiguousView<typename E::value_type>(heatmaps), threads);
}

/// The same of contiguous elements.
template <class T>
HeatmapStatistics<T> heatmap_statistics(const ContiguousView<T>& heatmaps, int threads = 0);

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_HEATMAP

#include <posekit/core/coordinates.hpp>
#include <posekit/core/threads.hpp>
#include <posekit/heatmap/decoders.hpp>
#include <posekit/heatmap/maps.hpp>
#include <posekit/kernels/divergence.hpp>
#include <posekit/kernels/map_spread.hpp>

namespace posekit::inline POSEKIT_ISA {

template <class T>
HeatmapStatistics<T> heatmap_statistics(const ContiguousView<T>& view, int threads) {
  using Arch = simd::DefaultArch;
  const MapsShape maps = maps_shape("heatmap_statistics", "heatmaps", view.shape());
  HeatmapStatistics<T> s;
  s.peak = make_tensor<T>(maps.per_map());
  s.mass = make_tensor<T>(maps.per_map());
  s.entropy = make_tensor<T>(maps.per_map());
  s.mean = make_tensor<T>(maps.positions());
  s.covariance = make_tensor<T>({maps.batch, maps.joints, maps.axes, maps.axes});
  s.peak_position = make_tensor<T>(maps.positions());
  const std::size_t pixels = maps.grid.size();
  Tensor<T> even = make_tensor<T>({pixels});
  even.fill(static_cast<T>(1.0 / static_cast<double>(pixels)));
  const int team = threads_for(maps.size(), resolve_threads(threads));
  parallel_for(maps.maps(), team, [&](std::size_t i) {
    const T* map = view.data() + i * pixels;
    const auto peak = internal::peak_pixel(maps.grid, map);
    s.peak.data()[i] = map[peak[0] + maps.grid.width * (peak[1] + maps.grid.height * peak[2])];
    const double mass = kernels::map_moments<T>(maps.grid, map).mass;
    s.mass.data()[i] = static_cast<T>(mass);
    Tensor<T> p = make_tensor<T>({pixels});
    for (std::size_t k = 0; k < pixels; ++k)
      p.data()[k] = static_cast<T>(static_cast<double>(map[k]) / mass);
    const auto spread = kernels::map_spread<T>(maps.grid, p.data());
    for (std::size_t a = 0; a < maps.axes; ++a) {
      s.peak_position.data()[i * maps.axes + a] = static_cast<T>(peak[a]);
      s.mean.data()[i * maps.axes + a] = static_cast<T>(spread.mean[a]);
      for (std::size_t b = 0; b < maps.axes; ++b) {
        s.covariance.data()[(i * maps.axes + a) * maps.axes + b] =
            static_cast<T>(spread.covariance[a][b]);
      }
    }
    // The entropy is log(pixels) less the divergence from an even map.
    const auto divergence = kernels::divergence<Divergence::kl, T, Arch>(
        maps.grid, kernels::MapWeights<T, Arch>{p.data()},
        kernels::MapWeights<T, Arch>{even.data()});
    s.entropy.data()[i] = static_cast<T>(std::log(static_cast<double>(pixels)) - divergence.value);
  });
  return s;
}

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_HEATMAP
