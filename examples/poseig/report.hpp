#pragma once

#include <cmath>
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

  /// Distances of the prediction from the target.
  double error_crop() const {
    return std::hypot(predicted_crop[0] - target_crop[0], predicted_crop[1] - target_crop[1]);
  }
  double error_photo() const {
    return std::hypot(predicted_photo[0] - target_photo[0], predicted_photo[1] - target_photo[1]);
  }
};

struct Report {
  std::vector<JointReport> joints;
  posekit::Tensor<float> locality;  // [J, J], row A, column X
  double seconds_attribution = 0, seconds_total = 0;
};

std::string report_json(const Report& report, const ExplainOptions& options, const Subject& subject,
                        const posekit::PoseModel<float>& model);
std::string report_csv(const Report& report);
/// FI, LI and DI as the last fields of a row: each after a comma, empty where it is undefined.
std::string index_fields(const JointReport& joint);
/// A table for the terminal.
std::string report_table(const Report& report);
