#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include <string_view>

#include <posekit/core/error.hpp>
#include <posekit/io/csv.hpp>
#include <posekit/training/training_log.hpp>

#include "fuzz/scratch.hpp"

/// Tables, and the log of a training.
inline void fuzz_csv(std::span<const std::uint8_t> bytes) {
  try {
    const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    const auto table = posekit::parse_csv(text, "x");
    for (std::size_t row = 0; row < table.rows.size(); ++row) {
      for (std::size_t column = 0; column < table.rows[row].size(); ++column) {
        try {
          (void)table.number(row, column);
        } catch (const posekit::Error&) {
        }
      }
    }
    (void)posekit::training::TrainingLog::from_csv(fuzz_file("log.csv", bytes));
  } catch (const posekit::Error&) {
  }
}
