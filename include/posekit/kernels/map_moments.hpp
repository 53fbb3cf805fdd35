#pragma once

// Mass and first moments of a map whose pixels are weights already.

#include <algorithm>
#include <array>
#include <cstddef>

#include <posekit/core/isa.hpp>
#include <posekit/kernels/map_rows.hpp>
#include <posekit/simd/batch.hpp>

namespace posekit::inline POSEKIT_ISA::kernels {

/// Sums over a map: of its weights, and of weight times position (in pixels).
struct MapMoments {
  double mass = 0;
  std::array<double, 3> first{};  ///< along x, y, z
};

template <class T, class Arch = simd::DefaultArch>
MapMoments map_moments(const MapGrid& grid, const T* weights) {
  using Batch = simd::Batch<T, Arch>;
  const Batch lanes = lane_numbers<T, Arch>();
  const std::size_t block = rows_per_sum(grid.width);
  MapMoments moments;
  for (std::size_t z = 0; z < grid.depth; ++z) {
    for (std::size_t y0 = 0; y0 < grid.height; y0 += block) {
      Batch m(T(0)), mx(T(0)), my(T(0));
      for (std::size_t y = y0; y < std::min(y0 + block, grid.height); ++y) {
        const T* row = weights + (z * grid.height + y) * grid.width;
        const Batch from_y0(static_cast<T>(y - y0));
        for_each_vector<T, Arch>(
            grid.width, [&](std::size_t x, auto part) __attribute__((always_inline)) {
              const Batch w = read<T, Arch>(row + x, part);
              m += w;
              mx = xsimd::fma(w, lanes + Batch(static_cast<T>(x)), mx);
              my = xsimd::fma(w, from_y0, my);
            });
      }
      const auto mass = static_cast<double>(simd::sum_lanes<T, Arch>(m));
      moments.mass += mass;
      moments.first[0] += static_cast<double>(simd::sum_lanes<T, Arch>(mx));
      moments.first[1] +=
          static_cast<double>(simd::sum_lanes<T, Arch>(my)) + mass * static_cast<double>(y0);
      moments.first[2] += mass * static_cast<double>(z);
    }
  }
  return moments;
}

/// result (+)= constant + slope . (x, y, z) at every pixel: what is linear in a map's moments has
/// such a derivative.
template <class T, class Arch = simd::DefaultArch>
void map_ramp(const MapGrid& grid, T constant, const std::array<T, 3>& slope, T* result,
              bool accumulate) {
  using Batch = simd::Batch<T, Arch>;
  const Batch along_x = lane_numbers<T, Arch>() * Batch(slope[0]);
  for (std::size_t z = 0; z < grid.depth; ++z) {
    for (std::size_t y = 0; y < grid.height; ++y) {
      T* row = result + (z * grid.height + y) * grid.width;
      const T start = constant + slope[1] * static_cast<T>(y) + slope[2] * static_cast<T>(z);
      for_each_vector<T, Arch>(
          grid.width, [&](std::size_t x, auto part) __attribute__((always_inline)) {
            Batch out = along_x + Batch(start + slope[0] * static_cast<T>(x));
            if (accumulate) out += read<T, Arch>(row + x, part);
            write<T, Arch>(row + x, out, part);
          });
    }
  }
}

}  // namespace posekit::inline POSEKIT_ISA::kernels
