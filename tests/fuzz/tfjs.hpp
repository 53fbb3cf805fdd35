#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include <posekit/core/error.hpp>
#include <posekit/graph/tensorflow/tfjs.hpp>

#include "fuzz/run_network.hpp"
#include "fuzz/scratch.hpp"

/// TensorFlow.js graph models: the description up to the first byte of 0, and the weights after it.
/// What loads is run and differentiated.
inline void fuzz_tfjs(std::span<const std::uint8_t> bytes) {
  const auto end = std::find(bytes.begin(), bytes.end(), std::uint8_t{0});
  const auto length = static_cast<std::size_t>(end - bytes.begin());
  const auto path = fuzz_file("model.json", bytes.first(length));
  fuzz_file("weights.bin", bytes.subspan(std::min(length + 1, bytes.size())));
  try {
    run_network(posekit::load_tfjs<float>(path, {.max_activations = 1 << 20}));
  } catch (const posekit::Error&) {
  }
}
