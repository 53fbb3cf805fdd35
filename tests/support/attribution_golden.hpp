#pragma once

#include <string>

#include <posekit/io/npy.hpp>

#include "support/shared_data.hpp"

/// A tensor that tests/golden/make_attribution.py computed with numpy and scipy.
template <class T>
posekit::Tensor<T> attribution_golden(const std::string& name) {
  return posekit::load_npy<T>(golden_file("attribution/" + name + ".npy"));
}
