// Three kinds of pose networks side by side, on annotated photos: how far off each joint is, and
// how it was found (FI, LI, DI of PoseIG).
//
//   posekit-diagnosis MODELS PHOTO PHOTO.json OUTPUT [COCO_FOLDER]
//
// COCO_FOLDER holds person_keypoints.json and its photos; without it only PHOTO is looked at.

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <map>
#include <string>
#include <vector>

#include <posekit/data.hpp>
#include <posekit/io.hpp>
#include <posekit/viz.hpp>

#include "explanation.hpp"
#include "networks.hpp"
#include "output.hpp"
#include "people.hpp"
#include "picture.hpp"
#include "program.hpp"

namespace pk = posekit;
namespace fs = std::filesystem;

namespace {

struct Family {
  const char* model;
  const char* kind;
};
constexpr Family families[] = {{"posenet", "explicit heatmaps"},
                               {"movenet-lightning", "heatmaps, one person"},
                               {"blazepose-lite", "coordinates"}};

/// A person to look at.
struct Person {
  fs::path photo;
  const pk::CocoDataset* dataset;
  std::int64_t id;
};

/// Everything measured of one joint, and of how many people.
struct Sums {
  double error = 0, fi = 0, li = 0, di = 0;
  std::size_t joints = 0, with_fi = 0;

  void add(const pk::JointExplanation& j) {
    if (!j.li || !j.di) return;
    error += j.error_crop();
    li += *j.li;
    di += *j.di;
    ++joints;
    if (!j.fi) return;
    fi += *j.fi;
    ++with_fi;
  }
  void add(const Sums& other) {
    error += other.error;
    fi += other.fi;
    li += other.li;
    di += other.di;
    joints += other.joints;
    with_fi += other.with_fi;
  }
};

void diagnose(const fs::path& models, const fs::path& photo, const fs::path& annotation,
              const fs::path& folder, const std::string& coco) {
  StagedOutput output(folder);
  const auto described = pk::load_coco(annotation);
  if (described.annotations.empty()) {
    throw pk::FileError(annotation.string() + ": has no annotation of the photo");
  }
  std::vector<Person> people{{photo, &described, described.annotations[0].id}};
  pk::CocoDataset of_folder;
  if (coco.empty() || !pk::is_file(fs::path(coco) / "person_keypoints.json")) {
    std::printf("skipped: no folder of annotated COCO photos was given; only %s is looked at\n\n",
                photo.filename().string().c_str());
  } else {
    of_folder = pk::load_coco(fs::path(coco) / "person_keypoints.json");
    const Photos photos = find_photos(of_folder, coco);
    for (const pk::CocoAnnotation* person : people_in(of_folder, photos)) {
      people.push_back({photos.at(person->image_id), &of_folder, person->id});
    }
  }
  // [network][joint]
  std::vector<std::map<std::string, Sums>> measured(std::size(families));
  std::map<std::string, std::vector<pk::Bitmap>> pictures;
  std::string table = "model,photo,annotation,joint,group,error,fi,li,di\n";
  for (std::size_t f = 0; f < std::size(families); ++f) {
    ExplainOptions options;
    options.model = families[f].model;
    options.models = models;
    const pk::PoseNetwork<float> network = load_network(options);
    for (std::size_t p = 0; p < people.size(); ++p) {
      options.image = people[p].photo;
      options.annotations = people[p].dataset->source;
      options.annotation = people[p].id;
      options.truth = "annotation";
      options.integration.steps = 50;
      const Explanation e = explain_person(
          options, people[p].dataset, network, p == 0,
          [](const pk::Progress&) { return !stop_requested().load(); }, stop_requested());
      for (const pk::JointExplanation& j : e.joints) {
        measured[f][j.name].add(j);
        table += std::string(families[f].model) + ',' +
                 pk::csv_field(people[p].photo.filename().string()) + ',' +
                 std::to_string(people[p].id) + ',' + j.name + ',' +
                 std::string(pk::joint_group(j.name)) + ',' + pk::csv_field(j.error_crop()) +
                 pk::index_fields(j) + '\n';
      }
      if (p > 0) continue;
      const auto figure = make_figure(options, network, e);
      for (const auto& panel : figure.panels) {
        pictures[panel.joint].push_back(pk::pose_ig_joint_picture(figure, panel));
      }
    }
  }
  pk::write_file(output.file("diagnosis.csv"), table);
  std::vector<std::string> headings;
  for (const auto& family : families) {
    headings.push_back(std::string(family.model) + ": " + family.kind);
  }
  for (const auto& [joint, row] : pictures) {
    if (row.size() != std::size(families)) continue;
    pk::save_png(output.file("joint-" + joint + ".png"), pk::stacked(row, headings));
  }

  std::printf("%zu people; errors in pixels of each network's input\n\n", people.size());
  std::printf("%-10s %-19s %8s %8s %8s %8s %8s\n", "joints", "network", "number", "error", "FI",
              "LI", "DI");
  std::map<std::string, std::vector<double>> locality;
  for (const char* group : {"trunk", "branch", "leaf", "all"}) {
    for (std::size_t f = 0; f < std::size(families); ++f) {
      Sums sums;
      for (const auto& [joint, of_joint] : measured[f]) {
        if (std::string(group) == "all" || pk::joint_group(joint) == group) sums.add(of_joint);
      }
      const auto n = static_cast<double>(sums.joints);
      locality[group].push_back(sums.li / n);
      std::printf("%-10s %-19s %8zu %8.2f %8.2f %8.2f %8.2f\n", f == 0 ? group : "",
                  families[f].model, sums.joints, sums.error / n,
                  sums.fi / static_cast<double>(sums.with_fi), sums.li / n, sums.di / n);
    }
  }
  const auto verdict = [](bool shown) { return shown ? "so it is here" : "not so here"; };
  std::printf(
      "\nPoseIG finds a lower LI in coordinate regression than in explicit heatmaps: %s "
      "(%.2f against %.2f)\n",
      verdict(locality["all"][2] < locality["all"][0]), locality["all"][2], locality["all"][0]);
  for (std::size_t f = 0; f < std::size(families); ++f) {
    std::printf(
        "PoseIG finds a higher LI in leaf joints than in the trunk: %s in %s (%.2f against "
        "%.2f)\n",
        verdict(locality["leaf"][f] > locality["trunk"][f]), families[f].model, locality["leaf"][f],
        locality["trunk"][f]);
  }
  output.publish();
  std::printf("\n%zu files in %s\n", output.count(), folder.string().c_str());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5 && argc != 6) {
    std::cerr << "usage: posekit-diagnosis MODELS PHOTO PHOTO.json OUTPUT [COCO_FOLDER]\n";
    return 1;
  }
  return run_program("posekit-diagnosis", [&] {
    diagnose(argv[1], argv[2], argv[3], argv[4], argc == 6 ? argv[5] : "");
  });
}
