#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include <posekit/core/error.hpp>
#include <posekit/graph/graph_file.hpp>
#include <posekit/graph/network.hpp>

/// Graphs in files of posekit's own. What loads is run and differentiated.
inline void fuzz_graph_file(std::span<const std::uint8_t> bytes) {
  try {
    const posekit::SafetensorsFile file({bytes.begin(), bytes.end()}, "x");
    const posekit::Network<float> network(posekit::read_graph(file, "x"),
                                          {.max_activations = 1 << 20});
    posekit::Tape<float> tape({.threads = 1});
    const auto image = tape.variable(posekit::zeros<float>({1, 7, 6, 2}) + 0.5f);
    const auto y = network(image);
    if (!y.empty() && y[0].size() > 0)
      tape.backward(y[0], posekit::zeros<float>(y[0].shape()) + 1.0f);
  } catch (const posekit::Error&) {
  }
}
