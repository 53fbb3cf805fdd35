#pragma once

// Compiled once: what reads a network and computes it takes a compiler a while.

#include <posekit/core/tensor.hpp>
#include <posekit/models/pose_network.hpp>

#include "options.hpp"

/// The network that the options name, or whose weights they name.
posekit::PoseNetwork<float> load_network(const ExplainOptions& options);

/// The person's probability at each pixel of an image [1, 3, 256, 256], as [1, 256, 256], by the
/// selfie network.
posekit::Tensor<float> person_probability(const ExplainOptions& options,
                                          posekit::Tensor<float> image);
