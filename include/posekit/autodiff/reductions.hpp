#pragma once

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

#include <posekit/autodiff/tape.hpp>
#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>

namespace posekit::inline POSEKIT_ISA {

/// The sum over `axes`, which disappear, or stay with one element where `keepdims`.
template <class T>
Var<T> sum(const Var<T>& x, const std::vector<std::ptrdiff_t>& axes, bool keepdims = false);

/// The sum of all elements, of rank 0.
template <class T>
Var<T> sum(const Var<T>& x);

/// The mean over `axes`, which disappear, or stay with one element where `keepdims`.
/// Throws ShapeError where that would be the mean of nothing.
template <class T>
Var<T> mean(const Var<T>& x, const std::vector<std::ptrdiff_t>& axes, bool keepdims = false);

/// The mean of all elements, of rank 0.
template <class T>
Var<T> mean(const Var<T>& x);

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_AUTODIFF

#include <posekit/kernels/strided.hpp>
#include <posekit/kernels/strided_reduce.hpp>

namespace posekit::inline POSEKIT_ISA {

namespace internal {

/// scale * sum over `axes`.
template <class T>
Var<T> scaled_sum(const char* name, const Var<T>& x, const std::vector<std::ptrdiff_t>& axes,
                  bool keepdims, bool mean) {
  Tape<T>& tape = x.tape();
  const Shape shape = x.shape();
  Shape kept = shape;
  std::vector<bool> reduced(shape.size(), false);
  for (const std::ptrdiff_t axis : axes) {
    const std::size_t i = normalize_axis(axis, shape.size(), name);
    if (reduced[i]) throw ShapeError(error_text(name, ": axis ", axis, " is given twice"));
    reduced[i] = true;
    kept[i] = 1;
  }
  const std::size_t size = element_count(shape);
  const std::size_t result_size = element_count(kept);
  if (mean && size == 0) {
    throw ShapeError(error_text(name, ": x has shape ", to_string(shape),
                                ", the mean of no elements is undefined"));
  }
  const double scale = mean ? static_cast<double>(result_size) / static_cast<double>(size) : 1.0;
  Shape result_shape;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (!reduced[i] || keepdims) result_shape.push_back(kept[i]);
  }

  const kernels::StridedRows<2> loop(shape, {kernels::broadcast_strides(kept, shape.size()),
                                             kernels::broadcast_strides(shape, shape.size())});
  Tensor<T> value = tape.pool().take(result_shape);
  std::fill_n(value.data(), result_size, T(0));
  const auto times = [scale = static_cast<T>(scale)](const auto& v) {
    using V = std::decay_t<decltype(v)>;
    return v * V(scale);
  };
  const auto itself = [](const auto& v) { return v; };
  kernels::strided_reduce<T, simd::DefaultArch, 1>(loop, value.data(), {x.data()}, scale, itself,
                                                   tape.threads());
  return tape.record(name, std::move(value), {x}, [=](Pullback<T>& p) {
    const auto target = p.target(0);
    if (!target || size == 0) return;
    const kernels::StridedRows<2> spread(shape, {kernels::broadcast_strides(shape, shape.size()),
                                                 kernels::broadcast_strides(kept, shape.size())});
    for (std::size_t k = 0; k < p.count(); ++k) {
      kernels::strided_map<T, simd::DefaultArch, 1>(spread, target.data + k * size,
                                                    {p.cotangent() + k * result_size},
                                                    target.accumulate, times, p.threads());
    }
  });
}

inline std::vector<std::ptrdiff_t> all_axes(std::size_t rank) {
  std::vector<std::ptrdiff_t> axes(rank);
  for (std::size_t i = 0; i < rank; ++i) axes[i] = static_cast<std::ptrdiff_t>(i);
  return axes;
}

}  // namespace internal

template <class T>
Var<T> sum(const Var<T>& x, const std::vector<std::ptrdiff_t>& axes, bool keepdims) {
  return internal::scaled_sum("sum", x, axes, keepdims, false);
}

template <class T>
Var<T> sum(const Var<T>& x) {
  return sum(x, internal::all_axes(x.dimension()));
}

template <class T>
Var<T> mean(const Var<T>& x, const std::vector<std::ptrdiff_t>& axes, bool keepdims) {
  return internal::scaled_sum("mean", x, axes, keepdims, true);
}

template <class T>
Var<T> mean(const Var<T>& x) {
  return mean(x, internal::all_axes(x.dimension()));
}

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_AUTODIFF
