#pragma once

// The same networks on PyTorch's ATen, to compare with. Images are NCHW there; `channels_last` says
// how they lie in memory.

#include <algorithm>
#include <cmath>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include <torch/torch.h>

#include <posekit/graph/fusion.hpp>
#include <posekit/graph/graph.hpp>

namespace bench {

namespace pk = posekit;

/// |a - b| / |b|, in double.
inline double relative_l2(const float* a, const float* b, std::size_t size) {
  double difference = 0, norm = 0;
  for (std::size_t i = 0; i < size; ++i) {
    difference += std::pow(static_cast<double>(a[i]) - static_cast<double>(b[i]), 2);
    norm += std::pow(static_cast<double>(b[i]), 2);
  }
  return std::sqrt(difference / norm);
}

class TorchNetwork {
 public:
  TorchNetwork(const pk::Graph& graph, bool channels_last) : channels_last_(channels_last) {
    for (const auto& node : graph.nodes) nodes_[node.name] = &node;
    for (const auto& [name, constant] : graph.constants) {
      if (const auto* real = std::get_if<pk::Tensor<float>>(&constant)) {
        constants_[name] = to_torch(*real);
      } else {
        const auto& integers = std::get<pk::Tensor<std::int64_t>>(constant);
        integers_[name].assign(integers.begin(), integers.end());
      }
    }
    // Filters in PyTorch's order.
    for (const auto& node : graph.nodes) {
      if (node.op == "conv2d") {
        filters_[node.name] = lay_out(constants_.at(node.inputs[1].node).permute({3, 2, 0, 1}));
      } else if (is_depthwise(node)) {
        filters_[node.name] = constants_.at(node.inputs[1].node).permute({2, 3, 0, 1}).contiguous();
      }
    }
  }

  static torch::Tensor to_torch(const pk::Tensor<float>& tensor) {
    const std::vector<std::int64_t> shape(tensor.shape().begin(), tensor.shape().end());
    return torch::from_blob(const_cast<float*>(tensor.data()), shape).clone();
  }

  /// [1, H, W, C] -> the node's value as [1, H, W, C].
  torch::Tensor operator()(const std::string& feed, const torch::Tensor& nhwc,
                           const std::string& wanted) const {
    std::map<std::string, torch::Tensor> values{{feed, lay_out(nhwc.permute({0, 3, 1, 2}))}};
    std::vector<std::string> stack{wanted};
    while (!stack.empty()) {
      const std::string name = stack.back();
      if (values.contains(name)) {
        stack.pop_back();
        continue;
      }
      const pk::GraphNode& node = *nodes_.at(name);
      bool ready = true;
      for (const auto& input : node.inputs) {
        if (nodes_.at(input.node)->op == "constant" || values.contains(input.node)) continue;
        stack.push_back(input.node);
        ready = false;
      }
      if (!ready) continue;
      values[name] = run(node, values);
      stack.pop_back();
    }
    return values.at(wanted).permute({0, 2, 3, 1});
  }

 private:
  static bool is_depthwise(const pk::GraphNode& node) { return node.op == "depthwise_conv2d"; }
  torch::Tensor lay_out(const torch::Tensor& x) const {
    return channels_last_ ? x.contiguous(torch::MemoryFormat::ChannelsLast) : x.contiguous();
  }

  torch::Tensor run(const pk::GraphNode& node,
                    const std::map<std::string, torch::Tensor>& values) const {
    const auto x = [&](std::size_t i) { return values.at(node.inputs[i].node); };
    if (filters_.contains(node.name)) return convolution(node, x(0));
    if (node.op == "add") return x(0) + x(1);
    if (node.op == "relu6") return torch::clamp(x(0), 0, 6);
    if (node.op == "sigmoid") return torch::sigmoid(x(0));
    if (node.op == "identity") return x(0);
    if (node.op == "max_pool2d") return torch::max_pool2d(x(0), 2, 2);
    if (node.op == "pad") {
      const auto& pads = integers_.at(node.inputs[1].node);
      return torch::constant_pad_nd(x(0), {pads[4], pads[5], pads[2], pads[3], pads[6], pads[7]});
    }
    if (node.op == "resize_bilinear") {
      const auto& size = integers_.at(node.inputs[1].node);
      return torch::upsample_bilinear2d(x(0), {size[0], size[1]}, false);
    }
    throw std::runtime_error("TorchNetwork: " + node.name + " is a " + node.op);
  }

  torch::Tensor convolution(const pk::GraphNode& node, torch::Tensor x) const {
    const torch::Tensor& filter = filters_.at(node.name);
    const auto stride = std::get<std::vector<std::int64_t>>(node.attributes.at("stride"))[0];
    const bool same = std::get<std::string>(node.attributes.at("padding")) == "same";
    std::vector<std::int64_t> padding{0, 0};
    if (same) {
      std::int64_t pad[2];
      for (int axis = 0; axis < 2; ++axis) {
        const auto in = x.size(2 + axis), kernel = filter.size(2 + axis);
        const auto out = (in + stride - 1) / stride;
        pad[axis] = std::max<std::int64_t>(0, (out - 1) * stride + kernel - in);
      }
      if (pad[0] % 2 == 0 && pad[1] % 2 == 0) {
        padding = {pad[0] / 2, pad[1] / 2};
      } else {
        x = torch::constant_pad_nd(
            x, {pad[1] / 2, pad[1] - pad[1] / 2, pad[0] / 2, pad[0] - pad[0] / 2});
      }
    }
    const bool bias = node.attributes.contains("bias");
    torch::Tensor y =
        torch::conv2d(x, filter, bias ? constants_.at(node.inputs[2].node) : torch::Tensor(),
                      {stride, stride}, padding, {1, 1}, is_depthwise(node) ? filter.size(0) : 1);
    if (const auto after = node.attributes.find("activation"); after != node.attributes.end()) {
      const auto& name = std::get<std::string>(after->second);
      if (name != "relu" && name != "relu6")
        throw std::runtime_error("TorchNetwork: " + node.name + " fuses " + name);
      y = name == "relu6" ? torch::clamp(y, 0, 6) : torch::relu(y);
    }
    return y;
  }

  bool channels_last_;
  std::map<std::string, const pk::GraphNode*> nodes_;
  std::map<std::string, torch::Tensor> constants_;
  std::map<std::string, std::vector<std::int64_t>> integers_;
  std::map<std::string, torch::Tensor> filters_;
};

}  // namespace bench
