#pragma once

#include <cstddef>
#include <filesystem>

#include "lift_training.hpp"

struct LiftAblationOptions {
  LiftTrainingOptions training{};  ///< of each network
  posekit::models::ProgressivePoseOptions network{};
  double attribute_errors = 0.16;  ///< of the row with attributes as they are predicted
  std::size_t seeds = 3;
  std::filesystem::path folder{"out/progressive-ablation"};
};

/// `posekit-progressive ablate`: the rows of the paper's Table 6 and some more, with equal numbers
/// of parameters, equal budgets and several seeds.
void run_lift_ablation(const LiftAblationOptions& options);
