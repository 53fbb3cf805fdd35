#pragma once

// Numbers as text.

#include <charconv>
#include <string>

namespace posekit {

/// The shortest decimal that reads back as the same number.
inline std::string shortest_decimal(double value) {
  char digits[32];
  const auto end = std::to_chars(digits, digits + sizeof(digits), value);
  return {digits, end.ptr};
}

}  // namespace posekit
