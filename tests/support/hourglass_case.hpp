#pragma once

// What tests/golden/make_hourglass.py wrote, and how it was made.

#include <cstddef>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>

#include <posekit/core/shape.hpp>
#include <posekit/core/tensor.hpp>
#include <posekit/io/npz.hpp>
#include <posekit/models/pose_attribute_net.hpp>
#include <posekit/nn/module.hpp>

#include "support/shared_data.hpp"

constexpr posekit::models::PoseAttributeNetOptions hourglass_case{.joints = 5,
                                                               .stacks = 2,
                                                               .blocks = 2,
                                                               .features = 8,
                                                               .attributes = 7,
                                                               .classes = 6,
                                                               .domains = 2,
                                                               .domain_features = 9,
                                                               .input = {64, 128}};
constexpr posekit::models::StackedHourglassOptions hourglass_case_trunk{
    .joints = 5, .stacks = 2, .blocks = 2, .features = 8};
constexpr double hourglass_case_scale = 0.5;  // of the weights

/// "evaluation" or "training".
inline posekit::Tensor<double> hourglass_golden(const std::string& mode, const std::string& part) {
  return posekit::NpzArchive(golden_file("hourglass/" + mode + ".npz")).array<double>(part);
}

/// PyTorch's names and shapes, of the whole network.
inline std::map<std::string, posekit::Shape> hourglass_names() {
  std::ifstream file(golden_file("hourglass/names.txt"));
  std::map<std::string, posekit::Shape> names;
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string name;
    words >> name;
    for (std::size_t extent = 0; words >> extent;) names[name].push_back(extent);
    names[name];
  }
  return names;
}

template <class M>
std::map<std::string, posekit::Shape> names_of(M& net) {
  std::map<std::string, posekit::Shape> names;
  for (const auto& tensor : posekit::nn::named_tensors(net))
    names[tensor.name] = posekit::shape_of(*tensor.tensor);
  return names;
}

/// Every `down`-th row and `across`-th column of x [A, B, H, W].
template <class T>
posekit::Tensor<T> thinned(const posekit::Tensor<T>& x, std::size_t down, std::size_t across) {
  const auto shape = posekit::shape_of(x);
  posekit::Tensor<T> result = posekit::make_tensor<T>(
      {shape[0], shape[1], (shape[2] + down - 1) / down, (shape[3] + across - 1) / across});
  T* to = result.data();
  for (std::size_t plane = 0; plane < shape[0] * shape[1]; ++plane) {
    for (std::size_t row = 0; row < shape[2]; row += down) {
      for (std::size_t column = 0; column < shape[3]; column += across)
        *to++ = x.data()[(plane * shape[2] + row) * shape[3] + column];
    }
  }
  return result;
}
