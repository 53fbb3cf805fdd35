#pragma once

// How far a map is from a Gaussian that is never written to memory.

#include <array>
#include <cstddef>

#include <posekit/core/isa.hpp>
#include <posekit/kernels/gaussian_axis.hpp>
#include <posekit/kernels/map_rows.hpp>
#include <posekit/simd/batch.hpp>

namespace posekit::inline POSEKIT_ISA::kernels {

/// The mean over the pixels of (map - Gaussian)^2.
template <class T, class Arch = simd::DefaultArch>
double gaussian_mse(const MapGrid& grid, const std::array<GaussianAxis<T>, 3>& axes, const T* map) {
  using Batch = simd::Batch<T, Arch>;
  double total = 0;
  for (std::size_t z = 0; z < grid.depth; ++z) {
    for (std::size_t y = 0; y < grid.height; ++y) {
      const T* row = map + (z * grid.height + y) * grid.width;
      const Batch scale(axes[1].weight[y] * axes[2].weight[z]);
      Batch sum(T(0));
      for_each_vector<T, Arch>(
          grid.width, [&](std::size_t x, auto part) __attribute__((always_inline)) {
            const Batch d = read<T, Arch>(row + x, part) -
                            read<T, Arch>(axes[0].weight.data() + x, part) * scale;
            sum = xsimd::fma(d, d, sum);
          });
      total += static_cast<double>(simd::sum_lanes<T, Arch>(sum));
    }
  }
  return total / static_cast<double>(grid.size());
}

/// result (+)= cotangent times the derivative with respect to the map, where `result` is not null;
/// returns cotangent times that with respect to the Gaussian's mean, in pixels along x, y, z.
template <class T, class Arch = simd::DefaultArch>
std::array<double, 3> gaussian_mse_vjp(const MapGrid& grid,
                                       const std::array<GaussianAxis<T>, 3>& axes, const T* map,
                                       T cotangent, T* result, bool accumulate) {
  using Batch = simd::Batch<T, Arch>;
  const double factor = 2.0 * static_cast<double>(cotangent) / static_cast<double>(grid.size());
  const Batch g(static_cast<T>(factor));
  std::array<double, 3> by_mean{};
  for (std::size_t z = 0; z < grid.depth; ++z) {
    for (std::size_t y = 0; y < grid.height; ++y) {
      const std::size_t offset = (z * grid.height + y) * grid.width;
      const Batch scale(axes[1].weight[y] * axes[2].weight[z]);
      Batch flow(T(0)), flow_x(T(0));
      for_each_vector<T, Arch>(
          grid.width, [&](std::size_t x, auto part) __attribute__((always_inline)) {
            const Batch weight = read<T, Arch>(axes[0].weight.data() + x, part) * scale;
            const Batch d = read<T, Arch>(map + offset + x, part) - weight;
            const Batch moved = weight * d;
            flow += moved;
            flow_x = xsimd::fma(moved, read<T, Arch>(axes[0].score.data() + x, part), flow_x);
            if (result == nullptr) return;
            Batch out = d * g;
            if (accumulate) out += read<T, Arch>(result + offset + x, part);
            write<T, Arch>(result + offset + x, out, part);
          });
      const double all = -factor * static_cast<double>(simd::sum_lanes<T, Arch>(flow));
      by_mean[0] -= factor * static_cast<double>(simd::sum_lanes<T, Arch>(flow_x));
      by_mean[1] += all * static_cast<double>(axes[1].score[y]);
      by_mean[2] += all * static_cast<double>(axes[2].score[z]);
    }
  }
  return by_mean;
}

}  // namespace posekit::inline POSEKIT_ISA::kernels
