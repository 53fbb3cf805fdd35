#pragma once

#include <atomic>
#include <optional>
#include <vector>

#include <posekit/attribution/explanation.hpp>
#include <posekit/attribution/explanation_report.hpp>
#include <posekit/core/progress.hpp>
#include <posekit/models/pose_network.hpp>

#include "options.hpp"
#include "subject.hpp"

/// What made a network put a person's joints where it did.
struct Explanation {
  Subject subject;
  posekit::PoseExplanation<float> result;
  std::vector<posekit::JointExplanation> joints;
  /// Of each joint [S, S], where it was asked for and is defined.
  std::vector<std::optional<posekit::Tensor<float>>> densities;
  double seconds = 0;
};

/// Integrates and measures. `dataset` holds the options' annotations, and is null where they name
/// none. Throws posekit::Error, and Cancelled once `interrupted` is set.
Explanation explain_person(const ExplainOptions& options, const posekit::CocoDataset* dataset,
                           const posekit::PoseNetwork<float>& network, bool with_densities,
                           const posekit::ProgressCallback& progress,
                           const std::atomic<bool>& interrupted);

/// The options' report about it, as JSON.
std::string report_json(const ExplainOptions& options, const Explanation& explanation,
                        const posekit::PoseNetwork<float>& network, double seconds);

/// A table for the terminal.
std::string report_table(const std::vector<posekit::JointExplanation>& joints);
