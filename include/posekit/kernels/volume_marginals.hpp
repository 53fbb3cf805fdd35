#pragma once

// The three marginals of a volume [depth, height, width], Eq. (2) of MargiPose.

#include <algorithm>
#include <cstddef>
#include <type_traits>

#include <posekit/core/isa.hpp>
#include <posekit/kernels/map_rows.hpp>
#include <posekit/simd/batch.hpp>

namespace posekit::inline POSEKIT_ISA::kernels {

namespace internal {

/// Adds Count slices from z on to the marginals: V vectors of columns from x on.
template <std::size_t Count, std::size_t V, class T, class Arch, class Part>
[[gnu::always_inline]] inline void add_slices(const MapGrid& grid, const T* volume, std::size_t z,
                                              std::size_t x, Part part, T* xy, T* zy, T* xz) {
  using Batch = simd::Batch<T, Arch>;
  constexpr std::size_t L = simd::lanes<T, Arch>;
  const std::size_t slice = grid.height * grid.width;
  // So many streams are more than the processor follows by itself.
  const std::size_t ahead = z + 2 * Count <= grid.depth ? Count * slice : 0;
  Batch down[Count * V];
  simd::unroll<Count * V>([&](auto i) { down[i] = Batch(T(0)); });
  for (std::size_t y = 0; y < grid.height; ++y) {
    const T* in = volume + z * slice + y * grid.width + x;
    T* out = xy + y * grid.width + x;
    Batch total[V], across[Count];
    simd::unroll<V>([&](auto v) { total[v] = read<T, Arch>(out + v * L, part); });
    simd::unroll<Count * V>([&](auto i) __attribute__((always_inline)) {
      constexpr std::size_t k = i / V, v = i % V;
      const Batch value = read<T, Arch>(in + k * slice + v * L, part);
      __builtin_prefetch(in + ahead + k * slice + v * L);
      down[i] += value;
      total[v] += value;
      across[k] = v == 0 ? value : across[k] + value;
    });
    simd::unroll<V>([&](auto v) { write<T, Arch>(out + v * L, total[v], part); });
    simd::unroll<Count>(
        [&](auto k) { zy[y * grid.depth + z + k] += simd::sum_lanes<T, Arch>(across[k]); });
  }
  simd::unroll<Count * V>([&](auto i) {
    write<T, Arch>(xz + (z + i / V) * grid.width + x + i % V * L, down[i], part);
  });
}

}  // namespace internal

/// xy [height, width] = sum over z, zy [height, depth] = sum over x (columns are z), xz [depth,
/// width] = sum over y (rows are z). Reads the volume once.
template <class T, class Arch = simd::DefaultArch>
void volume_marginals(const MapGrid& grid, const T* volume, T* xy, T* zy, T* xz) {
  constexpr std::size_t L = simd::lanes<T, Arch>;
  // Vectors of columns and slices at a time: their sums stay in registers.
  constexpr std::size_t V = simd::has_32_registers<Arch> ? 4 : 2;
  constexpr std::size_t slices = 4;
  std::fill_n(xy, grid.height * grid.width, T(0));
  std::fill_n(zy, grid.height * grid.depth, T(0));
  const auto add = [&](auto count, std::size_t z) {
    std::size_t x = 0;
    for (; x + V * L <= grid.width; x += V * L) {
      internal::add_slices<count, V, T, Arch>(grid, volume, z, x, WholeVector{}, xy, zy, xz);
    }
    for_each_vector<T, Arch>(x, grid.width, [&](std::size_t column, auto part) {
      internal::add_slices<count, 1, T, Arch>(grid, volume, z, column, part, xy, zy, xz);
    });
  };
  std::size_t z = 0;
  for (; z + slices <= grid.depth; z += slices) {
    add(std::integral_constant<std::size_t, slices>{}, z);
  }
  for (; z < grid.depth; ++z) add(std::integral_constant<std::size_t, 1>{}, z);
}

/// result (+)= the cotangents of the marginals, each where it came from. Null cotangents count as
/// 0. `streaming`: past the caches, where the results are more than those hold.
template <class T, class Arch = simd::DefaultArch>
void volume_marginals_vjp(const MapGrid& grid, const T* xy, const T* zy, const T* xz, T* result,
                          bool accumulate, bool streaming = false) {
  using Batch = simd::Batch<T, Arch>;
  const auto fill = [&](const auto& put) __attribute__((always_inline)) {
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
              put(row + x, out, part);
            });
      }
    }
  };
  const bool aligned = grid.width % simd::lanes<T, Arch> == 0 && simd::is_aligned<T, Arch>(result);
  if (streaming && aligned && !accumulate) {
    fill([](T* p, const Batch& out, auto) { simd::store_streaming<T, Arch>(p, out); });
    simd::streaming_fence();
  } else {
    fill([](T* p, const Batch& out, auto part) { write<T, Arch>(p, out, part); });
  }
}

}  // namespace posekit::inline POSEKIT_ISA::kernels
