#include <catch2/catch.hpp>

#include <map>
#include <set>
#include <string_view>

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

TEST_CASE("Sixteen joints are seven of the torso, five next to it, four at the ends", "[pose]") {
  const pk::Skeleton& skeleton = pk::skeletons::pose_16;
  std::map<std::string_view, std::set<std::string_view>> groups;
  for (const auto joint : skeleton.joints) {
    groups[pk::joint_group(joint, pk::JointGrouping::freedom)].insert(joint);
  }
  using Names = std::set<std::string_view>;
  CHECK(groups.size() == 3);
  CHECK(groups["torso"] == Names{"pelvis", "right_hip", "left_hip", "spine", "thorax",
                                 "left_shoulder", "right_shoulder"});
  CHECK(groups["proximal"] ==
        Names{"head", "left_elbow", "right_elbow", "left_knee", "right_knee"});
  CHECK(groups["distal"] == Names{"left_wrist", "right_wrist", "left_ankle", "right_ankle"});
  // As Human3.6M's, with a head for nose and top.
  const pk::Skeleton& human = pk::skeletons::human36m_17;
  for (std::size_t i = 0; i < skeleton.size(); ++i) {
    INFO(skeleton.joints[i]);
    if (skeleton.joints[i] == "head") continue;
    const std::size_t theirs = human.index(skeleton.joints[i]);
    CHECK(theirs == (i < 9 ? i : i + 1));
    const int parent = skeleton.parents[i], other = human.parents[theirs];
    CHECK((parent < 0 ? other < 0
                      : skeleton.joints[static_cast<std::size_t>(parent)] ==
                            human.joints[static_cast<std::size_t>(other)]));
  }
  CHECK(skeleton.flips[skeleton.index("left_ankle")] == skeleton.index("right_ankle"));
  CHECK(skeleton.bones.size() == 15);
}
