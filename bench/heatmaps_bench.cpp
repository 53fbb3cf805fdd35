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

// A batch in training, a batch of tall crops, one crop of a larger map; and volumes.
const std::vector<pk::Shape> map_shapes{{32, 17, 64, 64}, {8, 17, 64, 48}, {1, 17, 96, 72}};
const pk::Shape volume_shape{4, 17, 64, 64, 64};
const pk::GaussianOptions gaussian{.sigma = 1.0};

/// A task's value and the gradient that it leaves, if any.
struct Outcome {
  std::vector<float> value, gradient;
};

std::vector<float> copy_of(const pk::Tensor<float>& t) { return {t.data(), t.data() + t.size()}; }

/// Logits [N, J, H, W] and means [N, J, 2], or a volume.
struct Inputs {
  pk::Tensor<float> maps, means;

  explicit Inputs(const pk::Shape& shape)
      : maps(shape.size() == 5 ? pk::testing::random_tensor<float>(shape, 2, 0, 1e-5)
                               : pk::testing::random_tensor<float>(shape, 1, -3, 3)),
        means(pk::testing::random_tensor<float>({shape[0], shape[1], 2}, 3, -0.8, 0.8)) {}
};

// posekit.

using Task = std::function<Outcome(const Inputs&, pk::Tape<float>&, bool keep)>;

Outcome differentiate(pk::Tape<float>& tape, const pk::Var<float>& x, const pk::Var<float>& y,
                      bool keep) {
  pk::Tensor<float> seed = tape.pool().take(y.shape());
  seed.fill(1.0f);
  tape.backward(y, seed);
  benchmark::DoNotOptimize(x.grad().data());
  return keep ? Outcome{copy_of(y.value()), copy_of(x.grad())} : Outcome{};
}

Outcome soft_argmax_forward(const Inputs& in, pk::Tape<float>&, bool keep) {
  const auto xy = pk::soft_argmax(in.maps);
  benchmark::DoNotOptimize(xy.data());
  return keep ? Outcome{copy_of(xy), {}} : Outcome{};
}

/// A variable that refers to its value, as PyTorch's do.
pk::Var<float> variable(pk::Tape<float>& tape, const pk::Tensor<float>& value) {
  return tape.variable(std::shared_ptr<const pk::Tensor<float>>(&value, [](const auto*) {}));
}

Outcome soft_argmax_gradient(const Inputs& in, pk::Tape<float>& tape, bool keep) {
  const auto x = variable(tape, in.maps);
  return differentiate(tape, x, pk::soft_argmax(x), keep);
}

Outcome regularized_loss(const Inputs& in, pk::Tape<float>& tape, bool keep) {
  const auto x = variable(tape, in.maps);
  const auto [xy, js] = pk::regularized_soft_argmax(x, in.means, {.sigma = gaussian.sigma});
  return differentiate(tape, x, pk::euclidean_loss(xy, in.means) + js, keep);
}

Outcome volume_coordinates(const Inputs& in, pk::Tape<float>& tape, bool keep) {
  const auto x = variable(tape, in.maps);
  return differentiate(tape, x, pk::marginal_coordinates(pk::marginals(x)), keep);
}

Outcome gaussian_targets(const Inputs& in, pk::Tape<float>&, bool keep) {
  const auto maps =
      pk::gaussian_heatmaps(in.means, {in.maps.shape()[2], in.maps.shape()[3]}, gaussian);
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

torch::Tensor gaussians(const torch::Tensor& means, std::int64_t height, std::int64_t width) {
  const auto distance = [&](std::int64_t axis, std::int64_t size) {
    const auto centre = (means.select(2, axis) + 1) * (static_cast<double>(size) / 2) - 0.5;
    return torch::arange(size, torch::kFloat) - centre.unsqueeze(-1);
  };
  const auto dx = distance(0, width), dy = distance(1, height);
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

Outcome torch_soft_argmax_forward(const Inputs& in, bool keep) {
  const torch::NoGradGuard guard;
  return torch_value(expectation(flat_softmax(peer(in.maps))), keep);
}
Outcome torch_soft_argmax_gradient(const Inputs& in, bool keep) {
  const auto x = peer(in.maps).detach().requires_grad_();
  return torch_differentiate(x, expectation(flat_softmax(x)), keep);
}
Outcome torch_regularized_loss(const Inputs& in, bool keep) {
  const auto x = peer(in.maps).detach().requires_grad_();
  const auto& means = peer(in.means);
  const auto p = flat_softmax(x);
  const auto q = gaussians(means, x.size(2), x.size(3));
  const auto m = (p + q) * 0.5;
  const auto js = 0.5 * divergence(p, m) + 0.5 * divergence(q, m);
  return torch_differentiate(x, (expectation(p) - means).pow(2).sum(-1).sqrt() + js, keep);
}
Outcome torch_volume_coordinates(const Inputs& in, bool keep) {
  const auto v = peer(in.maps).detach().requires_grad_();
  const auto xy = expectation(v.sum(2)), zy = expectation(v.sum(4).transpose(2, 3)),
             xz = expectation(v.sum(3));
  const auto z = (zy.select(2, 0) + xz.select(2, 1)) * 0.5;
  return torch_differentiate(v, torch::stack({xy.select(2, 0), xy.select(2, 1), z}, -1), keep);
}
Outcome torch_gaussian_targets(const Inputs& in, bool keep) {
  const torch::NoGradGuard guard;
  return torch_value(gaussians(peer(in.means), peer(in.maps).size(2), peer(in.maps).size(3)), keep);
}
#endif

using PeerTask = std::function<Outcome(const Inputs&, bool keep)>;

std::string text(const pk::Shape& shape) {
  std::string result = std::to_string(shape[0]);
  for (std::size_t i = 1; i < shape.size(); ++i)
    result.append("x").append(std::to_string(shape[i]));
  return result;
}

void add(const std::string& task, const std::shared_ptr<const Inputs>& inputs, const Task& ours,
         [[maybe_unused]] const PeerTask& theirs) {
  const std::string name = task + "/" + text(pk::shape_of(inputs->maps));
  const auto pixels = static_cast<double>(inputs->maps.size());
#if defined(POSEKIT_BENCH_TORCH)
  // Both must compute the same before either is timed.
  torch::set_num_threads(1);
  pk::Tape<float> tape({.threads = 1});
  const Outcome a = ours(*inputs, tape, true), b = theirs(*inputs, true);
  const auto error = [](const std::vector<float>& u, const std::vector<float>& v) {
    if (u.size() != v.size()) return 1.0;
    return u.empty() ? 0.0 : bench::relative_l2(u.data(), v.data(), u.size());
  };
  const double values = error(a.value, b.value), gradients = error(a.gradient, b.gradient);
  std::fprintf(stderr, "%s: values differ by %.1e, gradients by %.1e (relative L2)\n", name.c_str(),
               values, gradients);
  if (!(values < 1e-4) || !(gradients < 1e-4)) std::exit(1);
#endif
  for (const int threads : {1, 2}) {
    const std::string suffix = "/threads:" + std::to_string(threads);
    benchmark::RegisterBenchmark(
        (name + "/posekit" + suffix).c_str(),
        [=](benchmark::State& state) {
          omp_set_num_threads(threads);  // what Tensor functions go by
          pk::Tape<float> own({.threads = threads});
          for (auto _ : state) {
            own.clear();
            ours(*inputs, own, false);
          }
          state.counters["ns/pixel"] =
              benchmark::Counter(pixels * 1e-9, benchmark::Counter::kIsIterationInvariantRate |
                                                    benchmark::Counter::kInvert);
        })
        ->UseRealTime()
        ->Unit(benchmark::kMillisecond);
#if defined(POSEKIT_BENCH_TORCH)
    benchmark::RegisterBenchmark((name + "/torch" + suffix).c_str(),
                                 [=](benchmark::State& state) {
                                   torch::set_num_threads(threads);
                                   for (auto _ : state) theirs(*inputs, false);
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
#if defined(POSEKIT_BENCH_TORCH)
#define PEER(f) f
#else
#define PEER(f) nullptr
#endif
  for (const auto& shape : map_shapes) {
    const auto maps = std::make_shared<const Inputs>(shape);
    add("soft_argmax_forward", maps, soft_argmax_forward, PEER(torch_soft_argmax_forward));
    add("soft_argmax_gradient", maps, soft_argmax_gradient, PEER(torch_soft_argmax_gradient));
    add("regularized_loss_gradient", maps, regularized_loss, PEER(torch_regularized_loss));
    add("gaussian_targets", maps, gaussian_targets, PEER(torch_gaussian_targets));
  }
  add("volume_coordinates_gradient", std::make_shared<const Inputs>(volume_shape),
      volume_coordinates, PEER(torch_volume_coordinates));
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
