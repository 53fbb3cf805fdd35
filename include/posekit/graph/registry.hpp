#pragma once

// The operations that networks consist of, by name: posekit's own and yours.

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/graph/value.hpp>

namespace posekit::inline POSEKIT_ISA {

/// Makes a node's function from its attributes and constant inputs. Throws GraphError.
template <class T>
using GraphFunctionBuilder = std::function<GraphFunction<T>(const GraphNodeView&)>;

/// What an operation takes, for whoever reads docs/operations.md.
struct OperationTraits {
  std::string inputs = "x";
  std::string attributes{};    ///< with what they are by default; empty: none
  bool reals = true;           ///< takes tensors on the tape
  bool integers = false;       ///< takes integers, which networks compute sizes and indices with
  bool differentiable = true;  ///< with respect to the tensors on the tape
};

/// Operations by name. A network looks its nodes' operations up once, when it is made.
///
///     auto operations = pk::GraphOperations<float>::built_in();              // a copy
///     operations.add("HardSwish", pk::unary_operation<float>([](const pk::Var<float>& x) {
///       return x * pk::relu6(x + 3.0f) * (1.0f / 6.0f);
///     }));
///     auto network = pk::load_tfjs<float>("model.json", {}, operations);
template <class T>
class GraphOperations {
 public:
  struct Entry {
    GraphFunctionBuilder<T> builder;
    OperationTraits traits;
    bool built_in = false;  ///< posekit's own, which it may compute together with others
  };

  /// posekit's own. "input", "constant" and "no_op" are the network's business.
  static const GraphOperations& built_in();

  /// Adds an operation, or replaces the one of this name. A reader hands on what it does not know,
  /// under the name that the file has for it.
  void add(std::string name, GraphFunctionBuilder<T> builder, const OperationTraits& traits = {}) {
    entries_[std::move(name)] = {std::move(builder), traits};
  }

  /// Null where there is none.
  const GraphFunctionBuilder<T>* find(std::string_view name) const {
    const auto found = entries_.find(name);
    return found == entries_.end() ? nullptr : &found->second.builder;
  }

  /// False of an operation that somebody added or replaced.
  bool is_built_in(std::string_view name) const {
    const auto found = entries_.find(name);
    return found != entries_.end() && found->second.built_in;
  }

  const std::map<std::string, Entry, std::less<>>& entries() const { return entries_; }

 private:
  std::map<std::string, Entry, std::less<>> entries_;
};

/// An operation with one input, from a callable Var -> Var.
template <class T, class Function>
GraphFunctionBuilder<T> unary_operation(Function function) {
  return [function = std::move(function)](const GraphNodeView& view) -> GraphFunction<T> {
    view.require_inputs(1, 1);
    return [function](Tape<T>&, const GraphValues<T>& in) -> GraphValues<T> {
      return {function(in[0].real())};
    };
  };
}

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_GRAPH

#include <posekit/graph/arithmetic_operations.hpp>
#include <posekit/graph/array_operations.hpp>
#include <posekit/graph/layer_operations.hpp>

namespace posekit::inline POSEKIT_ISA {

template <class T>
const GraphOperations<T>& GraphOperations<T>::built_in() {
  static const GraphOperations all = [] {
    namespace ops = graph_operations;
    GraphOperations table;
    const auto unary = [&](const char* name, auto function) {
      table.add(name, unary_operation<T>(function));
    };
    const auto reduction = [&](const char* name, auto function) {
      table.add(name,
                [function](const GraphNodeView& view) { return ops::reduce<T>(view, function); },
                {.inputs = "x, axes", .attributes = "keep_dims = false"});
    };
    const auto both = [&](const char* name, GraphFunctionBuilder<T> builder, const char* inputs,
                          const char* attributes = "") {
      table.add(name, std::move(builder),
                {.inputs = inputs, .attributes = attributes, .integers = true});
    };
    const std::string window =
        "stride [h, w] = [1, 1]; padding = valid, or same, or explicit with pads [top, bottom, "
        "left, right]";
    const std::string fused =
        "bias = false; activation = none, or relu, relu6, sigmoid, prelu (slope: the last input)";
    const OperationTraits convolution{
        .inputs = "x, filter [, bias] [, slope]",
        .attributes = window + "; dilation [h, w] = [1, 1]; " + fused};
    const OperationTraits pooling{.attributes = "window [h, w] = [1, 1]; " + window};

    both("add", &ops::add<T>, "a, b");
    both("add_n", &ops::add_n<T>, "a, b, ...");
    table.add("argmax", &ops::argmax<T>, {.inputs = "x, axis", .differentiable = false});
    table.add("average_pool2d", &ops::average_pool2d<T>, pooling);
    both("cast", &ops::cast_values<T>, "x", "from, to = real, or integer, bool");
    both("concatenate", &ops::concatenate<T>, "a, b, ..., axis");
    table.add("conv2d", &ops::conv2d<T>, convolution);
    table.add("conv2d_transpose", &ops::conv2d_transpose<T>,
              {.inputs = "shape of the output, filter [kh, kw, out, in] (a constant), x",
               .attributes = window + "; dilation [h, w] = [1, 1]"});
    table.add("depthwise_conv2d", &ops::depthwise_conv2d<T>, convolution);
    both("divide", &ops::divide<T>, "a, b");
    unary("exp", [](const Var<T>& x) { return exp(x); });
    both("expand_dims", &ops::expand_dims<T>, "x, axis");
    table.add("floor_divide", &ops::floor_divide<T>,
              {.inputs = "a, b", .reals = false, .integers = true, .differentiable = false});
    table.add("gather_nd", &ops::gather_nd<T>, {.inputs = "x, indices"});
    both("identity", &ops::identity<T>, "x");
    unary("log", [](const Var<T>& x) { return log(x); });
    table.add("matmul", &ops::matmul<T>,
              {.inputs = "a, b [, bias] [, slope]", .attributes = fused});
    table.add("max_pool2d", &ops::max_pool2d<T>, pooling);
    using Axes = std::vector<std::ptrdiff_t>;
    reduction("mean",
              [](const Var<T>& x, const Axes& axes, bool keep) { return mean(x, axes, keep); });
    both("multiply", &ops::multiply<T>, "a, b");
    unary("negate", [](const Var<T>& x) { return -x; });
    table.add("pad", &ops::pad<T>, {.inputs = "x, paddings [rank, 2] [, value]"});
    unary("relu", [](const Var<T>& x) { return relu(x); });
    unary("relu6", [](const Var<T>& x) { return relu6(x); });
    both("reshape", &ops::reshape<T>, "x, shape");
    table.add("resize_bilinear", &ops::resize_bilinear<T>,
              {.inputs = "x, size [h, w]",
               .attributes = "corners = half_pixel, or align_corners, asymmetric"});
    table.add("shape", &ops::shape_values<T>, {.integers = true, .differentiable = false});
    unary("sigmoid", [](const Var<T>& x) { return sigmoid(x); });
    unary("sqrt", [](const Var<T>& x) { return sqrt(x); });
    unary("square", [](const Var<T>& x) { return square(x); });
    both("squared_difference", &ops::squared_difference<T>, "a, b");
    both("squeeze", &ops::squeeze<T>, "x", "axes = all of extent 1");
    both("stack", &ops::stack<T>, "a, b, ...", "axis = 0");
    both("strided_slice", &ops::strided_slice<T>, "x, begins, ends, steps (1)",
         "begin_mask, end_mask, shrink_axis_mask = 0: a bit for each axis");
    both("subtract", &ops::subtract<T>, "a, b");
    reduction("sum",
              [](const Var<T>& x, const Axes& axes, bool keep) { return sum(x, axes, keep); });
    unary("tanh", [](const Var<T>& x) { return tanh(x); });
    table.add("transpose", &ops::transpose<T>, {.inputs = "x, permutation"});
    both("unstack", &ops::unstack<T>, "x", "axis = 0; count = any");
    for (auto& [name, entry] : table.entries_) entry.built_in = true;
    return table;
  }();
  return all;
}

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_GRAPH
