#include "attributes.hpp"

#include <array>
#include <cstdint>
#include <cstdio>
#include <string>

#include <posekit/io/csv.hpp>
#include <posekit/io/file.hpp>
#include <posekit/io/image.hpp>
#include <posekit/pose/torso_plane.hpp>

#include "attribute_drawing.hpp"
#include "output.hpp"

namespace pk = posekit;

namespace {

constexpr std::array<const char*, 3> class_names{"front", "back", "on_plane"};

std::string csv(const pk::MotionCapture& recordings, const pk::PoseAttributes<double>& attributes) {
  std::string text = "frame,sequence,torso";
  for (const auto joint : pk::pose_attribute_joints)
    text += "," + std::string(joint) + "," + std::string(joint) + "_mm";
  text += "\n";
  for (std::size_t f = 0; f < recordings.poses.shape()[0]; ++f) {
    const std::size_t sequence = recordings.sequence[f];
    text += std::to_string(f) + "," +
            pk::csv_field(recordings.sequence_names.empty() ? std::to_string(sequence)
                                                            : recordings.sequence_names[sequence]) +
            "," + pk::csv_field(pk::to_string(attributes.status[f]));
    for (std::size_t i = 0; i < pk::pose_attribute_count; ++i) {
      const std::int32_t label = attributes.classes(f, i);
      text += std::string(",") + (label < 0 ? "" : class_names[static_cast<std::size_t>(label)]) +
              "," + pk::csv_field(attributes.distance(f, i));
    }
    text += "\n";
  }
  return text;
}

void print_shares(const pk::PoseAttributes<double>& attributes) {
  std::printf("%-12s %7s %7s %9s %8s\n", "", "front", "back", "on plane", "unknown");
  std::array<double, 4> all{};
  const auto frames = static_cast<double>(attributes.classes.shape()[0]);
  const auto line = [&](const std::string& name, const std::array<double, 4>& counts, double of) {
    std::printf("%-12s %5.1f %% %5.1f %% %7.1f %% %6.1f %%\n", name.c_str(), 100 * counts[0] / of,
                100 * counts[1] / of, 100 * counts[2] / of, 100 * counts[3] / of);
  };
  for (std::size_t i = 0; i < pk::pose_attribute_count; ++i) {
    std::array<double, 4> counts{};
    for (std::size_t f = 0; f < attributes.classes.shape()[0]; ++f) {
      const std::int32_t label = attributes.classes(f, i);
      counts[label < 0 ? 3 : static_cast<std::size_t>(label)] += 1;
    }
    for (std::size_t c = 0; c < 4; ++c) all[c] += counts[c];
    line(std::string(pk::pose_attribute_joints[i]), counts, frames);
  }
  line("all", all, frames * static_cast<double>(pk::pose_attribute_count));
}

}  // namespace

void run_attributes(const AttributesOptions& options) {
  StagedOutput output(options.folder);
  const auto recordings = load_recordings(options.poses);
  const auto& skeleton = pk::skeletons::pose_16;
  const auto attributes = pk::pose_attributes(recordings.poses, skeleton, options.attributes);
  const auto planes =
      pk::torso_planes(recordings.poses, skeleton, {.pelvis = options.attributes.pelvis});
  std::printf("%zu poses; within %g mm of the torso's plane a joint is on it:\n",
              recordings.poses.shape()[0], options.attributes.threshold);
  print_shares(attributes);
  pk::write_file(output.file("attributes.csv"), csv(recordings, attributes));
  pk::save_png(output.file("planes.png"),
               draw_torso_planes(recordings.poses, planes, attributes, options.pictures));
  output.publish();
  std::printf("in %s: attributes.csv, planes.png\n", options.folder.c_str());
}
