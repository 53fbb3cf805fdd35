#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include <vector>

#include <posekit/core/error.hpp>
#include <posekit/io/npz.hpp>

/// NumPy's archives.
inline void fuzz_npz(std::span<const std::uint8_t> bytes) {
  try {
    const posekit::NpzArchive archive({bytes.begin(), bytes.end()}, "x",
                                      {.max_bytes = std::size_t{1} << 24});
    for (const auto& name : archive.names()) {
      try {
        (void)archive.shape(name);
        (void)archive.array<double>(name);
      } catch (const posekit::Error&) {
      }
      try {
        (void)archive.texts(name);
      } catch (const posekit::Error&) {
      }
    }
  } catch (const posekit::Error&) {
  }
}
