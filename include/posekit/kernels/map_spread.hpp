#pragma once

#include <array>
#include <cstddef>

#include <posekit/core/isa.hpp>
#include <posekit/kernels/map_moments.hpp>
#include <posekit/kernels/map_rows.hpp>
#include <posekit/simd/batch.hpp>

namespace posekit::inline POSEKIT_ISA::kernels {

/// Mass, mean and covariance of a map's weights, in pixels, of the axes x, y, z. The mean is the
/// map's middle plus the sum of weight times distance from it, and the covariance that of weight
/// times the products of the distances from the mean: for weights that sum to 1, the expectation
/// and its spread.
struct MapSpread {
  double mass = 0;
  std::array<double, 3> mean{};
  std::array<std::array<double, 3>, 3> covariance{};
};

namespace internal {

inline std::array<double, 3> middle(const MapGrid& grid) {
  const auto [x, y, z] = grid.extents();
  return {(static_cast<double>(x) - 1) / 2, (static_cast<double>(y) - 1) / 2,
          (static_cast<double>(z) - 1) / 2};
}

}  // namespace internal

template <class T, class Arch = simd::DefaultArch>
MapSpread map_spread(const MapGrid& grid, const T* weights) {
  using Batch = simd::Batch<T, Arch>;
  const MapMoments moments = map_moments<T, Arch>(grid, weights);
  MapSpread spread;
  spread.mass = moments.mass;
  for (std::size_t a = 0; a < 3; ++a) {
    spread.mean[a] = moments.first[a] + internal::middle(grid)[a] * (1.0 - moments.mass);
  }
  const Batch from_mean = lane_numbers<T, Arch>() - Batch(static_cast<T>(spread.mean[0]));
  for (std::size_t z = 0; z < grid.depth; ++z) {
    for (std::size_t y = 0; y < grid.height; ++y) {
      const T* row = weights + (z * grid.height + y) * grid.width;
      Batch m(T(0)), mx(T(0)), mxx(T(0));
      for_each_vector<T, Arch>(
          grid.width, [&](std::size_t x, auto part) __attribute__((always_inline)) {
            const Batch w = read<T, Arch>(row + x, part);
            const Batch d = from_mean + Batch(static_cast<T>(x));
            m += w;
            mx = xsimd::fma(w, d, mx);
            mxx = xsimd::fma(w * d, d, mxx);
          });
      const auto sum = static_cast<double>(simd::sum_lanes<T, Arch>(m));
      const auto sum_x = static_cast<double>(simd::sum_lanes<T, Arch>(mx));
      const double dy = static_cast<double>(y) - spread.mean[1];
      const double dz = static_cast<double>(z) - spread.mean[2];
      auto& c = spread.covariance;
      c[0][0] += static_cast<double>(simd::sum_lanes<T, Arch>(mxx));
      c[0][1] += sum_x * dy;
      c[0][2] += sum_x * dz;
      c[1][1] += sum * dy * dy;
      c[1][2] += sum * dy * dz;
      c[2][2] += sum * dz * dz;
    }
  }
  for (std::size_t a = 0; a < 3; ++a) {
    for (std::size_t b = 0; b < a; ++b) spread.covariance[a][b] = spread.covariance[b][a];
  }
  return spread;
}

/// result (+)= d(slope . variances) / d weights, the variances along x, y, z. The mean depends on
/// the weights too; that matters where they do not sum to 1.
template <class T, class Arch = simd::DefaultArch>
void map_variance_vjp(const MapGrid& grid, const MapSpread& spread,
                      const std::array<double, 3>& slope, T* result, bool accumulate) {
  using Batch = simd::Batch<T, Arch>;
  const double excess = spread.mass - 1.0;
  // With x from the middle: (x - mean)^2 - 2 x sum w (x' - mean), and sum w (x' - mean) =
  // mean (1 - mass).
  const auto middle = internal::middle(grid);
  const auto term = [&](std::size_t axis, double position) {
    const double d = position - spread.mean[axis];
    return slope[axis] *
           (d * d + 2 * (position - middle[axis]) * (spread.mean[axis] - middle[axis]) * excess);
  };
  const Batch from_mean = lane_numbers<T, Arch>() - Batch(static_cast<T>(spread.mean[0]));
  const Batch square(static_cast<T>(slope[0]));
  const T linear = static_cast<T>(2 * slope[0] * (spread.mean[0] - middle[0]) * excess);
  const Batch to_middle(static_cast<T>(spread.mean[0] - middle[0]));
  for (std::size_t z = 0; z < grid.depth; ++z) {
    for (std::size_t y = 0; y < grid.height; ++y) {
      T* row = result + (z * grid.height + y) * grid.width;
      const T constant =
          static_cast<T>(term(1, static_cast<double>(y)) + term(2, static_cast<double>(z)));
      for_each_vector<T, Arch>(
          grid.width, [&](std::size_t x, auto part) __attribute__((always_inline)) {
            const Batch d = from_mean + Batch(static_cast<T>(x));
            const Batch position = d + to_middle;
            Batch out =
                xsimd::fma(square * d, d, xsimd::fma(Batch(linear), position, Batch(constant)));
            if (accumulate) out += read<T, Arch>(row + x, part);
            write<T, Arch>(row + x, out, part);
          });
    }
  }
}

}  // namespace posekit::inline POSEKIT_ISA::kernels
