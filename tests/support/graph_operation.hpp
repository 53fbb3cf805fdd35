#pragma once

// One operation of a network, run as a network.

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <posekit/graph/tfjs.hpp>

#include "support/shared_data.hpp"
#include "support/tfjs_files.hpp"

/// Runs one node on integer constants; returns its first output.
inline posekit::Tensor<double> run_integers(const std::string& op, const std::vector<std::pair<std::vector<std::size_t>, std::vector<std::int32_t>>>& inputs,
                                const nlohmann::ordered_json& attributes = nlohmann::ordered_json::object(), const std::string& output = "y") {
  TfjsFiles f(scratch_folder("integer-operation"));
  f.node("x", "Placeholder");
  std::vector<std::string> names;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    names.push_back(posekit::error_text("c", i));
    f.integers(names.back(), inputs[i].first, inputs[i].second);
  }
  f.node("y", op, names, attributes);
  const auto net = posekit::load_tfjs<double>(f.write());
  posekit::Tape<double> tape;
  return net(tape.constant(posekit::zeros<double>({1})), {output})[0].value();
}

/// Runs one node on a real input and integer constants.
inline posekit::Tensor<double> run_real(const std::string& op, const posekit::Tensor<double>& x,
                            const std::vector<std::pair<std::vector<std::size_t>, std::vector<std::int32_t>>>& inputs = {},
                            const nlohmann::ordered_json& attributes = nlohmann::ordered_json::object(), const std::string& output = "y") {
  TfjsFiles f(scratch_folder("real-operation"));
  f.node("x", "Placeholder");
  std::vector<std::string> names{"x"};
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    names.push_back(posekit::error_text("c", i));
    f.integers(names.back(), inputs[i].first, inputs[i].second);
  }
  f.node("y", op, names, attributes);
  const auto net = posekit::load_tfjs<double>(f.write());
  posekit::Tape<double> tape;
  return net(tape.constant(posekit::Tensor<double>(x)), {output})[0].value();
}

inline posekit::Tensor<double> values(const posekit::Shape& shape, const std::vector<double>& v) { return posekit::tensor_from<double>(shape, v); }
