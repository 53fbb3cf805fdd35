#pragma once

// Operations that move elements without computing: reshape, transpose, concatenate, slice, pad and
// gather.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <numeric>
#include <utility>
#include <vector>

#include <posekit/autodiff/tape.hpp>
#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>

namespace posekit::inline POSEKIT_ISA {

/// The same elements under another shape of the same size: a view, nothing is copied.
template <class T>
Var<T> reshape(const Var<T>& x, const Shape& shape);

/// Axis `a` of the result is axis `permutation[a]` of x.
template <class T>
Var<T> transpose(const Var<T>& x, const std::vector<std::size_t>& permutation);

/// [N, C, H, W] -> [N, H, W, C]
template <class T>
Var<T> to_channels_last(const Var<T>& x);

/// [N, H, W, C] -> [N, C, H, W]
template <class T>
Var<T> to_channels_first(const Var<T>& x);

/// Joins tensors along `axis`; the other extents agree.
template <class T>
Var<T> concatenate(const std::vector<Var<T>>& parts, std::ptrdiff_t axis);
template <class T>
Var<T> concatenate(std::initializer_list<Var<T>> parts, std::ptrdiff_t axis) {
  return concatenate(std::vector<Var<T>>(parts), axis);
}

/// Elements [begin, end) along `axis`.
template <class T>
Var<T> slice(const Var<T>& x, std::ptrdiff_t axis, std::size_t begin, std::size_t end);

/// One index along `axis`, which disappears.
template <class T>
Var<T> take(const Var<T>& x, std::ptrdiff_t axis, std::size_t index);

/// Elements added before and after along one axis.
struct Padding {
  std::size_t before = 0;
  std::size_t after = 0;
};

/// Surrounds x with `value`; one Padding per axis. Throws ShapeError where there are fewer or more,
/// and where the result would be too large for a tensor.
template <class T>
Var<T> pad(const Var<T>& x, const std::vector<Padding>& padding, std::type_identity_t<T> value = 0);

/// result[i..., :] = x[indices[i..., 0], ..., indices[i..., R - 1], :] (TensorFlow's gather_nd).
/// The last axis of `indices` names the first R axes of x.
template <class T>
Var<T> gather_nd(const Var<T>& x, const Tensor<std::int64_t>& indices);

/// The index of the largest element along `axis`, the first of equals; the axis disappears. An
/// integer result, which has no derivative.
template <class T>
Tensor<std::int64_t> argmax(const Tensor<T>& x, std::ptrdiff_t axis);

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_AUTODIFF

#include <posekit/kernels/copy_runs.hpp>
#include <posekit/kernels/transpose.hpp>

namespace posekit::inline POSEKIT_ISA {

template <class T>
Var<T> reshape(const Var<T>& x, const Shape& shape) {
  if (element_count(shape) != x.size()) {
    throw ShapeError(error_text("reshape: x has shape ", to_string(x.shape()), ", which has ",
                                x.size(), " elements and cannot become ", to_string(shape)));
  }
  return x.tape().record_view("reshape", shape, x.tape().elements(x), {x},
                              [](Pullback<T>& p) { p.hand_over(0); });
}

template <class T>
Var<T> transpose(const Var<T>& x, const std::vector<std::size_t>& permutation) {
  const Shape shape = x.shape();
  std::vector<std::size_t> inverse(permutation.size(), shape.size());
  Shape result_shape;
  for (std::size_t a = 0; a < permutation.size(); ++a) {
    if (permutation[a] >= shape.size() || permutation.size() != shape.size() ||
        inverse[permutation[a]] != shape.size()) {
      throw ShapeError(error_text("transpose: permutation ", to_string(permutation),
                                  " does not name each axis of shape ", to_string(shape), " once"));
    }
    inverse[permutation[a]] = a;
    result_shape.push_back(shape[permutation[a]]);
  }
  if (permutation.size() != shape.size()) {
    throw ShapeError(error_text("transpose: permutation ", to_string(permutation),
                                " does not name each axis of shape ", to_string(shape), " once"));
  }
  Tape<T>& tape = x.tape();
  Tensor<T> value = tape.pool().take(result_shape);
  kernels::transpose(shape, permutation, x.data(), value.data(), false, tape.threads());
  return tape.record("transpose", std::move(value), {x}, [=](Pullback<T>& p) {
    const auto target = p.target(0);
    if (!target) return;
    // The stacked cotangents are one more axis, which stays in front.
    Shape stacked = result_shape;
    stacked.insert(stacked.begin(), p.count());
    std::vector<std::size_t> back{0};
    for (const std::size_t axis : inverse) back.push_back(axis + 1);
    kernels::transpose(stacked, back, p.cotangent(), target.data, target.accumulate, p.threads());
  });
}

template <class T>
Var<T> to_channels_last(const Var<T>& x) {
  return transpose(x, {0, 2, 3, 1});
}

template <class T>
Var<T> to_channels_first(const Var<T>& x) {
  return transpose(x, {0, 3, 1, 2});
}

template <class T>
Var<T> concatenate(const std::vector<Var<T>>& parts, std::ptrdiff_t axis) {
  if (parts.empty()) throw ShapeError("concatenate: no tensors were given");
  Shape shape = parts[0].shape();
  const std::size_t at = normalize_axis(axis, shape.size(), "concatenate");
  shape[at] = 0;
  std::vector<std::size_t> runs;
  for (const Var<T>& part : parts) {
    Shape other = part.shape();
    const std::size_t extent = at < other.size() ? other[at] : 0;
    if (at < other.size()) other[at] = shape[at];
    if (other != shape) {
      throw ShapeError(error_text("concatenate: ", to_string(part.shape()), " does not join ",
                                  to_string(parts[0].shape()), " along axis ", at));
    }
    shape[at] += extent;
    runs.push_back(extent * element_count(other, at + 1, other.size()));
  }
  const std::size_t rows = element_count(shape, 0, at);
  const std::size_t stride = std::accumulate(runs.begin(), runs.end(), std::size_t{0});
  Tape<T>& tape = parts[0].tape();
  Tensor<T> value = tape.pool().take(shape);
  std::size_t offset = 0;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    kernels::copy_runs(rows, runs[i], parts[i].data(), runs[i], value.data() + offset, stride,
                       false);
    offset += runs[i];
  }
  return tape.record("concatenate", std::move(value), parts, [=](Pullback<T>& p) {
    std::size_t begin = 0;
    for (std::size_t i = 0; i < runs.size(); ++i) {
      if (const auto target = p.target(i)) {
        kernels::copy_runs(p.count() * rows, runs[i], p.cotangent() + begin, stride, target.data,
                           runs[i], target.accumulate);
      }
      begin += runs[i];
    }
  });
}

template <class T>
Var<T> slice(const Var<T>& x, std::ptrdiff_t axis, std::size_t begin, std::size_t end) {
  Shape shape = x.shape();
  const std::size_t at = normalize_axis(axis, shape.size(), "slice");
  if (begin > end || end > shape[at]) {
    throw ShapeError(error_text("slice: [", begin, ", ", end, ") is outside axis ", at,
                                " of shape ", to_string(shape)));
  }
  const std::size_t inner = element_count(shape, at + 1, shape.size());
  const std::size_t rows = element_count(shape, 0, at);
  const std::size_t stride = shape[at] * inner;
  const std::size_t run = (end - begin) * inner;
  const std::size_t size = rows * stride;
  shape[at] = end - begin;
  Tensor<T> value = x.tape().pool().take(shape);
  kernels::copy_runs(rows, run, x.data() + begin * inner, stride, value.data(), run, false);
  return x.tape().record("slice", std::move(value), {x}, [=](Pullback<T>& p) {
    const auto target = p.target(0);
    if (!target) return;
    target.put_nothing(0, p.count() * size);
    kernels::copy_runs(p.count() * rows, run, p.cotangent(), run, target.data + begin * inner,
                       stride, true);
  });
}

template <class T>
Var<T> take(const Var<T>& x, std::ptrdiff_t axis, std::size_t index) {
  const std::size_t at = normalize_axis(axis, x.dimension(), "take");
  const Var<T> part = slice(x, axis, index, index + 1);
  Shape shape = part.shape();
  shape.erase(shape.begin() + static_cast<std::ptrdiff_t>(at));
  return reshape(part, shape);
}

template <class T>
Var<T> pad(const Var<T>& x, const std::vector<Padding>& padding, std::type_identity_t<T> value) {
  const Shape shape = x.shape();
  if (padding.size() != shape.size()) {
    throw ShapeError(error_text("pad: ", padding.size(),
                                " paddings were given for a tensor of shape ", to_string(shape)));
  }
  Shape result_shape = shape;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    result_shape[i] = add_sizes("pad", {shape[i], padding[i].before, padding[i].after});
  }
  const std::size_t result_size = element_count(result_shape);
  // The last axis (with the ones behind the last padded axis merged into it) is copied in runs.
  std::size_t split = shape.size();
  while (split > 0 && padding[split - 1].before + padding[split - 1].after == 0) --split;
  const std::size_t inner = element_count(shape, split, shape.size());
  const std::size_t last = split == 0 ? 0 : split - 1;
  const std::size_t run = split == 0 ? element_count(shape) : shape[last] * inner;
  const std::size_t rows = run == 0 ? 0 : element_count(shape) / run;
  std::vector<std::size_t> starts(rows);
  for (std::size_t r = 0; r < rows; ++r) {
    std::size_t offset = split == 0 ? 0 : padding[last].before * inner;
    std::size_t stride = split == 0 ? 0 : result_shape[last] * inner;
    std::size_t rest = r;
    for (std::size_t axis = last; axis-- > 0;) {
      offset += (rest % shape[axis] + padding[axis].before) * stride;
      stride *= result_shape[axis];
      rest /= shape[axis];
    }
    starts[r] = offset;
  }
  Tensor<T> result = x.tape().pool().take(result_shape);
  std::fill_n(result.data(), result_size, value);
  const T* in = x.data();
  for (std::size_t r = 0; r < rows; ++r) std::copy_n(in + r * run, run, result.data() + starts[r]);
  return x.tape().record(
      "pad", std::move(result), {x}, [=, starts = std::move(starts)](Pullback<T>& p) {
        const auto target = p.target(0);
        if (!target) return;
        for (std::size_t k = 0; k < p.count(); ++k) {
          for (std::size_t r = 0; r < rows; ++r) {
            kernels::copy_runs(1, run, p.cotangent() + k * result_size + starts[r], 0,
                               target.data + (k * rows + r) * run, 0, target.accumulate);
          }
        }
      });
}

template <class T>
Var<T> gather_nd(const Var<T>& x, const Tensor<std::int64_t>& indices) {
  const Shape shape = x.shape();
  const std::size_t depth = indices.dimension() == 0 ? 0 : indices.shape().back();
  if (indices.dimension() == 0 || depth > shape.size()) {
    throw ShapeError(error_text("gather_nd: indices have shape ", to_string(indices.shape()),
                                ", whose last axis must not exceed the rank of x, shape ",
                                to_string(shape)));
  }
  const std::size_t run = element_count(shape, depth, shape.size());
  const std::size_t count = element_count(shape_of(indices), 0, indices.dimension() - 1);
  std::vector<std::size_t> starts(count);
  for (std::size_t i = 0; i < count; ++i) {
    std::size_t offset = 0;
    for (std::size_t d = 0; d < depth; ++d) {
      const std::int64_t index = indices.data()[i * depth + d];
      if (index < 0 || static_cast<std::size_t>(index) >= shape[d]) {
        throw ValueError(error_text("gather_nd: index ", index, " is outside axis ", d,
                                    " of shape ", to_string(shape)));
      }
      offset = offset * shape[d] + static_cast<std::size_t>(index);
    }
    starts[i] = offset * run;
  }
  Shape result_shape(indices.shape().begin(), indices.shape().end() - 1);
  result_shape.insert(result_shape.end(), shape.begin() + static_cast<std::ptrdiff_t>(depth),
                      shape.end());
  const std::size_t size = element_count(shape);
  Tensor<T> value = x.tape().pool().take(result_shape);
  const T* in = x.data();
  for (std::size_t i = 0; i < count; ++i) std::copy_n(in + starts[i], run, value.data() + i * run);
  return x.tape().record("gather_nd", std::move(value), {x},
                         [=, starts = std::move(starts)](Pullback<T>& p) {
                           const auto target = p.target(0);
                           if (!target) return;
                           target.put_nothing(0, p.count() * size);
                           for (std::size_t k = 0; k < p.count(); ++k) {
                             for (std::size_t i = 0; i < count; ++i) {
                               kernels::copy_runs(1, run, p.cotangent() + (k * count + i) * run, 0,
                                                  target.data + k * size + starts[i], 0, true);
                             }
                           }
                         });
}

template <class T>
Tensor<std::int64_t> argmax(const Tensor<T>& x, std::ptrdiff_t axis) {
  Shape shape = shape_of(x);
  const std::size_t at = normalize_axis(axis, shape.size(), "argmax");
  if (shape[at] == 0) {
    throw ShapeError(error_text("argmax: axis ", at, " of shape ", to_string(shape), " is empty"));
  }
  const std::size_t extent = shape[at];
  const std::size_t outer = element_count(shape, 0, at);
  const std::size_t inner = element_count(shape, at + 1, shape.size());
  shape.erase(shape.begin() + static_cast<std::ptrdiff_t>(at));
  Tensor<std::int64_t> result = make_tensor<std::int64_t>(shape);
  for (std::size_t o = 0; o < outer; ++o) {
    for (std::size_t i = 0; i < inner; ++i) {
      const T* line = x.data() + o * extent * inner + i;
      std::size_t best = 0;
      for (std::size_t a = 1; a < extent; ++a) {
        if (line[a * inner] > line[best * inner]) best = a;
      }
      result.data()[o * inner + i] = static_cast<std::int64_t>(best);
    }
  }
  return result;
}

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_AUTODIFF
