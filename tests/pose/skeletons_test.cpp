#include <catch2/catch.hpp>

#include <set>

#include <posekit/pose/skeletons.hpp>

namespace pk = posekit;

TEST_CASE("Skeletons are consistent", "[pose]") {
  for (const pk::Skeleton* skeleton : pk::skeletons::all) {
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

TEST_CASE("Flips and groups go by name", "[pose]") {
  const auto& coco = pk::skeletons::coco_17;
  CHECK(coco.flips[coco.index("left_wrist")] == coco.index("right_wrist"));
  CHECK(coco.flips[coco.index("nose")] == coco.index("nose"));
  const auto& blaze = pk::skeletons::blazepose_33;
  CHECK(blaze.flips[blaze.index("mouth_left")] == blaze.index("mouth_right"));
  STATIC_REQUIRE(pk::joint_group("left_hip") == "trunk");
  STATIC_REQUIRE(pk::joint_group("right_knee") == "branch");
  STATIC_REQUIRE(pk::joint_group("left_wrist") == "leaf");
  STATIC_REQUIRE(pk::joint_group("wrist") == "wrist");
  STATIC_REQUIRE(pk::joint_group("thumb_cmc") == "MCP");
  STATIC_REQUIRE(pk::joint_group("index_pip") == "PIP");
  STATIC_REQUIRE(pk::joint_group("thumb_ip") == "DIP");
  STATIC_REQUIRE(pk::joint_group("nose", pk::JointGrouping::freedom) == "proximal");
  STATIC_REQUIRE(pk::joint_group("spine", pk::JointGrouping::freedom) == "torso");
  STATIC_REQUIRE(pk::joint_group("left_ankle", pk::JointGrouping::freedom) == "distal");
  CHECK(coco.oks_sigmas[coco.index("left_hip")] == Approx(0.107));
}
