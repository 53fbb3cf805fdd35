#pragma once

// How kernels walk over the pixels of a heatmap: row by row, a vector of columns at a time.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include <posekit/core/isa.hpp>
#include <posekit/kernels/map_grid.hpp>
#include <posekit/simd/batch.hpp>

namespace posekit::inline POSEKIT_ISA::kernels {

/// A whole vector of a row.
struct WholeVector {};
/// The rest of a row, shorter than a vector.
struct PartOfVector {
  std::size_t count;
};

template <class T, class Arch>
[[gnu::always_inline]] inline simd::Batch<T, Arch> read(const T* p, WholeVector) {
  return simd::load<T, Arch>(p);
}
/// Zeros beyond the row's end.
template <class T, class Arch>
[[gnu::always_inline]] inline simd::Batch<T, Arch> read(const T* p, PartOfVector part) {
  return simd::load_partial<T, Arch>(p, part.count);
}

template <class T, class Arch>
[[gnu::always_inline]] inline void write(T* p, const simd::Batch<T, Arch>& value, WholeVector) {
  simd::store<T, Arch>(p, value);
}
template <class T, class Arch>
[[gnu::always_inline]] inline void write(T* p, const simd::Batch<T, Arch>& value,
                                         PartOfVector part) {
  simd::store_partial<T, Arch>(p, value, part.count);
}

/// Zero in the lanes beyond the row's end.
template <class T, class Arch>
[[gnu::always_inline]] inline simd::Batch<T, Arch> within(const simd::Batch<T, Arch>& value,
                                                          WholeVector) {
  return value;
}
template <class T, class Arch>
[[gnu::always_inline]] inline simd::Batch<T, Arch> within(const simd::Batch<T, Arch>& value,
                                                          PartOfVector part) {
  return simd::zero_unless<T, Arch>((std::uint32_t{1} << part.count) - 1, value);
}

/// Calls `body(x, part)` for the vectors of a row from `begin` to `end`.
template <class T, class Arch, class Body>
[[gnu::always_inline]] inline void for_each_vector(std::size_t begin, std::size_t end,
                                                   const Body& body) {
  constexpr std::size_t L = simd::lanes<T, Arch>;
  std::size_t x = begin;
  for (; x + L <= end; x += L) body(x, WholeVector{});
  if (x < end) body(x, PartOfVector{end - x});
}
/// ... for the vectors of a whole row.
template <class T, class Arch, class Body>
[[gnu::always_inline]] inline void for_each_vector(std::size_t width, const Body& body) {
  for_each_vector<T, Arch>(0, width, body);
}

/// The smallest and the largest of some elements.
template <class T>
struct Extremes {
  T least, most;
};

/// The extremes of at least one element. Where one is NaN, they may be those of any others.
template <class T, class Arch>
Extremes<T> extremes(const T* values, std::size_t size) {
  using Batch = simd::Batch<T, Arch>;
  constexpr std::size_t L = simd::lanes<T, Arch>;
  Extremes<T> result{values[0], values[0]};
  const auto include = [&](T value) {
    result.least = std::min(result.least, value);
    result.most = std::max(result.most, value);
  };
  std::size_t i = 0;
  if (size >= 4 * L) {
    Batch low[4], high[4];
    simd::unroll<4>([&](auto k) { low[k] = high[k] = simd::load<T, Arch>(values + k * L); });
    for (i = 4 * L; i + 4 * L <= size; i += 4 * L) {
      simd::unroll<4>([&](auto k) {
        const Batch value = simd::load<T, Arch>(values + i + k * L);
        low[k] = xsimd::min(low[k], value);
        high[k] = xsimd::max(high[k], value);
      });
    }
    T lanes[2 * L];
    simd::store<T, Arch>(lanes, xsimd::min(xsimd::min(low[0], low[1]), xsimd::min(low[2], low[3])));
    simd::store<T, Arch>(lanes + L,
                         xsimd::max(xsimd::max(high[0], high[1]), xsimd::max(high[2], high[3])));
    for (const T value : lanes) include(value);
  }
  for (; i < size; ++i) include(values[i]);
  return result;
}

/// The lanes' numbers 0, 1, ...
template <class T, class Arch>
inline simd::Batch<T, Arch> lane_numbers() {
  alignas(64) T ramp[simd::lanes<T, Arch>];
  for (std::size_t l = 0; l < simd::lanes<T, Arch>; ++l) ramp[l] = static_cast<T>(l);
  return simd::Batch<T, Arch>::load_aligned(ramp);
}

/// Rows that are summed up in T before their sums go on in double: few enough that a large map
/// loses no digits, enough that it costs nothing.
constexpr std::size_t rows_per_sum(std::size_t width) {
  constexpr std::size_t elements = 2048;
  return width >= elements ? 1 : elements / width;
}

}  // namespace posekit::inline POSEKIT_ISA::kernels
