#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/io/image.hpp>

namespace posekit::inline POSEKIT_ISA {

/// Pictures one under the other, at the left, each below its heading where there are headings.
/// Throws ValueError unless there are none or as many as pictures.
Bitmap stacked(const std::vector<Bitmap>& pictures, const std::vector<std::string>& headings = {});

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_VIZ

#include <algorithm>

#include <posekit/core/error.hpp>
#include <posekit/viz/canvas.hpp>

namespace posekit::inline POSEKIT_ISA {

POSEKIT_INLINE Bitmap stacked(const std::vector<Bitmap>& pictures,
                              const std::vector<std::string>& headings) {
  if (!headings.empty() && headings.size() != pictures.size()) {
    throw ValueError(error_text("stacked: there are ", headings.size(), " headings and ",
                                pictures.size(), " pictures"));
  }
  const std::size_t above = headings.empty() ? 0 : 34;
  std::size_t width = 0, height = 0;
  for (const Bitmap& picture : pictures) {
    width = std::max(width, picture.width);
    height += above + picture.height;
  }
  Canvas canvas(width, height);
  std::size_t y = 0;
  for (std::size_t i = 0; i < pictures.size(); ++i) {
    if (!headings.empty()) {
      canvas.text(18, static_cast<double>(y) + 26, headings[i], 15, colors::ink, TextAlign::left,
                  1.25);
    }
    canvas.draw(pictures[i], 0, static_cast<double>(y + above));
    y += above + pictures[i].height;
  }
  return canvas.bitmap();
}

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_VIZ
