#pragma once

// Reads TensorFlow.js graph models: a model.json and the weight shards it names.

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <limits>
#include <map>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/graph/graph.hpp>
#include <posekit/graph/network.hpp>
#include <posekit/graph/registry.hpp>

namespace posekit::inline POSEKIT_ISA {

/// Reads a TensorFlow.js graph model (model.json, with its weight shards beside it) as a graph.
/// float16, uint8 and uint16 weights are expanded. Throws FileError naming the file, the node or
/// weight, and what is wrong, and GraphError as `lower_tensorflow`.
Graph read_tfjs_graph(const std::filesystem::path& path);

/// Reads a TensorFlow.js graph model as a callable, differentiable network. Throws FileError as
/// `read_tfjs_graph` does, and GraphError for an operation that posekit does not know or that
/// cannot be right.
template <class T>
Network<T> load_tfjs(const std::filesystem::path& path, const NetworkOptions& options = {},
                     const GraphOperations<T>& operations = GraphOperations<T>::built_in());

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_GRAPH

#include <posekit/core/half.hpp>
#include <posekit/core/listed.hpp>
#include <posekit/graph/tensorflow/lowering.hpp>
#include <posekit/io/file.hpp>
#include <posekit/io/folder.hpp>
#include <posekit/io/json_file.hpp>

namespace posekit::inline POSEKIT_ISA {

namespace internal {

/// Reads model.json with errors that name the file and the place. The file's order is the
/// signature's order.
class TfjsReader : OrderedJsonFile {
 public:
  explicit TfjsReader(const std::filesystem::path& path)
      : OrderedJsonFile(path, std::uintmax_t{1} << 30), path_(path) {}

  Graph read() {
    if (!root().is_object()) fail("holds no JSON object");
    if (const Json* format = find(root(), "format");
        format != nullptr && format->is_string() && *format == "layers-model") {
      fail(
          "is a Keras layers model, expected a graph model (tensorflowjs_converter "
          "--output_format=tfjs_graph_model)");
    }
    graph_.source = name();
    read_nodes(object(root(), "modelTopology", "the file"));
    read_weights(array(root(), "weightsManifest", "the file"));
    for (const GraphNode& node : graph_.nodes) {
      if (node.op == "Const" && graph_.constants.count(node.name) == 0) {
        fail("node '" + node.name + "' (Const) has no weight in weightsManifest");
      }
    }
    read_signature();
    return lower_tensorflow(std::move(graph_));
  }

 private:
  void read_nodes(const Json& topology) {
    std::set<std::string> names;
    for (const Json& item : array(topology, "node", "modelTopology")) {
      if (!item.is_object()) fail("modelTopology.node holds something that is no object");
      GraphNode node;
      node.name = text(item, "name", "a node");
      const std::string where = "node '" + node.name + "'";
      node.op = text(item, "op", where);
      if (!names.insert(node.name).second) fail(where + " stands there twice");
      if (const Json* inputs = find(item, "input")) {
        if (!inputs->is_array()) fail(where + ": 'input' is no array");
        for (const Json& input : *inputs) {
          if (!input.is_string()) fail(where + ": 'input' holds something that is no string");
          const auto source = input.get<std::string>();
          if (!source.empty() && source[0] == '^') continue;  // control dependency
          node.inputs.push_back(parse_node_output(source));
        }
      }
      if (const Json* attributes = find(item, "attr")) {
        if (!attributes->is_object()) fail(where + ": 'attr' is no object");
        for (const auto& [key, value] : attributes->items()) {
          read_attribute(node, key, value, where);
        }
      }
      graph_.nodes.push_back(std::move(node));
    }
    if (const Json* library = find(topology, "library");
        library != nullptr && library->is_object()) {
      const Json* functions = find(*library, "function");
      if (functions != nullptr && functions->is_array() && !functions->empty()) {
        fail("the model has functions (control flow), which are not supported");
      }
    }
  }

  /// protobuf's JSON writes 64-bit integers as strings and bytes as base64.
  std::int64_t integer(const Json& value, const std::string& where) const {
    if (value.is_number_integer()) return value.get<std::int64_t>();
    if (value.is_string()) {
      const auto digits = value.get<std::string>();
      std::int64_t result = 0;
      std::size_t i = !digits.empty() && digits[0] == '-' ? 1 : 0;
      if (i == digits.size() || digits.size() > 18)
        fail(where + " holds no integer: '" + digits + "'");
      for (; i < digits.size(); ++i) {
        if (digits[i] < '0' || digits[i] > '9') fail(where + " holds no integer: '" + digits + "'");
        result = result * 10 + (digits[i] - '0');
      }
      return digits[0] == '-' ? -result : result;
    }
    fail(where + " holds no integer");
  }

  std::string bytes_text(const Json& value, const std::string& where) const {
    if (!value.is_string()) fail(where + " holds no string");
    const auto encoded = value.get<std::string>();
    static constexpr std::string_view alphabet =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string result;
    std::uint32_t bits = 0;
    int count = 0;
    for (const char c : encoded) {
      if (c == '=') break;
      const std::size_t digit = alphabet.find(c);
      if (digit == std::string_view::npos) return encoded;  // not base64 after all
      bits = (bits << 6 | static_cast<std::uint32_t>(digit)) & 0xffffffu;
      count += 6;
      if (count >= 8) {
        count -= 8;
        result += static_cast<char>(bits >> count & 0xffu);
      }
    }
    return result;
  }

  void read_attribute(GraphNode& node, const std::string& key, const Json& value,
                      const std::string& where) {
    if (!value.is_object() || value.empty()) return;
    const std::string place = where + ": attribute '" + key + "'";
    const std::string kind = value.begin().key();
    const Json& content = *value.begin();
    if (kind == "i") {
      node.attributes[key] = integer(content, place);
    } else if (kind == "f") {
      if (content.is_number()) node.attributes[key] = content.get<double>();
    } else if (kind == "b") {
      if (!content.is_boolean()) fail(place + " is no boolean");
      node.attributes[key] = content.get<bool>();
    } else if (kind == "s") {
      node.attributes[key] = bytes_text(content, place);
    } else if (kind == "type") {
      if (content.is_string()) node.attributes[key] = content.get<std::string>();
    } else if (kind == "tensor" && node.op == "Const") {
      declared_[node.name] = content;
    } else if (kind == "list" && content.is_object()) {
      if (const Json* integers = find(content, "i"); integers != nullptr && integers->is_array()) {
        std::vector<std::int64_t> list;
        for (const Json& item : *integers) list.push_back(integer(item, place));
        node.attributes[key] = std::move(list);
      } else if (const Json* strings = find(content, "s");
                 strings != nullptr && strings->is_array()) {
        std::vector<std::string> list;
        for (const Json& item : *strings) list.push_back(bytes_text(item, place));
        node.attributes[key] = std::move(list);
      }
    }
    // Shapes are worked out from the tensors; other kinds have no use here.
  }

  void read_weights(const Json& manifest) {
    std::set<std::filesystem::path> seen;
    for (const Json& group : manifest) {
      if (!group.is_object()) fail("weightsManifest holds something that is no object");
      std::vector<std::uint8_t> bytes;
      std::string shards;
      for (const Json& item : array(group, "paths", "weightsManifest")) {
        if (!item.is_string()) fail("weightsManifest.paths holds something that is no string");
        const std::filesystem::path shard = item.get<std::string>();
        if (!stays_inside(shard)) {
          fail("weightsManifest names the shard '" + shard.string() +
               "', expected a file beside the model");
        }
        if (!seen.insert(shard.lexically_normal()).second) {
          fail("weightsManifest names the shard '" + shard.string() + "' twice");
        }
        const auto content = read_file(path_.parent_path() / shard);
        bytes.insert(bytes.end(), content.begin(), content.end());
        append_listed(shards, shard.string());
      }
      std::size_t offset = 0;
      for (const Json& item : array(group, "weights", "weightsManifest")) {
        offset += read_weight(item, std::span(bytes).subspan(offset), shards);
      }
      if (offset != bytes.size()) {
        fail(error_text("the weights use ", offset, " bytes, the shards (", shards, ") have ",
                        bytes.size()));
      }
    }
  }

  /// What the graph says of a constant, where it says so, must be what the manifest holds.
  void require_declared(const std::string& name, const std::string& dtype,
                        const Shape& shape) const {
    const auto found = declared_.find(name);
    if (found == declared_.end() || !found->second.is_object()) return;
    const std::string where = "node '" + name + "' (Const)";
    if (const Json* type = find(found->second, "dtype"); type != nullptr && type->is_string()) {
      const auto declared = type->get<std::string>();
      const bool integer = declared.starts_with("DT_INT") || declared.starts_with("DT_UINT");
      const char* expected = declared == "DT_BOOL" ? "bool" : (integer ? "int32" : "float32");
      if (dtype != expected) {
        fail(where + " is of type " + declared + ", its weight in weightsManifest of type " +
             dtype);
      }
    }
    const Json* extents = find(found->second, "tensorShape");
    if (extents != nullptr && extents->is_object()) extents = find(*extents, "dim");
    if (extents == nullptr || !extents->is_array() || extents->empty()) return;
    Shape declared;
    for (const Json& extent : *extents) {
      const Json* size = extent.is_object() ? find(extent, "size") : nullptr;
      const std::int64_t value = size == nullptr ? 0 : integer(*size, where + ": tensorShape");
      if (value < 0) return;  // not known
      declared.push_back(static_cast<std::size_t>(value));
    }
    if (declared != shape) {
      fail(error_text(where, " has shape ", to_string(declared), ", its weight in weightsManifest ",
                      to_string(shape)));
    }
  }

  /// Returns the number of bytes read.
  std::size_t read_weight(const Json& item, std::span<const std::uint8_t> bytes,
                          const std::string& shards) {
    if (!item.is_object()) fail("weightsManifest.weights holds something that is no object");
    const std::string name = text(item, "name", "a weight");
    const std::string where = "weight '" + name + "'";
    const std::string dtype = text(item, "dtype", where);
    Shape shape;
    for (const Json& extent : array(item, "shape", where)) {
      const std::int64_t value = integer(extent, where + ": shape");
      if (value < 0) fail(error_text(where, ": shape has the extent ", value));
      shape.push_back(static_cast<std::size_t>(value));
    }
    if (dtype != "float32" && dtype != "int32" && dtype != "bool") {
      fail(where + " has the type '" + dtype + "', expected float32, int32 or bool");
    }
    require_declared(name, dtype, shape);
    std::string stored = dtype;
    double scale = 1, minimum = 0;
    if (const Json* quantization = find(item, "quantization"); quantization != nullptr) {
      if (!quantization->is_object()) fail(where + ": 'quantization' is no object");
      stored = text(*quantization, "dtype", where + ": quantization");
      if (stored != "float16" && stored != "uint8" && stored != "uint16") {
        fail(where + " is quantised to '" + stored + "', expected float16, uint8 or uint16");
      }
      if (stored == "float16" && dtype != "float32") {
        fail(where + " of type " + dtype + " is quantised to float16");
      }
      const Json* s = find(*quantization, "scale");
      const Json* m = find(*quantization, "min");
      if (stored != "float16") {
        if (s == nullptr || m == nullptr || !s->is_number() || !m->is_number()) {
          fail(where + ": the quantisation to " + stored + " has no numbers 'scale' and 'min'");
        }
        scale = s->get<double>();
        minimum = m->get<double>();
      }
    }
    const std::size_t width = stored == "bool" || stored == "uint8"       ? 1
                              : stored == "float16" || stored == "uint16" ? 2
                                                                          : 4;
    std::size_t count = 0;
    try {
      count = element_count(shape);
    } catch (const ShapeError& error) {
      fail(where + ": " + error.what());
    }
    if (count > bytes.size() / width) {
      fail(error_text(where, " ", to_string(shape), " needs ", count, " elements of ", width,
                      " bytes, the shards (", shards, ") have ", bytes.size(),
                      " bytes left: truncated?"));
    }
    const auto value_at = [&](std::size_t i) -> double {
      const std::uint8_t* p = bytes.data() + i * width;
      if (width == 1) return scale * *p + minimum;
      if (width == 2) {
        std::uint16_t raw = 0;
        std::memcpy(&raw, p, 2);
        return stored == "float16" ? half_to_float(raw) : scale * raw + minimum;
      }
      if (stored == "int32") {
        std::int32_t raw = 0;
        std::memcpy(&raw, p, 4);
        return raw;
      }
      float raw = 0;
      std::memcpy(&raw, p, 4);
      return raw;
    };
    ConstantTensor constant;
    if (dtype == "float32") {
      Tensor<float> values = make_tensor<float>(shape);
      for (std::size_t i = 0; i < count; ++i) values.data()[i] = static_cast<float>(value_at(i));
      constant = std::move(values);
    } else {
      Tensor<std::int64_t> values = make_tensor<std::int64_t>(shape);
      for (std::size_t i = 0; i < count; ++i) {
        const double value = std::round(value_at(i));
        if (!(std::abs(value) <= 2147483648.0)) {
          fail(error_text(where, " holds ", value, ", which is no 32-bit integer"));
        }
        values.data()[i] = static_cast<std::int64_t>(value);
      }
      constant = std::move(values);
    }
    if (!graph_.constants.emplace(name, std::move(constant)).second) {
      fail(where + " stands there twice");
    }
    return count * width;
  }

  void read_signature() {
    const Json* signature = find(root(), "signature");
    if (signature == nullptr) {
      const Json* metadata = find(root(), "userDefinedMetadata");
      if (metadata != nullptr && metadata->is_object()) signature = find(*metadata, "signature");
    }
    if (signature == nullptr || !signature->is_object()) return;
    for (const auto& [key, list] :
         {std::pair<const char*, std::vector<NamedOutput>*>{"inputs", &graph_.inputs},
          {"outputs", &graph_.outputs}}) {
      const Json* entries = find(*signature, key);
      if (entries == nullptr || !entries->is_object()) continue;
      for (const auto& [name, value] : entries->items()) {
        std::string tensor = name;
        if (value.is_object()) {
          if (const Json* full = find(value, "name"); full != nullptr && full->is_string()) {
            tensor = full->get<std::string>();
          }
        }
        list->push_back({name, parse_node_output(tensor)});
      }
    }
  }

  std::filesystem::path path_;
  Graph graph_;
  std::map<std::string, Json> declared_;  // what Const nodes say of their weights
};

}  // namespace internal

POSEKIT_INLINE Graph read_tfjs_graph(const std::filesystem::path& path) {
  return internal::TfjsReader(path).read();
}

template <class T>
Network<T> load_tfjs(const std::filesystem::path& path, const NetworkOptions& options,
                     const GraphOperations<T>& operations) {
  return Network<T>(read_tfjs_graph(path), options, operations);
}

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_GRAPH
