#include <catch2/catch.hpp>

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include <posekit/pose/pck.hpp>
#include <posekit/testing/random_tensor.hpp>

#include "support/pose_case.hpp"

namespace pk = posekit;
using pk::testing::random_tensor;

TEST_CASE("Fractions of correct keypoints equal numpy's", "[pose]") {
  const auto prediction = pose_golden("prediction"), truth = pose_golden("truth");
  const auto visible = pose_golden_visible();
  const auto fractions = pose_golden("pck_auc");
  CHECK(pk::pck(prediction, truth, mpi_joints, {.common = {.visible = visible}}).mean ==
        Approx(fractions(0)).epsilon(1e-12));
  CHECK(pk::auc(prediction, truth, mpi_joints, {.common = {.visible = visible}}).mean ==
        Approx(fractions(1)).epsilon(1e-12));
}

TEST_CASE("Perfect, and equal to the threshold", "[pose]") {
  const auto truth = random_tensor<double>({2, 17, 3}, 2, -500, 500);
  CHECK(pk::auc(truth, truth, mpi_joints).mean == Approx(30.0 / 31).epsilon(1e-15));
  CHECK(pk::pck(truth, truth, mpi_joints).mean == 1);
  // 150 mm off is wrong, unless that is included.
  pk::Tensor<double> off = truth, origin = truth;
  origin.fill(0);
  off.fill(0);
  off(0, 0, 0) = 150;
  CHECK(pk::pck(off, origin, mpi_joints).per_joint[0] == 0.5);
  CHECK(pk::pck(off, origin, mpi_joints, {.inclusive = true}).per_joint[0] == 1);
  const auto one = pk::auc(off, origin, mpi_joints, {.common = {.joints = {"neck"}, .unit = "m"}});
  CHECK(one.joints == std::vector<std::string>{"neck"});
  CHECK(one.unit == "fraction");
}

TEST_CASE("PCKh is within half of 0.6 times the head's diagonal", "[pose]") {
  const auto& mpii = pk::skeletons::mpii_16;
  pk::Tensor<double> prediction = pk::zeros<double>({1, 16, 2}), truth = prediction;
  prediction(0, mpii.index("neck"), 0) = 30;      // exactly half the head
  prediction(0, mpii.index("head_top"), 0) = 31;  // more
  const auto result = pk::pckh(prediction, truth, mpii, {100.0});
  CHECK(result.joints.size() == 14);  // without pelvis and thorax
  CHECK(result.mean == Approx(13.0 / 14));
  CHECK_THROWS_WITH(pk::pckh(prediction, truth, mpii, {0.0}),
                    Catch::Contains("the size of frame 0 is 0"));
  CHECK_THROWS_AS(pk::pckh(prediction, truth, mpii, {1.0, 2.0}), pk::ShapeError);
}

TEMPLATE_TEST_CASE("A frame without a root is neither right nor wrong", "[pose]", float, double) {
  const auto truth = random_tensor<TestType>({4, 17, 3}, 2, -500, 500);
  std::vector<std::uint8_t> visible(4 * 17, 1);
  visible[2 * 17 + mpi_joints.index("pelvis")] = 0;
  const auto correct = pk::pck(truth, truth, mpi_joints, {.common = {.visible = visible}});
  CHECK(correct.mean == 1);
  CHECK(correct.measured == 3 * 17);
  CHECK(correct.status[2] == pk::AlignmentStatus::rootless);
  const auto area = pk::auc(truth, truth, mpi_joints, {.common = {.visible = visible}});
  CHECK(area.mean == Approx(30.0 / 31));
  CHECK(std::isnan(area.per_frame[2]));
}
