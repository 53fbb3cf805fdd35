#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <posekit/attribution/pose_ig.hpp>

/// What the user asked for.
struct ExplainOptions {
  std::string model = "movenet-lightning";
  std::filesystem::path models;            ///< empty: where `model_folder` finds them
  std::filesystem::path image;             // or a folder of annotated images
  std::string box = "auto";                // auto, photo or x,y,width,height
  std::vector<std::string> joints;         // empty: all
  std::string truth = "self";              // self, annotation or a COCO file
  std::filesystem::path annotations;       // a COCO file, or empty
  std::optional<std::int64_t> annotation;  // in the COCO file
  std::string mask = "auto";               // auto, none, annotation, selfie or a picture
  std::string space = "crop";              // crop or photo
  std::string baseline = "black";          // black, mean, constant or a picture
  std::optional<std::size_t> size;
  std::optional<double> beta;
  posekit::PoseIgOptions integration{.steps = 200};
  std::filesystem::path output = "out/poseig";
  bool sanity = false;
  bool quiet = false;
};

/// Reads the command line. Ends the program for --help, --list-models and mistakes.
ExplainOptions parse_command_line(int argc, char** argv);
