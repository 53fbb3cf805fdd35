#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>

#include <posekit/models/margipose.hpp>
#include <posekit/pose/skeletons.hpp>

/// What has to be known of a network besides its weights.
struct Configuration {
  std::size_t image_size = 96;
  posekit::models::MargiPoseOptions network{
      .joints = 17,
      .stages = 2,
      .feature_extractor = posekit::models::FeatureExtractor::resnet18,
      .width = 24};
};

using Network = posekit::models::MargiPose<float>;

/// As the metadata of a file of weights.
std::map<std::string, std::string> to_metadata(const Configuration& configuration);

/// A network of skeletons::margipose_17 and its configuration, from a file that was written with
/// this metadata. Throws posekit::FileError where it was not.
struct LoadedNetwork {
  Configuration configuration;
  std::unique_ptr<Network> network;
};
LoadedNetwork load_network(const std::filesystem::path& weights);

/// `posekit-margipose shrink`: the same weights in half precision.
void shrink_weights(const std::filesystem::path& weights, const std::filesystem::path& output);

/// Throws posekit::ValueError where a network does not take images of the configuration's size.
void require_input_size(const Configuration& configuration);

/// The names of the feature extractors, and back. The latter throws posekit::ValueError.
std::string to_string(posekit::models::FeatureExtractor extractor);
posekit::models::FeatureExtractor extractor_of(const std::string& name);
