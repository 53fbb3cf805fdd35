#include "measurement.hpp"

#include <cstdio>
#include <memory>
#include <optional>
#include <string>

#include <posekit/core/error.hpp>
#include <posekit/io/npy.hpp>
#include <posekit/io/safetensors.hpp>

#include "image_measurement.hpp"
#include "image_training.hpp"
#include "lift_measurement.hpp"
#include "output.hpp"
#include "program.hpp"

namespace pk = posekit;

namespace {

using Lifter = pk::models::ProgressivePose<float>;

/// What the weights in a file are of; an image lifter has both.
struct Measured {
  std::shared_ptr<const ImageNetwork> image{};
  std::shared_ptr<const JoinedNetwork> joined{};
  std::shared_ptr<const Lifter> lifter{};
};

Measured load_any(const std::filesystem::path& weights) {
  const pk::SafetensorsFile file(weights);
  const auto named = file.metadata().find("architecture");
  const std::string architecture = named == file.metadata().end() ? "" : named->second;
  if (architecture == "pose_attribute_net") return {.image = load_image_network(weights)};
  if (architecture == "image_lifter") {
    const auto joined = load_joined_network(weights);
    return {.joined = joined, .lifter = std::shared_ptr<const Lifter>(joined, &joined->lifter)};
  }
  return {.lifter = load_lifter(weights)};
}

void measure_pictures(const Measured& network, const MeasurementOptions& options) {
  const auto& image = network.joined ? network.joined->image.options() : network.image->options();
  const PeopleOptions people{
      .image_size = image.input[0], .poses = options.poses, .threshold = options.pairs.threshold};
  print_domains(people, options.images, [&](const pk::Tensor<float>& pictures) {
    stop_if_requested();
    return network.joined ? answers_of(*network.joined, pictures)
                          : answers_of(*network.image, pictures, usual_beta);
  });
}

void measure_pairs(const Lifter& lifter, const MeasurementOptions& options) {
  std::optional<StagedOutput> output;
  if (!options.folder.empty()) output.emplace(options.folder);
  const auto recordings = load_recordings(options.poses);
  const auto pairs = test_pairs(recordings, options.pairs, options.draws);
  const auto prediction = lifter.lift(pairs.joints, pairs.attributes);
  stop_if_requested();
  std::printf("%zu pairs of %zu recorded poses, noise %g of the crop, %g %% of attributes wrong:\n",
              pairs.frames.size(), recordings.poses.shape()[0], options.pairs.noise,
              100 * options.pairs.attribute_errors);
  print_errors(measure_lifting(prediction, pairs.positions, actions_of(recordings), options.draws));
  if (!output) return;
  pk::save_npy(output->file("prediction.npy"), pk::cast<double>(prediction));
  pk::save_npy(output->file("truth.npy"), pk::cast<double>(pairs.positions));
  output->publish();
  std::printf("in %s: prediction.npy, truth.npy\n", options.folder.c_str());
}

}  // namespace

void run_measurement(const MeasurementOptions& options) {
  const Measured network = load_any(options.weights);
  if (!network.lifter && !options.folder.empty()) {
    throw pk::ValueError(options.weights.string() +
                         ": does not lift poses, expected a network that does for --output");
  }
  if (network.image || network.joined) measure_pictures(network, options);
  if (network.joined) std::printf("\nIts lifter alone, on ");
  if (network.lifter) measure_pairs(*network.lifter, options);
}
