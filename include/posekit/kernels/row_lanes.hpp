#pragma once

// How kernels walk over the rows of a matrix whose columns belong together: along a row, a vector
// of columns at a time; or, where there are few columns, down a vector of rows at once. A kernel is
// written once, for either.

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include <posekit/core/isa.hpp>
#include <posekit/kernels/map_rows.hpp>
#include <posekit/simd/batch.hpp>

namespace posekit::inline POSEKIT_ISA::kernels {

/// One row, a vector along it. What belongs to the row is the same in all lanes.
template <class T, class Arch>
struct RowAlongLanes {
  using Batch = simd::Batch<T, Arch>;

  std::size_t columns;
  std::size_t first;  ///< the row's number
  static constexpr std::size_t count = 1;

  /// A vector of columns.
  template <class Part>
  struct Place {
    std::size_t column;
    Part part;
  };

  /// Calls `body(place)` for all columns.
  template <class Body>
  [[gnu::always_inline]] void each(const Body& body) const {
    for_each_vector<T, Arch>(
        columns, [&](std::size_t c, auto part) __attribute__((always_inline)) {
          body(Place<decltype(part)>{c, part});
        });
  }

  /// The sum of `body(place)` over the row: in T by vectors, in double by blocks.
  template <class Body>
  [[gnu::always_inline]] Batch sum(const Body& body) const {
    constexpr std::size_t block = 2048;
    double total = 0;
    for (std::size_t start = 0; start < columns; start += block) {
      Batch some(T(0));
      for_each_vector<T, Arch>(
          start, std::min(start + block, columns),
          [&](std::size_t c, auto part) __attribute__((always_inline)) {
            some += within<T, Arch>(body(Place<decltype(part)>{c, part}), part);
          });
      total += static_cast<double>(simd::sum_lanes<T, Arch>(some));
    }
    return Batch(static_cast<T>(total));
  }

  /// The row's largest element; where one is NaN, any.
  Batch largest(const T* matrix) const {
    return Batch(extremes<T, Arch>(matrix + first * columns, columns).most);
  }
  /// The element of the row's class, 0 where that is negative.
  Batch pick(const T* matrix, const std::int64_t* classes) const {
    const std::int64_t c = classes[first];
    return Batch(c < 0 ? T(0) : matrix[first * columns + static_cast<std::size_t>(c)]);
  }

  template <class Part>
  [[gnu::always_inline]] Batch read(const T* matrix, const Place<Part>& at) const {
    return kernels::read<T, Arch>(matrix + first * columns + at.column, at.part);
  }
  template <class Part>
  [[gnu::always_inline]] void write(T* matrix, const Batch& value, const Place<Part>& at) const {
    kernels::write<T, Arch>(matrix + first * columns + at.column, value, at.part);
  }

  /// A number for each row.
  Batch read_number(const T* numbers) const { return Batch(numbers[first]); }
  void write_number(T* numbers, const Batch& value) const {
    simd::store_partial<T, Arch>(numbers + first, value, 1);
  }
};

/// Up to a vector of rows, one in each lane.
template <class T, class Arch>
struct RowsAcrossLanes {
  using Batch = simd::Batch<T, Arch>;
  static constexpr std::size_t L = simd::lanes<T, Arch>;

  std::size_t columns;
  std::size_t first;  ///< the first row's number
  std::size_t count;  ///< of rows; the lanes behind them are 0

  template <class Body>
  [[gnu::always_inline]] void each(const Body& body) const {
    for (std::size_t c = 0; c < columns; ++c) body(c);
  }

  template <class Body>
  [[gnu::always_inline]] Batch sum(const Body& body) const {
    Batch total(T(0));
    for (std::size_t c = 0; c < columns; ++c) total += body(c);
    return total;
  }

  Batch largest(const T* matrix) const {
    Batch most = read(matrix, 0);
    for (std::size_t c = 1; c < columns; ++c) most = xsimd::max(most, read(matrix, c));
    return most;
  }
  Batch pick(const T* matrix, const std::int64_t* classes) const {
    alignas(64) T lane[L] = {};
    for (std::size_t l = 0; l < count; ++l) {
      const std::int64_t c = classes[first + l];
      if (c >= 0) lane[l] = matrix[(first + l) * columns + static_cast<std::size_t>(c)];
    }
    return Batch::load_aligned(lane);
  }

  Batch read(const T* matrix, std::size_t column) const {
    alignas(64) T lane[L] = {};
    const T* from = matrix + first * columns + column;
    for (std::size_t l = 0; l < count; ++l) lane[l] = from[l * columns];
    return Batch::load_aligned(lane);
  }
  void write(T* matrix, const Batch& value, std::size_t column) const {
    alignas(64) T lane[L];
    value.store_aligned(lane);
    T* to = matrix + first * columns + column;
    for (std::size_t l = 0; l < count; ++l) to[l * columns] = lane[l];
  }

  Batch read_number(const T* numbers) const {
    return count == L ? simd::load<T, Arch>(numbers + first)
                      : simd::load_partial<T, Arch>(numbers + first, count);
  }
  void write_number(T* numbers, const Batch& value) const {
    if (count == L) {
      simd::store<T, Arch>(numbers + first, value);
    } else {
      simd::store_partial<T, Arch>(numbers + first, value, count);
    }
  }
};

/// Calls `body(rows)` for each row from `begin` to `end` alone.
template <class T, class Arch, class Body>
void for_each_row(std::size_t begin, std::size_t end, std::size_t columns, const Body& body) {
  for (std::size_t r = begin; r < end; ++r) body(RowAlongLanes<T, Arch>{columns, r});
}

/// Up to as many columns, exponentials and logarithms of a vector of rows cost less than what it
/// takes to collect them.
inline constexpr std::size_t few_columns = 8;

/// Calls `body(rows)` for the rows from `begin` to `end`, one at a time or, of few columns, a
/// vector. What is computed for a row does not depend on which others it comes with.
template <class T, class Arch, class Body>
void for_each_rows(std::size_t begin, std::size_t end, std::size_t columns, const Body& body) {
  if (columns > few_columns) return for_each_row<T, Arch>(begin, end, columns, body);
  constexpr std::size_t L = simd::lanes<T, Arch>;
  for (std::size_t r = begin; r < end; r += L) {
    body(RowsAcrossLanes<T, Arch>{columns, r, std::min(L, end - r)});
  }
}

}  // namespace posekit::inline POSEKIT_ISA::kernels
