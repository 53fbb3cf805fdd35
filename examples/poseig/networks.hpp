#pragma once

// Compiled once: what reads a network and computes it takes a compiler a while.

#include <posekit/core/tensor.hpp>
#include <posekit/graph/graph.hpp>
#include <posekit/models/pose_model.hpp>

#include "options.hpp"

/// The file of the network that the options name.
posekit::Graph read_graph(const ExplainOptions& options);
/// That network, or one with other weights.
posekit::PoseModel<float> make_model(const ExplainOptions& options, posekit::Graph graph);
posekit::PoseModel<float> load_model(const ExplainOptions& options);

/// The person's probability at each pixel of an image [1, 3, 256, 256], as [1, 256, 256], by the
/// selfie network.
posekit::Tensor<float> person_probability(const ExplainOptions& options,
                                          posekit::Tensor<float> image);
