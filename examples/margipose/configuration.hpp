#pragma once

#include <filesystem>

#include <posekit/models/margipose.hpp>
#include <posekit/models/margipose_network.hpp>

using Configuration = posekit::models::MargiPoseConfiguration;
using Network = posekit::models::MargiPose<float>;

/// A network that is trained in minutes.
Configuration small_configuration();

/// `posekit-margipose shrink`: the same weights in half precision.
void shrink_weights(const std::filesystem::path& weights, const std::filesystem::path& output);
