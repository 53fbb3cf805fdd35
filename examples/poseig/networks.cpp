#include "networks.hpp"

#include <filesystem>
#include <utility>

#include <posekit/autodiff/shaping.hpp>
#include <posekit/graph/tensorflow/tfjs.hpp>
#include <posekit/models/model_zoo.hpp>

#include "installation.hpp"

namespace pk = posekit;

pk::PoseNetwork<float> load_network(const ExplainOptions& options) {
  const pk::PoseNetworkOptions how{.beta = options.beta};
  if (options.model.ends_with(".safetensors")) {
    return pk::load_pose_network<float>(options.model, how);
  }
  std::filesystem::path folder = options.models;
  for (const pk::PoseModelEntry& entry : pk::pose_model_entries) {
    if (entry.name == options.model) folder = model_folder(options.models, entry.file);
  }
  return pk::load_pose_network<float>(options.model, folder, how);
}

pk::Tensor<float> person_probability(const ExplainOptions& options, pk::Tensor<float> image) {
  const auto network = pk::load_tfjs<float>(
      pk::require_model(model_folder(options.models, "selfie.json"), "selfie.json"));
  pk::Tape<float> tape({.threads = options.integration.threads});
  const auto x = pk::to_channels_last(tape.constant(std::move(image)));
  const auto result = network(x)[0];
  return pk::reshaped(pk::Tensor<float>(result.value()), {1, result.shape()[1], result.shape()[2]});
}
