#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include <posekit/core/error.hpp>
#include <posekit/datasets/image_folder.hpp>

#include "fuzz/scratch.hpp"

/// A folder of annotated pictures.
inline void fuzz_image_folder(std::span<const std::uint8_t> bytes) {
  try {
    fuzz_file("annotations.json", bytes);
    (void)posekit::read_image_folder(fuzz_folder());
  } catch (const posekit::Error&) {
  }
}
