#pragma once

// Pictures of maps and poses over photos.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/core/tensor.hpp>
#include <posekit/pose/skeletons.hpp>
#include <posekit/viz/canvas.hpp>
#include <posekit/viz/colormap.hpp>

namespace posekit::inline POSEKIT_ISA {

/// The magnitude below which all but a fraction `1 - quantile` of a map's values lie; used as the
/// end of a colour scale, so that a few extreme pixels do not hide the rest. 0 for a map of zeros.
template <class T>
double magnitude_quantile(const T* map, std::size_t size, double quantile);

/// A photo faded towards white, so that colours drawn over it can be told from its own.
Bitmap faded_gray(const Bitmap& photo, double contrast = 0.35);

/// A signed map [H, W] in diverging colours over a faded photo of the same size. `limit` is the
/// magnitude of the full colour.
template <class T>
Bitmap signed_overlay(const Bitmap& photo, const T* map, double limit);

/// A density [H, W] in sequential colours blended over a photo of the same size, its maximum at the
/// bright end.
template <class T>
Bitmap density_overlay(const Bitmap& photo, const T* map);

Color side_color(std::string_view joint);

/// Draws a pose: points [J, 2] in pixels of the picture, which is drawn at (x0, y0) with `zoom`.
/// Joints whose `strength` [J] is below `least` are drawn faintly.
template <class T>
void draw_pose(Canvas& canvas, const Skeleton& skeleton, const Tensor<T>& points, double x0,
               double y0, double zoom, double thickness = 3, const Tensor<T>* strength = nullptr,
               double least = 0.2);

/// A cross with a light rim, which stands out on any background.
void draw_cross(Canvas& canvas, double x, double y, double radius, Color color,
                double thickness = 2);

void draw_ring(Canvas& canvas, double x, double y, double radius, Color color,
               double thickness = 2);

/// A horizontal colour scale with a label at each end and one in the middle.
void draw_colorbar(Canvas& canvas, double x, double y, double width, double height, Colormap map,
                   const std::string& low, const std::string& middle, const std::string& high,
                   double text_size = 9);

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_VIZ

namespace posekit::inline POSEKIT_ISA {

template <class T>
double magnitude_quantile(const T* map, std::size_t size, double quantile) {
  std::vector<double> magnitudes;
  magnitudes.reserve(size);
  for (std::size_t i = 0; i < size; ++i) {
    if (std::isfinite(map[i])) magnitudes.push_back(std::abs(static_cast<double>(map[i])));
  }
  if (magnitudes.empty()) return 0;
  const auto at =
      static_cast<std::ptrdiff_t>(quantile * static_cast<double>(magnitudes.size() - 1));
  std::nth_element(magnitudes.begin(), magnitudes.begin() + at, magnitudes.end());
  const double value = magnitudes[static_cast<std::size_t>(at)];
  return value > 0 ? value : *std::max_element(magnitudes.begin(), magnitudes.end());
}

POSEKIT_INLINE Bitmap faded_gray(const Bitmap& photo, double contrast) {
  Bitmap result(photo.width, photo.height, 3);
  for (std::size_t y = 0; y < photo.height; ++y) {
    for (std::size_t x = 0; x < photo.width; ++x) {
      const std::uint8_t* p = photo.at(x, y);
      const double luminance = (0.299 * p[0] + 0.587 * p[1] + 0.114 * p[2]) / 255.0;
      const auto gray =
          static_cast<std::uint8_t>(std::lround(255.0 * (1.0 - contrast * (1.0 - luminance))));
      std::fill_n(result.at(x, y), 3, gray);
    }
  }
  return result;
}

template <class T>
Bitmap signed_overlay(const Bitmap& photo, const T* map, double limit) {
  Canvas canvas(faded_gray(photo));
  for (std::size_t y = 0; y < photo.height; ++y) {
    for (std::size_t x = 0; x < photo.width; ++x) {
      const double value = limit > 0 ? static_cast<double>(map[y * photo.width + x]) / limit : 0.0;
      // Small values stay visible: opacity rises with the root of the magnitude.
      canvas.blend(x, y, apply(Colormap::diverging, value),
                   std::sqrt(std::min(1.0, std::abs(value))));
    }
  }
  return canvas.bitmap();
}

template <class T>
Bitmap density_overlay(const Bitmap& photo, const T* map) {
  const std::size_t size = photo.width * photo.height;
  double top = 0;
  for (std::size_t i = 0; i < size; ++i) top = std::max(top, static_cast<double>(map[i]));
  Canvas canvas(photo);
  for (std::size_t y = 0; y < photo.height; ++y) {
    for (std::size_t x = 0; x < photo.width; ++x) {
      const double value = top > 0 ? static_cast<double>(map[y * photo.width + x]) / top : 0.0;
      const Color photo_color = mix(canvas.get(x, y), colors::black, 0.35);
      canvas.put(
          x, y,
          mix(photo_color, apply(Colormap::sequential, value), 0.25 + 0.6 * std::min(1.0, value)));
    }
  }
  return canvas.bitmap();
}

POSEKIT_INLINE Color side_color(std::string_view joint) {
  switch (body_side(joint)) {
    case BodySide::left:
      return colors::left;
    case BodySide::right:
      return colors::right;
    case BodySide::centre:
      break;
  }
  return colors::centre;
}

template <class T>
void draw_pose(Canvas& canvas, const Skeleton& skeleton, const Tensor<T>& points, double x0,
               double y0, double zoom, double thickness, const Tensor<T>* strength, double least) {
  const auto place = [&](std::size_t joint, std::size_t axis) {
    return Canvas::drawn_position(axis == 0 ? x0 : y0,
                                  static_cast<double>(points.data()[2 * joint + axis]), zoom);
  };
  const auto opacity = [&](std::size_t joint) {
    return strength == nullptr || static_cast<double>(strength->data()[joint]) >= least ? 1.0
                                                                                        : 0.25;
  };
  for (const Bone& bone : skeleton.bones) {
    const bool same = body_side(skeleton.joints[bone.from]) == body_side(skeleton.joints[bone.to]);
    canvas.line(place(bone.from, 0), place(bone.from, 1), place(bone.to, 0), place(bone.to, 1),
                same ? side_color(skeleton.joints[bone.to]) : colors::centre, thickness,
                std::min(opacity(bone.from), opacity(bone.to)));
  }
  for (std::size_t j = 0; j < skeleton.size(); ++j) {
    canvas.disc(place(j, 0), place(j, 1), 0.9 * thickness + 1, colors::white, opacity(j));
    canvas.disc(place(j, 0), place(j, 1), 0.9 * thickness, side_color(skeleton.joints[j]),
                opacity(j));
  }
}

POSEKIT_INLINE void draw_cross(Canvas& canvas, double x, double y, double radius, Color color,
                               double thickness) {
  for (const bool rim : {true, false}) {
    const double width = thickness + (rim ? 2 : 0);
    const Color ink = rim ? colors::white : color;
    canvas.line(x - radius, y, x + radius, y, ink, width);
    canvas.line(x, y - radius, x, y + radius, ink, width);
  }
}

POSEKIT_INLINE void draw_ring(Canvas& canvas, double x, double y, double radius, Color color,
                              double thickness) {
  canvas.circle(x, y, radius, colors::white, thickness + 2);
  canvas.circle(x, y, radius, color, thickness);
}

POSEKIT_INLINE void draw_colorbar(Canvas& canvas, double x, double y, double width, double height,
                                  Colormap map, const std::string& low, const std::string& middle,
                                  const std::string& high, double text_size) {
  for (double dx = 0; dx < width; ++dx) {
    const double t = (dx + 0.5) / width;
    canvas.fill_rectangle(x + dx, y, x + dx + 1, y + height,
                          apply(map, map == Colormap::diverging ? 2 * t - 1 : t));
  }
  canvas.rectangle(x, y, x + width, y + height, colors::muted);
  const double baseline = y + height + text_size + 6;
  canvas.text(x, baseline, low, text_size, colors::ink);
  canvas.text(x + width / 2, baseline, middle, text_size, colors::ink, TextAlign::centre);
  canvas.text(x + width, baseline, high, text_size, colors::ink, TextAlign::right);
}

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_VIZ
