#pragma once

#include <algorithm>
#include <cstddef>
#include <map>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <posekit/autodiff/tape.hpp>
#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/graph/graph.hpp>
#include <posekit/graph/registry.hpp>

namespace posekit::inline POSEKIT_ISA {

struct NetworkOptions {
  /// Elements that one call may compute; 0: 2^28, or 4096 times what is fed where that is more. A
  /// file of a few bytes can ask for any number.
  std::size_t max_activations = 0;
};

/// A network that was read from a file: a callable from Var to Var, differentiable with respect to
/// whatever is fed. Weights are constants. Copies share them, and any number of threads can call
/// one network, each with its own tape.
///
///     Network<float> net = load_tfjs<float>("posenet.json");
///     Tape<float> tape;
///     Var<float> x = tape.variable(image);            // in the network's own layout
///     std::vector<Var<float>> y = net(x);             // all published outputs
///     std::vector<Var<float>> h = net(x, {"MobilenetV1/heatmap_2/BiasAdd"});
///
/// A name is that of a node, with or without ":0", or of a published output. Nodes that the asked
/// outputs do not need are not computed.
template <class T>
class Network {
 public:
  /// Checks the graph and prepares it. Throws GraphError naming the file, the node and the reason.
  explicit Network(Graph graph, const NetworkOptions& options = {},
                   const GraphOperations<T>& operations = GraphOperations<T>::built_in());

  /// Feeds the network's only input.
  std::vector<Var<T>> operator()(const Var<T>& input,
                                 const std::vector<std::string>& outputs = {}) const;

  /// Feeds nodes by name, in place of the network's inputs or anywhere inside it.
  std::vector<Var<T>> operator()(const std::map<std::string, Var<T>>& feeds,
                                 const std::vector<std::string>& outputs = {}) const;

  /// The file the network came from.
  const std::string& source() const;
  const Graph& graph() const;
  /// An operation of its nodes that is not posekit's own; none where all are.
  std::optional<std::string> own_operation() const;
  /// Another graph, with the options and the operations of this one. Throws as the constructor.
  Network with_graph(Graph graph) const;
  /// The published outputs, in the file's order; for a file that publishes none, the nodes that no
  /// other node reads.
  std::vector<std::string> output_names() const;
  /// The nodes that wait to be fed.
  const std::vector<std::string>& input_names() const;

 private:
  struct Impl;
  std::shared_ptr<const Impl> impl_;
};

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_GRAPH

#include <posekit/core/listed.hpp>
#include <posekit/graph/fusion.hpp>
#include <posekit/graph/value.hpp>

namespace posekit::inline POSEKIT_ISA {

template <class T>
struct Network<T>::Impl {
  struct Prepared {
    GraphFunction<T> function;  // empty for input, constant and no_op
    std::vector<NodeOutput> inputs;
    std::optional<FusedLayer<T>> fused;
  };

  Graph graph;
  NetworkOptions options;
  GraphOperations<T> operations;
  internal::GraphIndex index;
  std::vector<Prepared> prepared;
  std::vector<std::size_t> order;  // topological
  std::map<std::string, std::variant<std::shared_ptr<const Tensor<T>>, IntegerTensor>> constants;
  std::vector<std::string> placeholders;
  std::vector<NamedOutput> outputs;

  Impl(Graph g, const NetworkOptions& o, GraphOperations<T> known)
      : graph(std::move(g)), options(o), operations(std::move(known)), index(graph) {
    for (const GraphNode& node : graph.nodes) prepare(node);
    sort();
    for (auto& [name, constant] : graph.constants) {
      if (const auto* real = std::get_if<Tensor<float>>(&constant)) {
        constants[name] = std::make_shared<const Tensor<T>>(cast<T>(*real));
      } else {
        constants[name] = std::get<IntegerTensor>(constant);
      }
    }
    outputs = graph.outputs;
    if (outputs.empty()) {
      for (const GraphNode& node : graph.nodes) {
        if (node.op != "constant" && node.op != "no_op" && index.readers(node.name) == 0) {
          outputs.push_back({node.name, {node.name, 0}});
        }
      }
    }
    for (const NamedOutput& output : outputs) {
      if (index.find(output.output.node) == nullptr) {
        throw GraphError(error_text(graph.source, ": the published output '", output.name,
                                    "' names the node '", output.output.node,
                                    "', which the graph does not have"));
      }
    }
  }

  [[noreturn]] void fail(const GraphNode& node, const std::string& reason) const {
    throw GraphError(graph_error_text(graph, node, reason));
  }

  void prepare(const GraphNode& node) {
    Prepared result;
    for (const NodeOutput& input : node.inputs) {
      if (index.find(input.node) == nullptr) {
        fail(node, "its input '" + input.node + "' is not in the graph");
      }
    }
    if (node.op == "input") {
      placeholders.push_back(node.name);
    } else if (node.op == "constant") {
      if (graph.constants.count(node.name) == 0) fail(node, "its value is missing");
    } else if (node.op != "no_op") {
      const GraphFunctionBuilder<T>* builder = operations.find(node.op);
      if (builder == nullptr) fail(node, "the operation is not known to posekit");
      try {
        result.function = (*builder)(GraphNodeView{graph, node});
        result.inputs = node.inputs;
        result.fused = internal::fuse_layer<T>(graph, index, node, operations);
      } catch (const Error& error) {
        fail(node, error.what());
      }
    }
    prepared.push_back(std::move(result));
  }

  void sort() {
    std::vector<std::size_t> missing(graph.nodes.size());
    std::vector<std::vector<std::size_t>> readers(graph.nodes.size());
    for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
      missing[i] = graph.nodes[i].inputs.size();
      for (const NodeOutput& input : graph.nodes[i].inputs) {
        readers[*index.position(input.node)].push_back(i);
      }
      if (missing[i] == 0) order.push_back(i);
    }
    for (std::size_t done = 0; done < order.size(); ++done) {
      for (const std::size_t reader : readers[order[done]]) {
        if (--missing[reader] == 0) order.push_back(reader);
      }
    }
    for (std::size_t i = 0; i < missing.size(); ++i) {
      if (missing[i] != 0) fail(graph.nodes[i], "it depends on itself");
    }
  }

  const std::string& only_input() const {
    if (placeholders.size() == 1) return placeholders[0];
    std::string names;
    for (const std::string& name : placeholders) append_listed(names, name);
    throw GraphError(error_text(graph.source, ": the network has ", placeholders.size(),
                                " inputs (", names, "); feed them by name"));
  }

  std::vector<Var<T>> run(const std::map<std::string, Var<T>>& feeds,
                          const std::vector<std::string>& names) const {
    if (feeds.empty()) throw GraphError(error_text(graph.source, ": nothing was fed"));
    Tape<T>& tape = feeds.begin()->second.tape();
    std::vector<NodeOutput> wanted;
    if (names.empty()) {
      for (const NamedOutput& output : outputs) wanted.push_back(output.output);
    } else {
      for (const std::string& name : names) wanted.push_back(index.resolve(name));
    }

    std::size_t limit = options.max_activations;
    if (limit == 0) {
      std::size_t elements = 0;
      for (const auto& [name, var] : feeds) elements += var.size();
      limit = std::max(std::size_t{1} << 28, 4096 * elements);
    }
    const ElementLimit<T> limited(tape.pool(), limit, "NetworkOptions::max_activations");
    std::vector<GraphValues<T>> values(graph.nodes.size());
    std::vector<bool> fed(graph.nodes.size(), false);
    std::vector<bool> asked(graph.nodes.size(), false);
    for (const auto& [name, var] : feeds) {
      if (&var.tape() != &tape) {
        throw GraphError(error_text(graph.source, ": '", name, "' was fed from another tape"));
      }
      const NodeOutput output = index.resolve(name);
      const std::size_t at = *index.position(output.node);
      if (values[at].size() <= output.index) values[at].resize(output.index + 1);
      values[at][output.index] = GraphValue<T>::kept(var);
      fed[at] = true;
    }
    for (const NodeOutput& output : wanted) asked[*index.position(output.node)] = true;

    // Which nodes are computed, from what, and how often each value is read.
    std::vector<std::vector<NodeOutput>> inputs(graph.nodes.size());
    std::vector<bool> use_fused(graph.nodes.size(), false);
    std::vector<bool> needed = asked;
    std::vector<std::size_t> uses(graph.nodes.size(), 0);
    for (std::size_t i = order.size(); i-- > 0;) {
      const std::size_t at = order[i];
      if (!needed[at] || fed[at]) continue;
      const Prepared& node = prepared[at];
      use_fused[at] =
          node.fused.has_value() &&
          std::none_of(
              node.fused->covered.begin(), node.fused->covered.end(), [&](const std::string& name) {
                const std::size_t covered = *index.position(name);
                return fed[covered] || (asked[covered] && graph.nodes[covered].op != "constant");
              });
      inputs[at] = use_fused[at] ? std::vector<NodeOutput>{node.fused->input} : node.inputs;
      for (const NodeOutput& input : inputs[at]) {
        const std::size_t source = *index.position(input.node);
        needed[source] = true;
        ++uses[source];
      }
    }

    for (const std::size_t at : order) {
      if (!needed[at] || fed[at]) continue;
      const GraphNode& node = graph.nodes[at];
      try {
        if (node.op == "constant") {
          values[at] = {constant(tape, node.name)};
        } else if (!prepared[at].function) {
          throw GraphError(node.op == "no_op" ? "it has no value" : "it was not fed");
        } else {
          GraphValues<T> operands;
          for (const NodeOutput& input : inputs[at]) operands.push_back(value(values, input));
          GraphValues<T>& results = values[at];
          results = use_fused[at] ? prepared[at].fused->function(tape, operands)
                                  : prepared[at].function(tape, operands);
          for (std::size_t i = 0; i < results.size(); ++i) {
            for (const GraphValue<T>& operand : operands) results[i].share_with(operand);
            for (std::size_t k = 0; k < i; ++k) results[i].share_with(results[k]);
          }
        }
      } catch (const Cancelled&) {
        throw;
      } catch (const Error& error) {
        fail(node, error.what());
      } catch (const std::bad_alloc&) {
        fail(node, "there is not enough memory");
      }
      for (const NodeOutput& input : inputs[at]) {
        const std::size_t source = *index.position(input.node);
        if (--uses[source] == 0 && !asked[source]) values[source].clear();
      }
    }

    std::vector<Var<T>> results;
    for (const NodeOutput& output : wanted) {
      GraphValue<T> result = value(values, output);
      result.keep();
      results.push_back(as_real(tape, result));
    }
    return results;
  }

  GraphValue<T> constant(Tape<T>& tape, const std::string& name) const {
    const auto& entry = constants.at(name);
    if (const auto* integers = std::get_if<IntegerTensor>(&entry)) return *integers;
    return GraphValue<T>::kept(tape.constant(std::get<std::shared_ptr<const Tensor<T>>>(entry)));
  }

  GraphValue<T> value(const std::vector<GraphValues<T>>& values, const NodeOutput& output) const {
    const GraphValues<T>& all = values[*index.position(output.node)];
    if (output.index >= all.size() || all[output.index].empty()) {
      throw GraphError(error_text("'", output.node, "' has no output ", output.index));
    }
    return all[output.index];
  }
};

template <class T>
Network<T>::Network(Graph graph, const NetworkOptions& options,
                    const GraphOperations<T>& operations)
    : impl_(std::make_shared<const Impl>(std::move(graph), options, operations)) {}

template <class T>
const std::string& Network<T>::source() const {
  return impl_->graph.source;
}

template <class T>
const Graph& Network<T>::graph() const {
  return impl_->graph;
}

template <class T>
std::optional<std::string> Network<T>::own_operation() const {
  for (const GraphNode& node : impl_->graph.nodes) {
    const bool computed = node.op != "input" && node.op != "constant" && node.op != "no_op";
    if (computed && !impl_->operations.is_built_in(node.op)) return node.op;
  }
  return std::nullopt;
}

template <class T>
Network<T> Network<T>::with_graph(Graph graph) const {
  return Network(std::move(graph), impl_->options, impl_->operations);
}

template <class T>
const std::vector<std::string>& Network<T>::input_names() const {
  return impl_->placeholders;
}

template <class T>
std::vector<Var<T>> Network<T>::operator()(const Var<T>& input,
                                           const std::vector<std::string>& outputs) const {
  return impl_->run({{impl_->only_input(), input}}, outputs);
}

template <class T>
std::vector<Var<T>> Network<T>::operator()(const std::map<std::string, Var<T>>& feeds,
                                           const std::vector<std::string>& outputs) const {
  return impl_->run(feeds, outputs);
}

template <class T>
std::vector<std::string> Network<T>::output_names() const {
  std::vector<std::string> names;
  for (const NamedOutput& output : impl_->outputs) names.push_back(output.name);
  return names;
}

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_GRAPH
