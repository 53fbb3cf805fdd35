#pragma once

#include <cstddef>
#include <filesystem>

#include <posekit/synthetic/lifting_examples.hpp>

#include "recordings.hpp"

/// What any network of the three stages is measured with.
struct MeasurementOptions {
  std::filesystem::path weights{};
  RecordingSource poses{};
  posekit::LiftingOptions pairs{.noise = 0.01};  ///< for what lifts
  std::size_t draws = 1;                         ///< cameras that see each pose
  std::size_t images = 512;                      ///< of each domain, for what sees pictures
  std::filesystem::path folder{};                ///< empty: nothing is written
};

/// `posekit-progressive eval`: on pictures of each domain where the weights are of a network that
/// sees them, on pairs where they are of one that lifts, on both where they are of both joined.
void run_measurement(const MeasurementOptions& options);
