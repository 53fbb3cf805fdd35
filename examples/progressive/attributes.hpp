#pragma once

#include <cstddef>
#include <filesystem>

#include <posekit/pose/pose_attributes.hpp>

#include "recordings.hpp"

struct AttributesOptions {
  RecordingSource poses{};
  posekit::PoseAttributeOptions attributes{};
  std::size_t pictures = 8;  ///< poses that are drawn
  std::filesystem::path folder{"out/attributes"};
};

/// `posekit-progressive attributes`: classes and distances of all frames as CSV, how often each
/// class is, and a picture of torso planes.
void run_attributes(const AttributesOptions& options);
