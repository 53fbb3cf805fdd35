#pragma once

#include <posekit/models/pose_network.hpp>
#include <posekit/viz/pose_ig_figure.hpp>

#include "explanation.hpp"
#include "options.hpp"

/// Everything the pictures show. The explanation's maps and densities are referred to, not copied.
posekit::PoseIgFigure<float> make_figure(const ExplainOptions& options,
                                         const posekit::PoseNetwork<float>& network,
                                         const Explanation& explanation);
