// A training step of MargiPose (forward, loss, backward, SGD with momentum), and the three products
// of its convolutions as shares of the processor's peak.

#include <sys/wait.h>
#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <posekit/autodiff/convolution.hpp>
#include <posekit/heatmap/masked_mean.hpp>
#include <posekit/kernels/conv2d.hpp>
#include <posekit/kernels/conv2d_filter_vjp.hpp>
#include <posekit/kernels/conv2d_vjp.hpp>
#include <posekit/models/margipose.hpp>
#include <posekit/optim/sgd.hpp>
#include <posekit/testing/random_tensor.hpp>

#include "support/machine.hpp"
#if defined(POSEKIT_BENCH_TORCH)
#include "peers/torch_margipose.hpp"
#endif

namespace {

namespace pk = posekit;
using pk::testing::random_tensor;

struct Step {
  const char* name;
  std::size_t width, stages, batch, size;
};
constexpr Step steps[] = {{"small", 32, 2, 32, 128}, {"resnet18-width", 128, 1, 8, 128}};
constexpr std::size_t joints = 17;

pk::models::MargiPoseOptions options_of(const Step& step) {
  return {.joints = joints,
          .stages = step.stages,
          .feature_extractor = pk::models::FeatureExtractor::resnet18,
          .width = step.width};
}

/// posekit's side of a case.
struct Ours {
  pk::models::MargiPose<float> net;
  pk::Tape<float> tape;
  pk::optim::Sgd<float> optimizer;
  pk::Tensor<float> image, truth, visible;

  Ours(const Step& step, int threads)
      : net(options_of(step)),
        tape({.threads = threads}),
        optimizer(pk::nn::parameters(net), {.learning_rate = 0.01, .momentum = 0.9}),
        image(random_tensor<float>({step.batch, 3, step.size, step.size}, 1)),
        truth(random_tensor<float>({step.batch, joints, 3}, 2)),
        visible(pk::zeros<float>({step.batch, joints}) + 1.0f) {}

  float run() {
    const auto loss =
        pk::masked_mean(pk::margipose_loss_3d(net(tape.constant(image)), truth), visible);
    const float value = loss.value().data()[0];
    tape.backward(loss);
    optimizer.step(tape);
    tape.clear();
    return value;
  }
};

#if defined(POSEKIT_BENCH_TORCH)
torch::Tensor to_torch(const pk::Tensor<float>& t) {
  std::vector<int64_t> shape(t.shape().begin(), t.shape().end());
  return torch::from_blob(const_cast<float*>(t.data()), shape, torch::kFloat).clone();
}

struct Theirs {
  peer::MargiPose net;
  torch::optim::SGD optimizer;
  torch::Tensor image, truth;

  Theirs(Ours& ours, const Step& step)
      : net(joints, step.stages, step.width),
        optimizer(net->parameters(), torch::optim::SGDOptions(0.01).momentum(0.9)),
        image(to_torch(ours.image)),
        truth(to_torch(ours.truth)) {
    const torch::NoGradGuard no_grad;
    auto named = net->named_parameters();
    for (const auto& [name, parameter] : pk::nn::parameters(ours.net)) {
      std::string peer_name = name.substr(std::string("inner.").size());
      const auto wrapped = peer_name.find(".conv.weight");  // of a combiner, which is all it has
      if (wrapped != peer_name.npos) peer_name.replace(wrapped, 12, ".weight");
      auto* tensor = named.find(peer_name);
      if (tensor == nullptr) throw std::runtime_error("PyTorch's network has no " + name);
      tensor->copy_(to_torch(parameter->value()));
    }
  }

  float run() {
    optimizer.zero_grad();
    const torch::Tensor loss = peer::loss_3d(net->forward(image), truth);
    loss.backward();
    optimizer.step();
    return loss.item<float>();
  }
};
#endif

void time_step(benchmark::State& state, const Step& step, int threads) {
  Ours ours(step, threads);
  ours.run();
  for (auto _ : state) ours.run();
  state.counters["images/s"] = benchmark::Counter(static_cast<double>(step.batch),
                                                  benchmark::Counter::kIsIterationInvariantRate);
}

#if defined(POSEKIT_BENCH_TORCH)
void time_torch_step(benchmark::State& state, const Step& step, int threads) {
  torch::set_num_threads(threads);
  Ours ours(step, threads);
  Theirs theirs(ours, step);
  // The same losses along the same trajectory, or there is nothing to compare.
  for (int i = 0; i < 3; ++i) {
    const float a = ours.run(), b = theirs.run();
    if (!(std::abs(a - b) < 2e-3f * std::abs(b))) {
      state.SkipWithError(
          ("losses differ: " + std::to_string(a) + " and " + std::to_string(b)).c_str());
      return;
    }
  }
  for (auto _ : state) theirs.run();
}
#endif

/// One convolution of the networks above.
struct Convolution {
  std::size_t batch, extent, in, out, kernel, stride;
};
constexpr Convolution convolutions[] = {{8, 16, 128, 128, 3, 1}, {8, 16, 128, 192, 3, 2},
                                        {8, 8, 192, 192, 3, 1},  {8, 16, 128, 128, 1, 1},
                                        {8, 32, 64, 64, 3, 1},   {32, 16, 32, 32, 3, 1},
                                        {32, 8, 48, 48, 3, 1},   {8, 128, 3, 64, 7, 2}};

void time_convolution(benchmark::State& state, const Convolution& c, const char* product,
                      int threads) {
  const std::size_t pad = c.kernel / 2;
  const auto x = random_tensor<float>({c.batch, c.extent, c.extent, c.in}, 1);
  const auto w = random_tensor<float>({c.kernel, c.kernel, c.in, c.out}, 2);
  const auto g = pk::internal::conv2d_geometry(
      "conv2d", pk::shape_of(x), c.kernel, c.kernel, c.out,
      {.stride = {c.stride, c.stride}, .padding = pk::Padding2d::of(pad, pad, pad, pad)});
  const auto y = random_tensor<float>({g.batch, g.out_height, g.out_width, c.out}, 3);
  auto value = y, to_x = x, to_w = w;
  const pk::Conv2dFilter<float> filter{pk::Tensor<float>(w)};
  const auto plan = pk::kernels::conv2d_vjp_plan(g);
  auto plan_filter = pk::zeros<float>({plan.packed_size});
  pk::kernels::conv2d_vjp_pack(g, plan, w.data(), plan_filter.data());
  const auto parts = static_cast<std::size_t>(threads);
  const auto sizes = pk::kernels::conv2d_vjp_scratch<float>(plan, 1);
  auto forward_scratch = pk::zeros<float>({pk::kernels::conv2d_scratch<float>(g) * parts});
  auto input_scratch = pk::zeros<float>({sizes.elements * parts});
  std::vector<std::uint32_t> indices(sizes.indices * parts);
  auto scratch = pk::zeros<float>({pk::kernels::conv2d_filter_vjp_scratch<float>(g, threads)});
  filter.packed();
  const std::string what = product;
  bench::Work work;
  work.multiply_adds = static_cast<double>(g.out_size() * c.kernel * c.kernel * c.in);
  work.bytes = 4.0 * static_cast<double>(x.size() + y.size() + w.size());
  const bench::Shares shares(state, work, threads);
  for (auto _ : state) {
    if (what == "forward") {
      pk::kernels::conv2d<float>(g, x.data(), filter.packed(), {}, value.data(),
                                 forward_scratch.data(), threads);
    } else if (what == "input") {
      pk::kernels::conv2d_vjp<float>(g, plan, plan_filter.data(), 1, y.data(), nullptr, to_x.data(),
                                     false, nullptr, input_scratch.data(), indices.data(), threads);
    } else {
      pk::kernels::conv2d_filter_vjp<float>(g, x.data(), y.data(), to_w.data(), scratch.data(),
                                            threads);
    }
  }
}

/// A number of kilobytes that Linux tells of this process, in megabytes.
double process_megabytes(const std::string& key) {
  std::ifstream status("/proc/self/status");
  std::string line;
  while (std::getline(status, line)) {
    if (line.starts_with(key)) return std::stod(line.substr(key.size() + 1)) / 1024;
  }
  return 0;
}

/// The peak memory of six steps on one thread, above what the program had before, each in a process
/// of its own.
void print_memory() {
  for (const Step& step : steps) {
    for (const bool ours : {true, false}) {
#if !defined(POSEKIT_BENCH_TORCH)
      if (!ours) continue;
#endif
      std::fflush(stdout);
      const pid_t child = fork();
      if (child != 0) {
        waitpid(child, nullptr, 0);
        continue;
      }
      double before = 0;
      if (ours) {
        before = process_megabytes("VmRSS");
        Ours network(step, 1);
        for (int i = 0; i < 6; ++i) network.run();
      } else {
#if defined(POSEKIT_BENCH_TORCH)
        torch::set_num_threads(1);
        const auto warm = torch::rand({64, 64});
        (void)warm.mm(warm);
        before = process_megabytes("VmRSS");
        Ours network(step, 1);
        Theirs theirs(network, step);
        for (int i = 0; i < 6; ++i) theirs.run();
#endif
      }
      std::printf("%-15s %-8s %5.0f MB\n", step.name, ours ? "posekit" : "torch",
                  process_megabytes("VmHWM") - before);
      std::fflush(stdout);
      _exit(0);
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 2 && std::string(argv[1]) == "--memory") {
    print_memory();
    return 0;
  }
  for (const int threads : {1, 2}) {
    const std::string suffix = "/threads:" + std::to_string(threads);
    for (const Step& step : steps) {
      const std::string name = std::string("step/") + step.name;
      benchmark::RegisterBenchmark((name + "/posekit" + suffix).c_str(), time_step, step, threads)
          ->Unit(benchmark::kMillisecond)
          ->UseRealTime();
#if defined(POSEKIT_BENCH_TORCH)
      benchmark::RegisterBenchmark((name + "/torch" + suffix).c_str(), time_torch_step, step,
                                   threads)
          ->Unit(benchmark::kMillisecond)
          ->UseRealTime();
#endif
    }
    for (const Convolution& c : convolutions) {
      for (const char* product : {"forward", "input", "filter"}) {
        char name[120];
        std::snprintf(name, sizeof name, "convolution/%zux%zux%zu %zu->%zu k%zu s%zu/%s%s", c.batch,
                      c.extent, c.extent, c.in, c.out, c.kernel, c.stride, product, suffix.c_str());
        benchmark::RegisterBenchmark(name, time_convolution, c, product, threads)
            ->Unit(benchmark::kMicrosecond)
            ->UseRealTime();
      }
    }
  }
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
}
