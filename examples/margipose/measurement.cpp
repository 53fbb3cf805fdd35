#include "measurement.hpp"

#include <algorithm>
#include <cstdio>
#include <optional>
#include <span>
#include <vector>

#include <posekit/batches/multi_crop.hpp>
#include <posekit/image/crop_transforms.hpp>
#include <posekit/io/npy.hpp>
#include <posekit/pose/pck.hpp>
#include <posekit/pose/position_errors.hpp>
#include <posekit/pose/skeletons.hpp>

#include "output.hpp"
#include "program.hpp"

namespace pk = posekit;

namespace {

Errors errors_of(const pk::Tensor<double>& positions, const pk::Tensor<double>& truth) {
  const auto& skeleton = pk::skeletons::margipose_17;
  return {pk::mpjpe(positions, truth, skeleton).mean, pk::pa_mpjpe(positions, truth, skeleton).mean,
          pk::pck(positions, truth, skeleton, {.alignment = pk::Alignment::similarity}).mean};
}

pk::Tensor<double> in_millimetres(const pk::Tensor<float>& normalised, const Batch& truth) {
  return pk::cast<double>(pk::camera_space_joints(normalised, truth));
}

/// The mean pose about its root, N times.
pk::Tensor<double> mean_pose(const pk::Tensor<double>& poses, std::size_t n) {
  const auto root = pk::skeletons::margipose_17.index(pk::skeletons::margipose_17.root);
  const std::size_t count = poses.shape()[0], joints = poses.shape()[1];
  pk::Tensor<double> mean = pk::zeros<double>({joints, 3});
  for (std::size_t i = 0; i < count; ++i) {
    for (std::size_t j = 0; j < joints; ++j) {
      for (std::size_t a = 0; a < 3; ++a)
        mean(j, a) += (poses(i, j, a) - poses(i, root, a)) / static_cast<double>(count);
    }
  }
  pk::Tensor<double> guess = pk::make_tensor<double>({n, joints, 3});
  for (std::size_t i = 0; i < guess.size(); ++i) guess.data()[i] = mean.data()[i % mean.size()];
  return guess;
}

pk::Tensor<float> without_depth(pk::Tensor<float> coordinates) {
  for (std::size_t i = 2; i < coordinates.size(); i += 3) coordinates.data()[i] = 0;
  return coordinates;
}

}  // namespace

pk::Tensor<float> predict(Network& network, const pk::Tensor<float>& images) {
  constexpr std::size_t together = 32;
  const pk::Shape shape = pk::shape_of(images);
  const std::size_t size = shape[1] * shape[2] * shape[3];
  const std::size_t joints = network.options().joints;
  pk::Tensor<float> result = pk::make_tensor<float>({shape[0], joints, 3});
  pk::Tape<float> tape;
  for (std::size_t first = 0; first < shape[0]; first += together) {
    const std::size_t count = std::min(together, shape[0] - first);
    pk::Tensor<float> part = pk::make_tensor<float>({count, shape[1], shape[2], shape[3]});
    std::copy_n(images.data() + first * size, count * size, part.data());
    const auto& xyz = network(tape.constant(std::move(part))).xyz.value();
    std::copy(xyz.begin(), xyz.end(), result.data() + first * joints * 3);
    tape.clear();
  }
  return result;
}

Errors measure(const pk::Tensor<float>& prediction, const Batch& truth) {
  return errors_of(in_millimetres(prediction, truth), pk::cast<double>(truth.positions));
}

void Comparison::add(const pk::Tensor<float>& prediction, const Batch& truth) {
  const auto append = [](Positions& to, const pk::Tensor<double>& from) {
    to.insert(to.end(), from.begin(), from.end());
  };
  joints_ = truth.positions.shape()[1];
  append(truth_, pk::cast<double>(truth.positions));
  append(prediction_, in_millimetres(prediction, truth));
  append(without_depth_, in_millimetres(without_depth(prediction), truth));
  append(truth_without_depth_, in_millimetres(without_depth(truth.targets), truth));
}

pk::Tensor<double> Comparison::tensor(const Positions& positions) const {
  pk::Tensor<double> result =
      pk::make_tensor<double>({positions.size() / (3 * joints_), joints_, 3});
  std::copy(positions.begin(), positions.end(), result.data());
  return result;
}

void Comparison::print(const char* name, const pk::Tensor<double>& poses) const {
  const auto expected = truth();
  std::printf("%-42s %10s %10s %10s\n", "", "PA-MPJPE", "MPJPE", "PCK@150");
  const auto line = [&](const char* what, const pk::Tensor<double>& positions) {
    const Errors e = errors_of(positions, expected);
    std::printf("%-42s %7.1f mm %7.1f mm %8.1f %%\n", what, e.pa_mpjpe, e.mpjpe, 100 * e.pck);
  };
  line("the mean pose", mean_pose(poses, expected.shape()[0]));
  line("the network's image coordinates, no depth", tensor(without_depth_));
  line("the true image coordinates, no depth", tensor(truth_without_depth_));
  line(name, prediction());
}

namespace {

/// The mean over five crops of each picture and their mirror images.
pk::Tensor<float> predict_ten_crop(Network& network, const std::vector<pk::PoseExample>& examples) {
  const std::size_t size = examples[0].image.shape()[2], joints = network.options().joints;
  pk::Tensor<float> result = pk::make_tensor<float>({examples.size(), joints, 3});
  const auto crops = pk::multi_crop(pk::whole_picture(size, size));
  for (std::size_t i = 0; i < examples.size(); ++i) {
    const auto images = pk::crop_images(examples[i].image, crops);
    const auto merged = pk::merge_multi_crop(predict(network, pk::normalize_images<float>(images)),
                                             crops, pk::skeletons::margipose_17);
    std::copy(merged.begin(), merged.end(), result.data() + i * joints * 3);
  }
  return result;
}

}  // namespace

void run_measurement(const MeasurementOptions& options) {
  const auto loaded = pk::models::load_margipose<float>(options.weights);
  std::optional<StagedOutput> output;
  if (!options.folder.empty()) output.emplace(options.folder);
  const SampleOptions samples{.image_size = loaded.configuration.image_size,
                              .poses = options.poses};
  const auto people = test_people(samples, options.images);
  Comparison comparison;
  constexpr std::size_t together = 64;
  for (std::size_t first = 0; first < options.images; first += together) {
    stop_if_requested();
    const auto examples = people.examples(first, std::min(together, options.images - first));
    const Batch truth = pk::pose_batch<float>(std::span<const pk::PoseExample>(examples));
    comparison.add(options.ten_crop ? predict_ten_crop(*loaded.network, examples)
                                    : predict(*loaded.network, truth.images),
                   truth);
  }
  comparison.print(options.ten_crop ? "the network, ten crops" : "the network",
                   training_positions(samples, std::min<std::size_t>(options.images, 4096)));
  if (!output) return;
  pk::save_npy(output->file("prediction.npy"), comparison.prediction());
  pk::save_npy(output->file("truth.npy"), comparison.truth());
  output->publish();
  std::printf("in %s: prediction.npy, truth.npy\n", options.folder.c_str());
}
