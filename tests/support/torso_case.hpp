#pragma once

#include <cstdint>
#include <string>

#include <posekit/io/npy.hpp>

#include "support/shared_data.hpp"

/// What tests/golden/make_torso.py computed with numpy.
inline posekit::Tensor<double> torso_golden(const std::string& name) {
  return posekit::load_npy<double>(golden_file("torso/" + name + ".npy"));
}

inline posekit::Tensor<std::int32_t> torso_golden_classes(const std::string& name) {
  return posekit::load_npy<std::int32_t>(golden_file("torso/" + name + ".npy"));
}
