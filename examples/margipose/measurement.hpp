#pragma once

#include <posekit/data/pose_batch.hpp>

#include "configuration.hpp"
#include "samples.hpp"

/// Errors of a set of poses, in millimetres.
struct Errors {
  double mpjpe = 0;     ///< aligned at the root
  double pa_mpjpe = 0;  ///< after a similarity transform
  double pck = 0;       ///< share of joints within 150 mm after that transform
};

/// What a network says of all images of a batch: [N, J, 3] in [-1, 1].
posekit::Tensor<float> predict(Network& network, const posekit::Tensor<float>& images);

/// Normalised predictions [N, J, 3] against the positions of a batch.
Errors measure(const posekit::Tensor<float>& prediction, const Batch& truth);

/// Guesses that a network has to beat: the mean pose of `poses`; image coordinates [N, J, 3]
/// without their depths, be they the network's own or (better than any network) the true ones.
Errors measure_mean_pose(const Batch& poses, const Batch& truth);
Errors measure_without_depth(posekit::Tensor<float> coordinates, const Batch& truth);

/// Prints what a network and the guesses come to.
void print_comparison(const char* name, const posekit::Tensor<float>& prediction,
                      const Batch& poses, const Batch& truth);

struct MeasurementOptions {
  std::filesystem::path weights{};
  std::size_t images = 512;
  bool ten_crop = false;
  std::filesystem::path poses{};
  std::filesystem::path folder{};  ///< empty: nothing is written
};

/// `posekit-margipose eval`
void run_measurement(const MeasurementOptions& options);
