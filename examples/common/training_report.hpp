#pragma once

#include <functional>
#include <string>

#include <posekit/training/trainer.hpp>

/// Tells how a training comes along: one line on a terminal that is written over, and a line for
/// each evaluation.
class TrainingReport {
 public:
  /// `metric` and its `unit` are what evaluations measure.
  TrainingReport(bool quiet, const std::string& metric, const std::string& unit);
  /// `measured` says what came out of an evaluation, whose metric it is given.
  TrainingReport(bool quiet, std::function<std::string(double)> measured);

  /// False once the program was asked to stop.
  bool operator()(const posekit::TrainingStatus& status);

 private:
  bool quiet_, live_;
  std::function<std::string(double)> measured_;
  double mean_ = 0;
};
