#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>

namespace posekit::inline POSEKIT_ISA {

/// A text that a terminal shows and does not obey: UTF-8 and line breaks as they are, other control
/// characters and what is no UTF-8 as \x1b. For texts that came out of files.
std::string printable(std::string_view text);

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_CORE

namespace posekit::inline POSEKIT_ISA {

POSEKIT_INLINE std::string printable(std::string_view text) {
  const auto byte = [&](std::size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u;
  };
  std::string result;
  for (std::size_t i = 0; i < text.size();) {
    const unsigned first = byte(i);
    // The length of the character that begins here, and the least number that needs so many bytes.
    std::size_t length = 0;
    unsigned code = 0, least = 0;
    if (first < 0x80) {
      length = 1, code = first;
    } else if (first >= 0xc2 && first < 0xe0) {
      length = 2, code = first & 0x1fu, least = 0x80;
    } else if (first >= 0xe0 && first < 0xf0) {
      length = 3, code = first & 0x0fu, least = 0x800;
    } else if (first >= 0xf0 && first < 0xf5) {
      length = 4, code = first & 0x07u, least = 0x10000;
    }
    for (std::size_t k = 1; k < length; ++k) {
      if ((byte(i + k) & 0xc0u) != 0x80u) {
        length = 0;
        break;
      }
      code = code << 6 | (byte(i + k) & 0x3fu);
    }
    const bool surrogate = code >= 0xd800 && code < 0xe000;
    const bool control = code < 0x20 || (code >= 0x7f && code < 0xa0);
    if (length > 0 && code >= least && code < 0x110000 && !surrogate &&
        (!control || code == '\n')) {
      result.append(text.substr(i, length));
      i += length;
      continue;
    }
    constexpr std::string_view digits = "0123456789abcdef";
    result += "\\x";
    result += digits[first >> 4];
    result += digits[first & 0xfu];
    ++i;
  }
  return result;
}

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_CORE
