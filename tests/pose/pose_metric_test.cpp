#include <catch2/catch.hpp>

#include <string>
#include <vector>

#include <posekit/pose/pose_metric.hpp>
#include <posekit/pose/position_errors.hpp>
#include <posekit/testing/random_tensor.hpp>

#include "support/pose_case.hpp"

namespace pk = posekit;
using pk::testing::random_tensor;

TEST_CASE("A metric says what it measured", "[pose]") {
  const auto prediction = random_tensor<double>({3, 17, 3}, 1, -500, 500),
             truth = random_tensor<double>({3, 17, 3}, 2, -500, 500);
  const auto some = pk::mpjpe(prediction, truth, mpi_joints, {.joints = {"neck", "left_knee"}});
  CHECK(some.unit == "mm");
  CHECK(some.alignment == "root at pelvis");
  CHECK(some.joints == std::vector<std::string>{"neck", "left_knee"});
  CHECK(some.measured == 6);
  const auto all = pk::mpjpe(prediction, truth, mpi_joints);
  CHECK(some.per_joint[1] == Approx(all.per_joint[mpi_joints.index("left_knee")]));
  CHECK(pk::pa_mpjpe(prediction, truth, mpi_joints).alignment == "similarity");
  double sum = 0;
  for (const double v : all.per_frame) sum += v / 3;
  CHECK(all.mean == Approx(sum));
  const auto groups = all.per_group();
  REQUIRE(groups.size() == 3);
  CHECK(groups[0].first == "leaf");  // head_top comes first
  CHECK(groups[2].second ==
        Approx((all.per_joint[3] + all.per_joint[6] + all.per_joint[9] + all.per_joint[12]) / 4));
  const auto actions = all.per_action({"walk", "sit", "walk"});
  CHECK(actions[0].second == Approx((all.per_frame[0] + all.per_frame[2]) / 2));
  CHECK(actions[1].first == "sit");
  CHECK_THROWS_AS(all.per_action({"walk"}), pk::ShapeError);
}
