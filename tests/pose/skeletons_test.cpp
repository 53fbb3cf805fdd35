#include <catch2/catch.hpp>

#include <set>

#include <posekit/pose/skeletons.hpp>

namespace pk = posekit;

TEST_CASE("Skeletons are consistent", "[pose]") {
  for (const pk::Skeleton* skeleton : {&pk::skeletons::coco_17, &pk::skeletons::efficientpose_16,
                                       &pk::skeletons::blazepose_33, &pk::skeletons::hand_21}) {
    INFO(skeleton->name);
    const std::set<std::string_view> names(skeleton->joints.begin(), skeleton->joints.end());
    CHECK(names.size() == skeleton->size());
    std::set<std::size_t> reached;
    for (const pk::Bone& bone : skeleton->bones) {
      CHECK(bone.from < skeleton->size());
      CHECK(bone.to < skeleton->size());
      CHECK(bone.from != bone.to);
      reached.insert(bone.from);
      reached.insert(bone.to);
    }
    CHECK(reached.size() == skeleton->size());
    std::size_t left = 0, right = 0;
    for (const auto joint : skeleton->joints) {
      left += pk::body_side(joint) == pk::BodySide::left;
      right += pk::body_side(joint) == pk::BodySide::right;
    }
    CHECK(left == right);
  }
  STATIC_REQUIRE(pk::skeletons::coco_17.find("left_wrist") == 9);
  STATIC_REQUIRE(pk::skeletons::blazepose_33.find("left_wrist") == 15);
  CHECK(pk::skeletons::hand_21.index("pinky_tip") == 20);
  CHECK_THROWS_WITH(
      pk::skeletons::coco_17.index("tail"),
      Catch::Contains("the skeleton coco_17 has no joint 'tail'; it has nose, left_eye"));
}
