#pragma once

#include <posekit/graph/network.hpp>

/// Runs and differentiates a network that was read, on an image [1, 7, 6, 2]. Throws posekit::Error.
inline void run_network(const posekit::Network<float>& network) {
  posekit::Tape<float> tape({.threads = 1});
  const auto image = tape.variable(posekit::zeros<float>({1, 7, 6, 2}) + 0.5f);
  const auto y = network(image);
  if (!y.empty() && y[0].size() > 0)
    tape.backward(y[0], posekit::zeros<float>(y[0].shape()) + 1.0f);
}
