#pragma once

// Loops over tensors of any rank whose operands have any strides, 0 for a broadcast axis. Axes that
// all operands cross alike are merged, so that the innermost loop is as long as possible.

#include <algorithm>
#include <array>
#include <cstddef>
#include <vector>

#include <posekit/core/isa.hpp>
#include <posekit/core/shape.hpp>
#include <posekit/core/threads.hpp>
#include <posekit/simd/batch.hpp>

namespace posekit::inline POSEKIT_ISA::kernels {

/// Row-major strides of `shape` as seen from a broadcast result of `rank` axes: 0 along the axes
/// where it has one element.
inline Shape broadcast_strides(const Shape& shape, std::size_t rank) {
  Shape strides(rank, 0);
  std::size_t stride = 1;
  for (std::size_t i = shape.size(); i-- > 0;) {
    if (shape[i] != 1) strides[i + rank - shape.size()] = stride;
    stride *= shape[i];
  }
  return strides;
}

/// The rows of a strided loop over `Operands` tensors.
template <std::size_t Operands>
class StridedRows {
 public:
  using Offsets = std::array<std::size_t, Operands>;

  StridedRows(const Shape& shape, const std::array<Shape, Operands>& strides) {
    for (std::size_t axis = 0; axis < shape.size(); ++axis) {
      if (shape[axis] == 1) continue;
      Offsets step{};
      for (std::size_t o = 0; o < Operands; ++o) step[o] = strides[o][axis];
      if (!extents_.empty() && merges(step, shape[axis])) {
        extents_.back() *= shape[axis];
        steps_.back() = step;
      } else {
        extents_.push_back(shape[axis]);
        steps_.push_back(step);
      }
    }
    if (extents_.empty()) {
      extents_.push_back(element_count(shape));
      steps_.push_back({});
    }
    rows_ = element_count(Shape(extents_.begin(), extents_.end() - 1));
  }

  std::size_t rows() const { return rows_; }
  std::size_t row_length() const { return extents_.back(); }
  /// Strides along a row.
  const Offsets& row_steps() const { return steps_.back(); }
  /// The axes that are left, the rows' own last: extents, and strides in every operand.
  const std::vector<std::size_t>& extents() const { return extents_; }
  const std::vector<Offsets>& steps() const { return steps_; }

  /// Where row `row` begins in every operand.
  Offsets row_offsets(std::size_t row) const {
    Offsets offsets{};
    for (std::size_t axis = extents_.size() - 1; axis-- > 0;) {
      const std::size_t index = row % extents_[axis];
      row /= extents_[axis];
      for (std::size_t o = 0; o < Operands; ++o) offsets[o] += index * steps_[axis][o];
    }
    return offsets;
  }

 private:
  bool merges(const Offsets& step, std::size_t extent) const {
    for (std::size_t o = 0; o < Operands; ++o) {
      if (steps_.back()[o] != step[o] * extent) return false;
    }
    return true;
  }

  std::vector<std::size_t> extents_;
  std::vector<Offsets> steps_;
  std::size_t rows_ = 1;
};

namespace internal {

/// Elements of a part of a row that one thread works on at a time.
inline constexpr std::size_t row_part = 16384;

template <class T, class Arch>
[[gnu::always_inline]] inline simd::Batch<T, Arch> load_step(const T* p, std::size_t step) {
  return step == 0 ? simd::Batch<T, Arch>(*p) : simd::load<T, Arch>(p);
}

}  // namespace internal

/// out[i] (+)= op(in0[i], in1[i], ...) over a broadcast shape. Operand 0 of `loop` is `out`, which
/// is contiguous; `op` is called with batches and with scalars.
template <class T, class Arch, std::size_t Inputs, class Op>
void strided_map(const StridedRows<Inputs + 1>& loop, T* out,
                 const std::array<const T*, Inputs>& in, bool accumulate, const Op& op,
                 int threads) {
  constexpr std::size_t L = simd::lanes<T, Arch>;
  const auto& steps = loop.row_steps();
  const bool simple = steps[0] == 1 && std::all_of(steps.begin() + 1, steps.end(),
                                                   [](std::size_t s) { return s <= 1; });
  const std::size_t length = loop.row_length();
  const std::size_t parts = (length + internal::row_part - 1) / internal::row_part;
  parallel_for(loop.rows() * parts, length * loop.rows() > internal::row_part ? threads : 1,
               [&](std::size_t index) {
                 const auto offsets = loop.row_offsets(index / parts);
                 std::size_t i = index % parts * internal::row_part;
                 const std::size_t end = std::min(length, i + internal::row_part);
                 const auto call = [&](const auto& read) {
                   return [&]<std::size_t... I>(std::index_sequence<I...>) {
                     return op(read(std::get<I>(in) + offsets[I + 1], steps[I + 1])...);
                   }
                   (std::make_index_sequence<Inputs>{});
                 };
                 T* target = out + offsets[0];
                 if (simple) {
                   for (; i + L <= end; i += L) {
                     simd::Batch<T, Arch> value = call([&](const T* p, std::size_t step) {
                       return internal::load_step<T, Arch>(p + i * step, step);
                     });
                     if (accumulate) value += simd::load<T, Arch>(target + i);
                     simd::store<T, Arch>(target + i, value);
                   }
                 }
                 for (; i < end; ++i) {
                   const T value = call([&](const T* p, std::size_t step) { return p[i * step]; });
                   T& slot = target[i * steps[0]];
                   slot = accumulate ? slot + value : value;
                 }
               });
}

}  // namespace posekit::inline POSEKIT_ISA::kernels
