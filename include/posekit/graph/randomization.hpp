#pragma once

// Networks that have forgotten: layers whose weights are replaced by random ones, from the output
// down (the cascading randomisation of Adebayo et al., "Sanity Checks for Saliency Maps", 2018).

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/graph/graph.hpp>

namespace posekit::inline POSEKIT_ISA {

/// The convolutions and matrix products that a node or a published output depends on, from there
/// down to the input, as far as their weights are constants. Throws GraphError where there is no
/// such node.
std::vector<std::string> weighted_layers(const Graph& graph, const std::string& output);

/// The same network with random weights in the first `count` of some layers: normal, with mean and
/// standard deviation of the layer's own, the same for the same seed whatever `count` is. Biases
/// and what the weights are divided by stay. Throws GraphError for a layer without weights.
Graph randomized(Graph graph, const std::vector<std::string>& layers, std::size_t count,
                 std::uint64_t seed = 0);

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_GRAPH

#include <posekit/core/redrawn.hpp>
#include <posekit/graph/fusion.hpp>

namespace posekit::inline POSEKIT_ISA {

POSEKIT_INLINE std::vector<std::string> weighted_layers(const Graph& graph,
                                                        const std::string& output) {
  const internal::GraphIndex index(graph);
  // Depth first, without recursion: a node comes after all that it reads.
  std::vector<std::string> layers;
  std::vector<std::uint8_t> state(graph.nodes.size());  // 1: entered, 2: done
  std::vector<std::size_t> stack{*index.position(index.resolve(output).node)};
  while (!stack.empty()) {
    const std::size_t at = stack.back();
    const GraphNode& node = graph.nodes[at];
    if (state[at] != 0) {
      stack.pop_back();
      if (state[at] == 2) continue;
      state[at] = 2;
      if (internal::layer_kind(node.op) != internal::LayerKind::none &&
          GraphNodeView{graph, node}.real_constant(1) != nullptr) {
        layers.push_back(node.name);
      }
      continue;
    }
    state[at] = 1;
    for (const NodeOutput& input : node.inputs) {
      const auto source = index.position(input.node);
      if (source && state[*source] == 0) stack.push_back(*source);
    }
  }
  std::reverse(layers.begin(), layers.end());
  return layers;
}

POSEKIT_INLINE Graph randomized(Graph graph, const std::vector<std::string>& layers,
                                std::size_t count, std::uint64_t seed) {
  const internal::GraphIndex index(graph);
  for (std::size_t i = 0; i < std::min(count, layers.size()); ++i) {
    const GraphNode* node = index.find(layers[i]);
    const Tensor<float>* weights =
        node == nullptr ? nullptr : GraphNodeView{graph, *node}.real_constant(1);
    if (weights == nullptr) {
      throw GraphError(
          error_text(graph.source, ": the node '", layers[i], "' has no constant weights"));
    }
    graph.constants[node->inputs[1].node] = redrawn(*weights, seed, i);
  }
  return graph;
}

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_GRAPH
