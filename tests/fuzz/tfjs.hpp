#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include <posekit/core/error.hpp>
#include <posekit/graph/tensorflow/tfjs.hpp>

#include "fuzz/scratch.hpp"

/// TensorFlow.js graph models: the description up to the first byte of 0, and the weights after it.
/// What loads is run and differentiated.
inline void fuzz_tfjs(std::span<const std::uint8_t> bytes) {
  const auto end = std::find(bytes.begin(), bytes.end(), std::uint8_t{0});
  const auto length = static_cast<std::size_t>(end - bytes.begin());
  const auto path = fuzz_file("model.json", bytes.first(length));
  fuzz_file("weights.bin", bytes.subspan(std::min(length + 1, bytes.size())));
  try {
    const auto network = posekit::load_tfjs<float>(path, {.max_activations = 1 << 20});
    posekit::Tape<float> tape({.threads = 1});
    const auto image = tape.variable(posekit::zeros<float>({1, 7, 6, 2}) + 0.5f);
    const auto y = network(image);
    if (!y.empty() && y[0].size() > 0)
      tape.backward(y[0], posekit::zeros<float>(y[0].shape()) + 1.0f);
  } catch (const posekit::Error&) {
  }
}
