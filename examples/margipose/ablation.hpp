#pragma once

#include <filesystem>

#include "training.hpp"

struct AblationOptions {
  TrainingOptions training{};  ///< of each network; its configuration is the last row's
  std::size_t seeds = 3;
  std::filesystem::path folder{"out/ablation"};
};

/// `posekit-margipose ablate`: the four rows of the paper's Table 3 with equal budgets, and Fig. 7.
void run_ablation(const AblationOptions& options);
