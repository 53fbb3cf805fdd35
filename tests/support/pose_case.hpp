#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include <posekit/io/npy.hpp>
#include <posekit/pose/skeletons.hpp>

#include "support/shared_data.hpp"

/// A tensor that tests/golden/make_poses.py computed with numpy and scipy.
inline posekit::Tensor<double> pose_golden(const std::string& name) {
  return posekit::load_npy<double>(golden_file("poses/" + name + ".npy"));
}

/// Which joints of those poses are visible.
inline std::vector<std::uint8_t> pose_golden_visible() {
  const auto mask = posekit::load_npy<std::uint8_t>(golden_file("poses/visible.npy"));
  return {mask.begin(), mask.end()};
}

/// The same numbers, and NaN in the same places, to 1e-9 of the largest.
inline void check_same(const posekit::Tensor<double>& a, const posekit::Tensor<double>& b) {
  REQUIRE(a.size() == b.size());
  double worst = 0, scale = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    REQUIRE(std::isnan(a.data()[i]) == std::isnan(b.data()[i]));
    if (std::isnan(a.data()[i])) continue;
    worst = std::max(worst, std::abs(a.data()[i] - b.data()[i]));
    scale = std::max(scale, std::abs(b.data()[i]));
  }
  CHECK(worst < 1e-9 * scale);
}

/// Poses [F, J, 3] without their depth.
inline posekit::Tensor<double> in_plane(const posekit::Tensor<double>& poses) {
  auto flat = posekit::make_tensor<double>({poses.shape()[0], poses.shape()[1], 2});
  for (std::size_t i = 0; i < flat.size(); ++i) flat.data()[i] = poses.data()[i / 2 * 3 + i % 2];
  return flat;
}

/// The skeleton of those poses.
inline const auto& mpi_joints = posekit::skeletons::mpi_inf_3dhp_17;
