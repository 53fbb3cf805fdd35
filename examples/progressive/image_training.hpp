#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <posekit/models/pose_attribute_net.hpp>
#include <posekit/training/trainer.hpp>

#include <CLI/CLI.hpp>

#include "domains.hpp"
#include "image_measurement.hpp"

/// An image network that is trained in minutes.
posekit::models::PoseAttributeNetOptions small_image_network();

/// What trainings on pictures have in common.
struct PictureTrainingOptions {
  PeopleOptions people{};
  RecordingSource test_poses{};  ///< of the pictures to measure with; empty: people's
  Sources sources = Sources::mixed;
  double reversal = 0;  ///< the largest lambda of the ramp of Ganin et al. 2016; 0: none
  /// Of the squared differences of heatmaps, summed over each map (Eq. 1 has their mean), against
  /// cross-entropies with weight 1.
  double heatmap_weight = 0.25;
  double attribute_weight = 1;  ///< 0: 2D positions alone, as in the paper's Table 3
  std::uint64_t epochs = 24;
  std::size_t images_per_epoch = 4096;
  std::size_t batch_size = 16;
  double learning_rate = 1e-3;  ///< of RMSprop; it falls along half a cosine
  double clip_norm = 0;
  double beta = usual_beta;
  std::size_t test_images = 512;
  std::uint64_t checkpoint_every = 256;
  int workers = 1;
  int threads = 0;
  std::filesystem::path folder{};
  bool quiet = false;
};

/// `train --stage multi`: 2D positions, attributes and domains.
struct MultiTrainingOptions {
  posekit::models::PoseAttributeNetOptions network = small_image_network();
  PictureTrainingOptions training{.folder = "out/progressive/multi"};
};

/// `train --stage joint`: the image network and a lifter, joined by soft-argmax.
struct JointTrainingOptions {
  std::filesystem::path multi{}, lift{};  ///< weights that the other two stages wrote
  double lift_weight = 1;                 ///< of Eq. 6 in metres
  double crop = 1.25;                     ///< ImageLifterOptions'
  PictureTrainingOptions training{
      .epochs = 15, .learning_rate = 1e-4, .clip_norm = 5, .folder = "out/progressive/joint"};
};

/// An evaluation in the course of a training.
struct DomainRecord {
  std::uint64_t step = 0;
  double reversal = 0;
  ImageMeasures lab{}, wild{};
};

struct TrainedImageNetwork {
  std::shared_ptr<ImageNetwork> network;
  posekit::TrainingResult result;
  std::uint64_t steps_taken = 0;  ///< in this run
};

/// Trains a network, or goes on where a training in the same folder stopped. Besides what
/// training::train writes there are domains.csv and domains.png: what becomes of accuracies.
TrainedImageNetwork train_image_network(const MultiTrainingOptions& options);

void run_multi_training(const MultiTrainingOptions& options);
void run_joint_training(const JointTrainingOptions& options);

/// `shrink`: the weights of an image lifter in half precision.
void shrink_image_lifter(const std::filesystem::path& weights, const std::filesystem::path& output);

/// The options of either, which `train` takes with a stage; those of the network's size are the
/// first's alone.
void add_picture_training_options(CLI::App& app, PictureTrainingOptions& options);
void add_image_network_options(CLI::App& app, posekit::models::PoseAttributeNetOptions& network,
                               PeopleOptions& people);
void add_multi_training_options(CLI::App& app, MultiTrainingOptions& options);
void add_joint_training_options(CLI::App& app, JointTrainingOptions& options);
