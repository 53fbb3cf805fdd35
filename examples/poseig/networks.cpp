#include "networks.hpp"

#include <utility>

#include <posekit/graph/tfjs.hpp>
#include <posekit/models/model_zoo.hpp>

namespace pk = posekit;

pk::Graph read_graph(const ExplainOptions& options) {
  return pk::read_pose_graph(options.model, options.models);
}

pk::PoseModel<float> make_model(const ExplainOptions& options, pk::Graph graph) {
  return pk::make_pose_model(options.model, pk::Network<float>(std::move(graph)), options.beta);
}

pk::PoseModel<float> load_model(const ExplainOptions& options) {
  return make_model(options, read_graph(options));
}

pk::Tensor<float> person_probability(const ExplainOptions& options, pk::Tensor<float> image) {
  const auto network = pk::load_tfjs<float>(pk::require_model(options.models, "selfie.json"));
  pk::Tape<float> tape({.threads = options.integration.threads});
  const auto x = pk::to_channels_last(tape.constant(std::move(image)));
  const auto result = network(x)[0];
  return pk::reshaped(pk::Tensor<float>(result.value()), {1, result.shape()[1], result.shape()[2]});
}
