#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <utility>

#include <posekit/autodiff/tape.hpp>
#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>

namespace posekit::inline POSEKIT_ISA {

/// exp(x) divided by its sum over the last axis. Throws ShapeError for a tensor of rank 0. Of a
/// heatmap's pixels together: flat_softmax.
template <class T>
Var<T> softmax(const Var<T>& x);

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_AUTODIFF

namespace posekit::inline POSEKIT_ISA {

template <class T>
Var<T> softmax(const Var<T>& x) {
  const Shape shape = x.shape();
  if (shape.empty()) throw ShapeError("softmax: x has rank 0, expected an axis");
  const std::size_t columns = shape.back();
  const std::size_t rows = columns == 0 ? 0 : x.size() / columns;
  Tape<T>& tape = x.tape();
  Tensor<T> value = tape.pool().take(shape);
  const T* in = x.data();
  T* out = value.data();
  parallel_for(rows, tape.threads(), [&](std::size_t r) {
    const T* from = in + r * columns;
    T* to = out + r * columns;
    const T largest = *std::max_element(from, from + columns);
    T sum = 0;
    for (std::size_t c = 0; c < columns; ++c) sum += to[c] = std::exp(from[c] - largest);
    for (std::size_t c = 0; c < columns; ++c) to[c] /= sum;
  });
  const auto output = tape.pool().share(std::move(value));
  return tape.record("softmax", output, {x}, [=](Pullback<T>& p) {
    const auto target = p.target(0);
    if (!target) return;
    parallel_for(p.count() * rows, p.threads(), [&](std::size_t i) {
      const T* g = p.cotangent() + i * columns;
      const T* y = output->data() + i % rows * columns;
      T inner = 0;
      for (std::size_t c = 0; c < columns; ++c) inner += g[c] * y[c];
      for (std::size_t c = 0; c < columns; ++c) target.put(i * columns + c, y[c] * (g[c] - inner));
    });
  });
}

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_AUTODIFF
