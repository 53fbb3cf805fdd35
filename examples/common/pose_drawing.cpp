#include "pose_drawing.hpp"

#include <cmath>
#include <cstdio>
#include <utility>

#include <posekit/core/error.hpp>
#include <posekit/image/box.hpp>
#include <posekit/models/prediction.hpp>
#include <posekit/viz/overlay.hpp>

namespace pk = posekit;

pk::Tensor<float> seen_along(const pk::Tensor<float>& joints, std::size_t first,
                             std::size_t second) {
  pk::Tensor<float> points = pk::make_tensor<float>({joints.shape()[0], 2});
  for (std::size_t j = 0; j < joints.shape()[0]; ++j) {
    points(j, 0) = joints(j, first);
    points(j, 1) = joints(j, second);
  }
  return points;
}

void draw_shadow(pk::Canvas& canvas, const pk::Skeleton& skeleton, const pk::Tensor<float>& points,
                 double x0, double y0, double zoom) {
  const auto at = [&](std::size_t joint, std::size_t axis) {
    return pk::Canvas::drawn_position(axis == 0 ? x0 : y0, static_cast<double>(points(joint, axis)),
                                      zoom);
  };
  for (const pk::Bone& bone : skeleton.bones) {
    canvas.line(at(bone.from, 0), at(bone.from, 1), at(bone.to, 0), at(bone.to, 1),
                pk::colors::muted, 5, 0.45);
  }
}

pk::Bitmap draw_explanation(const pk::Skeleton& skeleton, const pk::Tensor<float>& image,
                            const pk::PoseExplanation<float>& why, const pk::Tensor<float>* truth) {
  const pk::Tensor<float> pose = pk::plane_positions(why.prediction.positions);
  constexpr double side = 200, gap = 14, top = 24;
  constexpr std::size_t columns = 6;
  const std::size_t rows = (why.joints.size() + columns) / columns;
  pk::Canvas canvas(
      static_cast<std::size_t>(columns * (side + gap) + gap),
      static_cast<std::size_t>(static_cast<double>(rows) * (side + top + gap) + gap + 60));
  const pk::Bitmap photo = pk::to_bitmap(image);
  const double zoom = side / static_cast<double>(photo.width);
  const auto& maps = why.signed_maps;
  const std::size_t pixels = photo.width * photo.height;
  const auto corner = [&](std::size_t cell) {
    return std::pair{gap + static_cast<double>(cell % columns) * (side + gap),
                     gap + top + static_cast<double>(cell / columns) * (side + top + gap)};
  };
  const auto [x0, y0] = corner(0);
  canvas.text(x0, y0 - 8, "the pose", 11, pk::colors::ink);
  canvas.draw(photo, x0, y0, zoom);
  pk::draw_pose(canvas, skeleton, pose, x0, y0, zoom, 2.4);
  for (std::size_t k = 0; k < why.joints.size(); ++k) {
    const std::size_t j = why.joints[k];
    const auto place_of_panel = corner(k + 1);
    const double x = place_of_panel.first, y = place_of_panel.second;
    const float* map = maps.data() + k * pixels;
    char text[80];
    const auto locality = static_cast<double>(why.locality_index(k));
    char near[20] = "";
    if (!std::isnan(locality)) std::snprintf(near, sizeof near, "  LI %.1f", locality);
    std::snprintf(text, sizeof text, "%s%s  DI %.0f", std::string(skeleton.joints[j]).c_str(), near,
                  static_cast<double>(why.diffusion_index(k)));
    canvas.text(x, y - 8, text, 9, pk::side_color(skeleton.joints[j]));
    canvas.draw(pk::signed_overlay(photo, map, pk::magnitude_quantile(map, pixels, 0.995)), x, y,
                zoom);
    const auto place = [&](const pk::Tensor<float>& points, std::size_t stride, std::size_t axis) {
      return pk::Canvas::drawn_position(
          axis == 0 ? x : y, static_cast<double>(points.data()[stride * j + axis]), zoom);
    };
    if (truth != nullptr)
      pk::draw_ring(canvas, place(*truth, 3, 0), place(*truth, 3, 1), 6, pk::colors::target);
    pk::draw_cross(canvas, place(pose, 2, 0), place(pose, 2, 1), 5, pk::colors::ink, 1.4);
  }
  pk::draw_colorbar(canvas, gap, static_cast<double>(canvas.bitmap().height) - 44, 240, 12,
                    pk::Colormap::diverging, "lowers S", "0", "raises S");
  canvas.text(gap + 280, static_cast<double>(canvas.bitmap().height) - 34,
              std::string("cross: prediction") + (truth != nullptr ? ", ring: truth" : "") +
                  "; S is the likelihood of the predicted place",
              10, pk::colors::muted);
  return canvas.bitmap();
}

PhotoCrop crop_of_photo(const std::filesystem::path& path, const std::string& given,
                        std::size_t image_size) {
  const pk::Bitmap photo = pk::load_bitmap(path);
  pk::Box box = pk::photo_box(photo);
  if (!given.empty()) {
    const auto parsed = pk::parse_box(given);
    if (!parsed) {
      throw pk::ValueError(
          pk::error_text("--box is '", given, "', expected x,y,width,height in photo pixels"));
    }
    box = *parsed;
    pk::require_box_in_photo("--box " + given, box, photo.width, photo.height);
  }
  const double margin = given.empty() ? 1.0 : 1.25;
  const pk::Crop crop = pk::square_crop(box, image_size, margin);
  return {crop, pk::crop_image<float>(photo, crop)};
}
