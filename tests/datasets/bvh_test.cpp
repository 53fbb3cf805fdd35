#include <catch2/catch.hpp>

#include <string>

#include <posekit/datasets/bvh.hpp>
#include <posekit/io/file.hpp>
#include <posekit/io/npy.hpp>

#include "support/close.hpp"
#include "support/mutations.hpp"
#include "support/shared_data.hpp"

namespace pk = posekit;
using Catch::Matchers::Contains;

namespace {

const std::string small_bvh = R"(HIERARCHY
ROOT Hips
{
  OFFSET 0 0 0
  CHANNELS 6 Xposition Yposition Zposition Zrotation Xrotation Yrotation
  JOINT Left Leg
  {
    OFFSET 0 -10 0
    CHANNELS 3 Zrotation Xrotation Yrotation
    End Site
    {
      OFFSET 0 -5 0
    }
  }
}
MOTION
Frames: 2
Frame Time: 0.04
1 2 3 0 0 0 0 0 0
+1e0 2 3 90 0 0 0 90 0
)";

std::string replaced(const std::string& what, const std::string& by) {
  std::string text = small_bvh;
  const std::size_t at = text.find(what);
  REQUIRE(at != std::string::npos);
  return text.replace(at, what.size(), by);
}

}  // namespace

TEST_CASE("A BVH file's joints are where its angles put them", "[datasets]") {
  const auto motion = pk::parse_bvh(small_bvh, "small.bvh");
  REQUIRE(motion.joints.size() == 3);
  CHECK(motion.joints[1].name == "Left Leg");
  CHECK(motion.joints[1].parent == 0);
  CHECK(motion.joints[2].name == "Left Leg_end");
  CHECK(motion.frame_time == 0.04);
  CHECK(pk::shape_of(motion.frames) == pk::Shape{2, 9});
  const auto p = pk::bvh_positions(motion);
  CHECK(pk::shape_of(p) == pk::Shape{2, 3, 3});
  CHECK(p(0, 2, 1) == Approx(2 - 15));
  // A quarter turn about z takes -y to x; then the knee's about x takes -y to -z.
  CHECK(p(1, 1, 0) == Approx(1 + 10));
  CHECK(p(1, 1, 1) == Approx(2));
  CHECK(p(1, 2, 0) == Approx(11));
  CHECK(p(1, 2, 2) == Approx(3 - 5));
}

TEST_CASE("Forward kinematics agrees with matrices multiplied by NumPy", "[datasets]") {
  const auto motion = pk::load_bvh(golden_file("bvh/orders.bvh"));
  const auto expected = pk::load_npy<double>(golden_file("bvh/orders_positions.npy"));
  const auto positions = pk::bvh_positions(motion);
  REQUIRE(pk::shape_of(positions) == pk::shape_of(expected));
  CHECK(relative_difference(positions, expected) < 1e-13);
}

TEST_CASE("Damaged BVH files are refused by line, with what is there and what was expected",
          "[datasets]") {
  const auto check = [](const std::string& text, const std::string& line, const std::string& found,
                        const std::string& expected) {
    INFO(found);
    CHECK_THROWS_AS(pk::parse_bvh(text, "x.bvh"), pk::FileError);
    CHECK_THROWS_WITH(
        pk::parse_bvh(text, "x.bvh"),
        Contains(pk::error_text("x.bvh: ", line, ":")) && Contains(found) && Contains(expected));
  };
  check("", "line 1", "the end of the file", "'HIERARCHY'");
  check(replaced("HIERARCHY", "HIERARCH"), "line 1", "'HIERARCH'", "'HIERARCHY'");
  check(replaced("ROOT", "JOINT"), "line 2", "'JOINT'", "'ROOT'");
  check(replaced("OFFSET 0 0 0", "OFFSET 0 nan 0"), "line 4", "'nan'", "a finite number");
  check(replaced("OFFSET 0 -10 0", "OFFSET 0 -10"), "line 9", "'CHANNELS'", "a finite number");
  check(replaced("CHANNELS 6", "CHANNELS 5"), "line 5", "'Yrotation'", "'CHANNELS', 'JOINT'");
  check(replaced("CHANNELS 3", "CHANNELS 4"), "line 10", "'End'", "Xposition");
  check(replaced("CHANNELS 3", "CHANNELS 99999999999999999999999"), "line 9", "number of channels",
        "a whole number");
  check(replaced("CHANNELS 3", "CHANNELS 7"), "line 9", "7 channels", "up to 6");
  check(replaced("3 Zrotation Xrotation Yrotation", "3 Zrotation Zrotation Yrotation"), "line 9",
        "'Zrotation' of 'Left Leg' again", "once");
  check(replaced("Frames: 2", "Frames: -2"), "line 17", "'-2'", "a whole number");
  check(replaced("Frames: 2", "Frames: 1000000000000"), "line 18", "1000000000000 frames",
        "characters");
  check(replaced("Frames: 2", "Frames: 3"), "line 21", "truncated in frame 2", "9 numbers");
  check(replaced("Frames: 2", "Frames: 1"), "line 20", "'+1e0'", "the end of the file");
  check(replaced("0.04", "0"), "line 18", "frame time is 0", "more than 0");
  check(replaced("1 2 3 0 0 0 0 0 0", "1 2 3 0 0 0 0 0"), "line 19", "frame 0 has 8 numbers", "9");
  check(replaced("1 2 3 0 0 0 0 0 0", "1 2 3 0 0 0 0 0 0 7"), "line 19",
        "frame 0 has more than 9 numbers", "9");
  check(replaced("1 2 3 0", "1 2 inf 0"), "line 19", "'inf'", "a finite number");
  check(replaced("1 2 3 0", "1 2 0x3 0"), "line 19", "'0x3'", "a finite number");
  check(small_bvh.substr(0, 120), "line 6", "the end of the file", "'{'");
  check("HIERARCHY\nROOT\n{", "line 2", "without a name", "a name");
  // As deep as it gets.
  std::string deep = "HIERARCHY\nROOT a\n";
  for (int i = 0; i < 100000; ++i) deep += "{\nOFFSET 0 0 0\nJOINT b\n";
  check(deep, "line 1538", "nested more than 512 deep", "fewer");
  // Joints without channels make no file larger, but a tensor.
  std::string wide = "HIERARCHY\nROOT a\n{\nOFFSET 0 0 0\nCHANNELS 1 Xrotation\n";
  for (int i = 0; i < 4000; ++i) wide += "End Site\n{\nOFFSET 0 0 0\n}\n";
  wide += "}\nMOTION\nFrames: 10000\nFrame Time: 1\n";
  for (int i = 0; i < 10000; ++i) wide += "0\n";
  check(wide, "line 16009", "10000 frames of 4001 joints", "positions");
  CHECK_THROWS_WITH(pk::load_bvh("/nowhere/x.bvh"), Contains("/nowhere/x.bvh: no such file"));
}

TEST_CASE("BVH files with random damage are read or refused", "[datasets]") {
  const auto bytes = pk::read_file(golden_file("bvh/orders.bvh"));
  std::size_t refused = 0;
  for_each_mutation(bytes, 1500, 3, [&](const std::vector<std::uint8_t>& damaged) {
    try {
      (void)pk::bvh_positions(pk::parse_bvh(
          {reinterpret_cast<const char*>(damaged.data()), damaged.size()}, "damaged.bvh"));
    } catch (const pk::FileError& error) {
      ++refused;
      REQUIRE_THAT(error.what(), Contains("damaged.bvh: line "));
    }
  });
  CHECK(refused > 500);
}

TEST_CASE("Motions that do not fit together are refused", "[datasets]") {
  auto motion = pk::parse_bvh(small_bvh, "small.bvh");
  motion.frames = pk::zeros<double>({2, 8});
  CHECK_THROWS_WITH(pk::bvh_positions(motion), Contains("8 channels") && Contains("9"));
  motion = pk::parse_bvh(small_bvh, "small.bvh");
  motion.joints[1].parent = 2;
  CHECK_THROWS_AS(pk::bvh_positions(motion), pk::ValueError);
  motion.frames = pk::zeros<double>({9});
  CHECK_THROWS_AS(pk::bvh_positions(motion), pk::ShapeError);
}

TEST_CASE("Names that every end site repeats have an end", "[datasets]") {
  const std::string text = small_bvh;
  const auto named = [&](std::size_t length) {
    std::string changed = text;
    const std::string leg = "Left Leg";
    return changed.replace(changed.find(leg), leg.size(), std::string(length, 'n'));
  };
  CHECK(pk::parse_bvh(named(1024), "x").joints[2].name == std::string(1024, 'n') + "_end");
  CHECK_THROWS_WITH(pk::parse_bvh(named(800000), "x.bvh"),
                    Contains("x.bvh: line 6: a joint's name of 800000 bytes") &&
                        Contains("expected at most 1024"));
}
