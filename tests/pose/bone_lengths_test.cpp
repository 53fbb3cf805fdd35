#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>

#include <posekit/pose/bone_lengths.hpp>
#include <posekit/pose/skeleton_map.hpp>
#include <posekit/testing/random_tensor.hpp>

#include "support/pose_case.hpp"

namespace pk = posekit;
using pk::testing::random_tensor;

TEST_CASE("Bones and sides are compared", "[pose]") {
  pk::Tensor<double> truth = random_tensor<double>({2, 17, 3}, 3, -500, 500);
  pk::Tensor<double> twice = truth;
  for (double& v : twice) v *= 2;
  const auto error = pk::bone_length_error(twice, truth, mpi_joints);
  CHECK(error.joints.size() == 16);
  const std::size_t wrist = mpi_joints.index("left_wrist"), elbow = mpi_joints.index("left_elbow");
  double length = 0;
  for (std::size_t a = 0; a < 3; ++a)
    length += std::pow(truth(1, wrist, a) - truth(1, elbow, a), 2);
  const auto at = static_cast<std::size_t>(
      std::find(error.joints.begin(), error.joints.end(), "left_wrist") - error.joints.begin());
  CHECK(error.values(1, at) == Approx(std::sqrt(length)));
  const auto sides = pk::symmetry_error(truth, mpi_joints);
  CHECK(sides.joints.size() == 6);
  const auto mirrored = pk::flip_poses(truth, mpi_joints);
  CHECK(pk::symmetry_error(mirrored, mpi_joints).mean == Approx(sides.mean));
}

TEST_CASE("Bones can be chosen", "[pose]") {
  const auto truth = random_tensor<double>({2, 17, 3}, 3, -500, 500);
  CHECK(pk::bone_length_error(truth, truth, mpi_joints, {.joints = {"left_knee"}}).joints.size() ==
        1);
  CHECK_THROWS_AS(pk::symmetry_error(truth, mpi_joints, {.joints = {"tail"}}), pk::ValueError);
}
