#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include <posekit/training/trainer.hpp>

#include "configuration.hpp"
#include "measurement.hpp"
#include "samples.hpp"

struct TrainingOptions {
  Configuration configuration = small_configuration();
  SampleOptions samples{};
  std::uint64_t epochs = 30;
  std::size_t images_per_epoch = 4096;
  std::size_t batch_size = 16;
  std::string optimizer = "adam";  ///< or "sgd", the paper's, which wants a rate of about 1
  double learning_rate = 4e-3;     ///< the largest of the 1-cycle schedule
  std::size_t test_images = 256;
  std::uint64_t checkpoint_every = 128;
  std::uint64_t patience = 0;
  int workers = 1;
  int threads = 0;
  std::filesystem::path folder{"out/margipose"};
  bool quiet = false;
};

struct TrainedNetwork {
  std::unique_ptr<Network> network;
  posekit::TrainingResult result;
  Batch test;                     ///< the pictures that evaluations measured it with
  std::uint64_t steps_taken = 0;  ///< in this run
};

/// Trains a network, or goes on where a training in the same folder stopped. Without a folder
/// nothing is written.
TrainedNetwork train_network(const TrainingOptions& options);

/// `posekit-margipose train`
void run_training(const TrainingOptions& options);
