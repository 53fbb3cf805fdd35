#pragma once

#include <string>

#include "support/layer_case.hpp"

/// Checks a function against PyTorch's heatmap case in double and in float.
template <class Function>
void check_heatmap_case(const std::string& name, std::size_t inputs, const Function& function,
                        double float_tolerance = 2e-6) {
  INFO(name);
  CHECK(layer_case_difference<double>("heatmaps/" + name, inputs, function) < 1e-12);
  CHECK(layer_case_difference<float>("heatmaps/" + name, inputs, function) < float_tolerance);
}

/// The ranks that a case exists for.
inline const std::string map_ranks[] = {"1d", "2d", "3d"};
