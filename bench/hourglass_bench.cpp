// Stacked hourglasses of two stacks and 256 features on images of 256 x 256: evaluated, and a step
// of training (forward, Eq. 1 of Wang et al. 2019, backward, RMSprop).

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include <posekit/heatmap/gaussian_heatmaps.hpp>
#include <posekit/models/hourglass.hpp>
#include <posekit/models/pose_attribute_loss.hpp>
#include <posekit/nn/module.hpp>
#include <posekit/optim/rmsprop.hpp>
#include <posekit/testing/random_tensor.hpp>

#if defined(POSEKIT_BENCH_TORCH)
#include <stdexcept>

#include "peers/torch_hourglass.hpp"
#endif

namespace {

namespace pk = posekit;
using pk::testing::random_tensor;

constexpr std::size_t joints = 16, stacks = 2, blocks = 1, features = 256, size = 256;
constexpr double learning_rate = 2.5e-4;
const pk::GaussianOptions gaussian{.sigma = 1.0, .normalised = false};

struct Ours {
  pk::models::StackedHourglass<float> net;
  pk::Tape<float> tape;
  pk::optim::Rmsprop<float> optimizer;
  pk::Tensor<float> image, truth, visible;

  Ours(std::size_t batch, int threads)
      : net({.joints = joints, .stacks = stacks, .blocks = blocks, .features = features}),
        tape({.threads = threads}),
        optimizer(pk::nn::parameters(net), {.learning_rate = learning_rate}),
        image(random_tensor<float>({batch, 3, size, size}, 1)),
        truth(random_tensor<float>({batch, joints, 2}, 2)),
        visible(pk::zeros<float>({batch, joints}) + 1.0f) {}

  const pk::Tensor<float>& forward() {
    tape.clear();
    return net(tape.constant(image)).heatmaps.back().value();
  }
  float step() {
    const auto loss =
        pk::stacked_heatmap_loss(net(tape.constant(image)).heatmaps, truth, visible, gaussian);
    const float value = loss.value().data()[0];
    tape.backward(loss);
    optimizer.step(tape);
    tape.clear();
    return value;
  }
};

void time_forward(benchmark::State& state, std::size_t batch, int threads) {
  Ours ours(batch, threads);
  ours.net.eval();
  ours.forward();
  for (auto _ : state) benchmark::DoNotOptimize(ours.forward().data());
}

void time_step(benchmark::State& state, std::size_t batch, int threads) {
  Ours ours(batch, threads);
  ours.step();
  for (auto _ : state) benchmark::DoNotOptimize(ours.step());
}

#if defined(POSEKIT_BENCH_TORCH)
torch::Tensor to_torch(const pk::Tensor<float>& t) {
  std::vector<int64_t> shape(t.shape().begin(), t.shape().end());
  return torch::from_blob(const_cast<float*>(t.data()), shape, torch::kFloat).clone();
}

/// posekit's weights in PyTorch's network, in one of its layouts. The targets are made before
/// anything is timed.
struct Theirs {
  peer::StackedHourglass net;
  torch::Tensor image, target;
  torch::optim::RMSprop optimizer;

  Theirs(Ours& ours, torch::MemoryFormat layout)
      : net(joints, stacks, blocks, features),
        image(to_torch(ours.image).contiguous(layout)),
        target(to_torch(pk::gaussian_heatmaps(ours.truth, {size / 4, size / 4}, gaussian))
                   .contiguous(layout)),
        optimizer(net->parameters(), torch::optim::RMSpropOptions(learning_rate)) {
    const torch::NoGradGuard no_grad;
    auto named = net->named_parameters();
    for (const auto& [name, parameter] : pk::nn::parameters(ours.net)) {
      auto* tensor = named.find(name);
      if (tensor == nullptr) throw std::runtime_error("PyTorch's network has no " + name);
      tensor->copy_(to_torch(parameter->value()));
      if (tensor->dim() == 4) tensor->set_data(tensor->contiguous(layout));
    }
  }

  torch::Tensor forward() {
    const torch::NoGradGuard no_grad;
    return net->forward(image).back();
  }
  float step() {
    optimizer.zero_grad();
    torch::Tensor loss;
    for (const auto& maps : net->forward(image)) {
      const auto part = torch::mse_loss(maps, target);
      loss = loss.defined() ? loss + part : part;
    }
    loss.backward();
    optimizer.step();
    return loss.item<float>();
  }
};

void time_torch(benchmark::State& state, std::size_t batch, int threads, torch::MemoryFormat layout,
                bool training) {
  torch::set_num_threads(threads);
  Ours ours(batch, threads);
  Theirs theirs(ours, layout);
  ours.net.train(training);
  theirs.net->train(training);
  // Both must compute the same before either is timed.
  double difference = 0, scale = 0;
  if (training) {
    difference = std::abs(ours.step() - theirs.step());
    scale = 1;
  } else {
    const auto& mine = ours.forward();
    const torch::Tensor other = theirs.forward().contiguous();
    for (std::size_t i = 0; i < mine.size(); ++i) {
      const double value = other.data_ptr<float>()[i];
      difference = std::max(difference, std::abs(static_cast<double>(mine.data()[i]) - value));
      scale = std::max(scale, std::abs(value));
    }
  }
  if (!(difference < 1e-4 * scale)) {
    state.SkipWithError(("results differ by " + std::to_string(difference)).c_str());
    return;
  }
  for (auto _ : state) {
    if (training) {
      benchmark::DoNotOptimize(theirs.step());
    } else {
      benchmark::DoNotOptimize(theirs.forward().data_ptr());
    }
  }
}
#endif

}  // namespace

int main(int argc, char** argv) {
  const auto add = [](const std::string& name, auto run) {
    benchmark::RegisterBenchmark(name.c_str(), run)->Unit(benchmark::kMillisecond)->UseRealTime();
  };
  for (const int threads : {1, 2}) {
    for (const std::size_t batch : {std::size_t{1}, std::size_t{2}}) {
      const std::string what = "/images:" + std::to_string(batch) + "/",
                        suffix = "/threads:" + std::to_string(threads);
      add("forward" + what + "posekit" + suffix,
          [=](benchmark::State& state) { time_forward(state, batch, threads); });
      add("step" + what + "posekit" + suffix,
          [=](benchmark::State& state) { time_step(state, batch, threads); });
#if defined(POSEKIT_BENCH_TORCH)
      for (const bool last : {false, true}) {
        const auto layout =
            last ? torch::MemoryFormat::ChannelsLast : torch::MemoryFormat::Contiguous;
        const std::string peer = std::string(last ? "torch_nhwc" : "torch_nchw") + suffix;
        for (const bool training : {false, true}) {
          add((training ? "step" : "forward") + what + peer, [=](benchmark::State& state) {
            time_torch(state, batch, threads, layout, training);
          });
        }
      }
#endif
    }
  }
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
}
