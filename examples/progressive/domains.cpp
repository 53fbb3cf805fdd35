#include "domains.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include <posekit/batches/augmentation.hpp>
#include <posekit/batches/pose_batch.hpp>
#include <posekit/core/error.hpp>
#include <posekit/core/listed.hpp>
#include <posekit/core/permutation.hpp>
#include <posekit/pose/pose_attributes.hpp>
#include <posekit/pose/skeleton_map.hpp>
#include <posekit/pose/skeletons.hpp>
#include <posekit/synthetic/person_joints.hpp>
#include <posekit/synthetic/random_stream.hpp>

#include "test_seed.hpp"

namespace pk = posekit;

namespace {

constexpr std::uint64_t lab_walls = 0x1ab;

/// A seed for a domain, so that the same example is another person elsewhere.
std::uint64_t domain_seed(std::uint64_t seed, Domain domain) {
  return pk::derived_seed(seed, 100 + static_cast<std::uint64_t>(domain));
}

/// The recorded poses, in an order of the domain's own; none where all are to be generated.
pk::Tensor<double> poses_of(const PeopleOptions& options, std::uint64_t seed) {
  if (options.poses.file.empty()) return pk::zeros<double>({0, pk::person::joint_count, 3});
  const pk::Tensor<double> recorded =
      load_recordings(options.poses, pk::skeletons::margipose_17).poses;
  const std::size_t count = recorded.shape()[0], values = recorded.size() / count;
  pk::Tensor<double> all = pk::make_tensor<double>(pk::shape_of(recorded));
  const auto order = pk::random_permutation(count, seed);
  for (std::size_t i = 0; i < count; ++i)
    std::copy_n(recorded.data() + order[i] * values, values, all.data() + i * values);
  return all;
}

pk::SyntheticPeopleOptions drawing_options(Domain domain, const PeopleOptions& options,
                                           std::size_t count, Use use) {
  const bool training = use == Use::training;
  const std::uint64_t seed = domain_seed(training ? options.seed : test_seed, domain);
  pk::SyntheticPeopleOptions o{.size = options.image_size, .seed = seed, .count = count};
  o.poses = poses_of(options, seed);
  // Factors of scale, about a person that takes up 0.78 of the picture's side.
  const auto fill = [](double low, double high) {
    return std::array<double, 2>{0.78 * low, 0.78 * high};
  };
  o.look.side_colours = true;
  pk::CameraPlacementOptions camera;
  if (domain == Domain::lab) {
    camera.distance = {4000, 5500};
    camera.elevation = {0, 15};
    camera.roll = 0;
    camera.jitter = 0.03;
    camera.fill = training ? fill(0.8, 1.2) : fill(0.95, 1.05);
    o.looks = 24;
    o.look.patterned = false;
    o.backdrops = 4;
    o.backdrop_seed = lab_walls;
    o.backdrop = {.noise = 0.04, .octaves = 2, .shapes = 0, .ground = 1, .saturation = 0.25};
    o.occluders.probability = 0;
    o.noise = 0.015;
  } else {
    camera.distance = {2200, 9000};
    camera.elevation = {-15, 40};
    camera.jitter = 0.06;
    // Of deviations that are cut off at 2.5: 30 degrees.
    camera.roll = training ? 12 : 3;
    camera.fill = training ? fill(0.8, 1.2) : fill(0.9, 1.1);
    o.backdrop = {.noise = 0.3, .octaves = 5, .shapes = 14};
    o.occluders.probability = 0.3;
  }
  if (domain == Domain::night) {
    o.occluders = {.probability = 0.7, .most = 3};
    o.noise = 0.05;
  }
  o.camera = camera;
  return o;
}

/// What the light and the sensor make of a picture.
pk::Augmentation drawn_colours(Domain domain, std::uint64_t seed, Use use, std::size_t index) {
  constexpr pk::Range none{0, 0}, one{1, 1};
  pk::AugmentationOptions o{.seed = seed,
                            .scale = one,
                            .translation = none,
                            .rotation = none,
                            .flip = 0,
                            .brightness = one,
                            .contrast = one,
                            .saturation = one,
                            .hue = none,
                            .gain = one};
  if (use == Use::training) o.gain = {0.8, 1.2};
  if (domain == Domain::night) {
    o.brightness = {0.5, 0.9};
    o.contrast = {0.5, 0.9};
    o.saturation = {0.3, 1};
    o.gain = {0.5, 1.3};
    o.noise = {0.02, 0.05};
  }
  return pk::draw_augmentation(o, 0, index);
}

bool tells_depth(Domain domain) { return domain == Domain::lab; }

}  // namespace

Domain domain_of(std::string_view name) {
  std::string all;
  for (std::size_t i = 0; i < domain_count; ++i) {
    if (domain_names[i] == name) return static_cast<Domain>(i);
    pk::append_listed(all, std::string(domain_names[i]));
  }
  throw pk::ValueError(pk::error_text("there is no domain '", name, "', expected one of ", all));
}

DomainPeople::DomainPeople(Domain domain, const PeopleOptions& options, std::size_t count, Use use)
    : domain_(domain),
      options_(options),
      use_(use),
      people_(drawing_options(domain, options, count, use)) {
  if (use == Use::training) require_training_seed(options.seed);
}

DomainExample DomainPeople::example(std::size_t index) const {
  return finish(index, people_.example(index));
}

std::vector<DomainExample> DomainPeople::examples(std::size_t begin, std::size_t count) const {
  std::vector<DomainExample> result;
  std::size_t index = begin;
  for (pk::PoseExample& drawn : people_.examples(begin, count))
    result.push_back(finish(index++, std::move(drawn)));
  return result;
}

DomainExample DomainPeople::finish(std::size_t index, pk::PoseExample drawn) const {
  using namespace pk::person;
  static const pk::SkeletonMap map = pk::map_skeleton(
      pk::skeletons::margipose_17, pk::skeletons::pose_16, pk::usual_derived_joints());
  const auto& skeleton = pk::skeletons::pose_16;
  DomainExample result;
  result.domain = domain_;
  const pk::Augmentation augmentation = drawn_colours(domain_, people_.options().seed, use_, index);
  // A joint that is hidden has a place all the same.
  std::fill(drawn.visible.begin(), drawn.visible.end(), 1.0f);
  // A box around the head, from neck to top and as wide as it is.
  constexpr double width = 160;  // mm
  const auto across = [&](std::size_t axis) {
    return static_cast<double>(drawn.joints(head_top, axis) - drawn.joints(neck, axis));
  };
  result.head_diagonal =
      std::hypot(across(0), across(1), width * drawn.camera.fx / drawn.root_depth);
  const auto positions = pk::reshaped(
      pk::map_poses(pk::reshaped(pk::cast<double>(drawn.positions), {1, joint_count, 3}), map),
      {skeleton.size(), 3});
  drawn.joints = pk::cast<float>(pk::picture_joints(positions, drawn.camera, drawn.root_depth));
  drawn.positions = pk::cast<float>(positions);
  drawn.visible = pk::zeros<float>({skeleton.size()}) + 1.0f;
  // Marks what lies outside the picture, too.
  result.example = pk::augment(drawn, skeleton, augmentation);
  result.positions = result.example.positions;
  const std::size_t root = skeleton.index(skeleton.root);
  for (std::size_t j = 0; j < skeleton.size(); ++j) {
    for (std::size_t a = 0; a < 3; ++a) result.positions(j, a) -= result.example.positions(root, a);
  }
  result.classes =
      pk::reshaped(pk::pose_attributes(
                       pk::reshaped(pk::Tensor<float>(result.positions), {1, skeleton.size(), 3}),
                       skeleton, {.threshold = options_.threshold, .threads = 1})
                       .classes,
                   {pk::pose_attribute_count});
  return result;
}

DomainBatch join(std::span<const DomainExample> examples) {
  const std::size_t count = examples.size(), joints = pk::skeletons::pose_16.size();
  std::vector<pk::PoseExample> pictures;
  for (const DomainExample& e : examples) pictures.push_back(e.example);
  auto batch = pk::pose_batch<float>(std::span<const pk::PoseExample>(pictures));
  DomainBatch result;
  result.images = std::move(batch.images);
  result.targets = {pk::make_tensor<float>({count, joints, 2}), std::move(batch.visible),
                    pk::make_tensor<std::int64_t>({count, pk::pose_attribute_count}),
                    pk::make_tensor<std::int64_t>({count})};
  result.positions = pk::make_tensor<float>({count, joints, 3});
  result.known = pk::zeros<double>({count, joints});
  result.classes = pk::make_tensor<std::int32_t>({count, pk::pose_attribute_count});
  for (std::size_t n = 0; n < count; ++n) {
    const DomainExample& e = examples[n];
    const bool tells = tells_depth(e.domain);
    for (std::size_t j = 0; j < joints; ++j) {
      for (std::size_t a = 0; a < 2; ++a)
        result.targets.positions(n, j, a) = batch.targets(n, j, a);
      for (std::size_t a = 0; a < 3; ++a) result.positions(n, j, a) = e.positions(j, a);
      result.known(n, j) = tells ? 1 : 0;
    }
    for (std::size_t i = 0; i < pk::pose_attribute_count; ++i) {
      result.classes(n, i) = e.classes(i);
      result.targets.attributes(n, i) = tells ? e.classes(i) : pk::unknown_attribute;
    }
    // A picture that no training sees has no domain of the two.
    result.targets.domains(n) =
        e.domain == Domain::night ? -1 : static_cast<std::int64_t>(e.domain);
    result.head_diagonals.push_back(e.head_diagonal);
    result.domains.push_back(e.domain);
  }
  return result;
}

TrainingPictures::TrainingPictures(Sources sources, const PeopleOptions& options,
                                   std::size_t images_per_epoch, std::uint64_t epochs)
    : sources_(sources),
      seed_(options.seed),
      images_(images_per_epoch),
      lab_(Domain::lab, options, images_per_epoch * static_cast<std::size_t>(epochs),
           Use::training),
      wild_(Domain::wild, options, images_per_epoch * static_cast<std::size_t>(epochs),
            Use::training) {}

pk::BatchLoader<DomainBatch> TrainingPictures::loader(std::size_t batch_size, int workers) const {
  // An epoch of either kind has as many pictures and steps.
  const std::size_t from_lab = sources_ == Sources::mixed ? (images_ + 1) / 2 : images_;
  const std::size_t from_wild = images_ - from_lab;
  const auto load = [this, from_lab, from_wild](std::size_t index, std::uint64_t epoch) {
    const auto [wild, at] = pk::mixed_index(index, from_lab);
    const DomainPeople& people = wild ? wild_ : lab_;
    return people.example(static_cast<std::size_t>(epoch) * (wild ? from_wild : from_lab) + at);
  };
  const auto collate = [](std::span<const DomainExample> examples) { return join(examples); };
  const auto batches = [batch_size, from_lab, from_wild, seed = seed_](std::uint64_t epoch) {
    if (from_wild == 0) {
      return pk::epoch_batches(from_lab, epoch,
                               {.batch_size = batch_size, .drop_last = true, .seed = seed});
    }
    return pk::mixed_batches(from_lab, from_wild, epoch,
                             {.batch_size = batch_size, .drop_last = true, .seed = seed});
  };
  return pk::BatchLoader<DomainBatch>(batches, load, collate, {.workers = workers});
}

DomainPeople test_people(Domain domain, const PeopleOptions& options, std::size_t count) {
  return DomainPeople(domain, options, count, Use::test);
}
