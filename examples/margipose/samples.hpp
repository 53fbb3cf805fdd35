#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include <posekit/batches/batch_loader.hpp>
#include <posekit/batches/pose_batch.hpp>
#include <posekit/synthetic/synthetic_people.hpp>

using Batch = posekit::PoseBatch<float>;

/// Recorded poses that the people of pictures take.
struct PoseSource {
  std::filesystem::path file{};  ///< .npz or .bvh; empty: generated poses
  double unit = 0;               ///< mm of the file's unit; 0: the usual one
};

/// Whose pictures a network sees.
struct SampleOptions {
  std::size_t image_size = 96;
  std::uint64_t seed = 1;
  PoseSource poses{};
  PoseSource test_poses{};  ///< of the pictures to measure with; without a file: `poses`
  /// Whether the limbs of the two sides have colours of their own, which is easier.
  bool side_colours = false;
  /// The share of examples whose depth is not told, as if they came from a 2D data set.
  double share_2d = 0;
};

/// Pictures for training, new ones in each epoch.
class TrainingSamples {
 public:
  TrainingSamples(const SampleOptions& options, std::size_t images_per_epoch, std::uint64_t epochs);
  posekit::BatchLoader<Batch> loader(std::size_t batch_size, int workers) const;

 private:
  SampleOptions options_;
  std::size_t images_;
  posekit::SyntheticPeople people_;
};

/// Pictures for measuring, which no training sees: their seed is another.
posekit::SyntheticPeople test_people(const SampleOptions& options, std::size_t count);
Batch test_samples(const SampleOptions& options, std::size_t count);
/// Positions as training sees them: [N, J, 3], mm.
posekit::Tensor<double> training_positions(const SampleOptions& options, std::size_t count);
