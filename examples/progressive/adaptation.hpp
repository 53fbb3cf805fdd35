#pragma once

#include <cstddef>
#include <filesystem>

#include <CLI/CLI.hpp>

#include "image_training.hpp"

struct AdaptationOptions {
  MultiTrainingOptions training{};  ///< of each network; what the rows differ in is theirs
  double reversal = 0.1;            ///< of the third row
  std::size_t seeds = 3;
  std::filesystem::path folder{"out/progressive/adapt"};
};

/// `adapt`: Table 4 of Wang et al. 2019 on drawn people: attributes by joint on the lab, the wild
/// and a domain that no training sees, of networks trained on the lab alone, on both, and on both
/// with gradient reversal, all for as many steps. Writes adaptation.csv, adaptation.png and
/// domains.png; goes on where it was stopped.
void run_adaptation(const AdaptationOptions& options);

void add_adaptation_options(CLI::App& app, AdaptationOptions& options);
