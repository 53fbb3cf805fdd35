#pragma once

// One operation of a network, run as a network.

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <posekit/autodiff/tape.hpp>
#include <posekit/graph/tensorflow/tfjs.hpp>

#include "support/shared_data.hpp"
#include "support/tfjs_files.hpp"

/// Shapes and values of integer constants.
using IntegerConstants =
    std::vector<std::pair<std::vector<std::size_t>, std::vector<std::int32_t>>>;

/// Runs one node on the inputs named `names`, then integer constants; `x` is fed as "x".
inline posekit::Tensor<double> run_operation(const std::string& op, std::vector<std::string> names,
                                             const posekit::Tensor<double>& x,
                                             const IntegerConstants& constants,
                                             const nlohmann::ordered_json& attributes,
                                             const std::string& output) {
  TfjsFiles f(scratch_folder("operation"));
  f.node("x", "Placeholder");
  for (std::size_t i = 0; i < constants.size(); ++i) {
    names.push_back(posekit::error_text("c", i));
    f.integers(names.back(), constants[i].first, constants[i].second);
  }
  f.node("y", op, names, attributes);
  const auto net = posekit::load_tfjs<double>(f.write());
  posekit::Tape<double> tape;
  return net(tape.constant(posekit::Tensor<double>(x)), {output})[0].value();
}

/// Runs one node on integer constants.
inline posekit::Tensor<double> run_integers(
    const std::string& op, const IntegerConstants& constants,
    const nlohmann::ordered_json& attributes = nlohmann::ordered_json::object(),
    const std::string& output = "y") {
  return run_operation(op, {}, posekit::zeros<double>({1}), constants, attributes, output);
}

/// Runs one node on a real input and integer constants.
inline posekit::Tensor<double> run_real(
    const std::string& op, const posekit::Tensor<double>& x, const IntegerConstants& constants = {},
    const nlohmann::ordered_json& attributes = nlohmann::ordered_json::object(),
    const std::string& output = "y") {
  return run_operation(op, {"x"}, x, constants, attributes, output);
}

inline posekit::Tensor<double> values(const posekit::Shape& shape, const std::vector<double>& v) {
  return posekit::tensor_from<double>(shape, v);
}
