#pragma once

#include <string>
#include <string_view>

#include <posekit/core/isa.hpp>

namespace posekit::inline POSEKIT_ISA {

/// Appends an item to a list in a sentence: what stands between two comes before all but the first.
inline void append_listed(std::string& list, std::string_view item,
                          std::string_view between = ", ") {
  if (!list.empty()) list += between;
  list += item;
}

}  // namespace posekit::inline POSEKIT_ISA
