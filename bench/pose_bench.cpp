// Metrics of poses: alignment of many poses, and planes of their torsos with the attributes that
// follow, beside PyTorch's batched singular values; COCO's evaluation of 5,000 images.

#include <benchmark/benchmark.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include <posekit/core/random.hpp>
#include <posekit/evaluation/coco_evaluation.hpp>
#include <posekit/pose/pose_attributes.hpp>
#include <posekit/pose/position_errors.hpp>
#include <posekit/pose/skeletons.hpp>
#include <posekit/pose/torso_plane.hpp>
#include <posekit/testing/random_tensor.hpp>

#if defined(POSEKIT_BENCH_TORCH)
#include "peers/torch_network.hpp"
#endif

namespace {

namespace pk = posekit;

constexpr std::size_t frames = 100000;

/// Poses, and predictions about 100 mm off.
struct Poses {
  pk::Tensor<double> truth = pk::testing::random_tensor<double>({frames, 17, 3}, 1, -600, 600);
  pk::Tensor<double> prediction = truth;
  Poses() {
    const auto noise = pk::testing::random_tensor<double>({frames, 17, 3}, 2, -100, 100);
    for (std::size_t i = 0; i < noise.size(); ++i) prediction.data()[i] += noise.data()[i];
  }
};
const Poses& poses() {
  static const Poses all;
  return all;
}

double ours(int threads) {
  return pk::pa_mpjpe(poses().prediction, poses().truth, pk::skeletons::human36m_17,
                      {.threads = threads})
      .mean;
}

#if defined(POSEKIT_BENCH_TORCH)
double theirs() {
  const torch::NoGradGuard guard;
  const auto tensor = [](const pk::Tensor<double>& t) {
    return torch::from_blob(const_cast<double*>(t.data()), {static_cast<long>(frames), 17, 3},
                            torch::kDouble);
  };
  const auto p = tensor(poses().prediction), t = tensor(poses().truth);
  const auto a = p - p.mean(1, true), b = t - t.mean(1, true);
  const auto [u, s, v] = torch::linalg_svd(b.transpose(1, 2).matmul(a));
  auto sign = torch::ones_like(s);
  sign.select(1, 2).copy_(torch::sign(torch::linalg_det(u) * torch::linalg_det(v)));
  const auto rotation = (u * sign.unsqueeze(1)).matmul(v);
  const auto scale = (s * sign).sum(1) / (a * a).sum({1, 2});
  const auto moved = scale.unsqueeze(1).unsqueeze(2) * a.matmul(rotation.transpose(1, 2));
  return (moved - b).pow(2).sum(2).sqrt().mean().item<double>();
}
#endif

/// Poses whose torsos are two to four times as long as deep.
const pk::Tensor<double>& bodies() {
  static const pk::Tensor<double> all = [] {
    const pk::Skeleton& skeleton = pk::skeletons::pose_16;
    auto poses = pk::testing::random_tensor<double>({frames, skeleton.size(), 3}, 3, -150, 150);
    const auto move = [&](const char* joint, double x, double y) {
      for (std::size_t f = 0; f < frames; ++f) {
        poses(f, skeleton.index(joint), 0) += x;
        poses(f, skeleton.index(joint), 1) += y;
      }
    };
    for (const double side : {-1.0, 1.0}) {
      move(side < 0 ? "right_hip" : "left_hip", 180 * side, 0);
      move(side < 0 ? "right_shoulder" : "left_shoulder", 220 * side, 500);
    }
    return poses;
  }();
  return all;
}

pk::TorsoPlanes<double> our_planes(int threads) {
  return pk::torso_planes(bodies(), pk::skeletons::pose_16, {.threads = threads});
}
pk::PoseAttributes<double> our_attributes(int threads) {
  return pk::pose_attributes(bodies(), pk::skeletons::pose_16, {.threads = threads});
}

#if defined(POSEKIT_BENCH_TORCH)
struct TorchPlanes {
  torch::Tensor normal, centre;
};

torch::Tensor torch_joints(const std::vector<std::string_view>& joints) {
  const auto all = torch::from_blob(const_cast<double*>(bodies().data()),
                                    {static_cast<long>(frames), 16, 3}, torch::kDouble);
  std::vector<std::int64_t> indices;
  for (const auto joint : joints) {
    indices.push_back(static_cast<std::int64_t>(pk::skeletons::pose_16.index(joint)));
  }
  return all.index_select(1, torch::tensor(indices));
}

TorchPlanes torch_planes() {
  const torch::NoGradGuard guard;
  const auto points =
      torch_joints({"left_shoulder", "right_shoulder", "left_hip", "right_hip", "pelvis"});
  const auto centre = points.mean(1, true);
  const auto [u, s, v] = torch::linalg_svd(points - centre, false);
  const auto normal = v.select(1, 2);
  const auto at = [&](std::int64_t i) { return points.select(1, i); };
  const auto front =
      torch::linalg_cross(at(0) + at(2) - at(1) - at(3), (at(0) + at(1) - at(2) - at(3)) / 2);
  return {normal * torch::sign((normal * front).sum(1, true)), centre};
}

torch::Tensor torch_attributes() {
  const torch::NoGradGuard guard;
  const TorchPlanes planes = torch_planes();
  const auto joints =
      torch_joints({pk::pose_attribute_joints.begin(), pk::pose_attribute_joints.end()});
  const auto distance = ((joints - planes.centre) * planes.normal.unsqueeze(1)).sum(2);
  return torch::where(distance.abs() < 50, 2, torch::where(distance > 0, 0, 1));
}

/// Whether both find the same normals and classes.
bool same_planes() {
  const auto ours = our_planes(1);
  const auto classes = our_attributes(1).classes;
  const TorchPlanes theirs = torch_planes();
  const auto normal = theirs.normal.contiguous();
  const auto their_classes = torch_attributes().to(torch::kInt32).contiguous();
  double worst = 0;
  for (std::size_t i = 0; i < ours.normal.size(); ++i) {
    worst = std::fmax(worst, std::abs(ours.normal.data()[i] - normal.data_ptr<double>()[i]));
  }
  std::size_t others = 0;
  for (std::size_t i = 0; i < classes.size(); ++i) {
    others += classes.data()[i] != their_classes.data_ptr<int>()[i];
  }
  std::fprintf(stderr, "torso planes: normals differ by %.2g, classes of %zu joints do\n", worst,
               others);
  return worst < 1e-9 && others == 0;
}
#endif

/// Images with 0 to 4 people and 20 detections each, some of them near.
struct Coco {
  pk::CocoDataset truth;
  std::vector<pk::CocoResult> results;
  Coco() {
    truth.category_ids = {1};
    for (std::int64_t image = 0; image < 5000; ++image) {
      const pk::CounterRandom random(7, static_cast<std::uint64_t>(image));
      std::uint64_t draw = 0;
      const auto uniform = [&](double low, double high) {
        return low + (high - low) * static_cast<double>(random.bits(draw++) % 1000003) / 1000003.0;
      };
      truth.images.push_back({image, "", 640, 480});
      const auto people = static_cast<int>(uniform(0, 5));
      for (int d = 0; d < 20; ++d) {
        const double size = uniform(40, 250), x = uniform(0, 300), y = uniform(0, 300);
        pk::CocoAnnotation person;
        person.id = static_cast<std::int64_t>(truth.annotations.size()) + 1;
        person.image_id = image;
        person.area = size * size * 0.6;
        person.box = {x, y, size, size};
        pk::CocoResult result{image, 1, {}, uniform(0, 1)};
        for (int k = 0; k < 17; ++k) {
          const double px = x + uniform(0, size), py = y + uniform(0, size);
          person.keypoints.push_back({px, py, uniform(0, 1) < 0.7 ? 2 : 0});
          result.keypoints.push_back(
              {px + uniform(-0.05, 0.05) * size, py + uniform(-0.05, 0.05) * size, 1});
        }
        if (d < people) truth.annotations.push_back(person);
        results.push_back(result);
      }
    }
  }
};

}  // namespace

int main(int argc, char** argv) {
#if defined(POSEKIT_BENCH_TORCH)
  const double a = ours(1), b = theirs();
  std::fprintf(stderr, "PA-MPJPE: %.12g and %.12g mm\n", a, b);
  if (!(std::abs(a - b) < 1e-9 * b)) return 1;
  if (!same_planes()) return 1;
#endif
  for (const int threads : {1, 2}) {
    const std::string suffix = "/threads:" + std::to_string(threads);
    benchmark::RegisterBenchmark(("pa_mpjpe_100000/posekit" + suffix).c_str(),
                                 [=](benchmark::State& state) {
                                   for (auto _ : state) benchmark::DoNotOptimize(ours(threads));
                                 })
        ->UseRealTime()
        ->Unit(benchmark::kMillisecond);
#if defined(POSEKIT_BENCH_TORCH)
    benchmark::RegisterBenchmark(("pa_mpjpe_100000/torch" + suffix).c_str(),
                                 [=](benchmark::State& state) {
                                   torch::set_num_threads(threads);
                                   for (auto _ : state) benchmark::DoNotOptimize(theirs());
                                 })
        ->UseRealTime()
        ->Unit(benchmark::kMillisecond);
#endif
    const auto add = [&](const char* name, const auto& body) {
      benchmark::RegisterBenchmark((name + suffix).c_str(),
                                   [=](benchmark::State& state) {
                                     for (auto _ : state) benchmark::DoNotOptimize(body());
                                   })
          ->UseRealTime()
          ->Unit(benchmark::kMillisecond);
    };
    add("torso_planes_100000/posekit", [=] { return our_planes(threads); });
    add("pose_attributes_100000/posekit", [=] { return our_attributes(threads); });
#if defined(POSEKIT_BENCH_TORCH)
    add("torso_planes_100000/torch", [=] {
      torch::set_num_threads(threads);
      return torch_planes();
    });
    add("pose_attributes_100000/torch", [=] {
      torch::set_num_threads(threads);
      return torch_attributes();
    });
#endif
    benchmark::RegisterBenchmark(("coco_5000x20/posekit" + suffix).c_str(),
                                 [=](benchmark::State& state) {
                                   static const Coco coco;
                                   for (auto _ : state) {
                                     benchmark::DoNotOptimize(pk::evaluate_coco(
                                         coco.truth, coco.results, {.threads = threads}));
                                   }
                                 })
        ->UseRealTime()
        ->Unit(benchmark::kMillisecond);
  }
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
