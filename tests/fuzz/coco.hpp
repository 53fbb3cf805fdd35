#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include <posekit/core/error.hpp>
#include <posekit/datasets/coco.hpp>
#include <posekit/datasets/coco_images.hpp>
#include <posekit/datasets/coco_results.hpp>
#include <posekit/evaluation/coco_matching.hpp>

#include "fuzz/scratch.hpp"

/// COCO's annotations and results.
inline void fuzz_coco(std::span<const std::uint8_t> bytes) {
  try {
    const auto path = fuzz_file("coco.json", bytes);
    try {
      const auto results = posekit::load_coco_results(path);
      (void)results.size();
    } catch (const posekit::Error&) {
    }
    const auto data = posekit::load_coco(path);
    for (const auto& annotation : data.annotations) {
      try {
        (void)posekit::segmentation_mask(annotation, annotation.runs_height % 512,
                                         annotation.runs_width % 512);
      } catch (const posekit::Error&) {
      }
    }
    try {
      (void)posekit::match_coco(data, {});
    } catch (const posekit::Error&) {
    }
    (void)posekit::read_coco_images(path, fuzz_folder());
  } catch (const posekit::Error&) {
  }
}
