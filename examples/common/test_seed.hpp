#pragma once

#include <cstdint>

#include <posekit/core/error.hpp>

/// The seed of the people, cameras and noise that networks are measured with.
inline constexpr std::uint64_t test_seed = 0x7e57;

/// Throws posekit::ValueError where a training would see what it is measured with.
inline void require_training_seed(std::uint64_t seed) {
  if (seed != test_seed) return;
  throw posekit::ValueError(posekit::error_text(
      "seed ", test_seed, " draws the examples that are measured with, choose another"));
}
