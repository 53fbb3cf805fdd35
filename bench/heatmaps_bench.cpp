// Heatmap operations, and the same composed of PyTorch's, as dsntnn composes them.

#include <benchmark/benchmark.h>
#include <omp.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <posekit/autodiff/arithmetic.hpp>
#include <posekit/heatmap.hpp>
#include <posekit/simd/exp.hpp>
#include <posekit/testing/random_tensor.hpp>

#if defined(POSEKIT_BENCH_TORCH)
#include "peers/torch_network.hpp"
#endif

namespace {

namespace pk = posekit;

const pk::Shape map_shape{32, 17, 64, 64};
const pk::Shape volume_shape{4, 17, 64, 64, 64};
const pk::GaussianOptions gaussian{.sigma = 1.0};

/// A task's value and the gradient that it leaves, if any.
struct Outcome {
  std::vector<float> value, gradient;
};

std::vector<float> copy_of(const pk::Tensor<float>& t) { return {t.data(), t.data() + t.size()}; }

struct Inputs {
  pk::Tensor<float> logits = pk::testing::random_tensor<float>(map_shape, 1, -3, 3);
  pk::Tensor<float> volume = pk::testing::random_tensor<float>(volume_shape, 2, 0, 1e-5);
  pk::Tensor<float> means = pk::testing::random_tensor<float>({32, 17, 2}, 3, -0.8, 0.8);
};
const Inputs& inputs() {
  static const Inputs all;
  return all;
}

// posekit.

using Task = std::function<Outcome(pk::Tape<float>&, bool keep)>;

Outcome differentiate(pk::Tape<float>& tape, const pk::Var<float>& x, const pk::Var<float>& y,
                      bool keep) {
  pk::Tensor<float> seed = tape.pool().take(y.shape());
  seed.fill(1.0f);
  tape.backward(y, seed);
  benchmark::DoNotOptimize(x.grad().data());
  return keep ? Outcome{copy_of(y.value()), copy_of(x.grad())} : Outcome{};
}

Outcome soft_argmax_forward(pk::Tape<float>&, bool keep) {
  const auto xy = pk::soft_argmax(inputs().logits);
  benchmark::DoNotOptimize(xy.data());
  return keep ? Outcome{copy_of(xy), {}} : Outcome{};
}

/// A variable that refers to its value, as PyTorch's do.
pk::Var<float> variable(pk::Tape<float>& tape, const pk::Tensor<float>& value) {
  return tape.variable(std::shared_ptr<const pk::Tensor<float>>(&value, [](const auto*) {}));
}

Outcome soft_argmax_gradient(pk::Tape<float>& tape, bool keep) {
  const auto x = variable(tape, inputs().logits);
  return differentiate(tape, x, pk::soft_argmax(x), keep);
}

Outcome regularized_loss(pk::Tape<float>& tape, bool keep) {
  const auto x = variable(tape, inputs().logits);
  const auto [xy, js] = pk::regularized_soft_argmax(x, inputs().means, {.sigma = gaussian.sigma});
  return differentiate(tape, x, pk::euclidean_loss(xy, inputs().means) + js, keep);
}

Outcome volume_coordinates(pk::Tape<float>& tape, bool keep) {
  const auto x = variable(tape, inputs().volume);
  return differentiate(tape, x, pk::marginal_coordinates(pk::marginals(x)), keep);
}

Outcome gaussian_targets(pk::Tape<float>&, bool keep) {
  const auto maps = pk::gaussian_heatmaps(inputs().means, {64, 64}, gaussian);
  benchmark::DoNotOptimize(maps.data());
  return keep ? Outcome{copy_of(maps), {}} : Outcome{};
}

#if defined(POSEKIT_BENCH_TORCH)

torch::Tensor coordinates(std::int64_t n) {
  return (torch::arange(n, torch::kFloat) * 2 + 1) / static_cast<double>(n) - 1;
}

torch::Tensor expectation(const torch::Tensor& p) {
  const auto x = (p.sum(-2) * coordinates(p.size(-1))).sum(-1);
  const auto y = (p.sum(-1) * coordinates(p.size(-2))).sum(-1);
  return torch::stack({x, y}, -1);
}

torch::Tensor flat_softmax(const torch::Tensor& x) {
  return torch::softmax(x.flatten(2), 2).reshape(x.sizes());
}

torch::Tensor gaussians(const torch::Tensor& means, std::int64_t size) {
  const auto centres = (means + 1) * (static_cast<double>(size) / 2) - 0.5;
  const auto pixels = torch::arange(size, torch::kFloat);
  const auto dx = pixels - centres.select(2, 0).unsqueeze(-1),
             dy = pixels - centres.select(2, 1).unsqueeze(-1);
  const auto g =
      torch::exp(-0.5 * (dx * dx).unsqueeze(-2)) * torch::exp(-0.5 * (dy * dy).unsqueeze(-1));
  return g / (g.sum({-1, -2}, true) + 1e-24);
}

torch::Tensor divergence(const torch::Tensor& p, const torch::Tensor& q) {
  return (p * ((p + 1e-24).log() - (q + 1e-24).log())).sum({-1, -2});
}

Outcome torch_differentiate(const torch::Tensor& x, const torch::Tensor& y, bool keep) {
  const auto g = torch::autograd::grad({y}, {x}, {torch::ones_like(y)})[0];
  benchmark::DoNotOptimize(g.data_ptr());
  if (!keep) return {};
  const auto v = y.contiguous(), c = g.contiguous();
  return {{v.data_ptr<float>(), v.data_ptr<float>() + v.numel()},
          {c.data_ptr<float>(), c.data_ptr<float>() + c.numel()}};
}

Outcome torch_value(const torch::Tensor& y, bool keep) {
  benchmark::DoNotOptimize(y.data_ptr());
  if (!keep) return {};
  const auto v = y.contiguous();
  return {{v.data_ptr<float>(), v.data_ptr<float>() + v.numel()}, {}};
}

const torch::Tensor& peer(const pk::Tensor<float>& t) {
  static std::map<const void*, torch::Tensor> all;
  auto& found = all[&t];
  if (!found.defined()) {
    const std::vector<std::int64_t> shape(t.shape().begin(), t.shape().end());
    found = torch::from_blob(const_cast<float*>(t.data()), shape).clone();
  }
  return found;
}

Outcome torch_soft_argmax_forward(bool keep) {
  const torch::NoGradGuard guard;
  return torch_value(expectation(flat_softmax(peer(inputs().logits))), keep);
}
Outcome torch_soft_argmax_gradient(bool keep) {
  const auto x = peer(inputs().logits).detach().requires_grad_();
  return torch_differentiate(x, expectation(flat_softmax(x)), keep);
}
Outcome torch_regularized_loss(bool keep) {
  const auto x = peer(inputs().logits).detach().requires_grad_();
  const auto& means = peer(inputs().means);
  const auto p = flat_softmax(x);
  const auto q = gaussians(means, 64);
  const auto m = (p + q) * 0.5;
  const auto js = 0.5 * divergence(p, m) + 0.5 * divergence(q, m);
  return torch_differentiate(x, (expectation(p) - means).pow(2).sum(-1).sqrt() + js, keep);
}
Outcome torch_volume_coordinates(bool keep) {
  const auto v = peer(inputs().volume).detach().requires_grad_();
  const auto xy = expectation(v.sum(2)), zy = expectation(v.sum(4).transpose(2, 3)),
             xz = expectation(v.sum(3));
  const auto z = (zy.select(2, 0) + xz.select(2, 1)) * 0.5;
  return torch_differentiate(v, torch::stack({xy.select(2, 0), xy.select(2, 1), z}, -1), keep);
}
Outcome torch_gaussian_targets(bool keep) {
  const torch::NoGradGuard guard;
  return torch_value(gaussians(peer(inputs().means), 64), keep);
}
#endif

void add(const char* name, const Task& ours,
         [[maybe_unused]] const std::function<Outcome(bool)>& theirs, double pixels) {
#if defined(POSEKIT_BENCH_TORCH)
  // Both must compute the same before either is timed.
  torch::set_num_threads(1);
  pk::Tape<float> tape({.threads = 1});
  const Outcome a = ours(tape, true), b = theirs(true);
  const auto error = [](const std::vector<float>& u, const std::vector<float>& v) {
    if (u.size() != v.size()) return 1.0;
    return u.empty() ? 0.0 : bench::relative_l2(u.data(), v.data(), u.size());
  };
  const double values = error(a.value, b.value), gradients = error(a.gradient, b.gradient);
  std::fprintf(stderr, "%s: values differ by %.1e, gradients by %.1e (relative L2)\n", name, values,
               gradients);
  if (!(values < 1e-4) || !(gradients < 1e-4)) std::exit(1);
#endif
  for (const int threads : {1, 2}) {
    const std::string suffix = "/threads:" + std::to_string(threads);
    benchmark::RegisterBenchmark(
        (std::string(name) + "/posekit" + suffix).c_str(),
        [=](benchmark::State& state) {
          omp_set_num_threads(threads);  // what Tensor functions go by
          pk::Tape<float> own({.threads = threads});
          for (auto _ : state) {
            own.clear();
            ours(own, false);
          }
          state.counters["ns/pixel"] =
              benchmark::Counter(pixels * 1e-9, benchmark::Counter::kIsIterationInvariantRate |
                                                    benchmark::Counter::kInvert);
        })
        ->UseRealTime()
        ->Unit(benchmark::kMillisecond);
#if defined(POSEKIT_BENCH_TORCH)
    benchmark::RegisterBenchmark((std::string(name) + "/torch" + suffix).c_str(),
                                 [=](benchmark::State& state) {
                                   torch::set_num_threads(threads);
                                   for (auto _ : state) theirs(false);
                                 })
        ->UseRealTime()
        ->Unit(benchmark::kMillisecond);
#endif
  }
}

/// How fast exponentials are, from the cache: the floor of everything that has a softmax in it.
void exponentials(benchmark::State& state) {
  using Batch = pk::simd::Batch<float>;
  constexpr std::size_t L = pk::simd::lanes<float>;
  const auto x = pk::testing::random_tensor<float>({4096}, 1, -20, 0);
  for (auto _ : state) {
    Batch sum(0.0f);
    for (std::size_t i = 0; i < 4096; i += L) {
      sum += pk::simd::exp2_normal<float, pk::simd::DefaultArch>(
          pk::simd::load<float, pk::simd::DefaultArch>(x.data() + i));
    }
    benchmark::DoNotOptimize(sum);
  }
  state.counters["ns/pixel"] = benchmark::Counter(
      4096e-9, benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}
BENCHMARK(exponentials);

}  // namespace

int main(int argc, char** argv) {
  const double pixels = static_cast<double>(pk::element_count(map_shape));
  const double voxels = static_cast<double>(pk::element_count(volume_shape));
#if defined(POSEKIT_BENCH_TORCH)
#define PEER(f) f
#else
#define PEER(f) nullptr
#endif
  add("soft_argmax_forward", soft_argmax_forward, PEER(torch_soft_argmax_forward), pixels);
  add("soft_argmax_gradient", soft_argmax_gradient, PEER(torch_soft_argmax_gradient), pixels);
  add("regularized_loss_gradient", regularized_loss, PEER(torch_regularized_loss), pixels);
  add("volume_coordinates_gradient", volume_coordinates, PEER(torch_volume_coordinates), voxels);
  add("gaussian_targets", gaussian_targets, PEER(torch_gaussian_targets), pixels);
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
