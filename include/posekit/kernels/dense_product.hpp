#pragma once

// Matrix products of operands that change from call to call, as in the training of dense layers,
// wherever they lie: a transposed operand is read with other strides. Where the right-hand side is
// constant, it is packed once for `gemm_rows` (kernels/gemm.hpp) instead.

#include <algorithm>
#include <cstddef>

#include <posekit/core/isa.hpp>
#include <posekit/core/threads.hpp>
#include <posekit/kernels/blocked_product.hpp>
#include <posekit/kernels/matrix_vector.hpp>

namespace posekit::inline POSEKIT_ISA::kernels {

namespace internal {

/// True where B would have to be transposed as it is packed and is much larger than A, as the
/// weights of a dense layer with a small batch are: (B^T A^T)^T reads it as it lies.
template <class T>
constexpr bool is_better_swapped(const ProductExtents& e, const StridedMatrix<T>& b) {
  return b.column_stride != 1 && 2 * e.rows <= e.columns;
}

/// `threads` for a product, and one where it is done before another would have begun.
inline int product_threads(const ProductExtents& e, int threads) {
  constexpr std::size_t enough = std::size_t{1} << 22;  // multiply-adds, some 30 microseconds
  return e.rows * e.columns > enough / std::max<std::size_t>(e.depth, 1) ? threads : 1;
}

/// C of a product whose sums have no terms: 0 (or what is there) and the bias.
template <class T>
void add_no_products(const ProductExtents& e, T* c, std::size_t c_stride, const T* bias,
                     bool accumulate) {
  for (std::size_t m = 0; m < e.rows; ++m) {
    for (std::size_t n = 0; n < e.columns; ++n) {
      T& out = c[m * c_stride + n];
      out = (accumulate ? out : T(0)) + (bias == nullptr ? T(0) : bias[n]);
    }
  }
}

/// c (+)= the transpose of `from` [columns, rows] (+ bias).
template <class T>
void add_transposed(const ProductExtents& e, const T* from, T* c, std::size_t c_stride,
                    const T* bias, bool accumulate, int threads) {
  constexpr std::size_t block = 16;
  const std::size_t blocks = (e.columns + block - 1) / block;
  parallel_for(blocks, threads_for(e.rows * e.columns, threads), [&](std::size_t i) {
    const std::size_t begin = i * block, end = std::min(begin + block, e.columns);
    for (std::size_t m = 0; m < e.rows; ++m) {
      T* out = c + m * c_stride;
      for (std::size_t n = begin; n < end; ++n) {
        const T value = from[n * e.rows + m] + (bias == nullptr ? T(0) : bias[n]);
        out[n] = accumulate ? out[n] + value : value;
      }
    }
  });
}

}  // namespace internal

/// Elements of scratch that `dense_product` needs with so many threads.
template <class T, class Arch = simd::DefaultArch>
std::size_t dense_product_scratch(const ProductExtents& e, const StridedMatrix<T>& b, int threads) {
  const auto parts = static_cast<std::size_t>(std::max(threads, 1));
  if (e.rows == 1) return 0;
  if (!internal::is_better_swapped(e, b)) return parts * blocked_product_scratch<T, Arch>(e);
  return parts * blocked_product_scratch<T, Arch>({e.columns, e.depth, e.rows}) +
         e.rows * e.columns;
}

/// C [rows, columns] (+)= A B (+ bias), C having rows of `c_stride` elements and `bias` one element
/// for each column, or being null. The bits do not depend on the number of threads. `scratch` is
/// aligned as a tensor and has dense_product_scratch<T>(e, b, threads) elements.
template <class T, class Arch = simd::DefaultArch>
void dense_product(const ProductExtents& e, const StridedMatrix<T>& a, const StridedMatrix<T>& b,
                   T* c, std::size_t c_stride, const T* bias, bool accumulate, T* scratch,
                   int threads) {
  threads = internal::product_threads(e, threads);
  if (e.depth == 0) {
    internal::add_no_products(e, c, c_stride, bias, accumulate);
  } else if (e.rows == 1) {
    vector_product<T, Arch>(e.depth, e.columns, a.data, b, c, bias, accumulate, threads);
  } else if (internal::is_better_swapped(e, b)) {
    const ProductExtents swapped{e.columns, e.depth, e.rows};
    T* const result = scratch + static_cast<std::size_t>(std::max(threads, 1)) *
                                    blocked_product_scratch<T, Arch>(swapped);
    blocked_product<T, Arch>(swapped, {b.data, b.column_stride, b.row_stride},
                             {a.data, a.column_stride, a.row_stride}, result, e.rows, nullptr,
                             false, scratch, threads);
    internal::add_transposed(e, result, c, c_stride, bias, accumulate, threads);
  } else {
    blocked_product<T, Arch>(e, a, b, c, c_stride, bias, accumulate, scratch, threads);
  }
}

}  // namespace posekit::inline POSEKIT_ISA::kernels
