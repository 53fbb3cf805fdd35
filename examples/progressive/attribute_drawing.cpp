#include "attribute_drawing.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>

#include <posekit/pose/skeletons.hpp>

namespace pk = posekit;

namespace {

using Point = std::array<double, 3>;

Point operator-(const Point& a, const Point& b) { return {a[0] - b[0], a[1] - b[1], a[2] - b[2]}; }
double dot(const Point& a, const Point& b) { return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]; }
Point cross(const Point& a, const Point& b) {
  return {a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]};
}
Point along(const Point& from, double length, const Point& direction) {
  return {from[0] + length * direction[0], from[1] + length * direction[1],
          from[2] + length * direction[2]};
}
Point unit(const Point& a) {
  const double length = std::sqrt(std::max(dot(a, a), 1e-18));
  return {a[0] / length, a[1] / length, a[2] / length};
}

Point joint_of(const pk::Tensor<double>& poses, std::size_t frame, std::size_t joint) {
  return {poses(frame, joint, 0), poses(frame, joint, 1), poses(frame, joint, 2)};
}

/// The class of a bone: its end's where that joint has one.
std::int32_t bone_label(const pk::PoseAttributes<double>& attributes, std::size_t frame,
                        std::size_t joint, bool& has_label) {
  const auto& names = pk::pose_attribute_joints;
  const auto found = std::find(names.begin(), names.end(), pk::skeletons::pose_16.joints[joint]);
  has_label = found != names.end();
  return has_label ? attributes.classes(frame, static_cast<std::size_t>(found - names.begin()))
                   : pk::unknown_attribute;
}

/// A direction to look along, and what is right and up in the picture.
struct View {
  Point right, up;
};

/// A view of a person whose front is `front`, turned about the vertical by `degrees` from the
/// front.
View view_of(const Point& front, double degrees) {
  const double angle = std::atan2(front[0], front[2]) + degrees * 3.14159265358979 / 180;
  const Point to_camera{std::sin(angle), 0, std::cos(angle)};
  return {cross({0, 1, 0}, to_camera), {0, 1, 0}};
}

void draw_pose(pk::Canvas& canvas, const pk::Tensor<double>& poses, std::size_t frame,
               const pk::TorsoPlanes<double>& planes, const pk::PoseAttributes<double>& attributes,
               const View& view, double x, double y, double side) {
  const auto& skeleton = pk::skeletons::pose_16;
  constexpr double millimetres = 2100;  // that a picture's side shows
  const Point middle = joint_of(poses, frame, skeleton.index("pelvis"));
  const auto place = [&](const Point& point) {
    const Point offset = point - middle;
    return std::array<double, 2>{x + side / 2 + dot(offset, view.right) * side / millimetres,
                                 y + side / 2 - dot(offset, view.up) * side / millimetres};
  };
  const auto line = [&](const Point& a, const Point& b, pk::Color color, double thickness,
                        double opacity) {
    const auto from = place(a), to = place(b);
    canvas.line(from[0], from[1], to[0], to[1], color, thickness, opacity);
  };
  if (attributes.status[frame] == pk::TorsoStatus::ok) {
    const Point normal{planes.normal(frame, 0), planes.normal(frame, 1), planes.normal(frame, 2)};
    const Point centre{planes.centre(frame, 0), planes.centre(frame, 1), planes.centre(frame, 2)};
    const Point torso = joint_of(poses, frame, skeleton.index("thorax")) - middle;
    const Point up = unit(along(torso, -dot(torso, normal), normal));
    const Point across = cross(up, normal);
    // The plane as a sheet of parallel lines, which from its edge is one.
    for (int i = -6; i <= 6; ++i) {
      const Point foot = along(centre, 55.0 * i, across);
      line(along(foot, -480, up), along(foot, 480, up), pk::colors::muted, 2, 0.25);
    }
    line(centre, along(centre, 260, normal), pk::colors::ink, 2, 0.8);
  }
  for (const pk::Bone& bone : skeleton.bones) {
    bool has_label = false;
    const std::int32_t label = bone_label(attributes, frame, bone.to, has_label);
    line(joint_of(poses, frame, bone.from), joint_of(poses, frame, bone.to),
         has_label ? attribute_color(label) : pk::colors::ink, has_label ? 6 : 3, 1);
  }
}

}  // namespace

pk::Color attribute_color(std::int32_t label) {
  constexpr pk::Color front{214, 96, 32}, back{38, 112, 184}, on_plane{120, 120, 120},
      unknown{215, 205, 215};
  return label == 0 ? front : label == 1 ? back : label == 2 ? on_plane : unknown;
}

void draw_attribute_legend(pk::Canvas& canvas, double x, double y) {
  constexpr std::array<const char*, 3> names{"in front of the torso's plane", "behind it", "on it"};
  for (std::int32_t label = 0; label < 3; ++label) {
    const char* name = names[static_cast<std::size_t>(label)];
    canvas.line(x, y, x + 22, y, attribute_color(label), 6);
    canvas.text(x + 34, y + 5, name, 10, pk::colors::ink);
    x += 34 + pk::Canvas::text_width(name, 10) + 30;
  }
}

pk::Bitmap draw_torso_planes(const pk::Tensor<double>& poses, const pk::TorsoPlanes<double>& planes,
                             const pk::PoseAttributes<double>& attributes, std::size_t count) {
  constexpr double side = 250, gap = 12, top = 66;
  const std::size_t frames = poses.shape()[0];
  count = std::clamp<std::size_t>(count, 1, frames);
  const std::size_t columns = std::min<std::size_t>(count, 4), rows = (count + 3) / 4;
  pk::Canvas canvas(
      static_cast<std::size_t>(static_cast<double>(columns) * (side + gap) + gap),
      static_cast<std::size_t>(top + static_cast<double>(rows) * (2 * side + 2 * gap + 20)));
  canvas.text(gap, 26, "Torso planes (the line points to the front)", 12, pk::colors::ink);
  draw_attribute_legend(canvas, gap, 46);
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t frame = count == 1 ? 0 : i * (frames - 1) / (count - 1);
    const double x = gap + static_cast<double>(i % 4) * (side + gap);
    const double y = top + static_cast<double>(i / 4) * (2 * side + 2 * gap + 20);
    Point front{0, 0, 1};
    if (attributes.status[frame] == pk::TorsoStatus::ok)
      front = {planes.normal(frame, 0), planes.normal(frame, 1), planes.normal(frame, 2)};
    canvas.rectangle(x, y, x + side, y + 2 * side, pk::colors::rule);
    draw_pose(canvas, poses, frame, planes, attributes, view_of(front, 90), x, y, side);
    draw_pose(canvas, poses, frame, planes, attributes, view_of(front, 35), x, y + side, side);
    canvas.text(x + 6, y + 16, "frame " + std::to_string(frame) + ", from its left", 9,
                pk::colors::muted);
    canvas.text(x + 6, y + side + 16, "obliquely from ahead", 9, pk::colors::muted);
  }
  return canvas.bitmap();
}
