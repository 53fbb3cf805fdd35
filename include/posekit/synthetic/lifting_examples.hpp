#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/core/tensor.hpp>
#include <posekit/pose/pose_attributes.hpp>
#include <posekit/pose/skeletons.hpp>
#include <posekit/synthetic/camera_placement.hpp>
#include <posekit/synthetic/random_stream.hpp>

namespace posekit::inline POSEKIT_ISA {

struct LiftingOptions {
  /// Standard deviation of the 2D positions' noise, as a share of the crop's side.
  double noise = 0;
  /// The share of attributes that are replaced by one of the two wrong classes.
  double attribute_errors = 0;
  std::uint64_t seed = 0;
  /// Where the virtual cameras stand.
  CameraPlacementOptions camera{.distance = {3000, 6000},
                                .azimuth = {-180, 180},
                                .elevation = {-10, 20},
                                .roll = 0,
                                .jitter = 0};
  double crop = 1.25;     ///< the crop's side in sides of the square around the joints
  double threshold = 50;  ///< mm, of the attributes
  TorsoPelvis pelvis = TorsoPelvis::joint;
  bool attributes = true;  ///< false for skeletons that lack their joints
  bool mirror = false;     ///< half of the examples mirrored, sides exchanged
  int threads = 0;         ///< 0: as many as OpenMP would use
};

/// What a lifting network is shown, and what it should say.
template <class T>
struct LiftingBatch {
  Tensor<T> joints;      ///< [N, J, 2] in the crop, whose sides are at -1 and 1; y down
  Tensor<T> attributes;  ///< [N, 9, 3]: 1 for the class, 0 otherwise, with the errors asked for
  Tensor<T> positions;   ///< [N, J, 3] in mm from the root, in the camera's axes (y down, z away)
  Tensor<std::int32_t> classes;     ///< [N, 9] the true ones; -1: unknown
  std::vector<std::size_t> frames;  ///< [N] which of the recorded poses
};

/// Pairs of 2D and 3D poses from recorded ones and virtual cameras. An example is a function of the
/// seed, of the draw and of the recorded frame, whatever the batch or the number of threads.
///
///     LiftingExamples pairs(mocap.poses, skeleton, {.noise = 0.01, .seed = 1});
///     auto batch = pairs.batch(step, 64);
template <class T = float>
class LiftingExamples {
 public:
  /// Poses [F, J, 3] in mm, in a world whose y is up. Throws ShapeError; ValueError for options
  /// that make no sense, no frames, frames that are not finite (naming the first), poses that look
  /// like metres, and a skeleton without root.
  LiftingExamples(Tensor<double> poses, const Skeleton& skeleton,
                  const LiftingOptions& options = {});

  std::size_t size() const { return poses_.shape()[0]; }
  const Skeleton& skeleton() const { return *skeleton_; }

  /// Examples step * count ... of an endless sequence that shows every frame once in each epoch,
  /// each time in another order and from another camera.
  LiftingBatch<T> batch(std::uint64_t step, std::size_t count) const;

  /// These frames, seen as draw `draw` has them. Throws ValueError for a frame that there is not.
  LiftingBatch<T> at(const std::vector<std::size_t>& frames, std::uint64_t draw = 0) const;

 private:
  void fill(std::size_t row, std::size_t frame, std::uint64_t draw, LiftingBatch<T>& batch) const;
  LiftingBatch<T> make(std::vector<std::size_t> frames,
                       const std::vector<std::uint64_t>& draws) const;

  Tensor<double> poses_;
  const Skeleton* skeleton_;
  LiftingOptions options_;
  std::size_t root_ = 0;
  Tensor<std::int32_t> classes_;
  std::vector<std::size_t> mirrored_;  // whose attribute a mirrored pose's is
};

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_SYNTHETIC

#include <algorithm>
#include <cmath>
#include <string_view>
#include <utility>

#include <posekit/core/error.hpp>
#include <posekit/core/permutation.hpp>
#include <posekit/core/require.hpp>
#include <posekit/core/threads.hpp>
#include <posekit/pose/camera.hpp>
#include <posekit/pose/skeleton_map.hpp>

namespace posekit::inline POSEKIT_ISA {

namespace internal {

POSEKIT_INLINE void require_options(const LiftingOptions& options) {
  require_positive("LiftingExamples", "noise", options.noise, true);
  require_between("LiftingExamples", "attribute_errors", options.attribute_errors, 0, 1);
  require_positive("LiftingExamples", "crop", options.crop);
  require_options("LiftingExamples", options.camera);
}

/// Which of the nine joints with attributes is where, once sides have been exchanged.
POSEKIT_INLINE std::vector<std::size_t> mirrored_attributes(const Skeleton& skeleton) {
  const auto& names = pose_attribute_joints;
  std::vector<std::size_t> result;
  for (const std::string_view name : names) {
    const std::string_view other = skeleton.joints[skeleton.flips[*skeleton.find(name)]];
    result.push_back(
        static_cast<std::size_t>(std::find(names.begin(), names.end(), other) - names.begin()));
  }
  return result;
}

}  // namespace internal

template <class T>
LiftingExamples<T>::LiftingExamples(Tensor<double> poses, const Skeleton& skeleton,
                                    const LiftingOptions& options)
    : poses_(std::move(poses)), skeleton_(&skeleton), options_(options) {
  internal::require_options(options);
  const Shape shape = shape_of(poses_);
  if (shape.size() != 3 || shape[1] != skeleton.size() || shape[2] != 3) {
    throw ShapeError(error_text("LiftingExamples: poses has shape ", to_string(shape),
                                ", expected [F, ", skeleton.size(), ", 3]"));
  }
  if (shape[0] == 0) throw ValueError("LiftingExamples: there are no poses");
  for (std::size_t i = 0; i < poses_.size(); ++i) {
    if (std::isfinite(poses_.data()[i])) continue;
    const std::size_t frame = i / (3 * shape[1]), joint = i / 3 % shape[1];
    throw ValueError(error_text("LiftingExamples: frame ", frame, " has ", poses_.data()[i],
                                " at joint ", skeleton.joints[joint],
                                ", expected finite positions"));
  }
  const auto root = skeleton.find(skeleton.root);
  if (!root)
    throw ValueError(error_text("LiftingExamples: the skeleton ", skeleton.name, " has no root"));
  root_ = *root;
  if (options.attributes) {
    classes_ =
        pose_attributes(
            poses_, skeleton,
            {.threshold = options.threshold, .pelvis = options.pelvis, .threads = options.threads})
            .classes;
    mirrored_ = internal::mirrored_attributes(skeleton);
  }
}

template <class T>
LiftingBatch<T> LiftingExamples<T>::batch(std::uint64_t step, std::size_t count) const {
  std::vector<std::size_t> frames(count);
  std::vector<std::uint64_t> draws(count);
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint64_t index = step * count + i, epoch = index / size();
    // Draw 0 is for `at`.
    if (order.empty() || draws[i - 1] != epoch + 1)
      order = random_permutation(size(), derived_seed(options_.seed, 1), epoch);
    draws[i] = epoch + 1;
    frames[i] = order[index % size()];
  }
  return make(std::move(frames), draws);
}

template <class T>
LiftingBatch<T> LiftingExamples<T>::at(const std::vector<std::size_t>& frames,
                                       std::uint64_t draw) const {
  for (const std::size_t frame : frames) {
    if (frame >= size()) {
      throw ValueError(
          error_text("LiftingExamples: frame ", frame, " was asked for, there are ", size()));
    }
  }
  return make(frames, std::vector<std::uint64_t>(frames.size(), draw));
}

template <class T>
LiftingBatch<T> LiftingExamples<T>::make(std::vector<std::size_t> frames,
                                         const std::vector<std::uint64_t>& draws) const {
  const std::size_t count = frames.size(), joints = skeleton_->size();
  LiftingBatch<T> batch{make_tensor<T>({count, joints, 2}),
                        zeros<T>({count, pose_attribute_count, pose_attribute_class_count}),
                        make_tensor<T>({count, joints, 3}),
                        make_tensor<std::int32_t>({count, pose_attribute_count}),
                        std::move(frames)};
  std::fill_n(batch.classes.data(), batch.classes.size(), -1);
  // An example costs what some hundred elements of other loops do.
  parallel_for(count, threads_for(128 * count, resolve_threads(options_.threads)),
               [&](std::size_t i) { fill(i, batch.frames[i], draws[i], batch); });
  return batch;
}

template <class T>
void LiftingExamples<T>::fill(std::size_t row, std::size_t frame, std::uint64_t draw,
                              LiftingBatch<T>& batch) const {
  const std::size_t joints = skeleton_->size();
  RandomStream random(derived_seed(options_.seed, 2 + draw), frame);
  Tensor<double> pose = make_tensor<double>({1, joints, 3});
  std::copy_n(poses_.data() + frame * joints * 3, joints * 3, pose.data());
  const bool mirror = random.chance(0.5) && options_.mirror;
  if (mirror) pose = flip_poses(pose, *skeleton_);
  pose.reshape({joints, 3});

  constexpr std::size_t side = 1000;
  const PlacedCamera placed = place_camera(pose, side, side, random, options_.camera);
  const Tensor<double> seen = placed.to_camera(pose);
  const Tensor<double> pixels = project(seen, placed.camera);
  std::array<double, 2> low{pixels(0, 0), pixels(0, 1)}, high = low;
  for (std::size_t j = 1; j < joints; ++j) {
    for (std::size_t a = 0; a < 2; ++a) {
      low[a] = std::min(low[a], pixels(j, a));
      high[a] = std::max(high[a], pixels(j, a));
    }
  }
  const double half =
      std::max(options_.crop * std::max(high[0] - low[0], high[1] - low[1]) / 2, 1e-9);
  for (std::size_t j = 0; j < joints; ++j) {
    for (std::size_t a = 0; a < 2; ++a) {
      const double at = (pixels(j, a) - (low[a] + high[a]) / 2) / half;
      // The crop's side is 2.
      batch.joints(row, j, a) = static_cast<T>(at + 2 * options_.noise * random.normal());
    }
    for (std::size_t a = 0; a < 3; ++a)
      batch.positions(row, j, a) = static_cast<T>(seen(j, a) - seen(root_, a));
  }
  if (!options_.attributes) return;
  for (std::size_t i = 0; i < pose_attribute_count; ++i) {
    const std::size_t of = mirror ? mirrored_[i] : i;
    const std::int32_t label = classes_(frame, of);
    batch.classes(row, i) = label;
    const bool wrong = random.chance(options_.attribute_errors);
    const std::size_t other = 1 + random.below(pose_attribute_class_count - 1);
    if (label < 0) continue;
    const auto truth = static_cast<std::size_t>(label);
    batch.attributes(row, i, wrong ? (truth + other) % pose_attribute_class_count : truth) = T(1);
  }
}

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_SYNTHETIC
