#include <catch2/catch.hpp>

#include <cmath>
#include <cstdint>
#include <vector>

#include <posekit/pose/velocity_error.hpp>
#include <posekit/testing/random_tensor.hpp>

#include "support/pose_case.hpp"

namespace pk = posekit;
using pk::testing::random_tensor;

TEST_CASE("Velocity errors equal numpy's", "[pose]") {
  const auto prediction = pose_golden("prediction"), truth = pose_golden("truth");
  const auto visible = pose_golden_visible();
  check_same(pk::mpjve(prediction, truth, mpi_joints, {.common = {.visible = visible}}).values,
             pose_golden("mpjve"));
}

TEST_CASE("Steps from one sequence to the next are not measured", "[pose]") {
  const auto prediction = random_tensor<double>({5, 17, 3}, 1),
             truth = random_tensor<double>({5, 17, 3}, 2);
  const auto result = pk::mpjve(prediction, truth, mpi_joints, {.sequence = {0, 0, 0, 1, 1}});
  CHECK(result.measured == 3 * 17);
  CHECK(result.unit == "mm/frame");
  CHECK(std::isnan(result.per_frame[2]));
}

TEMPLATE_TEST_CASE("A frame without a root takes the steps from and to it", "[pose]", float,
                   double) {
  const auto prediction = random_tensor<TestType>({5, 17, 3}, 1),
             truth = random_tensor<TestType>({5, 17, 3}, 2);
  std::vector<std::uint8_t> visible(5 * 17, 1);
  visible[17 + mpi_joints.index("pelvis")] = 0;
  const auto result = pk::mpjve(prediction, truth, mpi_joints, {.common = {.visible = visible}});
  CHECK(result.measured == 2 * 17);
  CHECK(result.status == std::vector{pk::AlignmentStatus::rootless, pk::AlignmentStatus::rootless,
                                     pk::AlignmentStatus::unique, pk::AlignmentStatus::unique});
  CHECK(std::isnan(result.per_frame[0]));
}
