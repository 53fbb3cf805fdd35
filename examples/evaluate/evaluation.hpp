#pragma once

#include <optional>
#include <string>
#include <vector>

#include <posekit/data.hpp>
#include <posekit/pose.hpp>
#include <posekit/viz/charts.hpp>

#include "options.hpp"
#include "output.hpp"

/// A column of the table: a metric, and how its numbers are printed.
struct Column {
  std::string heading;
  posekit::PoseMetric metric;
  double factor = 1;
  int digits = 2;
};

/// An attribution's index beside the error of the same joint of the same person.
struct IndexRelation {
  std::string index;                         // "FI", "LI", "DI"
  std::vector<posekit::ChartSeries> groups;  // x: the index, y: the error
  double rank_correlation = 0;
  std::size_t pairs = 0;
};

/// All that was measured.
struct Evaluation {
  const posekit::Skeleton* skeleton = nullptr;
  std::vector<Column> columns;  // the first is the error
  std::optional<posekit::CocoEvaluation> coco;
  std::optional<posekit::CocoMatches> matches;
  std::optional<posekit::Inversions> inversions;
  std::optional<posekit::LocalizationErrors> kinds;
  std::vector<std::pair<std::string, std::vector<std::pair<std::string, double>>>> splits;
  posekit::ChartSeries pck_curve;  // the fraction below each threshold
  std::string threshold_label;
  std::vector<IndexRelation> relations;
  std::optional<posekit::LowInterpretability> low_interpretability;  ///< where there is FI

  const posekit::PoseMetric& error() const { return columns.front().metric; }
};

/// Reads the files and measures; says on `progress` what it is at. Throws posekit::Error with a
/// sentence for the user.
Evaluation evaluate(const EvaluateOptions& options, ProgressBar& progress);
