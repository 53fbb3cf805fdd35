// Writes what margipose.cpp reads, or compares what it wrote with PyTorch's results.
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <string>

#include <posekit/io/npy.hpp>
#include <posekit/models/margipose.hpp>
#include <posekit/nn/checkpoint.hpp>

namespace pk = posekit;

namespace {

/// The formula of tests/golden/make_margipose.py.
pk::Tensor<float> formula(const std::string& name, const pk::Shape& shape) {
  const pk::CounterRandom random(0, pk::nn::name_stream(name));
  pk::Tensor<float> tensor = pk::make_tensor<float>(shape);
  double inputs = 1;
  for (std::size_t a = 1; a < shape.size(); ++a) inputs *= static_cast<double>(shape[a]);
  for (std::size_t i = 0; i < tensor.size(); ++i) {
    const double u = random.uniform(i);
    double value = 0.2 * (u - 0.5);
    if (name == "image") {
      value = 4 * u - 2;
    } else if (name == "truth") {
      value = 1.6 * u - 0.8;
    } else if (shape.size() >= 2) {
      value = (2 * u - 1) * std::sqrt(3.0 / inputs);
    } else if (name.ends_with("running_var") || name.ends_with("weight")) {
      value = 0.5 + u;
    }
    tensor.data()[i] = static_cast<float>(value);
  }
  return tensor;
}

int write() {
  pk::models::MargiPose<float> net(
      {.stages = 2, .feature_extractor = pk::models::FeatureExtractor::resnet18});
  // As a checkpoint of the network without its wrapper would have them.
  std::vector<pk::SafetensorsEntry> entries;
  for (const auto& tensor : pk::nn::named_tensors(net)) {
    if (tensor.name.ends_with("num_batches_tracked")) continue;
    entries.push_back(pk::safetensors_entry(tensor.name.substr(std::string("inner.").size()),
                                            formula(tensor.name, pk::shape_of(*tensor.tensor))));
  }
  pk::save_safetensors("net.safetensors", entries);
  pk::save_npy("image.npy", formula("image", {2, 3, 64, 64}));
  pk::save_npy("truth.npy", formula("truth", {2, 17, 3}));
  return 0;
}

int compare(const std::filesystem::path& golden) {
  const auto differ = [&](const char* ours, const char* theirs) {
    const auto a = pk::load_npy<double>(ours);
    const auto b = pk::load_npy<double>(golden / (std::string("resnet18.") + theirs + ".npy"));
    double worst = 0;
    for (std::size_t i = 0; i < b.size(); ++i)
      worst = std::max(worst, std::abs(a.data()[i] - b.data()[i]));
    std::printf("%s: %.2g from PyTorch's\n", ours, worst);
    return !(worst < 1e-4);
  };
  return differ("xyz.npy", "xyz") || differ("xy.npy", "xy") || differ("loss.npy", "loss") ||
                 pk::load_npy<float>("grad.npy").size() != 2 * 3 * 64 * 64
             ? 1
             : 0;
}

}  // namespace

int main(int argc, char** argv) { return argc == 1 ? write() : compare(argv[1]); }
