// Softmax and cross-entropy of rows of logits, and the same by PyTorch: many rows of few classes,
// as a classifier of body parts has them, and rows of many.

#include <benchmark/benchmark.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <posekit/autodiff/cross_entropy.hpp>
#include <posekit/autodiff/softmax.hpp>
#include <posekit/testing/random_tensor.hpp>

#if defined(POSEKIT_BENCH_TORCH)
#include "peers/torch_network.hpp"
#endif

namespace {

namespace pk = posekit;

const std::vector<pk::Shape> shapes{{64 * 9, 3}, {4096, 1000}};

struct Inputs {
  std::shared_ptr<const pk::Tensor<float>> logits;
  pk::Tensor<float> probabilities, seed;
  pk::Tensor<std::int64_t> classes;

  explicit Inputs(const pk::Shape& shape)
      : logits(std::make_shared<const pk::Tensor<float>>(
            pk::testing::random_tensor<float>(shape, 1, -4, 4))),
        probabilities(pk::softmax(pk::testing::random_tensor<float>(shape, 2))),
        seed(pk::testing::random_tensor<float>(shape, 3)),
        classes(pk::zeros<std::int64_t>({shape[0]})) {
    for (std::size_t r = 0; r < shape[0]; ++r) {
      classes(r) = static_cast<std::int64_t>(r * 7 % shape[1]);
    }
  }
};

/// What a task leaves: a value, or the gradient of the logits.
using Task = std::function<pk::Tensor<float>(const Inputs&, pk::Tape<float>&, bool keep)>;

pk::Tensor<float> gradient(const pk::Var<float>& x, bool keep) {
  benchmark::DoNotOptimize(x.grad().data());
  return keep ? x.grad() : pk::Tensor<float>();
}

pk::Tensor<float> softmax_forward(const Inputs& in, pk::Tape<float>& tape, bool keep) {
  const auto y = pk::softmax(tape.constant(in.logits));
  benchmark::DoNotOptimize(y.data());
  return keep ? y.value() : pk::Tensor<float>();
}
pk::Tensor<float> softmax_gradient(const Inputs& in, pk::Tape<float>& tape, bool keep) {
  const auto x = tape.variable(in.logits);
  tape.backward(pk::softmax(x), in.seed);
  return gradient(x, keep);
}
pk::Tensor<float> cross_entropy_forward(const Inputs& in, pk::Tape<float>& tape, bool keep) {
  const auto y = pk::cross_entropy(tape.constant(in.logits), in.classes);
  benchmark::DoNotOptimize(y.data());
  return keep ? y.value() : pk::Tensor<float>();
}
pk::Tensor<float> cross_entropy_gradient(const Inputs& in, pk::Tape<float>& tape, bool keep) {
  const auto x = tape.variable(in.logits);
  tape.backward(pk::mean_cross_entropy(x, in.classes));
  return gradient(x, keep);
}
pk::Tensor<float> soft_cross_entropy_gradient(const Inputs& in, pk::Tape<float>& tape, bool keep) {
  const auto x = tape.variable(in.logits);
  tape.backward(pk::mean_cross_entropy(x, in.probabilities, {.label_smoothing = 0.1}));
  return gradient(x, keep);
}

#if defined(POSEKIT_BENCH_TORCH)

using TorchTask = std::function<torch::Tensor(const Inputs&)>;

const torch::Tensor& peer(const pk::Tensor<float>& t) {
  static std::map<const void*, torch::Tensor> all;
  auto& found = all[&t];
  if (!found.defined()) found = bench::TorchNetwork::to_torch(t);
  return found;
}
const torch::Tensor& peer(const pk::Tensor<std::int64_t>& t) {
  static std::map<const void*, torch::Tensor> all;
  auto& found = all[&t];
  if (!found.defined()) {
    found = torch::from_blob(const_cast<std::int64_t*>(t.data()),
                             {static_cast<std::int64_t>(t.size())}, torch::kLong)
                .clone();
  }
  return found;
}

torch::Tensor torch_softmax_forward(const Inputs& in) {
  const torch::NoGradGuard guard;
  return torch::softmax(peer(*in.logits), -1);
}
torch::Tensor torch_softmax_gradient(const Inputs& in) {
  const auto x = peer(*in.logits).detach().requires_grad_();
  return torch::autograd::grad({torch::softmax(x, -1)}, {x}, {peer(in.seed)})[0];
}
torch::Tensor torch_cross_entropy_forward(const Inputs& in) {
  const torch::NoGradGuard guard;
  return torch::cross_entropy_loss(peer(*in.logits), peer(in.classes), {}, 0);
}
torch::Tensor torch_cross_entropy_gradient(const Inputs& in) {
  const auto x = peer(*in.logits).detach().requires_grad_();
  return torch::autograd::grad({torch::cross_entropy_loss(x, peer(in.classes))}, {x})[0];
}
torch::Tensor torch_soft_cross_entropy_gradient(const Inputs& in) {
  const auto x = peer(*in.logits).detach().requires_grad_();
  const auto loss = torch::cross_entropy_loss(x, peer(in.probabilities), {}, 1, -100, 0.1);
  return torch::autograd::grad({loss}, {x})[0];
}
#else
using TorchTask = std::nullptr_t;
#endif

void add(const std::string& task, const std::shared_ptr<const Inputs>& inputs, const Task& ours,
         [[maybe_unused]] const TorchTask& theirs) {
  const auto& shape = inputs->logits->shape();
  const std::string name = task + "/" + std::to_string(shape[0]) + "x" + std::to_string(shape[1]);
#if defined(POSEKIT_BENCH_TORCH)
  // Both must compute the same before either is timed.
  pk::Tape<float> tape({.threads = 1});
  const auto a = ours(*inputs, tape, true);
  const auto b = theirs(*inputs).contiguous();
  const double error = a.size() == static_cast<std::size_t>(b.numel())
                           ? bench::relative_l2(a.data(), b.data_ptr<float>(), a.size())
                           : 1.0;
  std::fprintf(stderr, "%s: differs by %.1e (relative L2)\n", name.c_str(), error);
  if (!(error < 1e-5)) std::exit(1);
#endif
  const auto elements = static_cast<double>(inputs->logits->size());
  for (const int threads : {1, 2}) {
    const std::string suffix = "/threads:" + std::to_string(threads);
    benchmark::RegisterBenchmark(
        (name + "/posekit" + suffix).c_str(),
        [=](benchmark::State& state) {
          pk::Tape<float> own({.threads = threads});
          for (auto _ : state) {
            own.clear();
            ours(*inputs, own, false);
          }
          state.counters["ns/logit"] =
              benchmark::Counter(elements * 1e-9, benchmark::Counter::kIsIterationInvariantRate |
                                                      benchmark::Counter::kInvert);
        })
        ->UseRealTime()
        ->Unit(benchmark::kMillisecond);
#if defined(POSEKIT_BENCH_TORCH)
    benchmark::RegisterBenchmark((name + "/torch" + suffix).c_str(),
                                 [=](benchmark::State& state) {
                                   torch::set_num_threads(threads);
                                   for (auto _ : state) theirs(*inputs);
                                 })
        ->UseRealTime()
        ->Unit(benchmark::kMillisecond);
#endif
  }
}

}  // namespace

int main(int argc, char** argv) {
#if defined(POSEKIT_BENCH_TORCH)
#define PEER(f) f
#else
#define PEER(f) nullptr
#endif
  for (const auto& shape : shapes) {
    const auto inputs = std::make_shared<const Inputs>(shape);
    add("softmax_forward", inputs, softmax_forward, PEER(torch_softmax_forward));
    add("softmax_gradient", inputs, softmax_gradient, PEER(torch_softmax_gradient));
    add("cross_entropy_forward", inputs, cross_entropy_forward, PEER(torch_cross_entropy_forward));
    add("cross_entropy_gradient", inputs, cross_entropy_gradient,
        PEER(torch_cross_entropy_gradient));
    add("soft_cross_entropy_gradient", inputs, soft_cross_entropy_gradient,
        PEER(torch_soft_cross_entropy_gradient));
  }
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
