#pragma once

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

/// Writes small TensorFlow.js models for tests.
class TfjsFiles {
 public:
  explicit TfjsFiles(const std::filesystem::path& folder) : folder_(folder) {}

  nlohmann::ordered_json model = {
      {"format", "graph-model"},
      {"modelTopology", {{"node", nlohmann::ordered_json::array()}}},
      {"weightsManifest",
       {{{"paths", {"weights.bin"}}, {"weights", nlohmann::ordered_json::array()}}}}};
  std::vector<std::uint8_t> bytes;

  nlohmann::ordered_json& node(
      const std::string& name, const std::string& op, const std::vector<std::string>& inputs = {},
      nlohmann::ordered_json attributes = nlohmann::ordered_json::object()) {
    auto& nodes = model["modelTopology"]["node"];
    nodes.push_back(
        {{"name", name}, {"op", op}, {"input", inputs}, {"attr", std::move(attributes)}});
    return nodes.back();
  }
  nlohmann::ordered_json& weight(const std::string& name, const std::string& dtype,
                                 const std::vector<std::size_t>& shape) {
    node(name, "Const");
    auto& weights = model["weightsManifest"][0]["weights"];
    weights.push_back({{"name", name}, {"dtype", dtype}, {"shape", shape}});
    return weights.back();
  }
  void reals(const std::string& name, const std::vector<std::size_t>& shape,
             const std::vector<float>& values) {
    weight(name, "float32", shape);
    append(values.data(), values.size() * sizeof(float));
  }
  void integers(const std::string& name, const std::vector<std::size_t>& shape,
                const std::vector<std::int32_t>& values) {
    weight(name, "int32", shape);
    append(values.data(), values.size() * sizeof(std::int32_t));
  }
  void append(const void* data, std::size_t size) {
    const auto* p = static_cast<const std::uint8_t*>(data);
    bytes.insert(bytes.end(), p, p + size);
  }
  void publish(const std::string& key, const std::string& tensor) {
    model["signature"]["outputs"][key] = {{"name", tensor}};
  }

  std::filesystem::path write() const {
    const auto path = folder_ / "model.json";
    std::ofstream(path) << model.dump();
    std::ofstream out(folder_ / "weights.bin", std::ios::binary);
    out.write(reinterpret_cast<const char*>(bytes.data()),
              static_cast<std::streamsize>(bytes.size()));
    return path;
  }

  /// Attributes as protobuf's JSON writes them.
  static nlohmann::ordered_json list(const std::vector<int>& values) {
    nlohmann::ordered_json items = nlohmann::ordered_json::array();
    for (const int v : values) items.push_back(std::to_string(v));
    return {{"list", {{"i", items}}}};
  }
  static nlohmann::ordered_json text(const std::string& base64) { return {{"s", base64}}; }
  static nlohmann::ordered_json texts(const std::vector<std::string>& base64) {
    return {{"list", {{"s", base64}}}};
  }
  static nlohmann::ordered_json conv(const std::string& padding_base64, int stride,
                                     const std::vector<std::string>& fused = {}) {
    nlohmann::ordered_json result = {{"strides", list({1, stride, stride, 1})},
                                     {"dilations", list({1, 1, 1, 1})},
                                     {"padding", text(padding_base64)},
                                     {"data_format", text("TkhXQw==")}};
    if (!fused.empty()) result["fused_ops"] = texts(fused);
    return result;
  }
  static constexpr const char* same = "U0FNRQ==";
  static constexpr const char* valid = "VkFMSUQ=";
  static constexpr const char* bias_add = "Qmlhc0FkZA==";
  static constexpr const char* relu6 = "UmVsdTY=";
  static constexpr const char* prelu = "UHJlbHU=";

 private:
  std::filesystem::path folder_;
};
