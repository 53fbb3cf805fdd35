#pragma once

#include <string>
#include <string_view>

#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>

namespace posekit::inline POSEKIT_ISA {

/// A text as JSON has it, in quotes. What is not UTF-8 becomes U+FFFD.
std::string json_string(std::string_view text);

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_IO

#include <nlohmann/json.hpp>

namespace posekit::inline POSEKIT_ISA {

POSEKIT_INLINE std::string json_string(std::string_view text) {
  using Json = nlohmann::json;
  return Json(std::string(text)).dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_IO
