#include "networks.hpp"

#include <utility>

#include <posekit/autodiff/shaping.hpp>
#include <posekit/graph/tensorflow/tfjs.hpp>
#include <posekit/models/model_zoo.hpp>

#include "installation.hpp"

namespace pk = posekit;

namespace {

pk::Graph read_graph(const ExplainOptions& options) {
  for (const pk::PoseModelEntry& entry : pk::pose_model_entries) {
    if (entry.name == options.model) {
      return pk::read_pose_graph(options.model, model_folder(options.models, entry.file));
    }
  }
  return pk::read_pose_graph(options.model, options.models);  // which says what there is
}

}  // namespace

pk::PoseNetwork<float> make_network(const ExplainOptions& options, pk::Graph graph) {
  return pk::make_pose_network(options.model, pk::Network<float>(std::move(graph)), options.beta);
}

LoadedNetwork load_network(const ExplainOptions& options) {
  if (options.model.ends_with(".safetensors")) {
    if (options.beta) throw pk::ValueError("--beta is for networks with names");
    return {pk::load_pose_network<float>(options.model)};
  }
  pk::Graph graph = read_graph(options);
  return {make_network(options, graph), graph};
}

pk::Tensor<float> person_probability(const ExplainOptions& options, pk::Tensor<float> image) {
  const auto network = pk::load_tfjs<float>(
      pk::require_model(model_folder(options.models, "selfie.json"), "selfie.json"));
  pk::Tape<float> tape({.threads = options.integration.threads});
  const auto x = pk::to_channels_last(tape.constant(std::move(image)));
  const auto result = network(x)[0];
  return pk::reshaped(pk::Tensor<float>(result.value()), {1, result.shape()[1], result.shape()[2]});
}
