#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>

namespace posekit::inline POSEKIT_ISA {

/// A rectangle in a photo, in pixels from its upper left corner (COCO's convention: pixel i covers
/// [i, i + 1)).
struct Box {
  double x = 0, y = 0, width = 0, height = 0;
};

/// Reads "x,y,width,height"; nothing where the text is not four numbers.
std::optional<Box> parse_box(std::string_view text);

/// Throws ValueError, whose text begins with `what`, unless a box has an extent and meets a photo
/// of width x height pixels, and is no more than 20 times as large.
void require_box_in_photo(const std::string& what, const Box& box, std::size_t width,
                          std::size_t height);

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_IMAGE

#include <cmath>

#include <posekit/core/decimal.hpp>
#include <posekit/core/error.hpp>

namespace posekit::inline POSEKIT_ISA {

POSEKIT_INLINE std::optional<Box> parse_box(std::string_view text) {
  Box box;
  double* const parts[] = {&box.x, &box.y, &box.width, &box.height};
  for (std::size_t i = 0; i < 4; ++i) {
    const std::size_t comma = text.find(',');
    if ((comma == std::string_view::npos) != (i == 3)) return std::nullopt;
    const auto number = parse_decimal(text.substr(0, comma));
    if (!number) return std::nullopt;
    *parts[i] = *number;
    text.remove_prefix(i == 3 ? text.size() : comma + 1);
  }
  return box;
}

POSEKIT_INLINE void require_box_in_photo(const std::string& what, const Box& box, std::size_t width,
                                         std::size_t height) {
  const auto w = static_cast<double>(width), h = static_cast<double>(height);
  if (!std::isfinite(box.x + box.y + box.width + box.height)) {
    throw ValueError(error_text(what, " is not finite"));
  }
  if (!(box.width > 0) || !(box.height > 0)) throw ValueError(error_text(what, " is empty"));
  if (box.x >= w || box.y >= h || box.x + box.width <= 0 || box.y + box.height <= 0 ||
      box.width > 20 * w || box.height > 20 * h) {
    throw ValueError(
        error_text(what, " lies outside the photo, which is ", width, " x ", height, " pixels"));
  }
}

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_IMAGE
