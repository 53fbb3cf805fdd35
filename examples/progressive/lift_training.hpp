#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>

#include <posekit/models/pose_lifter.hpp>
#include <posekit/models/progressive_pose.hpp>
#include <posekit/synthetic/lifting_examples.hpp>
#include <posekit/training/trainer.hpp>

#include "lift_measurement.hpp"
#include "recordings.hpp"

/// What stage 2 depends on besides its network.
struct LiftTrainingOptions {
  RecordingSource poses{}, test_poses{};
  posekit::LiftingOptions pairs{.noise = 0.01, .seed = 1};  ///< to train with, and to measure
  std::uint64_t epochs = 100;
  std::size_t batch_size = 256;
  double learning_rate = 1e-3;       ///< of RMSprop, where the cosine starts
  std::uint64_t evaluate_every = 0;  ///< steps; 0: ten times
  int threads = 1;                   ///< more are worth it from widths of about 512 on; 0: all
  std::filesystem::path folder{"out/progressive-lift"};
  bool quiet = false;
};

/// The recordings that networks are trained and measured with.
struct LiftingData {
  explicit LiftingData(const LiftTrainingOptions& options);

  posekit::MotionCapture train, test;
};

/// A network that is trained: the progressive one, or the plain one of Martinez et al.
struct LiftingNetwork {
  std::shared_ptr<posekit::models::ProgressivePose<float>> progressive{};
  std::shared_ptr<posekit::models::PoseLifter<float>> plain{};

  std::size_t parameters() const;
};

struct TrainedLifter {
  posekit::TrainingResult result;
  LiftingErrors errors;           ///< of the last weights, on the pairs to measure with
  std::uint64_t steps_taken = 0;  ///< in this run
};

/// Trains a network from the initial weights of `seed`, or goes on where a training in the same
/// folder stopped. Without a folder nothing is written.
TrainedLifter train_lifter(const LiftingNetwork& network, const LiftTrainingOptions& options,
                           const LiftingData& data);

/// `posekit-progressive train --stage lift`
void run_lift_training(const LiftTrainingOptions& options,
                       const posekit::models::ProgressivePoseOptions& network);
