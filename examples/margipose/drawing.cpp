#include "drawing.hpp"

#include <algorithm>
#include <cmath>

#include <posekit/viz/canvas.hpp>
#include <posekit/viz/overlay.hpp>

#include "pose_drawing.hpp"

namespace pk = posekit;

namespace {

void dashed_line(pk::Canvas& canvas, double x0, double y0, double x1, double y1) {
  const double length = std::hypot(x1 - x0, y1 - y0);
  for (double at = 0; at < length; at += 8) {
    const double a = at / length, b = std::min(at + 4, length) / length;
    canvas.line(x0 + a * (x1 - x0), y0 + a * (y1 - y0), x0 + b * (x1 - x0), y0 + b * (y1 - y0),
                pk::colors::white, 1.4);
  }
}

}  // namespace

pk::Tensor<float> heatmap_of(const pk::Tensor<float>& maps, std::size_t example,
                             std::size_t joint) {
  const std::size_t height = maps.shape()[2], width = maps.shape()[3];
  pk::Tensor<float> map = pk::make_tensor<float>({height, width});
  std::copy_n(maps.data() + (example * maps.shape()[1] + joint) * height * width, height * width,
              map.data());
  return map;
}

pk::Bitmap draw_heatmap(const pk::Tensor<float>& map, double x, double y, double side) {
  const std::size_t height = map.shape()[0], width = map.shape()[1];
  const double cell = side / static_cast<double>(height);
  pk::Canvas canvas(static_cast<std::size_t>(cell * static_cast<double>(width)),
                    static_cast<std::size_t>(side));
  canvas.draw(pk::density_overlay(pk::Bitmap(width, height, 3), map.data()), 0, 0, cell);
  const double px = (x + 1) / 2 * static_cast<double>(canvas.bitmap().width);
  const double py = (y + 1) / 2 * static_cast<double>(canvas.bitmap().height);
  dashed_line(canvas, px, 0, px, side);
  dashed_line(canvas, 0, py, static_cast<double>(canvas.bitmap().width), py);
  return canvas.bitmap();
}

pk::Bitmap draw_prediction(const pk::Skeleton& skeleton, const PredictionPicture& picture) {
  constexpr double side = 300, gap = 18, top = 40;
  const auto size = static_cast<double>(picture.image.shape()[2]);
  pk::Canvas canvas(static_cast<std::size_t>(4 * side + 5 * gap),
                    static_cast<std::size_t>(2 * (side + top) + 3 * gap));
  const double zoom = side / size;
  double x = gap;
  const auto title = [&](double y, const std::string& text) {
    canvas.text(x, y - 10, text, 12, pk::colors::ink);
  };
  title(top, "photo and pose");
  canvas.draw(pk::to_bitmap(picture.image), x, top, zoom);
  pk::draw_pose(canvas, skeleton, seen_along(picture.joints, 0, 1), x, top, zoom);

  const struct {
    const char* name;
    std::size_t right, down;
  } views[] = {{"front (x, y)", 0, 1}, {"side (z, y)", 2, 1}, {"above (x, z)", 0, 2}};
  for (const auto& view : views) {
    x += side + gap;
    title(top, view.name);
    canvas.rectangle(x, top, x + side, top + side, pk::colors::rule);
    // z is 0 at the root: put it into the middle of the picture.
    const auto points = [&](pk::Tensor<float> joints) {
      for (std::size_t j = 0; j < joints.shape()[0]; ++j)
        joints(j, 2) += static_cast<float>((size - 1) / 2);
      return seen_along(joints, view.right, view.down);
    };
    if (picture.truth) draw_shadow(canvas, skeleton, points(*picture.truth), x, top, zoom);
    pk::draw_pose(canvas, skeleton, points(picture.joints), x, top, zoom);
  }

  const double below = 2 * top + side + gap;
  x = gap;
  std::string joint(skeleton.joints[picture.joint]);
  std::replace(joint.begin(), joint.end(), '_', ' ');
  const auto normal = [&](std::size_t axis) {
    const double p = static_cast<double>(picture.joints(picture.joint, axis));
    return axis == 2 ? 2 * p / size : (2 * p + 1) / size - 1;
  };
  const struct {
    const char* name;
    const pk::Tensor<float>& map;
    std::size_t right, down;
  } maps[] = {{": xy", picture.maps.xy, 0, 1},
              {": zy", picture.maps.zy, 2, 1},
              {": xz", picture.maps.xz, 0, 2}};
  for (const auto& map : maps) {
    title(below, joint + map.name);
    canvas.draw(draw_heatmap(map.map, normal(map.right), normal(map.down), side), x, below, 1);
    x += side + gap;
  }
  double y = below + 16;
  for (const auto& [color, label] : {std::pair<pk::Color, const char*>{pk::colors::left, "left"},
                                     {pk::colors::right, "right"},
                                     {pk::colors::centre, "centre"},
                                     {pk::colors::muted, "truth"}}) {
    if (label == std::string("truth") && !picture.truth) continue;
    canvas.disc(x + 6, y - 4, 5, color);
    canvas.text(x + 18, y, label, 11, pk::colors::ink);
    y += 20;
  }
  canvas.text(x, y + 10, "dashed: where the joint is said to be", 10, pk::colors::muted);
  canvas.text(x, y + 30, picture.note, 10, pk::colors::ink);
  return canvas.bitmap();
}
