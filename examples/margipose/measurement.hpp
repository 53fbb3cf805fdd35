#pragma once

#include <cstddef>
#include <filesystem>
#include <vector>

#include <posekit/batches/pose_batch.hpp>

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

/// A network against guesses that it has to beat, over as many pictures as are added, of which only
/// the positions are kept.
class Comparison {
 public:
  /// Normalised predictions [N, J, 3] for a batch.
  void add(const posekit::Tensor<float>& prediction, const Batch& truth);
  /// Prints the errors of the network, of the mean of `poses` [M, J, 3], and of image coordinates
  /// without their depths: the network's own and (better than any network's) the true ones.
  void print(const char* name, const posekit::Tensor<double>& poses) const;

  /// [N, J, 3], millimetres.
  posekit::Tensor<double> prediction() const { return tensor(prediction_); }
  posekit::Tensor<double> truth() const { return tensor(truth_); }

 private:
  using Positions = std::vector<double>;
  posekit::Tensor<double> tensor(const Positions& positions) const;

  std::size_t joints_ = 0;
  Positions truth_, prediction_, without_depth_, truth_without_depth_;
};

struct MeasurementOptions {
  std::filesystem::path weights{};
  std::size_t images = 512;
  bool ten_crop = false;
  PoseSource poses{};
  std::filesystem::path folder{};  ///< empty: nothing is written
};

/// `posekit-margipose eval`
void run_measurement(const MeasurementOptions& options);
