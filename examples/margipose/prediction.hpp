#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include <posekit/batches/pose_example.hpp>

#include "configuration.hpp"
#include "samples.hpp"

/// Whose pose: a photo, or a synthetic person.
struct SubjectOptions {
  std::filesystem::path weights{};
  std::filesystem::path photo{};  ///< empty: a synthetic person
  std::string box{};              ///< x,y,width,height of the person in the photo; empty: all of it
  std::size_t example = 0;        ///< which synthetic person
  PoseSource poses{};             ///< that synthetic people take
  std::string joint = "right_wrist";
  std::filesystem::path folder{"out/margipose"};
  bool quiet = false;
};

/// A picture of the size that a network takes; a photo's joints are unknown.
struct Subject {
  posekit::PoseExample example;
  bool has_truth = false;
};
Subject find_subject(const SubjectOptions& options, std::size_t image_size);

/// The index of a joint of the canonical skeleton. Throws posekit::ValueError.
std::size_t joint_index(const std::string& name);

/// `posekit-margipose predict`
void run_prediction(const SubjectOptions& options);
