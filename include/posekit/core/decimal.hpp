#pragma once

// Numbers as text.

#include <charconv>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>

namespace posekit::inline POSEKIT_ISA {

/// The shortest decimal that reads back as the same number.
std::string shortest_decimal(double value);

/// The number that the whole of a text says, whatever the locale; nothing where it says none.
std::optional<double> parse_decimal(std::string_view text);

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_CORE

namespace posekit::inline POSEKIT_ISA {

POSEKIT_INLINE std::string shortest_decimal(double value) {
  char digits[32];
  const auto end = std::to_chars(digits, digits + sizeof(digits), value);
  return {digits, end.ptr};
}

POSEKIT_INLINE std::optional<double> parse_decimal(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_CORE
