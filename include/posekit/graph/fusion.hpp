#pragma once

// Finds chains of nodes that posekit computes at once: [pad ->] convolution or matrix product
// [-> bias] [-> activation], with constant weights.

#include <algorithm>
#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/graph/registry.hpp>
#include <posekit/graph/value.hpp>

namespace posekit::inline POSEKIT_ISA {

/// A chain computed as one layer. It stands in for its last node unless somebody asks for, or
/// feeds, one of the nodes it passes over.
template <class T>
struct FusedLayer {
  NodeOutput input;                  ///< what the layer is applied to
  std::vector<std::string> covered;  ///< nodes whose values do not appear
  GraphFunction<T> function;
};

namespace internal {

/// Names of the nodes of a graph, and how often each is read.
class GraphIndex {
 public:
  explicit GraphIndex(const Graph& graph);
  const GraphNode* find(const std::string& name) const;
  std::optional<std::size_t> position(const std::string& name) const;
  std::size_t readers(const std::string& name) const;
  /// What a name stands for: a published output or input, or a node, with or without ":0". Throws
  /// GraphError.
  NodeOutput resolve(const std::string& name) const;
  /// The node that computes an input, where nobody else reads it.
  const GraphNode* sole_source(const NodeOutput& input) const {
    return input.index == 0 && readers(input.node) == 1 ? find(input.node) : nullptr;
  }

 private:
  const Graph* graph_;
  std::map<std::string, std::size_t> position_;
  std::map<std::string, std::size_t> readers_;
};

/// The chain that ends in `last`, if there is one, of operations that are posekit's own.
template <class T>
std::optional<FusedLayer<T>> fuse_layer(
    const Graph& graph, const GraphIndex& index, const GraphNode& last,
    const GraphOperations<T>& operations = GraphOperations<T>::built_in());

}  // namespace internal
}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_GRAPH

#include <posekit/graph/layer_operations.hpp>

namespace posekit::inline POSEKIT_ISA::internal {

enum class LayerKind { none, conv2d, depthwise, matmul };

LayerKind layer_kind(const std::string& op);

POSEKIT_INLINE GraphIndex::GraphIndex(const Graph& graph) : graph_(&graph) {
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) position_[graph.nodes[i].name] = i;
  for (const GraphNode& node : graph.nodes) {
    for (const NodeOutput& input : node.inputs) ++readers_[input.node];
  }
}

POSEKIT_INLINE const GraphNode* GraphIndex::find(const std::string& name) const {
  const auto found = position_.find(name);
  return found == position_.end() ? nullptr : &graph_->nodes[found->second];
}

POSEKIT_INLINE std::optional<std::size_t> GraphIndex::position(const std::string& name) const {
  const auto found = position_.find(name);
  if (found == position_.end()) return std::nullopt;
  return found->second;
}

POSEKIT_INLINE NodeOutput GraphIndex::resolve(const std::string& name) const {
  for (const auto* published : {&graph_->outputs, &graph_->inputs}) {
    for (const NamedOutput& output : *published) {
      if (output.name == name && find(output.output.node) != nullptr) return output.output;
    }
  }
  // A node's own name may hold a colon.
  const NodeOutput output = find(name) != nullptr ? NodeOutput{name, 0} : parse_node_output(name);
  if (find(output.node) == nullptr) {
    throw GraphError(error_text(graph_->source, ": there is no node or output named '", name, "'"));
  }
  return output;
}

POSEKIT_INLINE std::size_t GraphIndex::readers(const std::string& name) const {
  const auto found = readers_.find(name);
  return found == readers_.end() ? 0 : found->second;
}

POSEKIT_INLINE LayerKind layer_kind(const std::string& op) {
  if (op == "conv2d") return LayerKind::conv2d;
  if (op == "depthwise_conv2d") return LayerKind::depthwise;
  if (op == "matmul") return LayerKind::matmul;
  return LayerKind::none;
}

/// True for [C], [1, C], [1, 1, 1, C], ...
inline bool is_channel_vector(const Tensor<float>& tensor, std::size_t channels) {
  return tensor.dimension() > 0 && tensor.size() == channels && tensor.shape().back() == channels;
}

template <class T>
std::optional<Tensor<T>> channel_vector(const Tensor<float>* tensor) {
  if (tensor == nullptr) return std::nullopt;
  return reshaped(cast<T>(*tensor), {tensor->size()});
}

/// The spatial padding of a "pad" node with constant zeros around height and width only.
inline std::optional<Padding2d> spatial_padding(const Graph& graph, const GraphNode& node) {
  if (node.inputs.size() != 2) return std::nullopt;
  const ConstantTensor* constant = GraphNodeView{graph, node}.constant(1);
  const auto* values = constant == nullptr ? nullptr : std::get_if<IntegerTensor>(constant);
  if (values == nullptr || values->size() != 8) return std::nullopt;
  const std::int64_t* p = values->data();
  if (p[0] != 0 || p[1] != 0 || p[6] != 0 || p[7] != 0 ||
      std::any_of(p, p + 8, [](std::int64_t v) { return v < 0 || v > 65535; })) {
    return std::nullopt;
  }
  return Padding2d::of(static_cast<std::size_t>(p[2]), static_cast<std::size_t>(p[3]),
                       static_cast<std::size_t>(p[4]), static_cast<std::size_t>(p[5]));
}

template <class T>
std::optional<FusedLayer<T>> fuse_layer(const Graph& graph, const GraphIndex& index,
                                        const GraphNode& last,
                                        const GraphOperations<T>& operations) {
  FusedLayer<T> layer;
  const GraphNode* node = &last;
  const auto is = [&](const GraphNode& candidate, std::string_view op) {
    return candidate.op == op && operations.is_built_in(op);
  };
  const auto step_to = [&](const GraphNode* source) {
    layer.covered.push_back(source->name);
    node = source;
  };

  Activation activation = Activation::none;
  if (is(*node, "relu") || is(*node, "relu6") || is(*node, "sigmoid")) {
    const GraphNode* source =
        node->inputs.size() == 1 ? index.sole_source(node->inputs[0]) : nullptr;
    if (source == nullptr) return std::nullopt;
    activation = graph_operations::activation_named(node->op);
    step_to(source);
  }
  const Tensor<float>* bias = nullptr;
  if (is(*node, "add")) {
    if (node->inputs.size() != 2) return std::nullopt;
    const GraphNodeView view{graph, *node};
    const std::size_t constant = view.real_constant(1) != nullptr ? 1 : 0;
    bias = view.real_constant(constant);
    const GraphNode* source = index.sole_source(node->inputs[1 - constant]);
    if (bias == nullptr || source == nullptr) return std::nullopt;
    layer.covered.push_back(node->inputs[constant].node);
    step_to(source);
  }

  const LayerKind kind = layer_kind(node->op);
  const GraphNodeView view{graph, *node};
  const Tensor<float>* filter = view.real_constant(1);
  if (kind == LayerKind::none || filter == nullptr || !operations.is_built_in(node->op))
    return std::nullopt;
  const graph_operations::FusedOps fused = graph_operations::fused_ops(view);
  const bool plain = !fused.bias && fused.activation == Activation::none;
  const bool outer = bias != nullptr || activation != Activation::none;
  // An outer activation may follow an inner bias, an outer bias only a bare product.
  if (outer && !plain && (bias != nullptr || fused.activation != Activation::none)) {
    return std::nullopt;
  }
  view.require_inputs(fused.inputs(), fused.inputs());
  for (std::size_t i = 1; i < node->inputs.size(); ++i) {
    if (view.real_constant(i) == nullptr) return std::nullopt;
    layer.covered.push_back(node->inputs[i].node);
  }
  if (fused.bias) bias = view.real_constant(2);
  if (fused.activation != Activation::none) activation = fused.activation;
  const Tensor<float>* slope =
      activation == Activation::prelu ? view.real_constant(node->inputs.size() - 1) : nullptr;

  const std::size_t rank = kind == LayerKind::matmul ? 2 : 4;
  if (filter->dimension() != rank) {
    throw GraphError(
        error_text("the filter has shape ", to_string(filter->shape()), ", expected rank ", rank));
  }
  Tensor<T> weights = cast<T>(*filter);
  std::size_t channels = filter->shape().back();
  if (kind == LayerKind::depthwise) {
    graph_operations::require_multiplier_one(shape_of(weights));
    channels = filter->shape()[2];
  }
  if (kind == LayerKind::matmul) {
    weights = reshaped(std::move(weights), {1, 1, filter->shape()[0], filter->shape()[1]});
  }
  for (const Tensor<float>* vector : {bias, slope}) {
    if (vector == nullptr || is_channel_vector(*vector, channels)) continue;
    if (outer && vector == bias) return std::nullopt;  // an addition that is no bias
    throw GraphError(error_text("a bias or slope has shape ", to_string(vector->shape()),
                                ", expected one element for each of ", channels, " channels"));
  }
  const auto constant = std::make_shared<const Conv2dFilter<T>>(
      std::move(weights), channel_vector<T>(bias), channel_vector<T>(slope));

  layer.input = node->inputs[0];
  if (kind == LayerKind::matmul) {
    layer.function = [=](Tape<T>&, const GraphValues<T>& in) -> GraphValues<T> {
      return {posekit::linear(in[0].real(), constant, activation)};
    };
    return layer;
  }
  Conv2dOptions options = graph_operations::conv2d_options(view);
  options.activation = activation;
  if (const GraphNode* source = index.sole_source(layer.input);
      source != nullptr && is(*source, "pad") && options.padding.kind == Padding2d::Kind::valid) {
    if (const auto padding = spatial_padding(graph, *source)) {
      options.padding = *padding;
      layer.covered.push_back(source->name);
      layer.covered.push_back(source->inputs[1].node);
      layer.input = source->inputs[0];
    }
  }
  layer.function = [=](Tape<T>&, const GraphValues<T>& in) -> GraphValues<T> {
    return {kind == LayerKind::depthwise
                ? posekit::depthwise_conv2d(in[0].real(), constant, options)
                : posekit::conv2d(in[0].real(), constant, options)};
  };
  return layer;
}

}  // namespace posekit::inline POSEKIT_ISA::internal

#endif  // POSEKIT_DEFINES_GRAPH
