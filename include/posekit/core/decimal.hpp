#pragma once

// Numbers as text.

#include <charconv>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

#include <posekit/core/isa.hpp>

namespace posekit::inline POSEKIT_ISA {

/// The shortest decimal that reads back as the same number.
inline std::string shortest_decimal(double value) {
  char digits[32];
  const auto end = std::to_chars(digits, digits + sizeof(digits), value);
  return {digits, end.ptr};
}

/// The number that the whole of a text says, whatever the locale; nothing where it says none.
inline std::optional<double> parse_decimal(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace posekit::inline POSEKIT_ISA
