#pragma once

// Unicode's characters as the bytes of UTF-8.

#include <cstdint>
#include <string>

#include <posekit/core/isa.hpp>

namespace posekit::inline POSEKIT_ISA::internal {

/// Appends a character in UTF-8. The caller has checked that it is one of Unicode's.
inline void append_utf8(std::string& text, std::uint32_t c) {
  const auto put = [&](std::uint32_t bits) { text += static_cast<char>(bits); };
  if (c < 0x80) return put(c);
  if (c < 0x800) {
    put(0xc0 | c >> 6);
  } else {
    if (c < 0x10000) {
      put(0xe0 | c >> 12);
    } else {
      put(0xf0 | c >> 18);
      put(0x80 | (c >> 12 & 0x3f));
    }
    put(0x80 | (c >> 6 & 0x3f));
  }
  put(0x80 | (c & 0x3f));
}

}  // namespace posekit::inline POSEKIT_ISA::internal
