// What PoseIG does beside the network: the blurred images of a path, the indices, the KDE map.

#include <cmath>
#include <cstdio>
#include <vector>

#include <posekit/attribution.hpp>
#include <posekit/testing/random_tensor.hpp>

#include "support/machine.hpp"

#if defined(POSEKIT_BENCH_TORCH)
#include <torch/torch.h>
#endif
#if defined(POSEKIT_BENCH_OPENCV)
#include <opencv2/imgproc.hpp>
#endif

namespace {

void one_and_two_threads(benchmark::internal::Benchmark* b) {
  b->ArgName("threads")->Arg(1)->Arg(2)->UseRealTime()->Unit(benchmark::kMillisecond);
}

namespace pk = posekit;

constexpr std::size_t side = 256;
constexpr std::size_t channels = 3;
constexpr std::size_t images = 50;
constexpr double sigma = 19.0;

pk::Tensor<float> photo() {
  return pk::testing::random_tensor<float>({channels, side, side}, 1, 0, 1);
}

/// The standard deviation of image `i` of the path: from `sigma` down to 0.
double sigma_at(std::size_t i) { return sigma * (1.0 - static_cast<double>(i) / (images - 1)); }

/// What 50 separable blurs take: two passes of radius + 1 multiply-adds with folded pairs.
bench::Work blur_work(pk::BlurKernel kernel) {
  bench::Work work;
  for (std::size_t i = 0; i < images; ++i) {
    const auto radius = static_cast<double>(pk::gaussian_kernel(sigma_at(i), kernel).radius());
    work.multiply_adds += 2 * (radius + 1) * channels * side * side;
    work.bytes += 2 * 4.0 * channels * side * side;
  }
  return work;
}

void blur_path(benchmark::State& state, pk::BlurKernel kernel, bool derivative) {
  const auto threads = static_cast<int>(state.range(0));
  const pk::BlurPath<float> path(photo(), sigma, kernel);
  bench::Work work = blur_work(kernel);
  if (derivative) work.multiply_adds *= 2.5;  // the second pass convolves twice more
  const bench::Shares shares(state, work, threads);
  for (auto _ : state) {
    pk::parallel_ranges(images, threads, [&](std::size_t begin, std::size_t end, int) {
      pk::Tensor<float> image = pk::make_tensor<float>({channels, side, side});
      pk::Tensor<float> slope = image;
      for (std::size_t i = begin; i < end; ++i) {
        path.point(1.0 - sigma_at(i) / sigma, image, derivative ? &slope : nullptr);
        benchmark::DoNotOptimize(image.data());
      }
    });
  }
}
BENCHMARK_CAPTURE(blur_path, true_sigma, pk::BlurKernel::gaussian, false)
    ->Apply(one_and_two_threads);
BENCHMARK_CAPTURE(blur_path, taps_31, pk::BlurKernel::taps_31, false)->Apply(one_and_two_threads);
BENCHMARK_CAPTURE(blur_path, true_sigma_with_derivative, pk::BlurKernel::gaussian, true)
    ->Apply(one_and_two_threads);
BENCHMARK_CAPTURE(blur_path, taps_31_with_derivative, pk::BlurKernel::taps_31, true)
    ->Apply(one_and_two_threads);

#if defined(POSEKIT_BENCH_OPENCV)
void blur_path_opencv(benchmark::State& state, pk::BlurKernel kernel) {
  const auto threads = static_cast<int>(state.range(0));
  cv::setNumThreads(threads);
  const auto image = photo();
  cv::Mat input(side, side, CV_32FC3);
  for (std::size_t i = 0; i < image.size(); ++i) {
    input.ptr<float>()[i % (side * side) * channels + i / (side * side)] = image.data()[i];
  }
  // The same image first.
  const pk::BlurPath<float> path(image, sigma, kernel);
  double error = 0;
  cv::Mat output;
  const auto blur = [&](double s) {
    const int size = 2 * static_cast<int>(pk::gaussian_kernel(s, kernel).radius()) + 1;
    if (s < 0.025) {
      input.copyTo(output);
    } else {
      cv::GaussianBlur(input, output, {size, size}, s, s, cv::BORDER_REFLECT_101);
    }
  };
  const auto ours = path.image_at(0.5);
  blur(sigma / 2);
  for (std::size_t i = 0; i < ours.size(); ++i) {
    error = std::max(error,
                     static_cast<double>(std::abs(
                         ours.data()[i] -
                         output.ptr<float>()[i % (side * side) * channels + i / (side * side)])));
  }
  if (!(error < 1e-4)) {
    state.SkipWithError("OpenCV blurs to something else");
    return;
  }
  for (auto _ : state) {
    for (std::size_t i = 0; i < images; ++i) {
      blur(sigma_at(i));
      benchmark::DoNotOptimize(output.data);
    }
  }
}
BENCHMARK_CAPTURE(blur_path_opencv, true_sigma, pk::BlurKernel::gaussian)
    ->Apply(one_and_two_threads);
BENCHMARK_CAPTURE(blur_path_opencv, taps_31, pk::BlurKernel::taps_31)->Apply(one_and_two_threads);
#endif

#if defined(POSEKIT_BENCH_TORCH)
/// As the reference implementation blurs: one depthwise 31 x 31 convolution per image.
void blur_path_torch(benchmark::State& state) {
  torch::set_num_threads(static_cast<int>(state.range(0)));
  const torch::NoGradGuard guard;
  const auto image = photo();
  const torch::Tensor input =
      torch::from_blob(const_cast<float*>(image.data()), {1, channels, side, side}).clone();
  const auto blur = [&](double s) {
    const pk::GaussianKernel kernel = pk::gaussian_kernel(s, pk::BlurKernel::taps_31);
    torch::Tensor line = torch::empty({31});
    for (int i = 0; i < 31; ++i)
      line[i] = kernel.weights[static_cast<std::size_t>(std::abs(i - 15))];
    const torch::Tensor window =
        torch::outer(line, line).expand({channels, 1, 31, 31}).contiguous();
    return torch::conv2d(torch::reflection_pad2d(input, {15, 15, 15, 15}), window, torch::Tensor(),
                         {1, 1}, at::IntArrayRef{0, 0}, {1, 1}, channels);
  };
  const pk::BlurPath<float> path(image, sigma, pk::BlurKernel::taps_31);
  const auto ours = path.image_at(0.5);
  const torch::Tensor theirs = blur(sigma / 2).contiguous();
  for (std::size_t i = 0; i < ours.size(); ++i) {
    if (!(std::abs(ours.data()[i] - theirs.data_ptr<float>()[i]) < 1e-4)) {
      state.SkipWithError("PyTorch blurs to something else");
      return;
    }
  }
  for (auto _ : state) {
    for (std::size_t i = 0; i < images; ++i) benchmark::DoNotOptimize(blur(sigma_at(i)).data_ptr());
  }
}
BENCHMARK(blur_path_torch)->Name("blur_path_torch/taps_31")->Apply(one_and_two_threads);
#endif

/// Attribution-like maps: most of the weight in a few places, some everywhere.
pk::Tensor<float> attribution_map(std::size_t joints) {
  pk::Tensor<float> maps = pk::testing::random_tensor<float>({joints, side, side}, 5, 0, 1);
  for (std::size_t j = 0; j < joints; ++j) {
    for (std::size_t y = 0; y < side; ++y) {
      for (std::size_t x = 0; x < side; ++x) {
        const double dx = (static_cast<double>(x) - 90 - 4 * static_cast<double>(j)) / 18;
        const double dy = (static_cast<double>(y) - 120) / 25;
        float& value = maps(j, y, x);
        value =
            value * value * value * static_cast<float>(std::exp(-0.5 * (dx * dx + dy * dy)) + 1e-3);
      }
    }
  }
  return maps;
}

void kde(benchmark::State& state) {
  const auto threads = static_cast<int>(state.range(0));
  const auto maps = attribution_map(1);
  const pk::Tensor<float> map = pk::reshaped(pk::Tensor<float>(maps), {side, side});
  for (auto _ : state) benchmark::DoNotOptimize(pk::kde_map(map, {.threads = threads}).data());
}
BENCHMARK(kde)->Name("kde_map_256x256/posekit")->Apply(one_and_two_threads);

void diffusion(benchmark::State& state) {
  const auto maps = attribution_map(17);
  for (auto _ : state) benchmark::DoNotOptimize(pk::diffusion_index(maps).data());
}
BENCHMARK(diffusion)->Name("diffusion_index_17x256x256/posekit")->Unit(benchmark::kMillisecond);

void locality(benchmark::State& state) {
  const auto maps = attribution_map(17);
  const auto joints = pk::testing::random_tensor<float>({17, 2}, 3, 60, 200);
  for (auto _ : state) benchmark::DoNotOptimize(pk::locality_index(maps, joints).data());
}
BENCHMARK(locality)->Name("locality_index_17x256x256/posekit")->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
