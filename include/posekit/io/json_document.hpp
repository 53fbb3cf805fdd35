#pragma once

// JSON documents that posekit writes.

#include <cmath>
#include <optional>
#include <string>

#include <nlohmann/json.hpp>

#include <posekit/core/isa.hpp>

namespace posekit::inline POSEKIT_ISA {

/// A document whose objects keep the order in which they are written.
using JsonDocument = nlohmann::ordered_json;

/// A number with six digits: enough for positions in pictures and indices, without noise behind
/// them. null where it is not finite.
inline JsonDocument rounded_json(double value) {
  if (!std::isfinite(value)) return nullptr;
  if (value == 0) return value;
  const double scale = std::pow(10.0, 6 - std::ceil(std::log10(std::abs(value))));
  if (!std::isfinite(scale)) return value;  // next to nothing
  return std::round(value * scale) / scale;
}

/// null where there is none.
inline JsonDocument rounded_json(const std::optional<double>& value) {
  return value ? rounded_json(*value) : JsonDocument(nullptr);
}

/// The text of a file. What is not UTF-8 becomes U+FFFD.
inline std::string json_text(const JsonDocument& document) {
  return document.dump(2, ' ', false, JsonDocument::error_handler_t::replace) + "\n";
}

}  // namespace posekit::inline POSEKIT_ISA
