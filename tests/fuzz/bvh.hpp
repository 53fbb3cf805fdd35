#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include <string_view>

#include <posekit/core/error.hpp>
#include <posekit/datasets/bvh.hpp>

/// Motion capture in the Biovision hierarchy format.
inline void fuzz_bvh(std::span<const std::uint8_t> bytes) {
  try {
    const auto motion =
        posekit::parse_bvh({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, "x");
    if (motion.frames.shape()[0] * motion.joints.size() < 100000)
      (void)posekit::bvh_positions(motion);
  } catch (const posekit::Error&) {
  }
}
