#pragma once

// One row times a matrix: every element of the matrix is read once, so that memory sets the speed.

#include <algorithm>
#include <cstddef>

#include <posekit/core/isa.hpp>
#include <posekit/core/threads.hpp>
#include <posekit/kernels/blocked_product.hpp>
#include <posekit/simd/batch.hpp>

namespace posekit::inline POSEKIT_ISA::kernels {

namespace internal {

/// The products of a vector with `Rows` rows of a matrix.
template <class T, class Arch, std::size_t Rows>
inline void row_products(std::size_t depth, const T* x, const T* rows, std::size_t stride, T* out) {
  using Batch = simd::Batch<T, Arch>;
  constexpr std::size_t L = simd::lanes<T, Arch>, V = 2;
  Batch sum[Rows][V];
  for (auto& row : sum) {
    for (auto& vector : row) vector = Batch(T(0));
  }
  std::size_t k = 0;
  for (; k + V * L <= depth; k += V * L) {
    simd::unroll<V>([&](auto v) {
      const Batch factor = simd::load<T, Arch>(x + k + v * L);
      simd::unroll<Rows>([&](auto r) {
        sum[r][v] =
            xsimd::fma(factor, simd::load<T, Arch>(rows + r * stride + k + v * L), sum[r][v]);
      });
    });
  }
  for (std::size_t r = 0; r < Rows; ++r) {
    T total = simd::sum_lanes<T, Arch>(sum[r][0] + sum[r][1]);
    for (std::size_t rest = k; rest < depth; ++rest) total += x[rest] * rows[r * stride + rest];
    out[r] = total;
  }
}

/// out[columns] += the sum over `Rows` rows of a matrix, each times its element of x.
template <class T, std::size_t Rows>
inline void add_rows(std::size_t columns, const T* x, const T* rows, std::size_t stride, T* out) {
  for (std::size_t c = 0; c < columns; ++c) {
    T sum = out[c];
    for (std::size_t r = 0; r < Rows; ++r) sum += x[r] * rows[r * stride + c];
    out[c] = sum;
  }
}

}  // namespace internal

/// c [columns] (+)= x [depth] B (+ bias). The sums do not depend on the number of threads, which
/// share the columns.
template <class T, class Arch = simd::DefaultArch>
void vector_product(std::size_t depth, std::size_t columns, const T* x, const StridedMatrix<T>& b,
                    T* c, const T* bias, bool accumulate, int threads) {
  constexpr std::size_t chunk = 256, together = 4;
  const std::size_t chunks = (columns + chunk - 1) / chunk;
  const bool transposed = b.column_stride != 1;
  parallel_for(chunks, threads_for(depth * columns, threads), [&](std::size_t i) {
    const std::size_t begin = i * chunk, end = std::min(begin + chunk, columns);
    T sums[chunk];
    std::fill_n(sums, chunk, T(0));
    if (transposed) {
      std::size_t n = begin;
      for (; n + together <= end; n += together) {
        internal::row_products<T, Arch, together>(depth, x, b.at(0, n), b.column_stride,
                                                  sums + (n - begin));
      }
      for (; n < end; ++n) {
        internal::row_products<T, Arch, 1>(depth, x, b.at(0, n), b.column_stride,
                                           sums + (n - begin));
      }
    } else {
      std::size_t k = 0;
      for (; k + together <= depth; k += together)
        internal::add_rows<T, together>(end - begin, x + k, b.at(k, begin), b.row_stride, sums);
      for (; k < depth; ++k)
        internal::add_rows<T, 1>(end - begin, x + k, b.at(k, begin), b.row_stride, sums);
    }
    for (std::size_t n = begin; n < end; ++n) {
      const T value = bias == nullptr ? sums[n - begin] : sums[n - begin] + bias[n];
      c[n] = accumulate ? c[n] + value : value;
    }
  });
}

}  // namespace posekit::inline POSEKIT_ISA::kernels
