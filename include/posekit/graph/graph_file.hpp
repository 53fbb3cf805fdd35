#pragma once

// Graphs to and from files of posekit's own: safetensors, the constants under the names of their
// nodes, the nodes as JSON in the metadata ("graph").

#include <filesystem>
#include <map>
#include <string>

#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/graph/graph.hpp>
#include <posekit/io/safetensors.hpp>

namespace posekit::inline POSEKIT_ISA {

/// Writes a graph, whole or not at all: as float32 and int64, so that what is read is what was
/// written; constants of no node are left out. `metadata` is for whoever reads the file; "graph" in
/// it is replaced. Throws ValueError for a graph that could not be read again: a node's name that
/// stands there twice, a constant without a value, an attribute that is no finite number, a name
/// that is no UTF-8; and FileError.
void save_graph(const std::filesystem::path& path, const Graph& graph,
                std::map<std::string, std::string> metadata = {});

/// The graph of a file that `save_graph` wrote. Throws FileError naming the file, the node and what
/// is wrong. Whether the graph can be computed is looked at by Network.
Graph load_graph(const std::filesystem::path& path);

/// The same from a file that is open; `name` stands for it in errors.
Graph read_graph(const SafetensorsFile& file, const std::string& name);

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_GRAPH

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <set>
#include <span>
#include <utility>
#include <vector>

#include <posekit/core/error.hpp>
#include <posekit/io/json_document.hpp>
#include <posekit/io/json_file.hpp>

namespace posekit::inline POSEKIT_ISA {

namespace internal {

/// Lists of texts are {"strings": [...]}, so that an empty list is one of integers.
inline JsonDocument attribute_json(const std::string& where, const Attribute& attribute) {
  if (const auto* texts = std::get_if<std::vector<std::string>>(&attribute)) {
    return JsonDocument{{"strings", *texts}};
  }
  if (const auto* number = std::get_if<double>(&attribute); number && !std::isfinite(*number)) {
    throw ValueError(error_text(where, " is ", *number, ", expected a finite number"));
  }
  return std::visit([](const auto& value) { return JsonDocument(value); }, attribute);
}

/// No node has more outputs.
inline constexpr std::size_t graph_output_limit = 1000000;

inline JsonDocument output_json(const NodeOutput& output) {
  if (output.index >= graph_output_limit) {
    throw ValueError(error_text("output ", output.index, " of node '", output.node,
                                "', expected less than ", graph_output_limit));
  }
  return JsonDocument::array({output.node, output.index});
}

inline JsonDocument named_outputs_json(const std::vector<NamedOutput>& outputs) {
  JsonDocument list = JsonDocument::array();
  for (const NamedOutput& named : outputs) {
    list.push_back({{"name", named.name}, {"output", output_json(named.output)}});
  }
  return list;
}

inline JsonDocument graph_json(const Graph& graph) {
  JsonDocument nodes = JsonDocument::array();
  for (const GraphNode& node : graph.nodes) {
    JsonDocument item{{"name", node.name}, {"op", node.op}};
    if (!node.source_op.empty()) item["source_op"] = node.source_op;
    if (!node.inputs.empty()) item["inputs"] = JsonDocument::array();
    for (const NodeOutput& input : node.inputs) item["inputs"].push_back(output_json(input));
    for (const auto& [key, attribute] : node.attributes) {
      const std::string where = "node '" + node.name + "': attribute '" + key + "'";
      item["attributes"][key] = attribute_json(where, attribute);
    }
    nodes.push_back(std::move(item));
  }
  return {{"nodes", std::move(nodes)},
          {"inputs", named_outputs_json(graph.inputs)},
          {"outputs", named_outputs_json(graph.outputs)}};
}

class GraphReader : JsonFile {
 public:
  GraphReader(std::span<const std::uint8_t> text, const SafetensorsFile& file,
              const std::string& name)
      : JsonFile(text, name), file_(file) {}

  Graph read() {
    graph_.source = name();
    std::set<std::string> names;
    for (const Json& item : array(root(), "nodes", "its graph")) {
      read_node(item);
      const GraphNode& node = graph_.nodes.back();
      if (!names.insert(node.name).second) fail("node '" + node.name + "' stands there twice");
      if (node.op == "constant") read_constant(node);
    }
    for (const std::string& name : file_.names()) {
      if (graph_.constants.count(name) == 0) {
        fail("it has the tensor '" + name + "', which is no constant of its graph");
      }
    }
    graph_.inputs = named_outputs("inputs");
    graph_.outputs = named_outputs("outputs");
    return std::move(graph_);
  }

 private:
  void read_node(const Json& item) {
    GraphNode node;
    node.name = text(item, "name", "a node");
    const std::string where = "node '" + node.name + "'";
    node.op = text(item, "op", where);
    if (find(item, "source_op") != nullptr) node.source_op = text(item, "source_op", where);
    if (find(item, "inputs") != nullptr) {
      for (const Json& input : array(item, "inputs", where)) {
        node.inputs.push_back(output(input, where + ": an input"));
      }
    }
    if (find(item, "attributes") != nullptr) {
      for (const auto& [key, value] : object(item, "attributes", where).items()) {
        node.attributes[key] = attribute(value, where + ": attribute '" + key + "'");
      }
    }
    graph_.nodes.push_back(std::move(node));
  }

  void read_constant(const GraphNode& node) {
    const std::string& name = node.name;
    if (!file_.contains(name)) fail("node '" + name + "' (constant) has no tensor");
    if (file_.dtype(name) == SafetensorsDtype::i64) {
      graph_.constants[name] = file_.tensor<std::int64_t>(name);
    } else if (file_.dtype(name) == SafetensorsDtype::f32) {
      graph_.constants[name] = file_.tensor<float>(name);
    } else {
      fail("the tensor '" + name + "' is neither F32 nor I64");
    }
  }

  NodeOutput output(const Json& value, const std::string& where) const {
    const bool fits = value.is_array() && value.size() == 2 && value[0].is_string() &&
                      value[1].is_number_unsigned() && value[1] < graph_output_limit;
    if (!fits) fail(where + " is no pair of a node's name and the number of its output");
    return {value[0].get<std::string>(), value[1].get<std::size_t>()};
  }

  std::vector<NamedOutput> named_outputs(const char* key) const {
    std::vector<NamedOutput> outputs;
    for (const Json& item : array(root(), key, "its graph")) {
      const std::string name = text(item, "name", std::string("one of its graph's ") + key);
      const Json* named = find(item, "output");
      const std::string where = "'" + name + "' of its graph's " + key;
      outputs.push_back({name, output(named == nullptr ? Json() : *named, where)});
    }
    return outputs;
  }

  Attribute attribute(const Json& value, const std::string& where) const {
    if (value.is_boolean()) return value.get<bool>();
    if (value.is_number_integer()) return whole(value, where);
    if (value.is_number_float()) return value.get<double>();
    if (value.is_string()) return value.get<std::string>();
    if (value.is_array()) {
      std::vector<std::int64_t> integers;
      for (const Json& item : value) integers.push_back(whole(item, where));
      return integers;
    }
    std::vector<std::string> texts;
    for (const Json& item : array(value, "strings", where)) {
      if (!item.is_string()) fail(where + " holds something that is no string");
      texts.push_back(item.get<std::string>());
    }
    return texts;
  }

  std::int64_t whole(const Json& value, const std::string& where) const {
    return integer(Json{{"value", value}}, "value", where);
  }

  const SafetensorsFile& file_;
  Graph graph_;
};

}  // namespace internal

POSEKIT_INLINE void save_graph(const std::filesystem::path& path, const Graph& graph,
                               std::map<std::string, std::string> metadata) {
  try {
    metadata["graph"] = internal::graph_json(graph).dump();
  } catch (const JsonDocument::type_error&) {
    throw ValueError(graph.source + ": a name or an attribute of its graph is no UTF-8");
  }
  std::vector<SafetensorsEntry> entries;
  std::set<std::string> names;
  for (const GraphNode& node : graph.nodes) {
    if (!names.insert(node.name).second) {
      throw ValueError(error_text(graph.source, ": node '", node.name, "' stands there twice"));
    }
    if (node.op != "constant") continue;
    const auto found = graph.constants.find(node.name);
    if (found == graph.constants.end()) {
      throw ValueError(graph_error_text(graph, node, "its value is missing"));
    }
    std::visit([&](const auto& tensor) { entries.push_back(safetensors_entry(node.name, tensor)); },
               found->second);
  }
  save_safetensors(path, entries, metadata);
}

POSEKIT_INLINE Graph read_graph(const SafetensorsFile& file, const std::string& name) {
  const auto found = file.metadata().find("graph");
  if (found == file.metadata().end()) {
    throw FileError(name + ": its metadata has no 'graph', expected a file that save_graph wrote");
  }
  const auto* text = reinterpret_cast<const std::uint8_t*>(found->second.data());
  return internal::GraphReader(std::span(text, found->second.size()), file, name).read();
}

POSEKIT_INLINE Graph load_graph(const std::filesystem::path& path) {
  return read_graph(SafetensorsFile(path), path.string());
}

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_GRAPH
