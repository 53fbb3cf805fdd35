// The lifter of Martinez et al. (16 joints, 4,291,632 parameters): evaluated, and a step of
// training (forward, mean squared error, backward, RMSprop); and the products of dense layers
// alone.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include <posekit/autodiff/arithmetic.hpp>
#include <posekit/autodiff/functions.hpp>
#include <posekit/autodiff/reductions.hpp>
#include <posekit/kernels/dense_product.hpp>
#include <posekit/models/pose_lifter.hpp>
#include <posekit/nn/module.hpp>
#include <posekit/optim/rmsprop.hpp>
#include <posekit/testing/random_tensor.hpp>

#include "support/machine.hpp"
#if defined(POSEKIT_BENCH_TORCH)
#include <stdexcept>

#include "peers/torch_lifter.hpp"
#endif

namespace {

namespace pk = posekit;
namespace kernels = posekit::kernels;
using pk::testing::random_tensor;

constexpr std::size_t joints = 16;
constexpr double learning_rate = 1e-4;

struct Ours {
  pk::models::PoseLifter<float> net;
  pk::Tape<float> tape;
  pk::optim::Rmsprop<float> optimizer;
  pk::Tensor<float> seen, truth;

  // Without dropout, so that both do the same.
  Ours(std::size_t batch, int threads)
      : net({.dropout = 0, .unit = 1}),
        tape({.threads = threads}),
        optimizer(pk::nn::parameters(net), {.learning_rate = learning_rate}),
        seen(random_tensor<float>({batch, joints, 2}, 1)),
        truth(random_tensor<float>({batch, joints, 3}, 2)) {}

  const pk::Tensor<float>& forward() {
    tape.clear();
    return net(tape.constant(seen)).value();
  }
  float step() {
    const auto loss = pk::mean(pk::square(net(tape.constant(seen)) - tape.constant(truth)));
    const float value = loss.value().data()[0];
    tape.backward(loss);
    optimizer.step(tape);
    tape.clear();
    return value;
  }
};

void time_lifter(benchmark::State& state, std::size_t batch, int threads, bool training) {
  Ours ours(batch, threads);
  if (!training) ours.net.eval();
  for (auto _ : state) {
    if (training) {
      benchmark::DoNotOptimize(ours.step());
    } else {
      benchmark::DoNotOptimize(ours.forward().data());
    }
  }
}

#if defined(POSEKIT_BENCH_TORCH)
torch::Tensor to_torch(const pk::Tensor<float>& t) {
  std::vector<int64_t> shape(t.shape().begin(), t.shape().end());
  return torch::from_blob(const_cast<float*>(t.data()), shape, torch::kFloat).clone();
}

/// posekit's weights in PyTorch's network.
struct Theirs {
  peer::Lifter net;
  torch::Tensor seen, truth;
  torch::optim::RMSprop optimizer;

  explicit Theirs(Ours& ours)
      : net(2 * joints, 3 * joints, 1024, 2),
        seen(to_torch(ours.seen).flatten(1)),
        truth(to_torch(ours.truth).flatten(1)),
        optimizer(net->parameters(), torch::optim::RMSpropOptions(learning_rate)) {
    const torch::NoGradGuard no_grad;
    auto named = net->named_parameters();
    for (const auto& [name, parameter] : pk::nn::parameters(ours.net)) {
      auto* tensor = named.find(name);
      if (tensor == nullptr) throw std::runtime_error("PyTorch's network has no " + name);
      tensor->copy_(to_torch(parameter->value()));
    }
  }

  torch::Tensor forward() {
    const torch::NoGradGuard no_grad;
    return net->forward(seen);
  }
  float step() {
    optimizer.zero_grad();
    const auto loss = torch::mse_loss(net->forward(seen), truth);
    loss.backward();
    optimizer.step();
    return loss.item<float>();
  }
};

void time_torch(benchmark::State& state, std::size_t batch, int threads, bool training) {
  torch::set_num_threads(threads);
  Ours ours(batch, threads);
  Theirs theirs(ours);
  if (!training) ours.net.eval();
  theirs.net->train(training);
  // Both must compute the same before either is timed.
  double difference = 0;
  if (training) {
    for (int i = 0; i < 3; ++i)
      difference = std::max(difference, std::abs(static_cast<double>(ours.step() - theirs.step())));
  } else {
    const auto& mine = ours.forward();
    const torch::Tensor other = theirs.forward().contiguous();
    for (std::size_t i = 0; i < mine.size(); ++i) {
      difference = std::max(difference, std::abs(static_cast<double>(mine.data()[i]) -
                                                 static_cast<double>(other.data_ptr<float>()[i])));
    }
  }
  if (!(difference < 1e-3)) {
    state.SkipWithError(("results differ by " + std::to_string(difference)).c_str());
    return;
  }
  for (auto _ : state) {
    if (training) {
      benchmark::DoNotOptimize(theirs.step());
    } else {
      benchmark::DoNotOptimize(theirs.forward());
    }
  }
}
#endif

/// A product as layers have them, and what it would take from registers alone.
struct Product {
  const char* name;
  kernels::ProductExtents extents;
  bool transpose_a, transpose_b;
};
constexpr Product products[] = {{"forward of 18432", {18432, 64, 128}, false, true},
                                {"input of 18432", {18432, 128, 64}, false, false},
                                {"weight of 18432", {128, 18432, 64}, true, false},
                                {"forward of 64", {64, 1024, 1024}, false, true},
                                {"input of 64", {64, 1024, 1024}, false, false},
                                {"weight of 64", {1024, 64, 1024}, true, false},
                                {"forward of 1", {1, 1024, 1024}, false, true},
                                {"input of 1", {1, 1024, 1024}, false, false}};

void time_product(benchmark::State& state, const Product& product, int threads) {
  const auto& e = product.extents;
  const auto a = random_tensor<float>({e.rows, e.depth}, 1);
  const auto b = random_tensor<float>({e.depth, e.columns}, 2);
  auto c = pk::make_tensor<float>({e.rows, e.columns});
  const auto left = product.transpose_a ? kernels::transposed_rows(a.data(), e.rows)
                                        : kernels::matrix_rows(a.data(), e.depth);
  const auto right = product.transpose_b ? kernels::transposed_rows(b.data(), e.depth)
                                         : kernels::matrix_rows(b.data(), e.columns);
  auto scratch = pk::make_tensor<float>({kernels::dense_product_scratch<float>(e, right, threads)});
  const auto run = [&] {
    kernels::dense_product<float>(e, left, right, c.data(), e.columns, nullptr, false,
                                  scratch.data(), threads);
  };
  run();
  const bench::Work work{.multiply_adds = static_cast<double>(e.rows * e.depth * e.columns),
                         .bytes = 4 * static_cast<double>(e.rows * e.depth + e.depth * e.columns +
                                                          e.rows * e.columns)};
  const bench::Shares shares(state, work, threads);
  for (auto _ : state) {
    run();
    benchmark::ClobberMemory();
  }
}

void register_all() {
  struct Case {
    std::string name;
    std::size_t batch;
    bool training;
  };
  for (const int threads : {1, 2}) {
    const std::string end = "/threads:" + std::to_string(threads);
    for (const Case& c :
         {Case{"lifter step of 64", 64, true}, Case{"lifter forward of 1", 1, false},
          Case{"lifter forward of 64", 64, false}}) {
      benchmark::RegisterBenchmark((c.name + "/posekit" + end).c_str(), &time_lifter, c.batch,
                                   threads, c.training)
          ->UseRealTime()
          ->Unit(benchmark::kMillisecond);
#if defined(POSEKIT_BENCH_TORCH)
      benchmark::RegisterBenchmark((c.name + "/torch" + end).c_str(), &time_torch, c.batch, threads,
                                   c.training)
          ->UseRealTime()
          ->Unit(benchmark::kMillisecond);
#endif
    }
    for (const Product& product : products) {
      benchmark::RegisterBenchmark(
          (std::string("product ") + product.name + "/posekit" + end).c_str(), &time_product,
          product, threads)
          ->UseRealTime()
          ->Unit(benchmark::kMillisecond);
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  register_all();
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
}
