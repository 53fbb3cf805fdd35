#pragma once

// Softmax of the rows of a matrix, and its logarithm. A row with NaN or +infinity is NaN, and so is
// one of -infinity alone; an element of -infinity among others has probability 0.

#include <cstddef>
#include <numbers>

#include <posekit/core/isa.hpp>
#include <posekit/kernels/row_lanes.hpp>
#include <posekit/simd/batch.hpp>
#include <posekit/simd/exp.hpp>
#include <posekit/simd/log.hpp>

namespace posekit::inline POSEKIT_ISA::kernels {

/// exp(x) for x up to 0 or a rounding above, where what would be subnormal is 0.
template <class T, class Arch>
[[gnu::always_inline]] inline simd::Batch<T, Arch> exp_of_logarithm(const simd::Batch<T, Arch>& x) {
  return simd::exp2_normal<T, Arch>(x * simd::Batch<T, Arch>(std::numbers::log2e_v<T>));
}

/// What normalises rows of logits: log softmax(x) = (x - largest) - log_sum. The difference comes
/// first, which is exact where it matters.
template <class T, class Arch>
struct RowNormalizer {
  using Batch = simd::Batch<T, Arch>;
  Batch largest, log_sum;

  template <class Rows>
  RowNormalizer(const Rows& rows, const T* logits) : largest(rows.largest(logits)) {
    // The sum is 1 to the number of columns, or NaN.
    log_sum =
        simd::log_positive<T, Arch>(rows.sum([&](const auto& at) __attribute__((always_inline)) {
          return exp_of_logarithm<T, Arch>(rows.read(logits, at) - largest);
        }));
  }
  RowNormalizer(const Batch& of_largest, const Batch& of_log_sum)
      : largest(of_largest), log_sum(of_log_sum) {}

  [[gnu::always_inline]] Batch log_softmax(const Batch& logit) const {
    return (logit - largest) - log_sum;
  }
};

/// result = softmax of the rows from `begin` to `end`.
template <class T, class Arch = simd::DefaultArch>
void row_softmax(std::size_t begin, std::size_t end, std::size_t columns, const T* logits,
                 T* result) {
  using Batch = simd::Batch<T, Arch>;
  for_each_rows<T, Arch>(begin, end, columns, [&](const auto& rows) {
    const Batch largest = rows.largest(logits);
    const Batch sum = rows.sum([&](const auto& at) __attribute__((always_inline)) {
      const Batch weight = exp_of_logarithm<T, Arch>(rows.read(logits, at) - largest);
      rows.write(result, weight, at);
      return weight;
    });
    const Batch scale = Batch(T(1)) / sum;
    rows.each([&](const auto& at) __attribute__((always_inline)) {
      rows.write(result, rows.read(result, at) * scale, at);
    });
  });
}

/// result (+)= the cotangent of logits whose softmax is p: p (g - <p, g>).
template <class T, class Arch = simd::DefaultArch>
void row_softmax_vjp(std::size_t begin, std::size_t end, std::size_t columns, const T* p,
                     const T* cotangent, T* result, bool accumulate) {
  using Batch = simd::Batch<T, Arch>;
  for_each_row<T, Arch>(begin, end, columns, [&](const auto& rows) {
    const Batch inner = rows.sum([&](const auto& at) __attribute__((always_inline)) {
      return rows.read(p, at) * rows.read(cotangent, at);
    });
    rows.each([&](const auto& at) __attribute__((always_inline)) {
      Batch out = rows.read(p, at) * (rows.read(cotangent, at) - inner);
      if (accumulate) out += rows.read(result, at);
      rows.write(result, out, at);
    });
  });
}

/// result = log softmax of the rows from `begin` to `end`.
template <class T, class Arch = simd::DefaultArch>
void row_log_softmax(std::size_t begin, std::size_t end, std::size_t columns, const T* logits,
                     T* result) {
  for_each_rows<T, Arch>(begin, end, columns, [&](const auto& rows) {
    const RowNormalizer<T, Arch> normal(rows, logits);
    rows.each([&](const auto& at) __attribute__((always_inline)) {
      rows.write(result, normal.log_softmax(rows.read(logits, at)), at);
    });
  });
}

/// result (+)= the cotangent of logits whose log softmax is y: g - exp(y) sum g.
template <class T, class Arch = simd::DefaultArch>
void row_log_softmax_vjp(std::size_t begin, std::size_t end, std::size_t columns, const T* y,
                         const T* cotangent, T* result, bool accumulate) {
  using Batch = simd::Batch<T, Arch>;
  for_each_row<T, Arch>(begin, end, columns, [&](const auto& rows) {
    const Batch sum = rows.sum([&](const auto& at) __attribute__((always_inline)) {
      return rows.read(cotangent, at);
    });
    rows.each([&](const auto& at) __attribute__((always_inline)) {
      Batch out = rows.read(cotangent, at) - exp_of_logarithm<T, Arch>(rows.read(y, at)) * sum;
      if (accumulate) out += rows.read(result, at);
      rows.write(result, out, at);
    });
  });
}

}  // namespace posekit::inline POSEKIT_ISA::kernels
