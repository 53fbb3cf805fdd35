#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include <vector>

#include <posekit/core/error.hpp>
#include <posekit/io/safetensors.hpp>

/// Weights and checkpoints.
inline void fuzz_safetensors(std::span<const std::uint8_t> bytes) {
  try {
    const posekit::SafetensorsFile file({bytes.begin(), bytes.end()}, "x");
    for (const auto& name : file.names()) {
      try {
        (void)file.tensor<float>(name);
      } catch (const posekit::Error&) {
      }
    }
  } catch (const posekit::Error&) {
  }
}
