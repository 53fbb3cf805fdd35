#pragma once

#include <string>

#include <posekit/training/trainer.hpp>

/// Tells how a training comes along: one line on a terminal that is written over, and a line for
/// each evaluation.
class TrainingReport {
 public:
  /// `metric` and its `unit` are what evaluations measure.
  TrainingReport(bool quiet, std::string metric, std::string unit);

  /// False once the program was asked to stop.
  bool operator()(const posekit::TrainingStatus& status);

 private:
  bool quiet_, live_;
  std::string metric_, unit_;
  double mean_ = 0;
};
