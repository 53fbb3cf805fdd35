#pragma once

#include <array>
#include <cstddef>

#include <posekit/core/isa.hpp>
#include <posekit/kernels/gaussian_axis.hpp>
#include <posekit/kernels/map_rows.hpp>
#include <posekit/simd/batch.hpp>

namespace posekit::inline POSEKIT_ISA::kernels {

/// The product of the factors of x, y and z at every pixel.
template <class T, class Arch = simd::DefaultArch>
void gaussian_map(const MapGrid& grid, const std::array<GaussianAxis<T>, 3>& axes, T* result) {
  using Batch = simd::Batch<T, Arch>;
  for (std::size_t z = 0; z < grid.depth; ++z) {
    for (std::size_t y = 0; y < grid.height; ++y) {
      T* row = result + (z * grid.height + y) * grid.width;
      const Batch scale(axes[1].weight[y] * axes[2].weight[z]);
      for_each_vector<T, Arch>(
          grid.width, [&](std::size_t x, auto part) __attribute__((always_inline)) {
            write<T, Arch>(row + x, read<T, Arch>(axes[0].weight.data() + x, part) * scale, part);
          });
    }
  }
}

/// The derivative of <cotangent, gaussian_map> with respect to the mean, in pixels, along x, y, z.
template <class T, class Arch = simd::DefaultArch>
std::array<double, 3> gaussian_map_vjp(const MapGrid& grid,
                                       const std::array<GaussianAxis<T>, 3>& axes,
                                       const T* cotangent) {
  using Batch = simd::Batch<T, Arch>;
  std::array<double, 3> result{};
  for (std::size_t z = 0; z < grid.depth; ++z) {
    for (std::size_t y = 0; y < grid.height; ++y) {
      const T* row = cotangent + (z * grid.height + y) * grid.width;
      Batch flow(T(0)), flow_x(T(0));
      for_each_vector<T, Arch>(
          grid.width, [&](std::size_t x, auto part) __attribute__((always_inline)) {
            const Batch value =
                read<T, Arch>(row + x, part) * read<T, Arch>(axes[0].weight.data() + x, part);
            flow += value;
            flow_x = xsimd::fma(value, read<T, Arch>(axes[0].score.data() + x, part), flow_x);
          });
      const double scale =
          static_cast<double>(axes[1].weight[y]) * static_cast<double>(axes[2].weight[z]);
      const double all = scale * static_cast<double>(simd::sum_lanes<T, Arch>(flow));
      result[0] += scale * static_cast<double>(simd::sum_lanes<T, Arch>(flow_x));
      result[1] += all * static_cast<double>(axes[1].score[y]);
      result[2] += all * static_cast<double>(axes[2].score[z]);
    }
  }
  return result;
}

}  // namespace posekit::inline POSEKIT_ISA::kernels
