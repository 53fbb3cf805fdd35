#pragma once

// Shapes, slices and indices of imported networks, of real tensors and of the integers that
// networks compute sizes and indices with.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <posekit/autodiff/reductions.hpp>
#include <posekit/autodiff/shaping.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/graph/value.hpp>
#include <posekit/kernels/copy_runs.hpp>

namespace posekit::inline POSEKIT_ISA::graph_operations {

/// Applies a change of shape to either kind.
template <class T>
GraphValue<T> with_shape(const GraphValue<T>& value, const Shape& shape) {
  if (value.is_integer()) return IntegerTensor(reshaped(value.integers(), shape));
  return GraphValue<T>(posekit::reshape(value.real(), shape));
}

inline Shape reshape_target(const Shape& from, const IntegerTensor& target) {
  Shape shape;
  std::size_t known = 1;
  std::ptrdiff_t open = -1;
  for (std::size_t i = 0; i < target.size(); ++i) {
    const std::int64_t extent = target.data()[i];
    if (extent == -1 && open < 0) {
      open = static_cast<std::ptrdiff_t>(i);
      shape.push_back(1);
    } else if (extent < 0) {
      throw GraphError("the shape " + to_string(target) + " is impossible");
    } else {
      shape.push_back(static_cast<std::size_t>(extent));
      known = element_count(shape);
    }
  }
  const std::size_t total = element_count(from);
  if (open >= 0 && known > 0 && total % known == 0) {
    shape[static_cast<std::size_t>(open)] = total / known;
  }
  if (element_count(shape) != total) {
    throw GraphError(
        error_text("a tensor of shape ", to_string(from), " cannot become ", to_string(target)));
  }
  return shape;
}

template <class T>
GraphFunction<T> reshape(const GraphNodeView& view) {
  view.require_inputs(2, 2);
  return [](Tape<T>&, const GraphValues<T>& in) -> GraphValues<T> {
    return {with_shape(in[0], reshape_target(in[0].shape(), in[1].integers()))};
  };
}

template <class T>
GraphFunction<T> expand_dims(const GraphNodeView& view) {
  view.require_inputs(2, 2);
  return [](Tape<T>&, const GraphValues<T>& in) -> GraphValues<T> {
    Shape shape = in[0].shape();
    const IntegerTensor& axis = in[1].integers();
    if (axis.size() != 1) throw GraphError("the axis is not one number");
    const std::size_t at = normalize_axis(axis.data()[0], shape.size() + 1, "expand_dims");
    shape.insert(shape.begin() + static_cast<std::ptrdiff_t>(at), 1);
    return {with_shape(in[0], shape)};
  };
}

template <class T>
GraphFunction<T> squeeze(const GraphNodeView& view) {
  view.require_inputs(1, 1);
  const auto axes = view.attribute<std::vector<std::int64_t>>("axes", {});
  return [=](Tape<T>&, const GraphValues<T>& in) -> GraphValues<T> {
    const Shape shape = in[0].shape();
    std::vector<bool> drop(shape.size(), false);
    for (const std::int64_t axis : axes) {
      const std::size_t at = normalize_axis(axis, shape.size(), "squeeze");
      if (shape[at] != 1) {
        throw GraphError(error_text("axis ", at, " of shape ", to_string(shape), " is not 1"));
      }
      drop[at] = true;
    }
    Shape result;
    for (std::size_t i = 0; i < shape.size(); ++i) {
      if (axes.empty() ? shape[i] != 1 : !drop[i]) result.push_back(shape[i]);
    }
    return {with_shape(in[0], result)};
  };
}

template <class T>
GraphFunction<T> transpose(const GraphNodeView& view) {
  view.require_inputs(2, 2);
  return [](Tape<T>&, const GraphValues<T>& in) -> GraphValues<T> {
    std::vector<std::size_t> permutation;
    const IntegerTensor& axes = in[1].integers();
    for (std::size_t i = 0; i < axes.size(); ++i) {
      permutation.push_back(normalize_axis(axes.data()[i], in[0].shape().size(), "transpose"));
    }
    return {posekit::transpose(in[0].real(), permutation)};
  };
}

/// Joins either kind along an axis.
template <class T>
GraphValue<T> join(Tape<T>& tape, const GraphValues<T>& parts, std::int64_t axis) {
  const bool integers =
      std::all_of(parts.begin(), parts.end(), [](const auto& part) { return part.is_integer(); });
  if (!integers) {
    std::vector<Var<T>> vars;
    for (const auto& part : parts) vars.push_back(as_real(tape, part));
    return GraphValue<T>(posekit::concatenate(vars, axis));
  }
  Shape shape = parts[0].shape();
  const std::size_t at = normalize_axis(axis, shape.size(), "concatenate");
  shape[at] = 0;
  for (const auto& part : parts) {
    Shape other = part.shape();
    if (other.size() != shape.size()) {
      throw GraphError(
          error_text(to_string(other), " does not join ", to_string(parts[0].shape())));
    }
    const std::size_t extent = other[at];
    other[at] = shape[at];
    if (other != shape) {
      throw GraphError(error_text(to_string(part.shape()), " does not join ",
                                  to_string(parts[0].shape()), " along axis ", at));
    }
    shape[at] += extent;
  }
  IntegerTensor result = take_integers(tape, shape);
  const std::size_t rows = element_count(shape, 0, at);
  const std::size_t stride = element_count(shape, at, shape.size());
  std::size_t offset = 0;
  for (const auto& part : parts) {
    const std::size_t run = part.integers().size() / std::max<std::size_t>(rows, 1);
    kernels::copy_runs(rows, run, part.integers().data(), run, result.data() + offset, stride,
                       false);
    offset += run;
  }
  return result;
}

template <class T>
GraphFunction<T> concatenate(const GraphNodeView& view) {
  view.require_inputs(2, 1000);
  return [](Tape<T>& tape, const GraphValues<T>& in) -> GraphValues<T> {
    const IntegerTensor& axis = in.back().integers();
    if (axis.size() != 1) throw GraphError("the axis is not one number");
    return {join(tape, GraphValues<T>(in.begin(), in.end() - 1), axis.data()[0])};
  };
}

template <class T>
GraphFunction<T> stack(const GraphNodeView& view) {
  view.require_inputs(1, 1000);
  const auto axis = view.attribute<std::int64_t>("axis", 0);
  return [=](Tape<T>& tape, const GraphValues<T>& in) -> GraphValues<T> {
    GraphValues<T> parts;
    for (const auto& value : in) {
      Shape shape = value.shape();
      const std::size_t at = normalize_axis(axis, shape.size() + 1, "stack");
      shape.insert(shape.begin() + static_cast<std::ptrdiff_t>(at), 1);
      parts.push_back(with_shape(value, shape));
    }
    return {join(tape, parts, axis)};
  };
}

/// Elements [begin, end) along an axis of either kind.
template <class T>
GraphValue<T> slice_value(const GraphValue<T>& value, std::size_t axis, std::size_t begin,
                          std::size_t end) {
  if (!value.is_integer()) {
    return GraphValue<T>(
        posekit::slice(value.real(), static_cast<std::ptrdiff_t>(axis), begin, end));
  }
  Shape shape = value.shape();
  const std::size_t inner = element_count(shape, axis + 1, shape.size());
  const std::size_t rows = element_count(shape, 0, axis);
  const std::size_t stride = shape[axis] * inner;
  shape[axis] = end - begin;
  IntegerTensor result = make_tensor<std::int64_t>(shape);
  kernels::copy_runs(rows, (end - begin) * inner, value.integers().data() + begin * inner, stride,
                     result.data(), (end - begin) * inner, false);
  return result;
}

template <class T>
GraphFunction<T> unstack(const GraphNodeView& view) {
  view.require_inputs(1, 1);
  const auto axis = view.attribute<std::int64_t>("axis", 0);
  const auto count = view.attribute<std::int64_t>("count", -1);
  return [=](Tape<T>&, const GraphValues<T>& in) -> GraphValues<T> {
    Shape shape = in[0].shape();
    const std::size_t at = normalize_axis(axis, shape.size(), "unstack");
    const std::size_t extent = shape[at];
    if (count >= 0 && static_cast<std::size_t>(count) != extent) {
      throw GraphError(
          error_text("axis ", at, " of shape ", to_string(shape), " is unpacked into ", count));
    }
    shape.erase(shape.begin() + static_cast<std::ptrdiff_t>(at));
    GraphValues<T> parts;
    for (std::size_t i = 0; i < extent; ++i) {
      parts.push_back(with_shape(slice_value(in[0], at, i, i + 1), shape));
    }
    return parts;
  };
}

template <class T>
GraphFunction<T> shape_values(const GraphNodeView& view) {
  view.require_inputs(1, 1);
  return [](Tape<T>&, const GraphValues<T>& in) -> GraphValues<T> {
    const Shape shape = in[0].shape();
    return {tensor_from<std::int64_t>({shape.size()}, shape)};
  };
}

template <class T>
GraphFunction<T> strided_slice(const GraphNodeView& view) {
  view.require_inputs(4, 4);
  const auto begin_mask = static_cast<std::uint64_t>(view.attribute<std::int64_t>("begin_mask", 0));
  const auto end_mask = static_cast<std::uint64_t>(view.attribute<std::int64_t>("end_mask", 0));
  const auto shrink =
      static_cast<std::uint64_t>(view.attribute<std::int64_t>("shrink_axis_mask", 0));
  return [=](Tape<T>&, const GraphValues<T>& in) -> GraphValues<T> {
    const IntegerTensor& begins = in[1].integers();
    const IntegerTensor& ends = in[2].integers();
    const IntegerTensor& steps = in[3].integers();
    GraphValue<T> value = in[0];
    Shape shape = value.shape();
    if (begins.size() > shape.size() || begins.size() > 60 || ends.size() != begins.size() ||
        steps.size() != begins.size()) {
      throw GraphError(error_text("the slice ", to_string(begins), " : ", to_string(ends),
                                  " does not fit shape ", to_string(shape)));
    }
    Shape result;
    for (std::size_t axis = 0; axis < shape.size(); ++axis) {
      const auto extent = static_cast<std::int64_t>(shape[axis]);
      if (axis >= begins.size()) {
        result.push_back(shape[axis]);
        continue;
      }
      if (steps.data()[axis] != 1) throw GraphError("a slice with steps is not supported");
      const auto clip = [&](std::int64_t i) {
        return std::clamp<std::int64_t>(i < 0 ? i + extent : i, 0, extent);
      };
      const bool shrunk = ((shrink >> axis) & 1u) != 0;
      const std::int64_t index = begins.data()[axis];
      if (shrunk && ((begin_mask >> axis) & 1u) == 0 && (index < -extent || index >= extent)) {
        throw GraphError(
            error_text("index ", index, " is outside axis ", axis, " of shape ", to_string(shape)));
      }
      std::int64_t begin = ((begin_mask >> axis) & 1u) != 0 ? 0 : clip(begins.data()[axis]);
      std::int64_t end = ((end_mask >> axis) & 1u) != 0 ? extent : clip(ends.data()[axis]);
      if (shrunk) end = begin + 1;
      if (shrunk && begin >= extent) {
        throw GraphError(
            error_text("index ", begin, " is outside axis ", axis, " of shape ", to_string(shape)));
      }
      end = std::max(end, begin);
      value =
          slice_value(value, axis, static_cast<std::size_t>(begin), static_cast<std::size_t>(end));
      if (!shrunk) result.push_back(static_cast<std::size_t>(end - begin));
    }
    return {with_shape(value, result)};
  };
}

template <class T>
GraphFunction<T> pad(const GraphNodeView& view) {
  view.require_inputs(2, 3);
  return [](Tape<T>&, const GraphValues<T>& in) -> GraphValues<T> {
    const IntegerTensor& values = in[1].integers();
    if (values.dimension() != 2 || values.shape()[1] != 2) {
      throw GraphError("the paddings have shape " + to_string(values.shape()) +
                       ", expected [rank, 2]");
    }
    std::vector<Padding> padding;
    for (std::size_t i = 0; i < values.shape()[0]; ++i) {
      const std::int64_t before = values.data()[2 * i];
      const std::int64_t after = values.data()[2 * i + 1];
      if (before < 0 || after < 0 || before > 65535 || after > 65535) {
        throw GraphError(error_text("the padding (", before, ", ", after, ") is impossible"));
      }
      padding.push_back({static_cast<std::size_t>(before), static_cast<std::size_t>(after)});
    }
    T fill = 0;
    if (in.size() == 3) {
      if (in[2].real().size() != 1) throw GraphError("the value to pad with is not one number");
      fill = in[2].real().value().data()[0];
    }
    return {posekit::pad(in[0].real(), padding, fill)};
  };
}

template <class T>
GraphFunction<T> argmax(const GraphNodeView& view) {
  view.require_inputs(2, 2);
  return [](Tape<T>&, const GraphValues<T>& in) -> GraphValues<T> {
    const IntegerTensor& axis = in[1].integers();
    if (axis.size() != 1) throw GraphError("the axis is not one number");
    return {posekit::argmax(in[0].real().value(), axis.data()[0])};
  };
}

template <class T>
GraphFunction<T> gather_nd(const GraphNodeView& view) {
  view.require_inputs(2, 2);
  return [](Tape<T>&, const GraphValues<T>& in) -> GraphValues<T> {
    return {posekit::gather_nd(in[0].real(), in[1].integers())};
  };
}

}  // namespace posekit::inline POSEKIT_ISA::graph_operations
