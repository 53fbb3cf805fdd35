// Whole networks: the forward pass alone, one step of a path (forward, and the gradients of 17
// joints with respect to the image), and PoseIG itself, per step. With POSEKIT_BENCH_TORCH the same
// graphs run on PyTorch in the same process, after their results were compared.

#include <cmath>
#include <cstdio>
#include <memory>
#include <numeric>

#include <posekit/attribution.hpp>
#include <posekit/models.hpp>
#include <posekit/pose/joint_selection.hpp>

#include "support/machine.hpp"
#include "support/network_inputs.hpp"

#if defined(POSEKIT_BENCH_TORCH)
#include "peers/torch_network.hpp"
#endif

namespace {

namespace pk = posekit;

struct Subject {
  bench::NetworkCase c;
  pk::Network<float> network;
  std::string feed;
  std::shared_ptr<const pk::Tensor<float>> input;
  pk::Tensor<float> seeds;
};

pk::Tensor<float> forward(const Subject& s, pk::Tape<float>& tape) {
  tape.clear();
  return s.network({{s.feed, tape.constant(s.input)}}, {s.c.heatmaps})[0].value();
}

pk::Tensor<float> step(const Subject& s, pk::Tape<float>& tape) {
  tape.clear();
  pk::Tensor<float> input = tape.pool().take(pk::shape_of(*s.input));
  std::copy_n(s.input->data(), s.input->size(), input.data());
  const auto x = tape.variable(std::move(input));
  return tape.vjp(s.network({{s.feed, x}}, {s.c.heatmaps})[0], s.seeds, x);
}

std::shared_ptr<const Subject> load(const bench::NetworkCase& c) {
  const auto file = bench::network_file(c.name);
  const auto input = bench::network_input(c);
  if (!file || !input) {
    bench::skip(c);
    return nullptr;
  }
  auto network = pk::load_tfjs<float>(*file);
  const std::string feed = network.input_names().at(0);
  auto subject = std::make_shared<Subject>(
      Subject{c, network, feed, std::make_shared<const pk::Tensor<float>>(*input), {}});
  pk::Tape<float> tape({.threads = 1});
  subject->seeds = bench::joint_seeds(pk::shape_of(forward(*subject, tape)), c.joints);
  return subject;
}

#if defined(POSEKIT_BENCH_TORCH)
/// The gradients of all joints, one after another, as autograd gives them.
std::vector<torch::Tensor> torch_step(const Subject& s, const bench::TorchNetwork& net,
                                      const torch::Tensor& input,
                                      const std::vector<torch::Tensor>& seeds) {
  const torch::Tensor x = input.detach().requires_grad_();
  const torch::Tensor y = net(s.feed, x, s.c.heatmaps);
  std::vector<torch::Tensor> gradients;
  for (std::size_t j = 0; j < seeds.size(); ++j) {
    gradients.push_back(torch::autograd::grad({y}, {x}, {seeds[j]}, j + 1 < seeds.size())[0]);
  }
  return gradients;
}

void register_torch(const std::shared_ptr<const Subject>& s, bool channels_last) {
  const auto net = std::make_shared<const bench::TorchNetwork>(s->network.graph(), channels_last);
  const torch::Tensor input = bench::TorchNetwork::to_torch(*s->input);
  std::vector<torch::Tensor> seeds;
  const torch::Tensor all = bench::TorchNetwork::to_torch(s->seeds);
  for (std::size_t j = 0; j < s->c.joints; ++j) seeds.push_back(all[static_cast<std::int64_t>(j)]);

  // Both must compute the same before either is timed.
  torch::set_num_threads(1);
  pk::Tape<float> tape({.threads = 1});
  const auto ours = forward(*s, tape);
  const torch::Tensor theirs = (*net)(s->feed, input, s->c.heatmaps).contiguous();
  const double output_error =
      bench::relative_l2(ours.data(), theirs.data_ptr<float>(), ours.size());
  const auto gradients = step(*s, tape);
  const auto peers = torch_step(*s, *net, input, seeds);
  double gradient_error = 0;
  for (std::size_t j = 0; j < peers.size(); ++j) {
    const std::size_t size = s->input->size();
    gradient_error =
        std::max(gradient_error, bench::relative_l2(gradients.data() + j * size,
                                                    peers[j].contiguous().data_ptr<float>(), size));
  }
  std::fprintf(stderr, "%s, PyTorch %s: outputs differ by %.1e, gradients by %.1e (relative L2)\n",
               s->c.name.c_str(), channels_last ? "channels-last" : "contiguous", output_error,
               gradient_error);
  if (!(output_error < 1e-4) || !(gradient_error < 2e-2)) std::exit(1);

  const std::string name = channels_last ? "/torch_nhwc/" : "/torch_nchw/";
  for (const int threads : {1, 2}) {
    const std::string suffix = "/threads:" + std::to_string(threads);
    benchmark::RegisterBenchmark(
        (s->c.name + "/forward" + name + suffix.substr(1)).c_str(),
        [=](benchmark::State& state) {
          torch::set_num_threads(threads);
          const torch::NoGradGuard guard;
          for (auto _ : state)
            benchmark::DoNotOptimize((*net)(s->feed, input, s->c.heatmaps).data_ptr());
        })
        ->UseRealTime()
        ->Unit(benchmark::kMillisecond);
    benchmark::RegisterBenchmark(
        (s->c.name + "/step17" + name + suffix.substr(1)).c_str(),
        [=](benchmark::State& state) {
          torch::set_num_threads(threads);
          for (auto _ : state) benchmark::DoNotOptimize(torch_step(*s, *net, input, seeds).data());
        })
        ->UseRealTime()
        ->Unit(benchmark::kMillisecond);
  }
}
#endif

void register_subject(const std::shared_ptr<const Subject>& s) {
  for (const int threads : {1, 2}) {
    const std::string suffix = "/posekit/threads:" + std::to_string(threads);
    benchmark::RegisterBenchmark((s->c.name + "/forward" + suffix).c_str(),
                                 [=](benchmark::State& state) {
                                   pk::Tape<float> tape({.threads = threads});
                                   forward(*s, tape);
                                   for (auto _ : state)
                                     benchmark::DoNotOptimize(forward(*s, tape).data());
                                 })
        ->UseRealTime()
        ->Unit(benchmark::kMillisecond);
    benchmark::RegisterBenchmark((s->c.name + "/step17" + suffix).c_str(),
                                 [=](benchmark::State& state) {
                                   pk::Tape<float> tape({.threads = threads});
                                   tape.pool().give(step(*s, tape));
                                   for (auto _ : state) tape.pool().give(step(*s, tape));
                                 })
        ->UseRealTime()
        ->Unit(benchmark::kMillisecond);
    benchmark::RegisterBenchmark(
        (s->c.name + "/pose_ig_per_step" + suffix).c_str(),
        [=](benchmark::State& state) {
          const auto whole = pk::load_pose_model<float>(
              s->c.pose_model, bench::network_file(s->c.name)->parent_path());
          std::vector<std::size_t> joints(s->c.joints);
          std::iota(joints.begin(), joints.end(), std::size_t{0});
          const auto model = [&](const pk::Var<float>& x) {
            return pk::select_joints(whole(x), joints);
          };
          const std::size_t pixels = s->c.size * s->c.size;
          pk::Tensor<float> image = pk::make_tensor<float>({3, s->c.size, s->c.size});
          for (std::size_t i = 0; i < image.size(); ++i) {
            image.data()[i] =
                (s->input->data()[i % pixels * 3 + i / pixels] - s->c.low) / (s->c.high - s->c.low);
          }
          pk::Tape<float> tape({.threads = threads});
          const pk::Tensor<float> truth =
              model(tape.constant(
                        pk::reshaped(pk::Tensor<float>(image), {1, 3, s->c.size, s->c.size})))
                  .value();
          // A wide likelihood, so that no joint's gradient vanishes: one that does costs nothing.
          constexpr std::size_t steps = 20;
          const pk::PoseIgOptions options{.steps = steps,
                                          .likelihood = {pk::LikelihoodKind::distance, 0.05},
                                          .threads = threads};
          for (auto _ : state) {
            const auto start = bench::seconds();
            benchmark::DoNotOptimize(pk::pose_ig(model, image, truth, options).attributions.data());
            state.SetIterationTime((bench::seconds() - start) / steps);
          }
        })
        ->UseManualTime()
        ->Unit(benchmark::kMillisecond);
  }
#if defined(POSEKIT_BENCH_TORCH)
  for (const bool channels_last : {false, true}) register_torch(s, channels_last);
#endif
}

}  // namespace

int main(int argc, char** argv) {
  for (const auto& c : bench::network_cases()) {
    if (const auto subject = load(c)) register_subject(subject);
  }
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
