#include "networks.hpp"

#include <utility>

#include <posekit/graph/tfjs.hpp>
#include <posekit/models/model_zoo.hpp>

#include "installation.hpp"

namespace pk = posekit;

pk::Graph read_graph(const ExplainOptions& options) {
  for (const pk::PoseModelEntry& entry : pk::pose_model_entries) {
    if (entry.name == options.model) {
      return pk::read_pose_graph(options.model, model_folder(options.models, entry.file));
    }
  }
  return pk::read_pose_graph(options.model, options.models);  // which says what there is
}

pk::PoseModel<float> make_model(const ExplainOptions& options, pk::Graph graph) {
  return pk::make_pose_model(options.model, pk::Network<float>(std::move(graph)), options.beta);
}

pk::PoseModel<float> load_model(const ExplainOptions& options) {
  return make_model(options, read_graph(options));
}

pk::Tensor<float> person_probability(const ExplainOptions& options, pk::Tensor<float> image) {
  const auto network = pk::load_tfjs<float>(
      pk::require_model(model_folder(options.models, "selfie.json"), "selfie.json"));
  pk::Tape<float> tape({.threads = options.integration.threads});
  const auto x = pk::to_channels_last(tape.constant(std::move(image)));
  const auto result = network(x)[0];
  return pk::reshaped(pk::Tensor<float>(result.value()), {1, result.shape()[1], result.shape()[2]});
}
