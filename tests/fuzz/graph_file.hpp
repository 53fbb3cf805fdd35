#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include <posekit/core/error.hpp>
#include <posekit/graph/graph_file.hpp>

#include "fuzz/run_network.hpp"

/// Graphs in files of posekit's own. What loads is run and differentiated.
inline void fuzz_graph_file(std::span<const std::uint8_t> bytes) {
  try {
    const posekit::SafetensorsFile file({bytes.begin(), bytes.end()}, "x");
    run_network(posekit::Network<float>(posekit::read_graph(file, "x"),
                                        {.max_activations = 1 << 20}));
  } catch (const posekit::Error&) {
  }
}
