#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include <posekit/core/error.hpp>
#include <posekit/models/image_lifter_network.hpp>
#include <posekit/models/margipose_network.hpp>
#include <posekit/models/pose_attribute_network.hpp>
#include <posekit/models/progressive_network.hpp>

#include "fuzz/scratch.hpp"

/// Networks of our own, which are made as the metadata of their weights say.
inline void fuzz_weights(std::span<const std::uint8_t> bytes) {
  const auto path = fuzz_file("weights.safetensors", bytes);
  const auto attempt = [](const auto& load) {
    try {
      load();
    } catch (const posekit::Error&) {
    }
  };
  attempt([&] { posekit::models::load_progressive_pose<float>(path); });
  attempt([&] { posekit::models::load_image_lifter<float>(path); });
  attempt([&] { posekit::models::load_pose_attribute_net<float>(path); });
  attempt([&] { posekit::models::load_margipose<float>(path); });
}
