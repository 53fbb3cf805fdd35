#include "samples.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>
#include <utility>

#include <posekit/core/random.hpp>
#include <posekit/data/mocap.hpp>

namespace pk = posekit;

namespace {

constexpr std::uint64_t test_seed = 0x7e57;

pk::SyntheticPeople people(const SampleOptions& options, std::uint64_t seed, std::size_t count) {
  pk::SyntheticPeopleOptions o{.size = options.image_size, .seed = seed, .count = count};
  o.look.side_colours = options.side_colours;
  if (!options.poses.empty())
    o.poses = pk::load_mocap(options.poses, {.derived = pk::usual_weighted_joints()}).poses;
  return pk::SyntheticPeople(std::move(o));
}

Batch batch_of(const pk::SyntheticPeople& people) {
  const auto examples = people.examples(0, people.size());
  return pk::pose_batch<float>(std::span<const pk::PoseExample>(examples));
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
      people_(people(options, options.seed, images_per_epoch * static_cast<std::size_t>(epochs))) {}

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
  return people(options, test_seed, count);
}

Batch training_poses(const SampleOptions& options, std::size_t count) {
  return batch_of(people(options, options.seed, count));
}

Batch test_samples(const SampleOptions& options, std::size_t count) {
  return batch_of(test_people(options, count));
}
