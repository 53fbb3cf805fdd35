#include <catch2/catch.hpp>

#include <posekit/pose/skeleton_map.hpp>
#include <posekit/testing/random_tensor.hpp>

#include "support/close.hpp"

namespace pk = posekit;
using pk::testing::random_tensor;

TEST_CASE("Joints go from one skeleton to another by name", "[pose]") {
  const auto& from = pk::skeletons::coco_17;
  const auto& to = pk::skeletons::mpi_inf_3dhp_17;
  CHECK_THROWS_WITH(pk::map_skeleton(from, to),
                    "map_skeleton: the skeleton coco_17 has no joint 'head_top' of "
                    "mpi_inf_3dhp_17, and none is derived");
  auto derived = pk::usual_derived_joints();
  derived.push_back({"head_top", {"left_eye", "right_eye"}});
  derived.push_back({"head", {"nose"}});
  const auto map = pk::map_skeleton(from, to, derived);
  const auto poses = random_tensor<double>({2, 17, 3}, 1);
  const auto mapped = pk::map_poses(poses, map);
  CHECK(mapped(1, to.index("left_knee"), 2) == poses(1, from.index("left_knee"), 2));
  CHECK(mapped(0, to.index("pelvis"), 1) ==
        Approx((poses(0, from.index("left_hip"), 1) + poses(0, from.index("right_hip"), 1)) / 2));
  CHECK_THROWS_WITH(pk::map_poses(pk::zeros<double>({2, 16, 3}), map),
                    Catch::Contains("poses has 16 joints"));
  // A subset needs no rules.
  CHECK(pk::map_skeleton(to, pk::skeletons::mpi_inf_3dhp_14).sources.size() == 14);
  CHECK(pk::map_skeleton(pk::skeletons::mpi_inf_3dhp_28, to).sources.size() == 17);
  derived = {{"head_top", {"horn"}}};
  CHECK_THROWS_WITH(pk::map_skeleton(from, to, derived), Catch::Contains("no joint 'horn'"));
}

TEST_CASE("Flipping twice is the identity", "[pose]") {
  for (const pk::Skeleton* skeleton : pk::skeletons::all) {
    const auto poses = random_tensor<double>({2, skeleton->size(), 2}, 1, 0, 100);
    const auto once = pk::flip_poses(poses, *skeleton, 99);
    CHECK(relative_difference(pk::flip_poses(once, *skeleton, 99), poses) < 1e-15);
    CHECK(relative_difference(once, poses) > 0.01);
  }
  const auto& coco = pk::skeletons::coco_17;
  const auto poses = random_tensor<double>({1, 17, 2}, 1);
  const auto flipped = pk::flip_poses(poses, coco);
  CHECK(flipped(0, coco.index("left_ear"), 0) == -poses(0, coco.index("right_ear"), 0));
  CHECK(flipped(0, coco.index("left_ear"), 1) == poses(0, coco.index("right_ear"), 1));
}
