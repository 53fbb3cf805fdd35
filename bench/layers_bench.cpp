// Every convolution of real networks by itself, on what reaches it in the network: forward, and the
// vector-Jacobian products of 17 cotangents. The products skip units that the rectifier behind the
// layer blocked, so that they may exceed the peak, which counts all units.

#include <cstdio>
#include <map>
#include <memory>

#include "support/machine.hpp"
#include "support/network_inputs.hpp"

namespace {

namespace pk = posekit;

constexpr std::size_t seeds = 17;

struct Layer {
  std::shared_ptr<const pk::Network<float>> network;
  std::string node, input;
  std::shared_ptr<const pk::Tensor<float>> x;
  bench::Work forward, vjp;
};

bool is_convolution(const std::string& op) { return op == "conv2d" || op == "depthwise_conv2d"; }

std::vector<Layer> layers_of(const bench::NetworkCase& c, const std::filesystem::path& file,
                             const pk::Tensor<float>& image) {
  const auto network = std::make_shared<const pk::Network<float>>(pk::load_tfjs<float>(file));
  // Which nodes the heatmaps depend on.
  std::map<std::string, const pk::GraphNode*> nodes;
  for (const auto& node : network->graph().nodes) nodes[node.name] = &node;
  std::map<std::string, bool> needed{{c.heatmaps, true}};
  std::vector<std::string> waiting{c.heatmaps};
  while (!waiting.empty()) {
    const std::string name = waiting.back();
    waiting.pop_back();
    for (const auto& input : nodes.at(name)->inputs) {
      if (needed.emplace(input.node, true).second) waiting.push_back(input.node);
    }
  }
  std::vector<std::string> names;
  std::vector<const pk::GraphNode*> convolutions;
  for (const auto& node : network->graph().nodes) {
    if (!is_convolution(node.op) || !needed.contains(node.name)) continue;
    convolutions.push_back(&node);
    names.push_back(node.inputs[0].node);
    names.push_back(node.name);
  }
  pk::Tape<float> tape({.threads = 1});
  const auto values = (*network)(tape.constant(pk::Tensor<float>(image)), names);
  std::vector<Layer> layers;
  for (std::size_t i = 0; i < convolutions.size(); ++i) {
    const pk::GraphNode& node = *convolutions[i];
    Layer layer{network,
                node.name,
                node.inputs[0].node,
                std::make_shared<const pk::Tensor<float>>(values[2 * i].value()),
                {},
                {}};
    const auto& filter =
        std::get<pk::Tensor<float>>(network->graph().constants.at(node.inputs[1].node));
    const auto window = static_cast<double>(filter.shape()[0] * filter.shape()[1]);
    const bool depthwise = node.op == "depthwise_conv2d";
    const auto in = static_cast<double>(values[2 * i].size());
    const auto out = static_cast<double>(values[2 * i + 1].size());
    layer.forward.multiply_adds =
        out * window * (depthwise ? 1.0 : static_cast<double>(filter.shape()[2]));
    layer.forward.bytes = 4 * (in + out + static_cast<double>(filter.size()));
    layer.vjp.multiply_adds = seeds * layer.forward.multiply_adds;
    layer.vjp.bytes = 4 * (seeds * (in + out) + static_cast<double>(filter.size()));
    layers.push_back(std::move(layer));
  }
  return layers;
}

void register_layers(const bench::NetworkCase& c) {
  const auto file = bench::network_file(c.name);
  const auto input = bench::network_input(c);
  if (!file || !input) return bench::skip(c);
  std::size_t number = 0;
  for (Layer& layer : layers_of(c, *file, *input)) {
    const auto kept = std::make_shared<const Layer>(std::move(layer));
    const auto& graph = kept->network->graph();
    const auto node = std::find_if(graph.nodes.begin(), graph.nodes.end(),
                                   [&](const auto& n) { return n.name == kept->node; });
    const auto& filter =
        std::get<pk::Tensor<float>>(graph.constants.at(node->inputs[1].node)).shape();
    const bool depthwise = node->op.find("epthwise") != std::string::npos;
    char label[160];
    std::snprintf(label, sizeof label, "%s/%02zu_%s%zux%zu_%zux%zux%zu", c.name.c_str(), ++number,
                  depthwise ? "depthwise" : "conv", filter[0], filter[1], kept->x->shape()[1],
                  kept->x->shape()[2], kept->x->shape()[3]);
    const std::string name =
        depthwise ? std::string(label) : std::string(label) + "to" + std::to_string(filter[3]);
    benchmark::RegisterBenchmark((name + "/forward").c_str(), [kept](benchmark::State& state) {
      pk::Tape<float> tape({.threads = 1});
      // Nothing but the layer is computed: its input is fed.
      const auto run = [&] {
        tape.clear();
        (*kept->network)({{kept->input, tape.constant(kept->x)}}, {kept->node});
      };
      run();
      const bench::Shares shares(state, kept->forward, 1);
      for (auto _ : state) run();
    });
    benchmark::RegisterBenchmark((name + "/vjp17").c_str(), [kept](benchmark::State& state) {
      pk::Tape<float> tape({.threads = 1});
      const auto x = tape.variable(pk::Tensor<float>(*kept->x));
      const auto y = (*kept->network)({{kept->input, x}}, {kept->node})[0];
      pk::Shape shape = y.shape();
      shape.insert(shape.begin(), seeds);
      const auto cotangents = pk::testing::random_tensor<float>(shape, 3);
      tape.pool().give(tape.vjp(y, cotangents, x));
      const bench::Shares shares(state, kept->vjp, 1);
      for (auto _ : state) tape.pool().give(tape.vjp(y, cotangents, x));
    });
  }
}

}  // namespace

int main(int argc, char** argv) {
  for (const auto& c : bench::network_cases()) register_layers(c);
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
