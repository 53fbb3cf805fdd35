#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/io/image.hpp>
#include <posekit/viz/colormap.hpp>

namespace posekit::inline POSEKIT_ISA {

/// Where a text stands relative to its position.
enum class TextAlign { left, centre, right };

/// An RGB picture to draw on. Coordinates are pixels with centres at whole numbers; what lies
/// outside is clipped; edges are smoothed.
class Canvas {
 public:
  Canvas(std::size_t width, std::size_t height, Color background = colors::paper);
  explicit Canvas(Bitmap image) : image_(std::move(image)) {}

  std::size_t width() const { return image_.width; }
  std::size_t height() const { return image_.height; }
  const Bitmap& bitmap() const { return image_; }

  void fill_rectangle(double x0, double y0, double x1, double y1, Color color, double opacity = 1);

  void rectangle(double x0, double y0, double x1, double y1, Color color, double thickness = 1);

  /// A line with round ends; a point of the same diameter where both ends coincide.
  void line(double x0, double y0, double x1, double y1, Color color, double thickness = 1,
            double opacity = 1);

  void disc(double x, double y, double radius, Color color, double opacity = 1) {
    line(x, y, x, y, color, 2 * radius, opacity);
  }

  void circle(double cx, double cy, double radius, Color color, double thickness = 1);

  /// Width of a text whose capitals are `size` pixels high.
  static double text_width(std::string_view text, double size);

  /// Draws a text; `y` is its baseline, `size` the height of its capitals.
  void text(double x, double y, std::string_view content, double size, Color color,
            TextAlign align = TextAlign::left, double weight = 1);

  /// Draws a text from (x, y) up to the right, at 45 degrees.
  void slanted_text(double x, double y, std::string_view content, double size, Color color);

  /// Where a position of a picture lies, along one axis, that `draw` puts at `origin`: the centre
  /// of pixel i at zoom (i + 1/2) - 1/2 of the enlarged picture.
  static double drawn_position(double origin, double position, double zoom) {
    return origin + zoom * (position + 0.5) - 0.5;
  }

  /// Copies a picture with its upper left corner at (x, y), `zoom` times as large (each pixel a
  /// square), or smaller than 1 by averaging.
  void draw(const Bitmap& picture, double x, double y, double zoom = 1);

  void put(std::size_t x, std::size_t y, Color color);
  Color get(std::size_t x, std::size_t y) const;
  void blend(std::size_t x, std::size_t y, Color color, double opacity) {
    put(x, y, mix(get(x, y), color, std::clamp(opacity, 0.0, 1.0)));
  }

 private:
  static constexpr double cap_height = 12;
  static constexpr double letter_spacing = 3.4;

  struct Bounds {
    std::size_t x0, y0, x1, y1;
  };
  Bounds clip(double x0, double y0, double x1, double y1) const;

  /// A text from (x, y) on a baseline in the direction (cosine, -sine).
  void strokes(double x, double y, std::string_view content, double size, Color color,
               double weight, double cosine, double sine);

  /// The mean of the picture's pixels in a square of side `step`, or the nearest pixel where that
  /// is smaller than one.
  static Color average(const Bitmap& picture, double x, double y, double step);

  Bitmap image_;
};

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_VIZ

#include <posekit/viz/stroke_font.hpp>

namespace posekit::inline POSEKIT_ISA {

POSEKIT_INLINE Canvas::Canvas(std::size_t width, std::size_t height, Color background)
    : image_(width, height, 3) {
  for (std::size_t y = 0; y < height; ++y) {
    for (std::size_t x = 0; x < width; ++x) put(x, y, background);
  }
}

POSEKIT_INLINE void Canvas::fill_rectangle(double x0, double y0, double x1, double y1, Color color,
                                           double opacity) {
  const auto bounds = clip(x0, y0, x1, y1);
  for (std::size_t y = bounds.y0; y < bounds.y1; ++y) {
    for (std::size_t x = bounds.x0; x < bounds.x1; ++x) blend(x, y, color, opacity);
  }
}

POSEKIT_INLINE void Canvas::rectangle(double x0, double y0, double x1, double y1, Color color,
                                      double thickness) {
  line(x0, y0, x1, y0, color, thickness);
  line(x1, y0, x1, y1, color, thickness);
  line(x1, y1, x0, y1, color, thickness);
  line(x0, y1, x0, y0, color, thickness);
}

POSEKIT_INLINE void Canvas::line(double x0, double y0, double x1, double y1, Color color,
                                 double thickness, double opacity) {
  if (!std::isfinite(x0 + y0 + x1 + y1)) return;
  const double radius = 0.5 * thickness;
  const auto bounds = clip(std::min(x0, x1) - radius - 1, std::min(y0, y1) - radius - 1,
                           std::max(x0, x1) + radius + 2, std::max(y0, y1) + radius + 2);
  const double dx = x1 - x0, dy = y1 - y0;
  const double length2 = dx * dx + dy * dy;
  for (std::size_t y = bounds.y0; y < bounds.y1; ++y) {
    for (std::size_t x = bounds.x0; x < bounds.x1; ++x) {
      const double px = static_cast<double>(x) - x0, py = static_cast<double>(y) - y0;
      const double t = length2 > 0 ? std::clamp((px * dx + py * dy) / length2, 0.0, 1.0) : 0.0;
      const double coverage = radius + 0.5 - std::hypot(px - t * dx, py - t * dy);
      if (coverage > 0) blend(x, y, color, opacity * std::min(coverage, 1.0));
    }
  }
}

POSEKIT_INLINE void Canvas::circle(double cx, double cy, double radius, Color color,
                                   double thickness) {
  if (!std::isfinite(cx + cy)) return;
  const double reach = radius + thickness + 1;
  const auto bounds = clip(cx - reach, cy - reach, cx + reach + 1, cy + reach + 1);
  for (std::size_t y = bounds.y0; y < bounds.y1; ++y) {
    for (std::size_t x = bounds.x0; x < bounds.x1; ++x) {
      const double distance =
          std::abs(std::hypot(static_cast<double>(x) - cx, static_cast<double>(y) - cy) - radius);
      const double coverage = 0.5 * thickness + 0.5 - distance;
      if (coverage > 0) blend(x, y, color, std::min(coverage, 1.0));
    }
  }
}

POSEKIT_INLINE double Canvas::text_width(std::string_view text, double size) {
  double units = 0;
  for (const char c : text) units += stroke_glyph(c).width + letter_spacing;
  return text.empty() ? 0 : (units - letter_spacing) * size / cap_height;
}

POSEKIT_INLINE void Canvas::text(double x, double y, std::string_view content, double size,
                                 Color color, TextAlign align, double weight) {
  if (align == TextAlign::centre) x -= 0.5 * text_width(content, size);
  if (align == TextAlign::right) x -= text_width(content, size);
  strokes(x, y, content, size, color, weight, 1, 0);
}

POSEKIT_INLINE void Canvas::slanted_text(double x, double y, std::string_view content, double size,
                                         Color color) {
  constexpr double half_turn = 0.70710678118654752;
  strokes(x, y, content, size, color, 1, half_turn, half_turn);
}

POSEKIT_INLINE void Canvas::draw(const Bitmap& picture, double x, double y, double zoom) {
  const auto bounds = clip(x, y, x + static_cast<double>(picture.width) * zoom,
                           y + static_cast<double>(picture.height) * zoom);
  const double step = 1.0 / zoom;
  for (std::size_t ty = bounds.y0; ty < bounds.y1; ++ty) {
    for (std::size_t tx = bounds.x0; tx < bounds.x1; ++tx) {
      put(tx, ty,
          average(picture, (static_cast<double>(tx) - std::round(x)) * step,
                  (static_cast<double>(ty) - std::round(y)) * step, step));
    }
  }
}

POSEKIT_INLINE void Canvas::put(std::size_t x, std::size_t y, Color color) {
  std::uint8_t* p = image_.at(x, y);
  p[0] = color.r;
  p[1] = color.g;
  p[2] = color.b;
}

POSEKIT_INLINE Color Canvas::get(std::size_t x, std::size_t y) const {
  const std::uint8_t* p = image_.at(x, y);
  return {p[0], p[1], p[2]};
}

POSEKIT_INLINE Canvas::Bounds Canvas::clip(double x0, double y0, double x1, double y1) const {
  const auto limit = [](double v, std::size_t extent) {
    return static_cast<std::size_t>(std::clamp(std::round(v), 0.0, static_cast<double>(extent)));
  };
  return {limit(x0, width()), limit(y0, height()), limit(x1, width()), limit(y1, height())};
}

POSEKIT_INLINE void Canvas::strokes(double x, double y, std::string_view content, double size,
                                    Color color, double weight, double cosine, double sine) {
  const double scale = size / cap_height;
  const double thickness = std::max(1.0, 0.115 * size) * weight;
  double along = 0;
  for (const char c : content) {
    const StrokeGlyph glyph = stroke_glyph(c);
    const std::string_view s = glyph.strokes;
    const auto coordinate = [&](std::size_t i) {
      return static_cast<double>(s[i] <= '9' ? s[i] - '0' : s[i] - 'a' + 10);
    };
    const auto at = [&](std::size_t i) {
      const double u = along + coordinate(i) * scale;
      const double v = (coordinate(i + 1) - cap_height) * scale;
      return std::pair(x + cosine * u + sine * v, y - sine * u + cosine * v);
    };
    for (std::size_t i = 0; i + 3 < s.size();) {
      if (s[i] == ';') {
        ++i;
        continue;
      }
      if (s[i + 2] == ';') {
        i += 3;
        continue;
      }
      const auto from = at(i), to = at(i + 2);
      line(from.first, from.second, to.first, to.second, color, thickness);
      i += 2;
    }
    along += (glyph.width + letter_spacing) * scale;
  }
}

POSEKIT_INLINE Color Canvas::average(const Bitmap& picture, double x, double y, double step) {
  const auto index = [](double v, std::size_t extent) {
    return static_cast<std::size_t>(std::clamp(v, 0.0, static_cast<double>(extent - 1)));
  };
  const std::size_t x0 = index(x, picture.width), y0 = index(y, picture.height);
  const auto end = [step](std::size_t first, double v, std::size_t extent) {
    const double last = std::min(std::round(v + step), static_cast<double>(extent));
    return step > 1 ? std::max(first + 1, static_cast<std::size_t>(last)) : first + 1;
  };
  const std::size_t x1 = end(x0, x, picture.width), y1 = end(y0, y, picture.height);
  unsigned sum[3] = {};
  for (std::size_t py = y0; py < y1; ++py) {
    for (std::size_t px = x0; px < x1; ++px) {
      const std::uint8_t* p = picture.at(px, py);
      for (std::size_t c = 0; c < 3; ++c) sum[c] += p[picture.channels >= 3 ? c : 0];
    }
  }
  const auto count = static_cast<unsigned>((x1 - x0) * (y1 - y0));
  return {static_cast<std::uint8_t>(sum[0] / count), static_cast<std::uint8_t>(sum[1] / count),
          static_cast<std::uint8_t>(sum[2] / count)};
}

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_VIZ
