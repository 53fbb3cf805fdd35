#include <catch2/catch.hpp>

#include <cmath>
#include <string>
#include <vector>

#include <posekit/datasets/mocap.hpp>
#include <posekit/synthetic/person_joints.hpp>
#include <posekit/synthetic/synthetic_people.hpp>
#include <posekit/testing/random_tensor.hpp>

#include "support/close.hpp"
#include "support/shared_data.hpp"

namespace pk = posekit;
namespace person = posekit::person;
using Catch::Matchers::Contains;

namespace {

/// A skeleton with the usual names, hanging from the hips without a turn; `head_end` for the top.
std::string bvh_text(const std::vector<std::pair<std::string, int>>& joints) {
  std::string text = "HIERARCHY\n";
  const auto write = [&](const auto& self, std::size_t i) -> void {
    text += (i == 0 ? "ROOT " : "JOINT ") + joints[i].first + "\n{\nOFFSET " +
            std::to_string(i + 1) + " " + std::to_string(10 * (i + 1)) +
            " 0\nCHANNELS 1 Xrotation\n";
    bool leaf = true;
    for (std::size_t k = 1; k < joints.size(); ++k) {
      if (joints[k].second != static_cast<int>(i)) continue;
      self(self, k);
      leaf = false;
    }
    if (leaf) text += "End Site\n{\nOFFSET 0 100 0\n}\n";
    text += "}\n";
  };
  write(write, 0);
  text += "MOTION\nFrames: 2\nFrame Time: 0.0333333333\n";
  for (int frame = 0; frame < 2; ++frame) {
    for (std::size_t i = 0; i < joints.size(); ++i) text += "0 ";
    text += "\n";
  }
  return text;
}

const std::vector<std::pair<std::string, int>> usual{
    {"mixamorig:Hips", -1}, {"LHipJoint", 0},     {"LeftUpLeg", 1}, {"LeftLeg", 2},
    {"LeftFoot", 3},        {"RightUpLeg", 0},    {"RightLeg", 5},  {"RightFoot", 6},
    {"Spine", 0},           {"Neck", 8},          {"Head", 9},      {"LeftShoulder", 8},
    {"LeftArm", 11},        {"LeftForeArm", 12},  {"LeftHand", 13}, {"RightShoulder", 8},
    {"RightArm", 15},       {"RightForeArm", 16}, {"RightHand", 17}};

}  // namespace

TEST_CASE("Joints of an npz file are taken by name", "[datasets]") {
  const auto folder = scratch_folder("mocap");
  const auto poses = pk::testing::random_tensor<double>({5, 17, 3}, 1, -500, 500);
  pk::save_npz<double>(folder / "a.npz",
                       {{"poses", poses}, {"sequence", pk::Tensor<double>{0, 0, 4, 4, 7}}});

  // As the files that belong to posekit's tests have them: without the top of the head.
  CHECK_THROWS_AS(pk::load_mocap(folder / "a.npz", {.derived = {}}), pk::FileError);
  CHECK_THROWS_WITH(pk::load_mocap(folder / "a.npz", {.derived = {}}),
                    Contains("a.npz") && Contains("no joint for head_top of margipose_17;") &&
                        Contains("thorax"));
  const auto motion = pk::load_mocap(folder / "a.npz");
  CHECK(pk::shape_of(motion.poses) == pk::Shape{5, 17, 3});
  CHECK(motion.sequence == std::vector<std::size_t>{0, 0, 4, 4, 7});
  CHECK(motion.poses(3, person::left_wrist, 1) == poses(3, 13, 1));
  CHECK(motion.poses(2, person::pelvis, 0) == poses(2, 0, 0));
  CHECK(motion.poses(4, person::head_top, 2) ==
        Approx(1.6 * poses(4, 10, 2) - 0.6 * poses(4, 9, 2)));

  // With names and a unit of one's own.
  std::vector<std::string> names(pk::skeletons::margipose_17.joints.begin(),
                                 pk::skeletons::margipose_17.joints.end());
  names[0] = "crown";
  pk::MocapOptions options{.joint_names = names, .names = {{"head_top", "crown"}}, .unit = 1000};
  const auto same = pk::load_mocap(folder / "a.npz", options);
  CHECK(same.poses(1, person::head_top, 0) == 1000 * poses(1, 0, 0));
  CHECK(same.poses(1, person::head, 0) == 1000 * poses(1, 16, 0));
  options.names = {{"head_top", "hat"}};
  CHECK_THROWS_WITH(pk::load_mocap(folder / "a.npz", options), Contains("no joint 'hat'"));
  options.joint_names.pop_back();
  CHECK_THROWS_WITH(pk::load_mocap(folder / "a.npz", options),
                    Contains("[5, 17, 3]") && Contains("[F, 16, 3]"));
}

TEST_CASE("A file may say its unit, its rate and what its recordings are called", "[datasets]") {
  // As the data of the examples is: whole numbers in units of a quarter of a millimetre.
  const auto mocap =
      pk::load_mocap(std::string(POSEKIT_SOURCE_DIR) + "/examples/progressive/cmu_test.npz");
  REQUIRE(pk::shape_of(mocap.poses) == pk::Shape{3510, 17, 3});
  CHECK(mocap.frames_per_second == 30);
  REQUIRE(mocap.sequence_names.size() == 24);
  CHECK(mocap.sequence_names[0] == "basketball/basketball_1");
  CHECK(mocap.sequence.back() == 23);
  const auto knee = *pk::skeletons::margipose_17.find("left_knee");
  for (std::size_t f = 0; f < 1000; ++f) {
    const double quarters = mocap.poses(f, knee, 1) * 4;
    if (quarters != std::round(quarters)) FAIL(quarters);
  }
  const auto folder = scratch_folder("mocap_unit");
  const auto poses = pk::testing::random_tensor<double>({2, 17, 3}, 1, -5, 5);
  const auto refused = [&](const char* array, const pk::Tensor<double>& value, const char* what) {
    pk::save_npz<double>(
        folder / "a.npz",
        {{"poses", poses}, {"sequence", pk::Tensor<double>{0, 1}}, {array, value}});
    CHECK_THROWS_WITH(pk::load_mocap(folder / "a.npz"), Contains(what));
  };
  refused("unit", pk::Tensor<double>{0}, "array 'unit': is 0, expected a positive number");
  refused("unit", pk::Tensor<double>{1, 2}, "array 'unit': has shape [2], expected one number");
  refused("frames_per_second", pk::Tensor<double>{-30}, "is -30, expected a positive number");
  pk::save_npz<double>(folder / "a.npz", {{"poses", poses}, {"unit", pk::Tensor<double>{1000}}});
  CHECK(pk::load_mocap(folder / "a.npz").poses(1, knee, 2) == Approx(1000 * poses(1, 5, 2)));
  CHECK(pk::load_mocap(folder / "a.npz", {.unit = 10}).poses(1, knee, 2) ==
        Approx(10 * poses(1, 5, 2)));
}

TEST_CASE("A file that names its joints is read by those names", "[datasets]") {
  // Written by tests/golden/make_npz.py: the usual joints in reverse order, each at its number.
  const auto motion = pk::load_mocap(golden_file("io/mocap.npz"));
  REQUIRE(pk::shape_of(motion.poses) == pk::Shape{2, 17, 3});
  CHECK(motion.poses(1, person::pelvis, 0) == 16);
  CHECK(motion.poses(1, person::right_hip, 1) == 15);
  CHECK(motion.poses(0, person::right_wrist, 2) == 0);
}

TEST_CASE("Joints may follow from joints that follow from others, but not from themselves",
          "[datasets]") {
  const auto folder = scratch_folder("mocap-derived");
  const auto poses = pk::testing::random_tensor<double>({2, 17, 3}, 1, -500, 500);
  pk::save_npz<double>(folder / "a.npz", {{"poses", poses}});
  std::vector<std::string> names(pk::skeletons::margipose_17.joints.begin(),
                                 pk::skeletons::margipose_17.joints.end());
  names[person::pelvis] = "other";
  names[person::spine] = "another";
  const auto motion = pk::load_mocap(folder / "a.npz", {.joint_names = names});
  for (std::size_t k = 0; k < 3; ++k) {
    const double pelvis = (poses(1, person::left_hip, k) + poses(1, person::right_hip, k)) / 2;
    CHECK(motion.poses(1, person::pelvis, k) == Approx(pelvis));
    CHECK(motion.poses(1, person::spine, k) ==
          Approx(0.43 * pelvis + 0.285 * (poses(1, person::left_shoulder, k) +
                                          poses(1, person::right_shoulder, k))));
  }
  CHECK(motion.sequence == std::vector<std::size_t>{0, 0});
  CHECK_THROWS_WITH(pk::load_mocap(folder / "a.npz", {.joint_names = names,
                                                      .derived = {{"spine", {{"pelvis", 1.0}}},
                                                                  {"pelvis", {{"spine", 1.0}}}}}),
                    Contains("no joint for pelvis, spine"));
  CHECK_THROWS_WITH(pk::load_mocap(folder / "a.npz", {.derived = {{"spine", {{"neck", 0.5}}}}}),
                    Contains("spine sum to 0.5"));
  CHECK_THROWS_AS(pk::load_mocap(folder / "a.npz", {.unit = -1}), pk::ValueError);
}

TEST_CASE("Files of poses that make no sense are refused", "[datasets]") {
  const auto folder = scratch_folder("mocap-refused");
  auto poses = pk::testing::random_tensor<double>({3, 17, 3}, 1, -500, 500);
  const pk::MocapOptions options;
  pk::save_npz<double>(folder / "s.npz", {{"poses", poses}, {"sequence", pk::zeros<double>({2})}});
  CHECK_THROWS_WITH(pk::load_mocap(folder / "s.npz", options),
                    Contains("'sequence'") && Contains("[2]") && Contains("[3]"));
  poses(2, 13, 1) = std::nan("");
  pk::save_npz<double>(folder / "n.npz", {{"poses", poses}});
  CHECK_THROWS_WITH(pk::load_mocap(folder / "n.npz", options),
                    Contains("frame 2: left_wrist is at nan"));
  pk::save_npz<double>(folder / "p.npz", {{"positions", poses}});
  CHECK_THROWS_WITH(pk::load_mocap(folder / "p.npz", options), Contains("no array 'poses'"));
  pk::save_npz<double>(folder / "d.npz", {{"poses", pk::zeros<double>({3, 17})}});
  CHECK_THROWS_AS(pk::load_mocap(folder / "d.npz", options), pk::FileError);
  pk::write_file(folder / "c.txt", "poses");
  CHECK_THROWS_WITH(pk::load_mocap(folder / "c.txt"),
                    Contains("'.txt'") && Contains(".npz or .bvh"));
  CHECK_THROWS_AS(pk::load_mocap(folder / "none.npz"), pk::FileError);
}

TEST_CASE("Joints of a BVH file are found by their usual names", "[datasets]") {
  const auto folder = scratch_folder("mocap-bvh");
  pk::write_file(folder / "a.BVH", bvh_text(usual));
  const auto motion = pk::load_mocap(folder / "a.BVH");
  CHECK(pk::shape_of(motion.poses) == pk::Shape{2, 17, 3});
  CHECK(motion.frames_per_second == Approx(30));
  // Offsets sum up from the root, in centimetres; x tells which joints were on the way.
  const auto sum = [](const std::vector<int>& joints) {
    double total = 0;
    for (const int j : joints) total += 10.0 * (j + 1);
    return total;
  };
  CHECK(motion.poses(0, person::pelvis, 0) == Approx(sum({0})));
  CHECK(motion.poses(0, person::left_hip, 0) == Approx(sum({0, 1, 2})));
  CHECK(motion.poses(0, person::left_ankle, 0) == Approx(sum({0, 1, 2, 3, 4})));
  CHECK(motion.poses(0, person::right_knee, 0) == Approx(sum({0, 5, 6})));
  // LeftArm is the shoulder where LeftShoulder is the clavicle.
  CHECK(motion.poses(1, person::left_shoulder, 0) == Approx(sum({0, 8, 11, 12})));
  CHECK(motion.poses(1, person::right_wrist, 0) == Approx(sum({0, 8, 15, 16, 17, 18})));
  CHECK(motion.poses(1, person::head, 0) == Approx(sum({0, 8, 9, 10})));
  CHECK(motion.poses(1, person::head_top, 1) == Approx(motion.poses(1, person::head, 1) + 1000));
  // Names of one's own come first.
  const auto own =
      pk::load_mocap(folder / "a.BVH", {.names = {{"left_shoulder", "LeftShoulder"}}, .unit = 1});
  CHECK(own.poses(1, person::left_shoulder, 0) == Approx(sum({0, 8, 11}) / 10));

  auto other = usual;
  other[4].first = "Sock";
  pk::write_file(folder / "b.bvh", bvh_text(other));
  CHECK_THROWS_WITH(pk::load_mocap(folder / "b.bvh"),
                    Contains("no joint for left_ankle") && Contains("Sock"));
  CHECK_NOTHROW(pk::load_mocap(folder / "b.bvh", {.names = {{"left_ankle", "Sock"}}}));
}

TEST_CASE("The first of two joints at one place is passed by", "[datasets]") {
  // The hierarchy of the best-known BVH files of CMU's recordings: LowerBack is at the hips' place,
  // Neck at Spine1's, and the unit is 1 / 0.45 inches.
  const auto folder = scratch_folder("mocap-cmu");
  const std::string channels = "CHANNELS 3 Zrotation Yrotation Xrotation\n";
  const auto joint = [&](const std::string& name, const std::string& offset,
                         const std::string& inside) {
    return "JOINT " + name + "\n{\nOFFSET " + offset + "\n" + channels + inside + "}\n";
  };
  const auto end = [](const std::string& offset) {
    return "End Site\n{\nOFFSET " + offset + "\n}\n";
  };
  const auto leg = [&](const std::string& letter, const std::string& side, const std::string& x) {
    return joint(
        letter + "HipJoint", "0 0 0",
        joint(side + "UpLeg", x + " -1.8 0.8",
              joint(side + "Leg", "0 -7.2 0", joint(side + "Foot", "0 -7.5 0", end("0 0 2")))));
  };
  const auto arm = [&](const std::string& side, const std::string& x) {
    return joint(side + "Shoulder", "0 0 0",
                 joint(side + "Arm", x + " 0.9 0",
                       joint(side + "ForeArm", x + " 0 0",
                             joint(side + "Hand", x + " 0 0", end(x + " 0 0")))));
  };
  const std::string text =
      "HIERARCHY\nROOT Hips\n{\nOFFSET 0 0 0\n" + channels + leg("L", "Left", "1.7") +
      leg("R", "Right", "-1.7") +
      joint("LowerBack", "0 0 0",
            joint("Spine", "0 2 0",
                  joint("Spine1", "0 2.1 0",
                        joint("Neck", "0 0 0",
                              joint("Neck1", "0 1.8 0", joint("Head", "0 1.7 0", end("0 1.7 0")))) +
                            arm("Left", "3") + arm("Right", "-3")))) +
      "}\nMOTION\nFrames: 1\nFrame Time: 0.0083333\n";
  std::string frame;
  for (int i = 0; i < 23 * 3; ++i) frame += "0 ";
  pk::write_file(folder / "a.bvh", text + frame + "\n");
  const auto motion = pk::load_mocap(folder / "a.bvh", {.unit = 25.4 / 0.45});
  const auto y = [&](std::size_t j) { return motion.poses(0, j, 1) * 0.45 / 25.4; };
  CHECK(y(person::pelvis) == Approx(0).margin(1e-9));
  CHECK(y(person::spine) == Approx(2));
  CHECK(y(person::neck) == Approx(5.9));
  CHECK(y(person::head) == Approx(7.6));
  CHECK(y(person::left_shoulder) == Approx(5.0));
  CHECK(y(person::left_ankle) == Approx(-16.5));
  CHECK(y(person::head_top) - y(person::right_ankle) > 24);

  std::string none = text;
  none.replace(none.find("Frames: 1"), 9, "Frames: 0");
  pk::write_file(folder / "b.bvh", none);
  CHECK_THROWS_WITH(pk::load_mocap(folder / "b.bvh"), Contains("b.bvh: has no frames"));
  pk::save_npz<double>(folder / "c.npz", {{"poses", pk::zeros<double>({0, 17, 3})}});
  CHECK_THROWS_WITH(pk::load_mocap(folder / "c.npz"), Contains("c.npz: has no frames"));
}

TEST_CASE("Names as other programs write them", "[datasets]") {
  const auto is = [](const char* joint, const char* name) {
    const auto names = pk::internal::usual_bvh_names(joint);
    return std::find(names.begin(), names.end(), pk::internal::plain_name(name)) != names.end();
  };
  CHECK(is("left_hip", "mixamorig:LeftUpLeg"));
  CHECK(is("left_hip", "lThigh"));
  CHECK(is("left_hip", "thigh_l"));
  CHECK(is("right_shoulder", "rShldr"));
  CHECK(is("right_elbow", "lowerarm_r"));
  CHECK(is("right_ankle", "RightFoot"));
  CHECK(is("spine", "LowerBack"));
  CHECK(is("spine", "spine_01"));
  CHECK_FALSE(is("left_hip", "RightUpLeg"));
  CHECK_FALSE(is("left_knee", "lThigh"));
  CHECK(pk::internal::usual_bvh_names("nose").empty());
}

TEST_CASE("Recorded people are upright and of constant size", "[datasets][shared]") {
  const auto folder = shared_folder("data/cmu_mocap");
  if (!folder) return;
  const auto motion = pk::load_mocap(*folder / "test.npz");
  CHECK(pk::shape_of(motion.poses) == pk::Shape{3510, 17, 3});
  CHECK(motion.sequence.back() == 23);
  const auto& p = motion.poses;
  for (std::size_t f = 0; f < p.shape()[0]; f += 50) {
    const auto length = [&](std::size_t a, std::size_t b) {
      return std::hypot(p(f, a, 0) - p(f, b, 0), p(f, a, 1) - p(f, b, 1), p(f, a, 2) - p(f, b, 2));
    };
    CHECK(length(person::left_hip, person::left_knee) == Approx(428.6).margin(0.1));
    CHECK(length(person::right_knee, person::right_ankle) == Approx(407.3).margin(0.1));
    CHECK(p(f, person::head_top, 1) > p(f, person::left_ankle, 1) + 500);
  }
}
