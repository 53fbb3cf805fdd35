#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include <posekit/core/error.hpp>
#include <posekit/io/npy.hpp>

/// NumPy's arrays, as numbers and as texts.
inline void fuzz_npy(std::span<const std::uint8_t> bytes) {
  try {
    const std::string name = "x";
    try {
      (void)posekit::parse_npy_texts(bytes, name);
    } catch (const posekit::Error&) {
    }
    try {
      (void)posekit::parse_npy<std::int16_t>(bytes, name);
    } catch (const posekit::Error&) {
    }
    (void)posekit::parse_npy<float>(bytes, name);
  } catch (const posekit::Error&) {
  }
}
