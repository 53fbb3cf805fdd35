#pragma once

// The cross-entropy of the softmax of rows of logits, from classes or from probabilities.

#include <cstddef>
#include <cstdint>
#include <limits>

#include <posekit/core/isa.hpp>
#include <posekit/kernels/row_lanes.hpp>
#include <posekit/kernels/row_softmax.hpp>
#include <posekit/simd/batch.hpp>

namespace posekit::inline POSEKIT_ISA::kernels {

/// q, what rows of logits are compared with: of a class or of probabilities p, keep * p + share.
template <class T>
struct CrossEntropyTarget {
  const std::int64_t* classes = nullptr;  ///< one for each row; negative: q is 0
  const T* probabilities = nullptr;       ///< [rows, columns] instead; where all are 0, q is 0
  T keep = 1;                             ///< 1 - label smoothing
  T share = 0;                            ///< label smoothing / columns
};

/// What the forward pass leaves for each row.
template <class Number>
struct CrossEntropyRows {
  Number* largest = nullptr;  ///< of its logits
  Number* log_sum = nullptr;  ///< see RowNormalizer
  Number* mass = nullptr;     ///< sum q; NaN where a probability is not a number from 0 on
};

/// losses = -sum q log softmax(logits) for the rows from `begin` to `end`. q = 0 adds nothing,
/// whatever the logit.
template <class T, class Arch = simd::DefaultArch>
void cross_entropy(std::size_t begin, std::size_t end, std::size_t columns, const T* logits,
                   const CrossEntropyTarget<T>& target, const CrossEntropyRows<T>& state,
                   T* losses) {
  using Batch = simd::Batch<T, Arch>;
  const Batch none(T(0)), keep(target.keep), share(target.share);
  for_each_rows<T, Arch>(begin, end, columns, [&](const auto& rows) {
    const RowNormalizer<T, Arch> normal(rows, logits);
    Batch mass, loss;
    if (target.classes != nullptr) {
      alignas(64) T counts[simd::lanes<T, Arch>];
      for (std::size_t l = 0; l < simd::lanes<T, Arch>; ++l) {
        counts[l] = l < rows.count && target.classes[rows.first + l] >= 0 ? T(1) : T(0);
      }
      mass = Batch::load_aligned(counts);
      loss = normal.log_sum;
      if (target.keep != T(0)) {
        loss -= keep * (rows.pick(logits, target.classes) - normal.largest);
      }
      if (target.share != T(0)) {
        loss -= share * rows.sum([&](const auto& at) __attribute__((always_inline)) {
          return rows.read(logits, at) - normal.largest;
        });
      }
    } else {
      const Batch most(std::numeric_limits<T>::max());
      const Batch invalid(std::numeric_limits<T>::quiet_NaN());
      const Batch given = rows.sum([&](const auto& at) __attribute__((always_inline)) {
        const Batch p = rows.read(target.probabilities, at);
        return xsimd::select((p >= none) & (p <= most), p, invalid);
      });
      const Batch smoothing(target.share * static_cast<T>(columns));
      mass = xsimd::select(given == none, none, keep * given + smoothing);
      const Batch inner = rows.sum([&](const auto& at) __attribute__((always_inline)) {
        const Batch q = keep * rows.read(target.probabilities, at) + share;
        return xsimd::select(q == none, none, q * (rows.read(logits, at) - normal.largest));
      });
      loss = mass * normal.log_sum - inner;
    }
    rows.write_number(losses, xsimd::select(mass == none, none, loss));
    rows.write_number(state.largest, normal.largest);
    rows.write_number(state.log_sum, normal.log_sum);
    rows.write_number(state.mass, mass);
  });
}

/// result (+)= the cotangents of the logits of the rows from `begin` to `end`, for `count` stacked
/// cotangents: (softmax sum q - q) g. Where g or the mass is 0, 0, whatever the row holds.
template <class T, class Arch = simd::DefaultArch>
void cross_entropy_vjp(std::size_t begin, std::size_t end, std::size_t all_rows,
                       std::size_t columns, const T* logits, const CrossEntropyTarget<T>& target,
                       const CrossEntropyRows<const T>& state, std::size_t count,
                       const T* cotangents, T* result, bool accumulate) {
  using Batch = simd::Batch<T, Arch>;
  const Batch none(T(0)), keep(target.keep), share(target.share);
  for_each_rows<T, Arch>(begin, end, columns, [&](const auto& rows) {
    const RowNormalizer<T, Arch> normal(rows.read_number(state.largest),
                                        rows.read_number(state.log_sum));
    const Batch mass = rows.read_number(state.mass);
    const auto nothing = mass == none;
    rows.each([&](const auto& at) __attribute__((always_inline)) {
      const Batch p = exp_of_logarithm<T, Arch>(normal.log_softmax(rows.read(logits, at)));
      // Of a class, `keep` is subtracted below.
      const Batch q =
          target.classes != nullptr ? share : keep * rows.read(target.probabilities, at) + share;
      const Batch slope = p * mass - q;
      for (std::size_t k = 0; k < count; ++k) {
        const Batch g = rows.read_number(cotangents + k * all_rows);
        Batch out = xsimd::select(nothing | (g == none), none, slope * g);
        T* to = result + k * all_rows * columns;
        if (accumulate) out += rows.read(to, at);
        rows.write(to, out, at);
      }
    });
    if (target.classes == nullptr) return;
    for (std::size_t k = 0; k < count; ++k) {
      for (std::size_t r = rows.first; r < rows.first + rows.count; ++r) {
        const std::int64_t c = target.classes[r];
        const T g = cotangents[k * all_rows + r];
        if (c < 0 || g == T(0)) continue;
        result[(k * all_rows + r) * columns + static_cast<std::size_t>(c)] -= target.keep * g;
      }
    }
  });
}

}  // namespace posekit::inline POSEKIT_ISA::kernels
