#pragma once

// The pictures of a PoseIG run: one page for all joints, and one picture for each.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <optional>
#include <string>
#include <vector>

#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/core/tensor.hpp>
#include <posekit/io/image.hpp>
#include <posekit/pose/skeletons.hpp>

namespace posekit::inline POSEKIT_ISA {

/// What is shown of one joint. Positions are pixels of the crop; maps have its size.
template <class T>
struct PoseIgPanel {
  std::string joint;
  double predicted_x = 0, predicted_y = 0;
  double target_x = 0, target_y = 0;
  const T* attribution = nullptr;  ///< [H, W], signed
  const T* density = nullptr;      ///< [H, W], or null where there is none
  std::optional<double> fi, li, di;
  double score = 0, score_baseline = 0;
};

/// What is shown of a run.
template <class T>
struct PoseIgFigure {
  std::string title;
  std::vector<std::string> notes;  ///< lines of explanation
  Bitmap photo;
  Tensor<T> photo_corners;  ///< [4, 2], the crop's corners in the photo
  Tensor<T> photo_pose;     ///< [J, 2]
  Bitmap crop;
  Tensor<T> crop_pose;  ///< [J, 2]
  Bitmap baseline;      ///< of the crop's size
  std::string baseline_caption;
  Tensor<T> baseline_pose;  ///< [J, 2]
  const Skeleton* skeleton = nullptr;
  std::vector<PoseIgPanel<T>> panels;
};

namespace internal {

std::string fixed_number(const std::optional<double>& value, int digits);

std::string readable(std::string name);

}  // namespace internal

/// One joint, large: the crop with prediction and target, the signed attributions, their density.
template <class T>
Bitmap pose_ig_joint_picture(const PoseIgFigure<T>& figure, const PoseIgPanel<T>& panel);

/// All joints on a page: photo, crop and baseline on top, below them for each joint its
/// attributions and their density with the three indices.
template <class T>
Bitmap pose_ig_page(const PoseIgFigure<T>& figure);

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_VIZ

#include <posekit/viz/canvas.hpp>
#include <posekit/viz/overlay.hpp>

namespace posekit::inline POSEKIT_ISA {

namespace internal {

POSEKIT_INLINE std::string fixed_number(const std::optional<double>& value, int digits) {
  if (!value || !std::isfinite(*value)) return "n/a";
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", digits, *value);
  return text;
}

/// Enlarges by whole squares or shrinks to the given width; returns the zoom.
inline double draw_fitted(Canvas& canvas, const Bitmap& picture, double x, double y, double width) {
  const double zoom = width / static_cast<double>(picture.width);
  canvas.draw(picture, x, y, zoom);
  return zoom;
}

template <class T>
void draw_markers(Canvas& canvas, const PoseIgPanel<T>& panel, double x, double y, double zoom,
                  double radius) {
  const auto place = [zoom](double origin, double v) {
    return Canvas::drawn_position(origin, v, zoom);
  };
  draw_ring(canvas, place(x, panel.target_x), place(y, panel.target_y), radius, colors::target,
            radius > 8 ? 3 : 2);
  draw_cross(canvas, place(x, panel.predicted_x), place(y, panel.predicted_y), 0.7 * radius,
             colors::ink, radius > 8 ? 2 : 1.2);
}

POSEKIT_INLINE std::string readable(std::string name) {
  std::replace(name.begin(), name.end(), '_', ' ');
  return name;
}

}  // namespace internal

template <class T>
Bitmap pose_ig_joint_picture(const PoseIgFigure<T>& figure, const PoseIgPanel<T>& panel) {
  constexpr double side = 420, gap = 18, top = 66;
  const double height =
      side * static_cast<double>(figure.crop.height) / static_cast<double>(figure.crop.width);
  Canvas canvas(static_cast<std::size_t>(3 * side + 4 * gap),
                static_cast<std::size_t>(top + height + 96));
  canvas.text(gap, 34, internal::readable(panel.joint), 17, colors::ink, TextAlign::left, 1.3);
  const std::string numbers = "FI " + internal::fixed_number(panel.fi, 2) + "    LI " +
                              internal::fixed_number(panel.li, 2) + "    DI " +
                              internal::fixed_number(panel.di, 2) + "    S " +
                              internal::fixed_number(panel.score_baseline, 3) + " -> " +
                              internal::fixed_number(panel.score, 3);
  canvas.text(3 * side + 3 * gap, 32, numbers, 11, colors::ink, TextAlign::right);
  const double limit =
      magnitude_quantile(panel.attribution, figure.crop.width * figure.crop.height, 0.995);
  std::vector<std::pair<std::string, Bitmap>> pictures;
  pictures.emplace_back("what the network sees", figure.crop);
  pictures.emplace_back("attributions (sum over RGB)",
                        signed_overlay(figure.crop, panel.attribution, limit));
  if (panel.density != nullptr) {
    pictures.emplace_back("density of the attributions (KDE)",
                          density_overlay(figure.crop, panel.density));
  }
  double x = gap;
  for (const auto& [caption, picture] : pictures) {
    const double zoom = internal::draw_fitted(canvas, picture, x, top, side);
    internal::draw_markers(canvas, panel, x, top, zoom, 11);
    canvas.text(x, top - 9, caption, 9, colors::muted);
    x += side + gap;
  }
  const double y = top + height + 14;
  draw_ring(canvas, gap + 12, y + 14, 8, colors::target, 2.5);
  canvas.text(gap + 28, y + 18, "target", 9, colors::ink);
  draw_cross(canvas, gap + 102, y + 14, 7, colors::ink, 1.6);
  canvas.text(gap + 116, y + 18, "prediction", 9, colors::ink);
  char scale[32];
  std::snprintf(scale, sizeof scale, "%.2g", limit);
  draw_colorbar(canvas, side + 2 * gap, y, side, 12, Colormap::diverging, std::string("-") + scale,
                "0", std::string("+") + scale);
  canvas.text(side + 2 * gap, y + 46, "red raises the likelihood of the target, blue lowers it", 8,
              colors::muted);
  if (panel.density != nullptr) {
    draw_colorbar(canvas, 2 * side + 3 * gap, y, side, 12, Colormap::sequential, "0", "density",
                  "maximum");
  }
  return canvas.bitmap();
}

template <class T>
Bitmap pose_ig_page(const PoseIgFigure<T>& figure) {
  constexpr double margin = 26, cell = 178, pair_gap = 4, column_gap = 22;
  const std::size_t columns = std::clamp<std::size_t>(figure.panels.size(), 3, 4);
  const std::size_t rows = (figure.panels.size() + columns - 1) / columns;
  const double aspect =
      static_cast<double>(figure.crop.height) / static_cast<double>(figure.crop.width);
  const double cell_width = 2 * cell + pair_gap;
  const double cell_height = cell * aspect + 42;
  const double width = 2 * margin + static_cast<double>(columns) * cell_width +
                       static_cast<double>(columns - 1) * column_gap;
  const double head = 300;
  const double top = 84;
  const double height = top + head + 66 + static_cast<double>(rows) * cell_height + 30;
  Canvas canvas(static_cast<std::size_t>(width), static_cast<std::size_t>(height));

  canvas.text(margin, 42, figure.title, 19, colors::ink, TextAlign::left, 1.3);

  // Photo, crop, baseline.
  const double photo_width = std::min(
      head * static_cast<double>(figure.photo.width) / static_cast<double>(figure.photo.height),
      0.38 * (width - 2 * margin));
  double x = margin;
  double zoom = internal::draw_fitted(canvas, figure.photo, x, top, photo_width);
  if (figure.skeleton != nullptr) {
    draw_pose(canvas, *figure.skeleton, figure.photo_pose, x, top, zoom, 2.2);
  }
  const auto corner = [&](std::size_t i, std::size_t axis) {
    const double limit =
        static_cast<double>(axis == 0 ? figure.photo.width : figure.photo.height) - 1;
    const double v =
        std::clamp(static_cast<double>(figure.photo_corners.data()[2 * i + axis]), 0.0, limit);
    return Canvas::drawn_position(axis == 0 ? x : top, v, zoom);
  };
  for (std::size_t i = 0; i < 4; ++i) {
    const std::size_t k = (i + 1) % 4;
    canvas.line(corner(i, 0), corner(i, 1), corner(k, 0), corner(k, 1), colors::white, 3);
    canvas.line(corner(i, 0), corner(i, 1), corner(k, 0), corner(k, 1), colors::ink, 1.2);
  }
  canvas.text(x, top - 9, "photo, pose and crop", 9, colors::muted);
  x += photo_width + column_gap;
  const double crop_width = head / aspect;
  zoom = internal::draw_fitted(canvas, figure.crop, x, top, crop_width);
  if (figure.skeleton != nullptr)
    draw_pose(canvas, *figure.skeleton, figure.crop_pose, x, top, zoom, 3);
  canvas.text(x, top - 9, "what the network sees", 9, colors::muted);
  x += crop_width + column_gap;
  zoom = internal::draw_fitted(canvas, figure.baseline, x, top, crop_width);
  if (figure.skeleton != nullptr)
    draw_pose(canvas, *figure.skeleton, figure.baseline_pose, x, top, zoom, 3);
  canvas.text(x, top - 9, figure.baseline_caption, 9, colors::muted);
  x += crop_width + column_gap;

  // Legend.
  double y = top + 4;
  const double legend_width = width - margin - x;
  for (const auto& [color, label] : {std::pair<Color, const char*>{colors::left, "left"},
                                     {colors::right, "right"},
                                     {colors::centre, "centre"}}) {
    canvas.disc(x + 6, y + 5, 5, color);
    canvas.text(x + 18, y + 9, label, 9, colors::ink);
    x += 18 + Canvas::text_width(label, 9) + 18;
  }
  x = width - margin - legend_width;
  y += 26;
  draw_ring(canvas, x + 7, y + 5, 6, colors::target);
  canvas.text(x + 20, y + 9, "target", 9, colors::ink);
  draw_cross(canvas, x + 92, y + 5, 5, colors::ink, 1.4);
  canvas.text(x + 104, y + 9, "prediction", 9, colors::ink);
  y += 30;
  const double bar = std::min(legend_width, 240.0);
  draw_colorbar(canvas, x, y, bar, 12, Colormap::diverging, "lowers S", "0", "raises S");
  y += 42;
  draw_colorbar(canvas, x, y, bar, 12, Colormap::sequential, "0", "density", "maximum");
  y += 52;
  for (const std::string& note : figure.notes) {
    canvas.text(x, y, note, 8, colors::ink);
    y += 17;
  }

  // The joints.
  y = top + head + 34;
  canvas.line(margin, y, width - margin, y, colors::rule, 1);
  canvas.text(margin, y + 20,
              "each joint: attributions (left) and their kernel density (right); colours are "
              "scaled joint by joint",
              9, colors::muted);
  y += 34;
  for (std::size_t i = 0; i < figure.panels.size(); ++i) {
    const PoseIgPanel<T>& panel = figure.panels[i];
    const double cx = margin + static_cast<double>(i % columns) * (cell_width + column_gap);
    const double cy = y + static_cast<double>(i / columns) * cell_height;
    const double limit =
        magnitude_quantile(panel.attribution, figure.crop.width * figure.crop.height, 0.995);
    zoom = internal::draw_fitted(canvas, signed_overlay(figure.crop, panel.attribution, limit), cx,
                                 cy + 18, cell);
    internal::draw_markers(canvas, panel, cx, cy + 18, zoom, 6);
    if (panel.density != nullptr) {
      internal::draw_fitted(canvas, density_overlay(figure.crop, panel.density),
                            cx + cell + pair_gap, cy + 18, cell);
      internal::draw_markers(canvas, panel, cx + cell + pair_gap, cy + 18, zoom, 6);
    } else {
      canvas.text(cx + 1.5 * cell + pair_gap, cy + 18 + 0.5 * cell * aspect, "no attribution", 9,
                  colors::muted, TextAlign::centre);
    }
    canvas.text(cx, cy + 12, internal::readable(panel.joint), 10, side_color(panel.joint),
                TextAlign::left, 1.3);
    canvas.text(cx + cell_width, cy + 12,
                "FI " + internal::fixed_number(panel.fi, 2) + "  LI " +
                    internal::fixed_number(panel.li, 1) + "  DI " +
                    internal::fixed_number(panel.di, 1),
                9, colors::ink, TextAlign::right);
  }
  canvas.text(margin, height - 20,
              "FI: share of the attribution on the person, 1 = as an even map.  LI: around the "
              "joint, 1 = as an "
              "even map.  DI: spread over the image, 0 - 100.",
              8.5, colors::muted);
  return canvas.bitmap();
}

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_VIZ
