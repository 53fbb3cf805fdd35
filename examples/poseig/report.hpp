#pragma once

#include <optional>
#include <string>
#include <vector>

#include <posekit/core/tensor.hpp>
#include <posekit/models/pose_model.hpp>

#include "options.hpp"
#include "subject.hpp"

/// What a run found out about one joint. Positions are (x, y).
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
  std::vector<JointReport> joints;
  posekit::Tensor<float> locality;  // [J, J], row A, column X
  double seconds_attribution = 0, seconds_total = 0;
};

std::string report_json(const Report& report, const ExplainOptions& options, const Subject& subject,
                        const posekit::PoseModel<float>& model);
std::string report_csv(const Report& report);
/// A table for the terminal.
std::string report_table(const Report& report);
