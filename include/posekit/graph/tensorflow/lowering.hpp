#pragma once

// TensorFlow's operations, their names, attributes and layout (NHWC), as posekit's.

#include <span>
#include <string_view>

#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/graph/graph.hpp>

namespace posekit::inline POSEKIT_ISA {

/// An operation of TensorFlow's and the graph operation that it becomes.
struct TensorflowOperation {
  std::string_view name;
  std::string_view op;
};

/// Those that are known, in alphabetical order.
std::span<const TensorflowOperation> tensorflow_operations();

/// A graph whose nodes are TensorFlow's as one of posekit's: nodes keep their names, and those
/// whose operation is not known stay as they are, for whoever registers it (GraphOperations).
/// Throws GraphError, which names the file, the node and its operation, for attributes that cannot
/// be right or are not supported.
Graph lower_tensorflow(Graph graph);

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_GRAPH

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <posekit/core/error.hpp>
#include <posekit/graph/value.hpp>

namespace posekit::inline POSEKIT_ISA {

namespace tensorflow {

/// What a node's attributes become.
using Convert = void (*)(const GraphNodeView& from, Attributes& to);

/// Refuses NCHW, which none of the readers' sources writes for the CPU.
inline void require_nhwc(const GraphNodeView& view) {
  const auto format = view.attribute<std::string>("data_format", "NHWC");
  if (format != "NHWC") throw GraphError("data_format is " + format + ", expected NHWC");
}

/// The height and width entries of an attribute [1, height, width, 1].
inline std::vector<std::int64_t> window(const GraphNodeView& view, const char* key) {
  const auto list = view.attribute<std::vector<std::int64_t>>(key, {1, 1, 1, 1});
  if (list.size() != 4 || list[0] != 1 || list[3] != 1 || list[1] < 1 || list[2] < 1 ||
      list[1] > 65535 || list[2] > 65535) {
    throw GraphError(error_text("attribute '", key, "' is ", to_string(list),
                                ", expected [1, height, width, 1]"));
  }
  return {list[1], list[2]};
}

inline void convert_padding(const GraphNodeView& view, Attributes& to) {
  const auto kind = view.attribute<std::string>("padding", "VALID");
  if (kind == "SAME" || kind == "VALID") {
    to["padding"] = std::string(kind == "SAME" ? "same" : "valid");
    return;
  }
  if (kind != "EXPLICIT") {
    throw GraphError("padding is '" + kind + "', expected SAME, VALID or EXPLICIT");
  }
  const auto list = view.attribute<std::vector<std::int64_t>>("explicit_paddings", {});
  if (list.size() != 8 || list[0] != 0 || list[1] != 0 || list[6] != 0 || list[7] != 0 ||
      std::any_of(list.begin(), list.end(), [](std::int64_t p) { return p < 0 || p > 65535; })) {
    throw GraphError("explicit_paddings is " + to_string(list) +
                     ", expected [0, 0, top, bottom, left, right, 0, 0]");
  }
  to["padding"] = std::string("explicit");
  to["pads"] = std::vector<std::int64_t>(list.begin() + 2, list.begin() + 6);
}

inline std::string activation(const std::string& name) {
  if (name == "Relu") return "relu";
  if (name == "Relu6") return "relu6";
  if (name == "Prelu") return "prelu";
  if (name == "Sigmoid") return "sigmoid";
  throw GraphError("fused operation '" + name +
                   "' is unknown, expected BiasAdd, Relu, Relu6, Prelu or Sigmoid");
}

/// What a fused layer does after its product.
inline void convert_fused(const GraphNodeView& view, Attributes& to) {
  bool bias = false;
  std::string after;
  for (const std::string& name : view.attribute<std::vector<std::string>>("fused_ops", {})) {
    if (name == "BiasAdd" && !bias && after.empty()) {
      bias = true;
    } else if (after.empty()) {
      after = activation(name);
    } else {
      throw GraphError("fused_ops has two activations");
    }
  }
  if (bias) to["bias"] = true;
  if (!after.empty()) to["activation"] = after;
}

inline void convert_convolution(const GraphNodeView& view, Attributes& to) {
  require_nhwc(view);
  to["stride"] = window(view, "strides");
  to["dilation"] = window(view, "dilations");
  convert_padding(view, to);
  convert_fused(view, to);
}

inline void convert_matmul(const GraphNodeView& view, Attributes& to) {
  if (view.attribute<bool>("transpose_a", false) || view.attribute<bool>("transpose_b", false)) {
    throw GraphError("a transposed operand is not supported");
  }
  convert_fused(view, to);
}

inline void convert_pool(const GraphNodeView& view, Attributes& to) {
  require_nhwc(view);
  to["window"] = window(view, "ksize");
  to["stride"] = window(view, "strides");
  convert_padding(view, to);
}

inline void convert_resize(const GraphNodeView& view, Attributes& to) {
  const bool align = view.attribute<bool>("align_corners", false);
  const bool half = view.attribute<bool>("half_pixel_centers", false);
  if (align && half) throw GraphError("align_corners and half_pixel_centers exclude each other");
  to["corners"] = std::string(align ? "align_corners" : half ? "half_pixel" : "asymmetric");
}

inline void convert_bias(const GraphNodeView& view, Attributes&) { require_nhwc(view); }

inline void convert_cast(const GraphNodeView& view, Attributes& to) {
  const auto kind = [&](const char* key) -> std::string {
    const auto type = view.attribute<std::string>(key, "DT_FLOAT");
    if (type == "DT_FLOAT" || type == "DT_DOUBLE" || type == "DT_HALF") return "real";
    return type == "DT_BOOL" ? "bool" : "integer";
  };
  to["from"] = kind("SrcT");
  to["to"] = kind("DstT");
}

/// Attributes that are the same but for their names.
template <class A>
void copy(const GraphNodeView& view, const char* key, Attributes& to, const char* name) {
  if (view.node.attributes.count(key) != 0) to[name] = view.attribute<A>(key, A());
}
inline void convert_reduction(const GraphNodeView& view, Attributes& to) {
  copy<bool>(view, "keep_dims", to, "keep_dims");
}
inline void convert_squeeze(const GraphNodeView& view, Attributes& to) {
  copy<std::vector<std::int64_t>>(view, "squeeze_dims", to, "axes");
}
inline void convert_stack(const GraphNodeView& view, Attributes& to) {
  copy<std::int64_t>(view, "axis", to, "axis");
}
inline void convert_unstack(const GraphNodeView& view, Attributes& to) {
  copy<std::int64_t>(view, "axis", to, "axis");
  copy<std::int64_t>(view, "num", to, "count");
}
inline void convert_slice(const GraphNodeView& view, Attributes& to) {
  for (const char* mask : {"ellipsis_mask", "new_axis_mask"}) {
    if (view.attribute<std::int64_t>(mask, 0) != 0) {
      throw GraphError(error_text("the ", mask, " is not supported"));
    }
  }
  for (const char* mask : {"begin_mask", "end_mask", "shrink_axis_mask"})
    copy<std::int64_t>(view, mask, to, mask);
}

inline constexpr auto operations = std::to_array<TensorflowOperation>({
    {"Add", "add"},
    {"AddN", "add_n"},
    {"AddV2", "add"},
    {"ArgMax", "argmax"},
    {"AvgPool", "average_pool2d"},
    {"BiasAdd", "add"},
    {"Cast", "cast"},
    {"ConcatV2", "concatenate"},
    {"Const", "constant"},
    {"Conv2D", "conv2d"},
    {"Conv2DBackpropInput", "conv2d_transpose"},
    {"DepthwiseConv2dNative", "depthwise_conv2d"},
    {"Exp", "exp"},
    {"ExpandDims", "expand_dims"},
    {"FloorDiv", "floor_divide"},
    {"FusedDepthwiseConv2dNative", "depthwise_conv2d"},
    {"GatherNd", "gather_nd"},
    {"Identity", "identity"},
    {"Log", "log"},
    {"MatMul", "matmul"},
    {"MaxPool", "max_pool2d"},
    {"Mean", "mean"},
    {"Mul", "multiply"},
    {"Neg", "negate"},
    {"NoOp", "no_op"},
    {"Pack", "stack"},
    {"Pad", "pad"},
    {"PadV2", "pad"},
    {"Placeholder", "input"},
    {"PlaceholderWithDefault", "input"},
    {"RealDiv", "divide"},
    {"Relu", "relu"},
    {"Relu6", "relu6"},
    {"Reshape", "reshape"},
    {"ResizeBilinear", "resize_bilinear"},
    {"Shape", "shape"},
    {"Sigmoid", "sigmoid"},
    {"Sqrt", "sqrt"},
    {"Square", "square"},
    {"SquaredDifference", "squared_difference"},
    {"Squeeze", "squeeze"},
    {"StridedSlice", "strided_slice"},
    {"Sub", "subtract"},
    {"Sum", "sum"},
    {"Tanh", "tanh"},
    {"Transpose", "transpose"},
    {"Unpack", "unstack"},
    {"_FusedConv2D", "conv2d"},
    {"_FusedMatMul", "matmul"},
});

/// What becomes of an operation's attributes; null: it has none.
inline Convert conversion(std::string_view name, std::string_view op) {
  if (name == "BiasAdd") return &convert_bias;
  if (op == "conv2d" || op == "depthwise_conv2d" || op == "conv2d_transpose")
    return &convert_convolution;
  if (op == "matmul") return &convert_matmul;
  if (op == "max_pool2d" || op == "average_pool2d") return &convert_pool;
  if (op == "resize_bilinear") return &convert_resize;
  if (op == "cast") return &convert_cast;
  if (op == "mean" || op == "sum") return &convert_reduction;
  if (op == "squeeze") return &convert_squeeze;
  if (op == "stack") return &convert_stack;
  if (op == "unstack") return &convert_unstack;
  if (op == "strided_slice") return &convert_slice;
  return nullptr;
}

}  // namespace tensorflow

POSEKIT_INLINE std::span<const TensorflowOperation> tensorflow_operations() {
  return tensorflow::operations;
}

POSEKIT_INLINE Graph lower_tensorflow(Graph graph) {
  for (GraphNode& node : graph.nodes) {
    const auto known = std::find_if(
        tensorflow::operations.begin(), tensorflow::operations.end(),
        [&](const TensorflowOperation& operation) { return operation.name == node.op; });
    if (known == tensorflow::operations.end()) continue;
    Attributes attributes;
    if (const auto convert = tensorflow::conversion(known->name, known->op)) {
      try {
        convert(GraphNodeView{graph, node}, attributes);
      } catch (const Error& error) {
        throw GraphError(graph_error_text(graph, node, error.what()));
      }
    }
    node.source_op = std::exchange(node.op, std::string(known->op));
    node.attributes = std::move(attributes);
  }
  return graph;
}

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_GRAPH
