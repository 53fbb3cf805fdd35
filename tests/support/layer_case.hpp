#pragma once

#include <string>
#include <vector>

#include <posekit/autodiff/tape.hpp>
#include <posekit/io/npy.hpp>

#include "support/close.hpp"
#include "support/shared_data.hpp"

/// Inputs, output and gradients as PyTorch computed them (tests/golden/make_layers.py, or
/// make_heatmaps.py where the name says heatmaps/...).
/// Returns the worst disagreement of `function` with them, in T.
template <class T, class Function>
double layer_case_difference(const std::string& name, std::size_t inputs,
                             const Function& function) {
  namespace pk = posekit;
  const auto load = [&](const std::string& part) {
    return pk::load_npy<double>(
        golden_file((name.find('/') == name.npos ? "layers/" : "") + name + "." + part + ".npy"));
  };
  pk::Tape<T> tape;
  std::vector<pk::Var<T>> variables;
  for (std::size_t i = 0; i < inputs; ++i) {
    variables.push_back(tape.variable(pk::cast<T>(load("in" + std::to_string(i)))));
  }
  const pk::Var<T> output = function(variables);
  double worst = relative_difference(output.value(), load("out"));
  tape.backward(output, pk::cast<T>(load("cotangent")));
  for (std::size_t i = 0; i < inputs; ++i) {
    worst =
        std::max(worst, relative_difference(variables[i].grad(), load("grad" + std::to_string(i))));
  }
  return worst;
}
