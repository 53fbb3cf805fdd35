#include "measurement.hpp"

#include <algorithm>
#include <cstdio>

#include <posekit/data/multi_crop.hpp>
#include <posekit/io/npy.hpp>
#include <posekit/pose/metrics.hpp>
#include <posekit/pose/skeletons.hpp>

#include "output.hpp"

namespace pk = posekit;

namespace {

Errors errors_of(const pk::Tensor<double>& positions, const Batch& truth) {
  const auto& skeleton = pk::skeletons::margipose_17;
  const auto expected = pk::cast<double>(truth.positions);
  return {pk::mpjpe(positions, expected, skeleton).mean,
          pk::pa_mpjpe(positions, expected, skeleton).mean,
          pk::pck(positions, expected, skeleton, {.alignment = pk::Alignment::similarity}).mean};
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
  return errors_of(pk::cast<double>(pk::camera_space_joints(prediction, truth)), truth);
}

Errors measure_mean_pose(const Batch& poses, const Batch& truth) {
  const auto root = pk::skeletons::margipose_17.index(pk::skeletons::margipose_17.root);
  const std::size_t n = poses.positions.shape()[0], joints = poses.positions.shape()[1];
  pk::Tensor<double> mean = pk::zeros<double>({joints, 3});
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < joints; ++j) {
      for (std::size_t a = 0; a < 3; ++a) {
        mean(j, a) += static_cast<double>(poses.positions(i, j, a) - poses.positions(i, root, a)) /
                      static_cast<double>(n);
      }
    }
  }
  pk::Tensor<double> guess = pk::make_tensor<double>(pk::shape_of(truth.positions));
  for (std::size_t i = 0; i < guess.size(); ++i) guess.data()[i] = mean.data()[i % mean.size()];
  return errors_of(guess, truth);
}

Errors measure_without_depth(pk::Tensor<float> coordinates, const Batch& truth) {
  for (std::size_t i = 2; i < coordinates.size(); i += 3) coordinates.data()[i] = 0;
  return measure(coordinates, truth);
}

void print_comparison(const char* name, const pk::Tensor<float>& prediction, const Batch& poses,
                      const Batch& truth) {
  std::printf("%-42s %10s %10s %10s\n", "", "PA-MPJPE", "MPJPE", "PCK@150");
  const auto line = [](const char* what, const Errors& e) {
    std::printf("%-42s %7.1f mm %7.1f mm %8.1f %%\n", what, e.pa_mpjpe, e.mpjpe, 100 * e.pck);
  };
  line("the mean pose", measure_mean_pose(poses, truth));
  line("the network's image coordinates, no depth", measure_without_depth(prediction, truth));
  line("the true image coordinates, no depth", measure_without_depth(truth.targets, truth));
  line(name, measure(prediction, truth));
}

namespace {

/// The mean over five crops of each picture and their mirror images.
pk::Tensor<float> predict_ten_crop(Network& network, const pk::SyntheticPeople& people) {
  const std::size_t size = people.options().size, joints = network.options().joints;
  pk::Tensor<float> result = pk::make_tensor<float>({people.size(), joints, 3});
  const auto crops = pk::multi_crop(pk::whole_picture(size, size));
  for (std::size_t i = 0; i < people.size(); ++i) {
    const auto images = pk::crop_images(people.example(i).image, crops);
    const auto merged = pk::merge_multi_crop(predict(network, pk::normalize_images<float>(images)),
                                             crops, pk::skeletons::margipose_17);
    std::copy(merged.begin(), merged.end(), result.data() + i * joints * 3);
  }
  return result;
}

}  // namespace

void run_measurement(const MeasurementOptions& options) {
  const LoadedNetwork loaded = load_network(options.weights);
  if (loaded.configuration.network.joints != pk::skeletons::margipose_17.size()) {
    throw pk::ValueError(pk::error_text("the network has ", loaded.configuration.network.joints,
                                        " joints, the pictures have ",
                                        pk::skeletons::margipose_17.size()));
  }
  const SampleOptions samples{.image_size = loaded.configuration.image_size,
                              .poses = options.poses};
  const auto people = test_people(samples, options.images);
  const Batch truth = test_samples(samples, options.images);
  const pk::Tensor<float> prediction = options.ten_crop ? predict_ten_crop(*loaded.network, people)
                                                        : predict(*loaded.network, truth.images);
  print_comparison(options.ten_crop ? "the network, ten crops" : "the network", prediction,
                   training_poses(samples, options.images), truth);
  if (options.folder.empty()) return;
  StagedOutput output(options.folder);
  pk::save_npy(output.file("prediction.npy"),
               pk::cast<double>(pk::camera_space_joints(prediction, truth)));
  pk::save_npy(output.file("truth.npy"), pk::cast<double>(truth.positions));
  output.publish();
  std::printf("in %s: prediction.npy, truth.npy\n", options.folder.c_str());
}
