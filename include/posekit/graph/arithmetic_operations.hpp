#pragma once

// Arithmetic and reductions of imported networks. The same operation serves real tensors, on the
// tape, and the integers that networks compute sizes and indices with.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <posekit/autodiff/arithmetic.hpp>
#include <posekit/autodiff/functions.hpp>
#include <posekit/autodiff/reductions.hpp>
#include <posekit/autodiff/shaping.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/graph/value.hpp>
#include <posekit/kernels/strided.hpp>

namespace posekit::inline POSEKIT_ISA::graph_operations {

template <class T, class Op>
IntegerTensor map_integers(Tape<T>& tape, const char* name, const IntegerTensor& a,
                           const IntegerTensor& b, const Op& op) {
  const Shape shape = broadcast_shapes(shape_of(a), shape_of(b), name);
  IntegerTensor result = take_integers(tape, shape);
  const std::size_t rank = shape.size();
  const kernels::StridedRows<3> loop(shape, {kernels::broadcast_strides(shape, rank),
                                             kernels::broadcast_strides(shape_of(a), rank),
                                             kernels::broadcast_strides(shape_of(b), rank)});
  const auto& steps = loop.row_steps();
  for (std::size_t row = 0; row < loop.rows(); ++row) {
    const auto offsets = loop.row_offsets(row);
    for (std::size_t i = 0; i < loop.row_length(); ++i) {
      result.data()[offsets[0] + i * steps[0]] =
          op(a.data()[offsets[1] + i * steps[1]], b.data()[offsets[2] + i * steps[2]]);
    }
  }
  return result;
}

// Wraps like the 64-bit machine instruction, without undefined behaviour.
inline std::int64_t wrap(std::uint64_t value) { return static_cast<std::int64_t>(value); }

template <class T, class Real, class Integer>
GraphFunction<T> binary(const GraphNodeView& view, const Real& real, const Integer& integer) {
  view.require_inputs(2, 2);
  return [=, name = view.node.op](Tape<T>& tape, const GraphValues<T>& in) -> GraphValues<T> {
    if (in[0].is_integer() && in[1].is_integer()) {
      return {map_integers(tape, name.c_str(), in[0].integers(), in[1].integers(), integer)};
    }
    return {real(as_real(tape, in[0]), as_real(tape, in[1]))};
  };
}

template <class T>
GraphFunction<T> add(const GraphNodeView& view) {
  return binary<T>(
      view, [](const Var<T>& a, const Var<T>& b) { return a + b; },
      [](std::int64_t a, std::int64_t b) {
        return wrap(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
      });
}

template <class T>
GraphFunction<T> subtract(const GraphNodeView& view) {
  return binary<T>(
      view, [](const Var<T>& a, const Var<T>& b) { return a - b; },
      [](std::int64_t a, std::int64_t b) {
        return wrap(static_cast<std::uint64_t>(a) - static_cast<std::uint64_t>(b));
      });
}

template <class T>
GraphFunction<T> multiply(const GraphNodeView& view) {
  return binary<T>(
      view, [](const Var<T>& a, const Var<T>& b) { return a * b; },
      [](std::int64_t a, std::int64_t b) {
        return wrap(static_cast<std::uint64_t>(a) * static_cast<std::uint64_t>(b));
      });
}

template <class T>
GraphFunction<T> squared_difference(const GraphNodeView& view) {
  return binary<T>(
      view, [](const Var<T>& a, const Var<T>& b) { return posekit::squared_difference(a, b); },
      [](std::int64_t a, std::int64_t b) {
        const std::uint64_t d = static_cast<std::uint64_t>(a) - static_cast<std::uint64_t>(b);
        return wrap(d * d);
      });
}

inline std::int64_t floor_divide_integers(std::int64_t a, std::int64_t b) {
  if (b == 0) throw GraphError("an integer division by zero");
  if (b == -1) return wrap(0u - static_cast<std::uint64_t>(a));
  const std::int64_t quotient = a / b;
  return quotient - ((a % b != 0 && (a % b < 0) != (b < 0)) ? 1 : 0);
}

template <class T>
GraphFunction<T> divide(const GraphNodeView& view) {
  return binary<T>(
      view, [](const Var<T>& a, const Var<T>& b) { return a / b; }, floor_divide_integers);
}

template <class T>
GraphFunction<T> floor_divide(const GraphNodeView& view) {
  return binary<T>(
      view,
      [](const Var<T>&, const Var<T>&) -> Var<T> {
        throw GraphError("a floor division of real tensors is not supported");
      },
      floor_divide_integers);
}

template <class T>
GraphFunction<T> add_n(const GraphNodeView& view) {
  view.require_inputs(1, 1000);
  return [](Tape<T>& tape, const GraphValues<T>& in) -> GraphValues<T> {
    if (in.size() == 1) return {in[0]};
    Var<T> sum = as_real(tape, in[0]);
    for (std::size_t i = 1; i < in.size(); ++i) sum = sum + as_real(tape, in[i]);
    return {sum};
  };
}

template <class T>
GraphFunction<T> identity(const GraphNodeView& view) {
  view.require_inputs(1, 1);
  return [](Tape<T>&, const GraphValues<T>& in) -> GraphValues<T> { return {in[0]}; };
}

/// A real tensor that is cast to a real one, or that was fed where integers are expected (an image
/// of whole numbers), goes through as it is.
template <class T>
GraphFunction<T> cast_values(const GraphNodeView& view) {
  view.require_inputs(1, 1);
  const auto kind = [&](const char* key) {
    const auto name = view.attribute<std::string>(key, "real");
    if (name == "real" || name == "integer" || name == "bool") return name;
    throw GraphError(
        error_text("attribute '", key, "' is '", name, "', expected real, integer or bool"));
  };
  const std::string to = kind("to"), from = kind("from");
  return [to_real = to == "real", to_bool = to == "bool", from_real = from == "real"](
             Tape<T>& tape, const GraphValues<T>& in) -> GraphValues<T> {
    if (to_real && in[0].is_integer()) return {GraphValue<T>(as_real(tape, in[0]))};
    if (to_bool && in[0].is_integer()) {
      IntegerTensor result = in[0].integers();
      for (std::size_t i = 0; i < result.size(); ++i) result.data()[i] = result.data()[i] != 0;
      return {std::move(result)};
    }
    if (to_real || in[0].is_integer() || !from_real) return {in[0]};
    const Tensor<T>& values = in[0].real().value();
    IntegerTensor result = take_integers(tape, shape_of(values));
    for (std::size_t i = 0; i < values.size(); ++i) {
      const T value = values.data()[i];
      if (to_bool) {
        result.data()[i] = value != T(0);
        continue;
      }
      if (!(std::abs(value) < T(2147483648.0))) {
        throw GraphError(error_text("the value ", value, " is cast to an integer"));
      }
      result.data()[i] = static_cast<std::int64_t>(value);
    }
    return {std::move(result)};
  };
}

inline std::vector<std::ptrdiff_t> axes_from(const IntegerTensor& axes) {
  return std::vector<std::ptrdiff_t>(axes.data(), axes.data() + axes.size());
}

template <class T, class Reduce>
GraphFunction<T> reduce(const GraphNodeView& view, const Reduce& function) {
  view.require_inputs(2, 2);
  const bool keep = view.attribute<bool>("keep_dims", false);
  return [=](Tape<T>&, const GraphValues<T>& in) -> GraphValues<T> {
    return {function(in[0].real(), axes_from(in[1].integers()), keep)};
  };
}

}  // namespace posekit::inline POSEKIT_ISA::graph_operations
