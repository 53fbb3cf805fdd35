#pragma once

// The three marginals of a volume [depth, height, width], Eq. (2) of MargiPose.

#include <algorithm>
#include <cstddef>

#include <posekit/core/isa.hpp>
#include <posekit/kernels/map_grid.hpp>
#include <posekit/simd/batch.hpp>

namespace posekit::inline POSEKIT_ISA::kernels {

/// xy [height, width] = sum over z, zy [height, depth] = sum over x (columns are z), xz [depth,
/// width] = sum over y (rows are z). Reads the volume once.
template <class T, class Arch = simd::DefaultArch>
void volume_marginals(const MapGrid& grid, const T* volume, T* xy, T* zy, T* xz) {
  using Batch = simd::Batch<T, Arch>;
  constexpr std::size_t L = simd::lanes<T, Arch>;
  constexpr std::size_t V = 4;  // vectors of columns at a time
  std::fill_n(xy, grid.height * grid.width, T(0));
  std::fill_n(zy, grid.height * grid.depth, T(0));
  for (std::size_t z = 0; z < grid.depth; ++z) {
    const T* slice = volume + z * grid.height * grid.width;
    std::size_t x = 0;
    for (; x + V * L <= grid.width; x += V * L) {
      Batch down[V];
      simd::unroll<V>([&](auto v) { down[v] = Batch(T(0)); });
      for (std::size_t y = 0; y < grid.height; ++y) {
        const T* in = slice + y * grid.width + x;
        T* out = xy + y * grid.width + x;
        Batch value[V];
        simd::unroll<V>([&](auto v) __attribute__((always_inline)) {
          value[v] = simd::load<T, Arch>(in + v * L);
          down[v] += value[v];
          simd::store<T, Arch>(out + v * L, simd::load<T, Arch>(out + v * L) + value[v]);
        });
        zy[y * grid.depth + z] +=
            simd::sum_lanes<T, Arch>((value[0] + value[1]) + (value[2] + value[3]));
      }
      simd::unroll<V>(
          [&](auto v) { simd::store<T, Arch>(xz + z * grid.width + x + v * L, down[v]); });
    }
    for_each_vector<T, Arch>(
        grid.width - x, [&](std::size_t rest, auto part) __attribute__((always_inline)) {
          const std::size_t column = x + rest;
          Batch down(T(0));
          for (std::size_t y = 0; y < grid.height; ++y) {
            const Batch value = read<T, Arch>(slice + y * grid.width + column, part);
            T* out = xy + y * grid.width + column;
            down += value;
            write<T, Arch>(out, read<T, Arch>(out, part) + value, part);
            zy[y * grid.depth + z] += simd::sum_lanes<T, Arch>(value);
          }
          write<T, Arch>(xz + z * grid.width + column, down, part);
        });
  }
}

/// result (+)= the cotangents of the marginals, each where it came from. Null cotangents count as
/// 0.
template <class T, class Arch = simd::DefaultArch>
void volume_marginals_vjp(const MapGrid& grid, const T* xy, const T* zy, const T* xz, T* result,
                          bool accumulate) {
  using Batch = simd::Batch<T, Arch>;
  for (std::size_t z = 0; z < grid.depth; ++z) {
    for (std::size_t y = 0; y < grid.height; ++y) {
      T* row = result + (z * grid.height + y) * grid.width;
      const Batch across(zy == nullptr ? T(0) : zy[y * grid.depth + z]);
      for_each_vector<T, Arch>(
          grid.width, [&](std::size_t x, auto part) __attribute__((always_inline)) {
            Batch out = across;
            if (xy != nullptr) out += read<T, Arch>(xy + y * grid.width + x, part);
            if (xz != nullptr) out += read<T, Arch>(xz + z * grid.width + x, part);
            if (accumulate) out += read<T, Arch>(row + x, part);
            write<T, Arch>(row + x, out, part);
          });
    }
  }
}

}  // namespace posekit::inline POSEKIT_ISA::kernels
