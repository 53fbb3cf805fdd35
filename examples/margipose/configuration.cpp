#include "configuration.hpp"

#include <posekit/nn/checkpoint.hpp>

namespace pk = posekit;

Configuration small_configuration() {
  return {.image_size = 96,
          .network = {.joints = 17,
                      .stages = 2,
                      .feature_extractor = pk::models::FeatureExtractor::resnet18,
                      .width = 24}};
}

void shrink_weights(const std::filesystem::path& weights, const std::filesystem::path& output) {
  const auto loaded = pk::models::load_margipose<float>(weights);
  pk::save_half_safetensors(output, *loaded.network, to_metadata(loaded.configuration));
}
