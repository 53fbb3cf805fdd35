#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include <nlohmann/json.hpp>

#include <posekit/core/definitions.hpp>
#include <posekit/core/error.hpp>
#include <posekit/core/isa.hpp>

namespace posekit::inline POSEKIT_ISA {

/// How deeply lists and objects are nested in a JSON text, or in what begins like one.
std::size_t json_depth(std::span<const std::uint8_t> text);

/// The value that a file's text says, `Json` being nlohmann's json or ordered_json; `name` stands
/// for the file in errors. Throws FileError where the text is no JSON, or nested so deeply that
/// copying the value would overflow the stack.
template <class Json = nlohmann::json>
Json parse_json(std::span<const std::uint8_t> text, const std::string& name) {
  constexpr std::size_t most = 200;
  if (const std::size_t depth = json_depth(text); depth > most) {
    throw FileError(error_text(name, ": its JSON is nested ", depth, " deep, expected at most ",
                               most, " levels"));
  }
  Json value = Json::parse(text.begin(), text.end(), nullptr, /*allow_exceptions=*/false);
  if (value.is_discarded()) throw FileError(error_text(name, ": is not valid JSON"));
  return value;
}

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_IO

namespace posekit::inline POSEKIT_ISA {

POSEKIT_INLINE std::size_t json_depth(std::span<const std::uint8_t> text) {
  std::size_t depth = 0, deepest = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const std::uint8_t c = text[i];
    if (c == '"') {
      for (++i; i < text.size() && text[i] != '"'; ++i) i += text[i] == '\\' ? 1 : 0;
    } else if (c == '[' || c == '{') {
      deepest = std::max(deepest, ++depth);
    } else if ((c == ']' || c == '}') && depth > 0) {
      --depth;
    }
  }
  return deepest;
}

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_IO
