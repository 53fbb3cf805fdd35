#pragma once

#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include <posekit/attribution/pose_ig.hpp>
#include <posekit/core/tensor.hpp>
#include <posekit/data/crop.hpp>
#include <posekit/models/pose_model.hpp>

#include "options.hpp"

/// Everything a run found out, for report.json and report.csv.
struct JointReport {
  std::string name;
  double predicted_crop[2] = {}, predicted_photo[2] = {};
  double target_crop[2] = {}, target_photo[2] = {};
  double confidence = 0;
  double score = 0, score_baseline = 0, completeness_gap = 0;
  std::optional<double> fi, li, di;  // absent: undefined, `note` says why
  std::string note;
};

struct Report {
  ExplainOptions options;
  const posekit::PoseModel<float>* model = nullptr;
  std::size_t photo_width = 0, photo_height = 0;
  posekit::Box box;
  posekit::Crop crop;
  std::string truth, mask;
  std::vector<JointReport> joints;
  posekit::Tensor<float> locality;  // [J, J], row A, column X; empty where undefined
  double seconds_attribution = 0, seconds_total = 0;
};

std::string report_json(const Report& report);
std::string report_csv(const Report& report);
