#include "samples.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <span>
#include <utility>

#include <posekit/core/random.hpp>
#include <posekit/datasets/mocap.hpp>
#include <posekit/synthetic/person_joints.hpp>

#include "test_seed.hpp"

namespace pk = posekit;

namespace {

/// Along its bones from the top of the head to an ankle, in the first frame.
double stature(const pk::Tensor<double>& poses) {
  using namespace pk::person;
  const std::size_t chain[] = {head_top, head,     neck,      spine,
                               pelvis,   left_hip, left_knee, left_ankle};
  double sum = 0;
  for (std::size_t i = 0; i + 1 < std::size(chain); ++i) {
    double square = 0;
    for (std::size_t a = 0; a < 3; ++a)
      square += std::pow(poses(0, chain[i], a) - poses(0, chain[i + 1], a), 2);
    sum += std::sqrt(square);
  }
  return sum;
}

pk::Tensor<double> recorded_poses(const PoseSource& source) {
  auto poses = pk::load_mocap(source.file, {.unit = source.unit}).poses;
  const double height = stature(poses);
  if (!(height > 800 && height < 3000)) {
    throw pk::FileError(pk::error_text(
        source.file.string(), ": its people are ", std::round(height),
        " mm from head to foot, expected 800 to 3000; --unit says how many mm its unit has"));
  }
  return poses;
}

pk::SyntheticPeople people(const SampleOptions& options, const PoseSource& source,
                           std::uint64_t seed, std::size_t count) {
  pk::SyntheticPeopleOptions o{.size = options.image_size, .seed = seed, .count = count};
  o.look.side_colours = options.side_colours;
  if (!source.file.empty()) o.poses = recorded_poses(source);
  return pk::SyntheticPeople(std::move(o));
}

/// What a 2D data set would say of the same picture.
pk::PoseExample without_depth(pk::PoseExample example) {
  for (std::size_t j = 0; j < example.joints.shape()[0]; ++j)
    example.joints(j, 2) = std::numeric_limits<float>::quiet_NaN();
  example.three_dimensional = false;
  return example;
}

}  // namespace

TrainingSamples::TrainingSamples(const SampleOptions& options, std::size_t images_per_epoch,
                                 std::uint64_t epochs)
    : options_(options),
      images_(images_per_epoch),
      people_(people(options, options.poses, options.seed,
                     images_per_epoch * static_cast<std::size_t>(epochs))) {
  require_training_seed(options.seed);
}

pk::BatchLoader<Batch> TrainingSamples::loader(std::size_t batch_size, int workers) const {
  const auto load = [this](std::size_t index, std::uint64_t epoch) {
    const std::size_t i = static_cast<std::size_t>(epoch) * images_ + index;
    pk::PoseExample example = people_.example(i);
    // A joint that is hidden has a place all the same.
    std::fill(example.visible.begin(), example.visible.end(), 1.0f);
    const bool flat = pk::CounterRandom(options_.seed, 2).uniform(i) < options_.share_2d;
    return flat ? without_depth(std::move(example)) : example;
  };
  const auto collate = [](std::span<const pk::PoseExample> examples) {
    return pk::pose_batch<float>(examples);
  };
  return pk::BatchLoader<Batch>(
      images_, load, collate, {.batch_size = batch_size, .drop_last = true, .seed = options_.seed},
      {.workers = workers});
}

pk::SyntheticPeople test_people(const SampleOptions& options, std::size_t count) {
  return people(options, options.test_poses.file.empty() ? options.poses : options.test_poses,
                test_seed, count);
}

Batch test_samples(const SampleOptions& options, std::size_t count) {
  const auto examples = test_people(options, count).examples(0, count);
  return pk::pose_batch<float>(std::span<const pk::PoseExample>(examples));
}

pk::Tensor<double> training_positions(const SampleOptions& options, std::size_t count) {
  const auto shown = people(options, options.poses, options.seed, count);
  pk::Tensor<double> result = pk::make_tensor<double>({count, pk::person::joint_count, 3});
  for (std::size_t i = 0; i < count; ++i) {
    const auto positions = shown.positions(i);
    std::copy(positions.begin(), positions.end(), result.data() + i * positions.size());
  }
  return result;
}
