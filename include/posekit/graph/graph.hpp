#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/core/tensor.hpp>

namespace posekit::inline POSEKIT_ISA {

/// A parameter of a node.
using Attribute = std::variant<bool, std::int64_t, double, std::string, std::vector<std::int64_t>,
                               std::vector<std::string>>;

/// One output of a node.
struct NodeOutput {
  std::string node;
  std::size_t index = 0;
};

using Attributes = std::map<std::string, Attribute>;

/// One operation of a network. Which there are, and their attributes: docs/operations.md. "input"
/// waits to be fed, "constant" has its value in Graph::constants, "no_op" has none. Images are
/// [N, H, W, C], filters [kh, kw, in, out].
struct GraphNode {
  std::string name;
  std::string op;
  std::vector<NodeOutput> inputs{};
  Attributes attributes{};
  std::string source_op{};  ///< as the file has it, for error messages; empty: the same
};

/// A weight: float32 or integer (int32 and bool are widened).
using ConstantTensor = std::variant<Tensor<float>, Tensor<std::int64_t>>;

/// A name under which a network's author publishes an input or an output.
struct NamedOutput {
  std::string name;
  NodeOutput output;
};

/// A network as a file describes it, before anything is computed.
struct Graph {
  std::string source;  ///< the file, for error messages
  std::vector<GraphNode> nodes;
  std::map<std::string, ConstantTensor> constants;  ///< by the name of their node
  std::vector<NamedOutput> inputs;                  ///< the signature, in the file's order
  std::vector<NamedOutput> outputs;
};

/// Splits "name:1" into a node and the number of its output; "name" is output 0.
NodeOutput parse_node_output(const std::string& text);

/// A sentence about a node: the file, the node, its operation and what is wrong.
std::string graph_error_text(const Graph& graph, const GraphNode& node, const std::string& reason);

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_GRAPH

#include <posekit/core/error.hpp>

namespace posekit::inline POSEKIT_ISA {

POSEKIT_INLINE std::string graph_error_text(const Graph& graph, const GraphNode& node,
                                            const std::string& reason) {
  const std::string& op = node.source_op.empty() ? node.op : node.source_op;
  return error_text(graph.source, ": node '", node.name, "' (", op, "): ", reason);
}

POSEKIT_INLINE NodeOutput parse_node_output(const std::string& text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos || colon + 1 == text.size() || text.size() - colon > 6) {
    return {text, 0};
  }
  std::size_t index = 0;
  for (std::size_t i = colon + 1; i < text.size(); ++i) {
    if (text[i] < '0' || text[i] > '9') return {text, 0};
    index = index * 10 + static_cast<std::size_t>(text[i] - '0');
  }
  return {text.substr(0, colon), index};
}

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_GRAPH
