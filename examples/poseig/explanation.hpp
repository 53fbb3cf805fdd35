#pragma once

#include <atomic>
#include <optional>
#include <vector>

#include <posekit/attribution/pose_ig.hpp>
#include <posekit/core/progress.hpp>
#include <posekit/models/pose_model.hpp>

#include "options.hpp"
#include "report.hpp"
#include "subject.hpp"

/// What made a network put a person's joints where it did.
struct Explanation {
  Subject subject;
  posekit::PoseIgResult<float> result;
  posekit::Tensor<float> maps, signed_maps;  ///< [joints, S, S]
  Report report;
  /// Of each joint [S, S], where it was asked for and is defined.
  std::vector<std::optional<posekit::Tensor<float>>> densities;
};

/// Integrates and measures. `dataset` holds the options' annotations, and is null where they name
/// none. Throws posekit::Error, and Cancelled once `interrupted` is set.
Explanation explain_person(const ExplainOptions& options, const posekit::CocoDataset* dataset,
                           const posekit::PoseModel<float>& model, bool with_densities,
                           const posekit::ProgressCallback& progress,
                           const std::atomic<bool>& interrupted);

/// The attributions of a network for a subject, with distances measured in the pixels the options
/// ask for.
posekit::PoseIgResult<float> attribute(const ExplainOptions& options, const Subject& subject,
                                       const posekit::PoseModel<float>& model,
                                       const posekit::ProgressCallback& progress);
