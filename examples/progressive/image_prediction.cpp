#include "image_prediction.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <limits>
#include <string_view>
#include <utility>

#include <posekit/attribution/explanation.hpp>
#include <posekit/autodiff/arithmetic.hpp>
#include <posekit/autodiff/shaping.hpp>
#include <posekit/autodiff/tape.hpp>
#include <posekit/batches/pose_batch.hpp>
#include <posekit/core/error.hpp>
#include <posekit/io/csv.hpp>
#include <posekit/io/file.hpp>
#include <posekit/io/image.hpp>
#include <posekit/io/npy.hpp>
#include <posekit/models/heatmap_reading.hpp>
#include <posekit/models/image_lifter_network.hpp>
#include <posekit/models/prediction.hpp>
#include <posekit/pose/pose_attributes.hpp>
#include <posekit/pose/position_errors.hpp>
#include <posekit/pose/skeletons.hpp>
#include <posekit/viz/canvas.hpp>
#include <posekit/viz/colormap.hpp>
#include <posekit/viz/overlay.hpp>

#include <nlohmann/json.hpp>

#include "attribute_drawing.hpp"
#include "image_measurement.hpp"
#include "output.hpp"
#include "pose_drawing.hpp"
#include "program.hpp"

namespace pk = posekit;

namespace {

const pk::Skeleton& pose_16 = pk::skeletons::pose_16;

constexpr std::array<const char*, 3> attribute_words{"in front of the torso", "behind the torso",
                                                     "on the torso's plane"};
constexpr pk::Color torso_color{90, 94, 104};

/// What the network says of one picture.
struct Pose {
  pk::Tensor<float> joints;          ///< [16, 2], pixels of the picture
  pk::Tensor<float> confidence;      ///< [16]
  pk::Tensor<float> probabilities;   ///< [9, 3]
  pk::Tensor<std::int32_t> classes;  ///< [9]
  pk::Tensor<float> positions;       ///< [16, 3], mm from the root
};

Pose pose_of(const JoinedNetwork& network, const pk::Tensor<float>& image) {
  const std::size_t size = image.shape()[2], joints = pose_16.size();
  pk::Tape<float> tape;
  const auto out =
      network(tape.constant(pk::reshaped(pk::normalize_images<float>(image), {1, 3, size, size})));
  Pose pose;
  pose.joints = pk::reshaped(pk::Tensor<float>(out.joints.value()), {joints, 2});
  const float half = static_cast<float>(size) / 2;
  for (float& at : pose.joints) at = half * (at + 1) - 0.5f;
  pose.confidence = pk::reshaped(
      pk::peak_confidence(pk::to_channels_last(out.seen.heatmaps.back()).value(), false), {joints});
  pose.classes =
      pk::reshaped(pk::attribute_classes(out.attributes.value()), {pk::pose_attribute_count});
  pose.probabilities = pk::reshaped(pk::Tensor<float>(out.attributes.value()),
                                    {pk::pose_attribute_count, pk::pose_attribute_class_count});
  pose.positions = pk::reshaped(pk::Tensor<float>(out.lifted.positions.value()), {joints, 3});
  return pose;
}

/// Which of the nine attributes is a joint's, if any.
std::optional<std::size_t> attribute_of(std::size_t joint) {
  const auto& names = pk::pose_attribute_joints;
  const auto at = std::find(names.begin(), names.end(), pose_16.joints[joint]);
  if (at == names.end()) return std::nullopt;
  return static_cast<std::size_t>(at - names.begin());
}

std::string in_words(std::string_view joint) {
  std::string words(joint);
  std::replace(words.begin(), words.end(), '_', ' ');
  return words;
}

/// Points [16, 2], each bone in the colour of the attribute of the joint at its end.
void draw_attributes(pk::Canvas& canvas, const Pose& pose, const pk::Tensor<float>& points,
                     double x0, double y0, double zoom) {
  const auto at = [&](std::size_t joint, std::size_t axis) {
    return pk::Canvas::drawn_position(axis == 0 ? x0 : y0, static_cast<double>(points(joint, axis)),
                                      zoom);
  };
  const auto color = [&](std::size_t joint) {
    const auto attribute = attribute_of(joint);
    if (!attribute || pose.classes(*attribute) < 0) return torso_color;
    return attribute_color(pose.classes(*attribute));
  };
  for (const pk::Bone& bone : pose_16.bones) {
    const std::size_t outer = pose_16.parents[bone.to] == bone.from ? bone.to : bone.from;
    for (const bool rim : {true, false}) {
      canvas.line(at(bone.from, 0), at(bone.from, 1), at(bone.to, 0), at(bone.to, 1),
                  rim ? pk::colors::white : color(outer), rim ? 6 : 4, rim ? 0.7 : 1);
    }
  }
  for (std::size_t j = 0; j < pose_16.size(); ++j) {
    canvas.disc(at(j, 0), at(j, 1), 4.5, pk::colors::white);
    canvas.disc(at(j, 0), at(j, 1), 3.5, color(j));
  }
}

pk::Bitmap draw(const PictureSubject& subject, const Pose& pose, const std::string& note) {
  constexpr double side = 340, gap = 18, top = 36, list = 250;
  pk::Canvas canvas(static_cast<std::size_t>(3 * side + 5 * gap + list),
                    static_cast<std::size_t>(side + top + gap + 30));
  const double zoom = side / static_cast<double>(subject.image.shape()[2]);
  double x = gap;
  canvas.text(x, top - 10, "picture, 2D pose and attributes", 11, pk::colors::ink);
  canvas.draw(pk::to_bitmap(subject.image), x, top, zoom);
  draw_attributes(canvas, pose, pose.joints, x, top, zoom);

  // 2.2 m are the side of a view.
  constexpr double pixels_per_mm = side / 2200;
  const auto shown = [&](const pk::Tensor<float>& positions, std::size_t right, std::size_t down) {
    pk::Tensor<float> points = seen_along(positions, right, down);
    for (float& value : points)
      value = static_cast<float>(pixels_per_mm * static_cast<double>(value) + side / 2);
    return points;
  };
  const struct {
    const char* name;
    std::size_t right, down;
  } views[] = {{"3D: from the camera (x, y)", 0, 1}, {"3D: from the side (z, y)", 2, 1}};
  for (const auto& view : views) {
    x += side + gap;
    canvas.text(x, top - 10, view.name, 11, pk::colors::ink);
    canvas.rectangle(x, top, x + side, top + side, pk::colors::rule);
    if (subject.truth)
      draw_shadow(canvas, pose_16, shown(subject.truth->positions, view.right, view.down), x, top,
                  1);
    draw_attributes(canvas, pose, shown(pose.positions, view.right, view.down), x, top, 1);
  }

  x += side + gap;
  double y = top + 10;
  const auto entry = [&](pk::Color color, const std::string& text, pk::Color ink) {
    canvas.disc(x + 6, y - 4, 5, color);
    canvas.text(x + 18, y, text, 10, ink);
    y += 19;
  };
  for (std::size_t c = 0; c < attribute_words.size(); ++c)
    entry(attribute_color(static_cast<std::int32_t>(c)), attribute_words[c], pk::colors::ink);
  entry(torso_color, "the torso", pk::colors::ink);
  if (subject.truth) entry(pk::colors::muted, "the true pose", pk::colors::ink);
  y += 8;
  for (std::size_t i = 0; i < pk::pose_attribute_count; ++i) {
    const auto c = static_cast<std::size_t>(std::max(0, pose.classes(i)));
    char text[100];
    std::snprintf(text, sizeof text, "%s: %s, %.0f %%",
                  in_words(pk::pose_attribute_joints[i]).c_str(),
                  std::array{"front", "back", "on plane"}[c],
                  100 * static_cast<double>(pose.probabilities(i, c)));
    const bool wrong = subject.truth && subject.truth->classes(i) != pose.classes(i);
    entry(attribute_color(static_cast<std::int32_t>(c)),
          std::string(text) + (wrong ? " (wrong)" : ""),
          wrong ? pk::colors::ink : pk::colors::muted);
  }
  canvas.text(gap, side + top + 22, note, 10, pk::colors::ink);
  return canvas.bitmap();
}

/// As many digits as mean something.
double rounded(float value) { return std::round(1000 * static_cast<double>(value)) / 1000; }

/// A row for each joint: place in the picture (of a photo: in the photo), mm from the root, and the
/// attribute of a limb.
std::string as_csv(const Pose& pose, const pk::Tensor<float>& places) {
  std::string csv = "joint,x,y,confidence,x_mm,y_mm,z_mm,attribute,front,back,on_plane\n";
  for (std::size_t j = 0; j < pose_16.size(); ++j) {
    csv += pk::csv_field(pose_16.joints[j]);
    for (const float value : {places(j, 0), places(j, 1), pose.confidence(j), pose.positions(j, 0),
                              pose.positions(j, 1), pose.positions(j, 2)})
      csv += "," + pk::csv_field(rounded(value));
    const auto i = attribute_of(j);
    if (!i) {
      csv += ",,,,\n";
      continue;
    }
    csv +=
        pose.classes(*i) < 0
            ? ","
            : std::string(",") + std::array{"front", "back",
                                            "on_plane"}[static_cast<std::size_t>(pose.classes(*i))];
    for (std::size_t c = 0; c < pk::pose_attribute_class_count; ++c)
      csv += "," + pk::csv_field(rounded(pose.probabilities(*i, c)));
    csv += "\n";
  }
  return csv;
}

std::string as_json(const Pose& pose, const pk::Tensor<float>& places) {
  nlohmann::ordered_json all;
  all["skeleton"] = std::string(pose_16.name);
  for (std::size_t j = 0; j < pose_16.size(); ++j) {
    nlohmann::ordered_json joint{{"joint", std::string(pose_16.joints[j])},
                                 {"place", {rounded(places(j, 0)), rounded(places(j, 1))}},
                                 {"confidence", rounded(pose.confidence(j))},
                                 {"position_mm",
                                  {rounded(pose.positions(j, 0)), rounded(pose.positions(j, 1)),
                                   rounded(pose.positions(j, 2))}}};
    if (const auto i = attribute_of(j)) {
      joint["attribute"] = {{"front", rounded(pose.probabilities(*i, 0))},
                            {"back", rounded(pose.probabilities(*i, 1))},
                            {"on_plane", rounded(pose.probabilities(*i, 2))}};
    }
    all["joints"].push_back(joint);
  }
  return all.dump(2) + "\n";
}

/// The network as one of whose lifted joints two coordinates are positions in a picture.
pk::PoseNetwork<float> seen_in_plane(const pk::PoseNetwork<float>& network,
                                     const std::string& plane) {
  const auto axis = [](char name) { return static_cast<std::size_t>(name - 'x'); };
  if (plane != "xy" && plane != "zy" && plane != "xz")
    throw pk::ValueError("--plane is '" + plane + "', expected xy, zy or xz");
  const std::size_t first = axis(plane[0]), second = axis(plane[1]);
  const float middle = (static_cast<float>(network.input().size) - 1) / 2;
  pk::PoseInput input = network.input();
  input.mean = {0, 0, 0};  // the network itself does that
  input.deviation = {1, 1, 1};
  return pk::PoseNetwork<float>(
      {.name = network.name(), .skeleton = &network.skeleton(), .input = input},
      [network, first, second, middle](const pk::Var<float>& images) {
        const auto positions = network(images);
        // z is 0 at the root: put it into the middle of the picture.
        const auto along = [&](std::size_t a) {
          const auto one = pk::slice(positions, 2, a, a + 1);
          return a == 2 ? one + middle : one;
        };
        return pk::concatenate({along(first), along(second)}, 2);
      });
}

}  // namespace

PictureSubject find_picture(const PictureOptions& options, std::size_t image_size) {
  PictureSubject subject;
  if (!options.photo.empty()) {
    auto seen = crop_of_photo(options.photo, options.box, image_size);
    subject.image = std::move(seen.image);
    subject.crop = seen.crop;
    return subject;
  }
  const PeopleOptions people{.image_size = image_size, .poses = options.poses};
  constexpr std::size_t measured = 512;
  const std::size_t count = std::max(options.example + 1, measured);
  subject.truth = test_people(domain_of(options.domain), people, count).example(options.example);
  subject.image = subject.truth->example.image;
  return subject;
}

void run_image_prediction(const PictureOptions& options) {
  const auto network = load_joined_network(options.weights);
  const std::size_t size = network->options().image.input[0];
  StagedOutput output(options.folder);
  const PictureSubject subject = find_picture(options, size);
  const Pose pose = pose_of(*network, subject.image);
  std::string note;
  if (subject.truth) {
    const auto batched = [](const pk::Tensor<float>& pose_) {
      return pk::reshaped(pk::Tensor<float>(pose_), {1, pose_16.size(), 3});
    };
    const auto lifted = batched(pose.positions), truth = batched(subject.truth->positions);
    char text[120];
    std::snprintf(text, sizeof text, "MPJPE %.0f mm, PA-MPJPE %.0f mm",
                  pk::mpjpe(lifted, truth, pose_16).mean,
                  pk::pa_mpjpe(lifted, truth, pose_16).mean);
    note = text;
  }
  const pk::Tensor<float> places =
      subject.crop ? pk::to_photo(*subject.crop, pose.joints) : pose.joints;
  pk::save_png(output.file("prediction.png"), draw(subject, pose, note));
  pk::write_file(output.file("joints.csv"), as_csv(pose, places));
  pk::write_file(output.file("joints.json"), as_json(pose, places));
  output.publish();
  if (options.quiet) return;
  std::printf("%-16s %8s %8s   %8s %8s %8s   attribute\n", "joint", "x", "y", "x mm", "y mm",
              "z mm");
  for (std::size_t j = 0; j < pose_16.size(); ++j) {
    const auto i = attribute_of(j);
    const bool known = i && pose.classes(*i) >= 0;
    std::printf("%-16s %8.1f %8.1f   %8.0f %8.0f %8.0f   %s\n",
                std::string(pose_16.joints[j]).c_str(), static_cast<double>(places(j, 0)),
                static_cast<double>(places(j, 1)), static_cast<double>(pose.positions(j, 0)),
                static_cast<double>(pose.positions(j, 1)),
                static_cast<double>(pose.positions(j, 2)),
                known ? attribute_words[static_cast<std::size_t>(pose.classes(*i))] : "");
  }
  if (!note.empty()) std::printf("%s\n", note.c_str());
  std::printf("in %s: prediction.png, joints.csv, joints.json\n", options.folder.c_str());
}

void run_image_explanation(const PictureExplanationOptions& options) {
  const auto network = pk::models::pose_network(load_joined_network(options.picture.weights));
  const auto seen = seen_in_plane(network, options.plane);
  pk::ExplanationOptions<float> what;
  for (const std::string& joint : options.joints) what.joints.push_back(pose_16.index(joint));
  const std::size_t size = network.input().size;
  StagedOutput output(options.picture.folder);
  const PictureSubject subject = find_picture(options.picture, size);
  ProgressBar bar(options.picture.quiet);
  auto why = pk::explain(seen, subject.image,
                         {.sigma = 19.0 * static_cast<double>(size) / 256.0,
                          .steps = options.steps,
                          .progress =
                              [&](const pk::Progress& p) {
                                bar.update(p);
                                return !stop_requested().load();
                              }},
                         what);
  bar.clear();
  if (options.plane != "xy") {
    // The picture shows where joints are in it, from which pixels of it have no distance in depth.
    why.prediction.positions = pk::predict(network, subject.image).positions;
    for (float& index : why.locality_index) index = std::numeric_limits<float>::quiet_NaN();
  }
  pk::save_png(output.file("explanation.png"),
               draw_explanation(pose_16, subject.image, why,
                                subject.truth ? &subject.truth->example.joints : nullptr));
  pk::save_npy(output.file("attributions.npy"), why.maps);
  output.publish();
  if (options.picture.quiet) return;
  std::printf("%-16s %8s %8s %14s\n", "joint", "LI", "DI", "completeness");
  for (std::size_t k = 0; k < why.joints.size(); ++k) {
    std::printf("%-16s %8.2f %8.1f %14.2g\n", std::string(pose_16.joints[why.joints[k]]).c_str(),
                static_cast<double>(why.locality_index(k)),
                static_cast<double>(why.diffusion_index(k)),
                static_cast<double>(why.attribution.completeness_gap(k)));
  }
  std::printf("in %s: explanation.png, attributions.npy\n", options.picture.folder.c_str());
}

void add_picture_options(CLI::App& app, PictureOptions& o) {
  app.add_option("-w,--weights", o.weights, "weights that `train --stage joint` wrote")
      ->type_name("FILE")
      ->default_str("the small ones that come along");
  app.add_option("-i,--image", o.photo, "a photo; without it a drawn person")->type_name("FILE");
  app.add_option("--box", o.box, "the person in the photo: x,y,width,height")->type_name("BOX");
  app.add_option("--domain", o.domain, "where the drawn person is: lab, wild or night")
      ->type_name("NAME");
  app.add_option("--example", o.example, "which drawn person")
      ->check(CLI::Range(0, 1000000).description(""))
      ->type_name("INDEX");
  app.add_option("--poses", o.poses.file, "motion capture (.npz or .bvh) that drawn people move by")
      ->type_name("FILE")
      ->default_str("recordings of CMU that come along");
  add_unit_option(app, o.poses);
  app.add_option("-o,--output", o.folder, "folder for the results")->type_name("DIR");
  app.add_flag("-q,--quiet", o.quiet, "print nothing but errors")->default_str("");
}

void add_picture_explanation_options(CLI::App& app, PictureExplanationOptions& o) {
  add_picture_options(app, o.picture);
  app.add_option("--joints", o.joints, "whose positions are explained; without it all")
      ->delimiter(',')
      ->type_name("JOINT,...");
  app.add_option("--plane", o.plane,
                 "which coordinates of the joint in space: xy, as the camera sees it, zy from the "
                 "side, or xz from above")
      ->type_name("PLANE");
  app.add_option("--steps", o.steps, "of the path integral")
      ->check(CLI::Range(1, 100000).description(""))
      ->type_name("COUNT");
}
