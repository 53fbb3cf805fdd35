#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <posekit/core/tensor.hpp>
#include <posekit/image/crop.hpp>

#include <CLI/CLI.hpp>

#include "domains.hpp"

/// Whose pose: a photo's, or a drawn person's.
struct PictureOptions {
  std::filesystem::path weights{};  ///< of an image lifter
  std::filesystem::path photo{};    ///< empty: a drawn person
  std::string box{};            ///< x,y,width,height of the person in the photo; empty: all of it
  std::string domain = "wild";  ///< of the drawn person
  std::size_t example = 0;      ///< which drawn person
  RecordingSource poses{};      ///< that drawn people move by
  std::filesystem::path folder{"out/progressive"};
  bool quiet = false;
};

/// A picture as the network takes it, and what is known of it.
struct PictureSubject {
  posekit::Tensor<float> image;         ///< [3, S, S] in [0, 1]
  std::optional<posekit::Crop> crop{};  ///< of a photo
  std::optional<DomainExample> truth{};
};
PictureSubject find_picture(const PictureOptions& options, std::size_t image_size);

/// `predict`: prediction.png (the 2D pose, each limb in its attribute's colour, and the 3D pose
/// from two sides), joints.csv and joints.json.
void run_image_prediction(const PictureOptions& options);

/// What `explain` explains.
struct PictureExplanationOptions {
  PictureOptions picture{.folder = "out/progressive/explain"};
  std::vector<std::string> joints{};  ///< empty: all
  /// Which two coordinates of the lifted joint: "xy", as the camera sees it; "zy", from the side;
  /// "xz", from above.
  std::string plane = "xy";
  std::size_t steps = 50;
};

/// `explain`: which pixels put a joint where it is in space (PoseIG), through the whole chain.
void run_image_explanation(const PictureExplanationOptions& options);

void add_picture_options(CLI::App& app, PictureOptions& options);
void add_picture_explanation_options(CLI::App& app, PictureExplanationOptions& options);
