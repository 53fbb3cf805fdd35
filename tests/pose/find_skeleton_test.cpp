#include <catch2/catch.hpp>

#include <posekit/pose/find_skeleton.hpp>

namespace pk = posekit;

TEST_CASE("Skeletons are found by their names", "[pose]") {
  for (const pk::Skeleton* skeleton : pk::skeletons::all) {
    CHECK(&pk::find_skeleton(skeleton->name) == skeleton);
  }
  CHECK_THROWS_WITH(pk::find_skeleton("dog"),
                    Catch::Contains("there is no skeleton 'dog'; there are coco_17, mpii_16, ") &&
                        Catch::Contains(", hand_21"));
  CHECK_THROWS_AS(pk::find_skeleton(""), pk::ValueError);
}

TEST_CASE("Skeletons are found by their number of joints where that decides", "[pose]") {
  CHECK(&pk::find_skeleton(21) == &pk::skeletons::hand_21);
  CHECK(&pk::find_skeleton(33) == &pk::skeletons::blazepose_33);
  CHECK_THROWS_WITH(pk::find_skeleton(16),
                    "there are 3 skeletons of 16 joints: mpii_16, pose_16, efficientpose_16");
  CHECK_THROWS_WITH(pk::find_skeleton(5), "there is no skeleton of 5 joints");
}
