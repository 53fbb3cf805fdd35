#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <posekit/batches/pose_example.hpp>
#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/core/tensor.hpp>
#include <posekit/pose/camera.hpp>
#include <posekit/pose/skeletons.hpp>
#include <posekit/synthetic/backdrop.hpp>
#include <posekit/synthetic/camera_placement.hpp>
#include <posekit/synthetic/figure.hpp>
#include <posekit/synthetic/hand_generator.hpp>
#include <posekit/synthetic/limb_renderer.hpp>
#include <posekit/synthetic/person_figure.hpp>
#include <posekit/synthetic/pose_generator.hpp>
#include <posekit/synthetic/random_stream.hpp>
#include <posekit/synthetic/textured_patch.hpp>

namespace posekit::inline POSEKIT_ISA {

enum class SyntheticKind { person, hand };

/// Rectangles in front of the person.
struct OccluderOptions {
  double probability = 0.3;  ///< that a picture has any
  std::size_t most = 2;
  std::array<double, 2> size{0.1, 0.45};  ///< of a side, as a share of the picture's
};

struct SyntheticPeopleOptions {
  std::size_t size = 128;  ///< of the square pictures, pixels
  std::uint64_t seed = 1;
  std::size_t count = 10000;
  SyntheticKind kind = SyntheticKind::person;
  /// Recorded poses [F, 17, 3] of skeletons::margipose_17, mm, y up (see load_mocap): example i
  /// has pose i modulo F; fewer examples than poses are spread over them all. Empty: generated
  /// ones.
  Tensor<double> poses = zeros<double>({0, 17, 3});
  PoseGeneratorOptions person{};
  HandGeneratorOptions hand{};
  std::optional<CameraPlacementOptions> camera{};  ///< none: `usual_camera_placement(kind)`
  PersonLookOptions look{};
  /// How many people there are, with one set of clothes each, as in a laboratory: example i shows
  /// person i modulo that. 0: somebody new in each picture.
  std::size_t looks = 0;
  BackdropOptions backdrop{};
  /// How many backdrops there are, of which each picture has one. 0: a new one in each.
  std::size_t backdrops = 0;
  /// Of the backdrops, where others of another seed shall stand before the same ones.
  std::optional<std::uint64_t> backdrop_seed{};
  OccluderOptions occluders{};
  /// A joint is hidden by its own body where the surface before it is nearer by more than 1 + this
  /// times the depth at which the joint lies below the skin; infinite: never.
  double self_occlusion_tolerance = 0.75;
  double noise = 0.03;  ///< largest standard deviation of the sensor's noise
};

CameraPlacementOptions usual_camera_placement(SyntheticKind kind);

/// Pictures of people (skeletons::margipose_17) or hands (skeletons::hand_21) that nobody has
/// taken. Example i depends on the options and i alone; all functions may be called from many
/// threads at once.
class SyntheticPeople {
 public:
  /// Throws ValueError for options that make no sense, and ShapeError for poses of another shape.
  explicit SyntheticPeople(SyntheticPeopleOptions options);

  std::size_t size() const { return options_.count; }
  const SyntheticPeopleOptions& options() const { return options_; }
  const Skeleton& skeleton() const {
    return options_.kind == SyntheticKind::person ? skeletons::margipose_17 : skeletons::hand_21;
  }

  /// Throws ValueError for an index that is not below size().
  PoseExample example(std::size_t index) const;

  /// An example's positions, without the work of drawing it.
  Tensor<double> positions(std::size_t index) const { return place(index).positions; }

  /// Examples begin ... begin + count - 1. `threads` 0: as many as OpenMP would use; the bits do
  /// not depend on it.
  std::vector<PoseExample> examples(std::size_t begin, std::size_t count, int threads = 0) const;

 private:
  /// What the streams of random numbers are for.
  enum Purpose : std::uint64_t {
    of_pose,
    of_camera,
    of_look,
    of_backdrop,
    of_front,
    of_noise,
    of_light,
    of_choice,
  };
  std::uint64_t seed_for(Purpose purpose) const { return derived_seed(options_.seed, purpose); }

  struct Placed {
    Tensor<double> positions;
    PinholeCamera camera;
    bool left_hand = false;
  };
  Placed place(std::size_t index) const;

  PoseExample example(std::size_t index, LimbRenderer& renderer) const;

  /// Where the light of an example comes from: with a few people, not from where it did for them.
  Light light(std::size_t index, RandomStream& dressing) const;
  /// The stream of an example's backdrop.
  RandomStream backdrop_stream(std::size_t index) const;

  Tensor<double> world_pose(std::size_t index, bool& left_hand) const;

  static Light random_light(RandomStream& random);

  std::vector<TexturedPatch> random_occluders(RandomStream& random) const;

  /// A joint counts where it is in the picture and neither a box nor the body is before it.
  void mark_visible(PoseExample& example, const Figure& figure, const LimbRenderer& renderer,
                    const std::vector<TexturedPatch>& occluders) const;

  /// The sensor's noise, and values that a picture can have.
  void finish(Tensor<float>& image, RandomStream& random) const;

  SyntheticPeopleOptions options_;
  CameraPlacementOptions camera_;
};

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_SYNTHETIC

#include <posekit/batches/pose_batch.hpp>
#include <posekit/core/error.hpp>
#include <posekit/core/threads.hpp>
#include <posekit/synthetic/hand_figure.hpp>

namespace posekit::inline POSEKIT_ISA {

POSEKIT_INLINE CameraPlacementOptions usual_camera_placement(SyntheticKind kind) {
  CameraPlacementOptions options;
  if (kind == SyntheticKind::hand) {
    options.distance = {350, 1000};
    options.padding = 14;
  }
  return options;
}

POSEKIT_INLINE SyntheticPeople::SyntheticPeople(SyntheticPeopleOptions options)
    : options_(std::move(options)) {
  const auto fail = [](const auto&... parts) {
    throw ValueError(error_text("SyntheticPeople: ", parts...));
  };
  const SyntheticPeopleOptions& o = options_;
  if (o.size < 16 || o.size > 4096) fail("size is ", o.size, ", expected 16 to 4096");
  if (o.count == 0) fail("count is 0, expected at least 1");
  if (!(o.noise >= 0 && o.noise <= 1)) fail("noise is ", o.noise, ", expected 0 to 1");
  if (!(o.self_occlusion_tolerance >= 0)) {
    fail("self_occlusion_tolerance is ", o.self_occlusion_tolerance, ", expected at least 0");
  }
  const OccluderOptions& boxes = o.occluders;
  if (!(boxes.probability >= 0 && boxes.probability <= 1) || !(boxes.size[0] > 0) ||
      !(boxes.size[0] <= boxes.size[1]) || boxes.size[1] > 2) {
    fail("occluders of probability ", boxes.probability, " and size ", boxes.size[0], " to ",
         boxes.size[1], ", expected a probability and an ascending pair up to 2");
  }
  if (!(o.backdrop.noise >= 0 && o.backdrop.noise <= 1) || o.backdrop.octaves < 0 ||
      !(o.backdrop.ground >= 0 && o.backdrop.ground <= 1) ||
      !(o.backdrop.saturation >= 0 && o.backdrop.saturation <= 1)) {
    fail("a backdrop with noise ", o.backdrop.noise, ", ", o.backdrop.octaves, " octaves, ground ",
         o.backdrop.ground, " and saturation ", o.backdrop.saturation,
         ", expected 0 to 1, at least 0, and 0 to 1 twice");
  }
  internal::require_options("SyntheticPeople", o.person);
  internal::require_options("SyntheticPeople", o.hand);
  camera_ = o.camera.value_or(usual_camera_placement(o.kind));
  internal::require_options("SyntheticPeople", camera_);
  if (o.poses.dimension() != 3 || o.poses.shape()[1] != person::joint_count ||
      o.poses.shape()[2] != 3) {
    throw ShapeError(error_text("SyntheticPeople: poses has shape ", to_string(o.poses.shape()),
                                ", expected [F, 17, 3]"));
  }
  require_finite(o.poses, "SyntheticPeople", "poses");
  if (o.kind == SyntheticKind::hand && o.poses.size() != 0) {
    fail("poses are of people, expected none for hands");
  }
}

POSEKIT_INLINE PoseExample SyntheticPeople::example(std::size_t index) const {
  LimbRenderer renderer(options_.size, options_.size);
  return example(index, renderer);
}

POSEKIT_INLINE std::vector<PoseExample> SyntheticPeople::examples(std::size_t begin,
                                                                  std::size_t count,
                                                                  int threads) const {
  std::vector<PoseExample> result(count);
  parallel_ranges(count, resolve_threads(threads), [&](std::size_t first, std::size_t last, int) {
    LimbRenderer renderer(options_.size, options_.size);
    for (std::size_t i = first; i < last; ++i) {
      result[i] = example(begin + i, renderer);
    }
  });
  return result;
}

POSEKIT_INLINE SyntheticPeople::Placed SyntheticPeople::place(std::size_t index) const {
  if (index >= options_.count) {
    throw ValueError(error_text("SyntheticPeople: example ", index, " of ", options_.count));
  }
  Placed placed;
  const Tensor<double> pose = world_pose(index, placed.left_hand);
  RandomStream placing(seed_for(of_camera), index);
  const PlacedCamera camera = place_camera(pose, options_.size, options_.size, placing, camera_);
  placed.camera = camera.camera;
  placed.positions = camera.to_camera(pose);
  return placed;
}

POSEKIT_INLINE PoseExample SyntheticPeople::example(std::size_t index,
                                                    LimbRenderer& renderer) const {
  const auto [positions, camera, left_hand] = place(index);
  const std::size_t size = options_.size;
  PoseExample example;
  example.camera = camera;
  example.root_depth = positions(skeleton().index(skeleton().root), 2);
  example.positions = cast<float>(positions);
  example.joints = cast<float>(picture_joints(positions, example.camera, example.root_depth));

  const std::size_t looks = options_.looks;
  RandomStream dressing(seed_for(of_look), looks == 0 ? index : index % looks);
  Figure figure = options_.kind == SyntheticKind::person
                      ? person_figure(positions, random_person_look(dressing, options_.look))
                      : hand_figure(positions, left_hand, random_hand_look(dressing));
  figure.leave_out_behind_camera();
  const Light shining = light(index, dressing);
  renderer.draw(figure.limbs(), camera, example.root_depth);

  example.image = make_tensor<float>({3, size, size});
  RandomStream backdrop = backdrop_stream(index);
  paint_backdrop(example.image, backdrop, options_.backdrop);
  example.mask = make_tensor<float>({size, size});
  const std::span<float> mask(example.mask.data(), example.mask.size());
  renderer.shade(figure.textures, shining, example.image, mask);

  RandomStream front(seed_for(of_front), index);
  const std::vector<TexturedPatch> occluders = random_occluders(front);
  for (const TexturedPatch& patch : occluders) paint_patch(patch, example.image, mask);
  for (float& covered : mask) covered = covered >= 0.5f ? 1.0f : 0.0f;
  mark_visible(example, figure, renderer, occluders);
  RandomStream grain(seed_for(of_noise), index);
  finish(example.image, grain);
  return example;
}

POSEKIT_INLINE Tensor<double> SyntheticPeople::world_pose(std::size_t index,
                                                          bool& left_hand) const {
  const Tensor<double>& poses = options_.poses;
  if (poses.size() != 0) {
    const std::size_t frames = poses.shape()[0], values = 3 * poses.shape()[1];
    const std::size_t frame =
        options_.count < frames
            ? static_cast<std::size_t>(static_cast<double>(index) * static_cast<double>(frames) /
                                       static_cast<double>(options_.count))
            : index % frames;
    Tensor<double> pose = make_tensor<double>({poses.shape()[1], 3});
    std::copy_n(poses.data() + frame * values, values, pose.data());
    return pose;
  }
  if (options_.kind == SyntheticKind::person) {
    return generate_pose(seed_for(of_pose), index, options_.person);
  }
  GeneratedHand hand = generate_hand(seed_for(of_pose), index, options_.hand);
  left_hand = hand.left;
  return std::move(hand.joints);
}

POSEKIT_INLINE Light SyntheticPeople::light(std::size_t index, RandomStream& dressing) const {
  if (options_.looks == 0) return random_light(dressing);
  RandomStream own(seed_for(of_light), index);
  return random_light(own);
}

POSEKIT_INLINE RandomStream SyntheticPeople::backdrop_stream(std::size_t index) const {
  const std::uint64_t seed = options_.backdrop_seed
                                 ? derived_seed(*options_.backdrop_seed, of_backdrop)
                                 : seed_for(of_backdrop);
  if (options_.backdrops == 0) return RandomStream(seed, index);
  // Drawn, not counted: people and backdrops do not go together.
  RandomStream choice(seed_for(of_choice), index);
  return RandomStream(seed, choice.below(options_.backdrops));
}

POSEKIT_INLINE Light SyntheticPeople::random_light(RandomStream& random) {
  Light light;
  // From above more often than from below, and from the camera's side.
  light.direction = Eigen::Vector3f(static_cast<float>(random.normal()),
                                    static_cast<float>(random.normal(-0.7, 0.6)),
                                    static_cast<float>(-std::abs(random.normal(0.6, 0.6))))
                        .normalized();
  const double diffuse = random.uniform(0.3, 0.85), ambient = random.uniform(0.25, 0.6);
  for (std::size_t c = 0; c < 3; ++c) {
    light.diffuse[c] = static_cast<float>(diffuse * random.uniform(0.9, 1.1));
    light.ambient[c] = static_cast<float>(ambient * random.uniform(0.9, 1.1));
  }
  return light;
}

POSEKIT_INLINE std::vector<TexturedPatch> SyntheticPeople::random_occluders(
    RandomStream& random) const {
  std::vector<TexturedPatch> result;
  const OccluderOptions& boxes = options_.occluders;
  if (boxes.most == 0 || !random.chance(boxes.probability)) return result;
  const std::size_t count = 1 + random.below(boxes.most);
  for (std::size_t i = 0; i < count; ++i) {
    result.push_back(
        internal::random_patch(random, options_.size, options_.size, boxes.size[0], boxes.size[1]));
  }
  return result;
}

POSEKIT_INLINE void SyntheticPeople::mark_visible(
    PoseExample& example, const Figure& figure, const LimbRenderer& renderer,
    const std::vector<TexturedPatch>& occluders) const {
  const std::size_t count = example.joints.shape()[0];
  const double last = static_cast<double>(options_.size) - 0.5;
  const double pixels_per_mm = example.camera.fx / example.root_depth;
  example.visible = zeros<float>({count});
  for (std::size_t j = 0; j < count; ++j) {
    const float x = example.joints(j, 0), y = example.joints(j, 1);
    if (!(x >= -0.5f && y >= -0.5f && x < last && y < last)) continue;
    const bool boxed = std::any_of(occluders.begin(), occluders.end(),
                                   [&](const TexturedPatch& patch) { return covers(patch, x, y); });
    const double depth = static_cast<double>(figure.joint_radius[j]) *
                         (1 + options_.self_occlusion_tolerance) * pixels_per_mm;
    const double front = renderer.depth(x, y);
    if (boxed || example.joints(j, 2) - front > depth) continue;
    example.visible(j) = 1;
  }
}

POSEKIT_INLINE void SyntheticPeople::finish(Tensor<float>& image, RandomStream& random) const {
  // The difference of two uniform numbers has a variance of 1 / 6.
  const auto amplitude = static_cast<float>(options_.noise * random.uniform() * std::sqrt(6.0));
  const auto seed = static_cast<std::uint32_t>(random.bits());
  const auto again = static_cast<std::uint32_t>(random.bits());
  float* value = image.data();
  for (std::size_t i = 0; i < image.size(); ++i) {
    if (amplitude > 0) {
      const auto at = static_cast<std::int32_t>(i);
      value[i] += amplitude *
                  (internal::lattice_value(at, 0, seed) - internal::lattice_value(at, 0, again));
    }
    value[i] = std::clamp(value[i], 0.0f, 1.0f);
  }
}

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_SYNTHETIC
