#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>

#include <posekit/synthetic/hand_generator.hpp>

#include "support/close.hpp"

namespace pk = posekit;
using Catch::Matchers::Contains;

namespace {

double distance(const pk::Tensor<double>& pose, std::size_t a, std::size_t b) {
  return std::hypot(pose(a, 0) - pose(b, 0), pose(a, 1) - pose(b, 1), pose(a, 2) - pose(b, 2));
}

pk::HandAngles curled(double degrees) {
  pk::HandAngles angles;
  for (auto& finger : angles.fingers) finger.flexion = {degrees, degrees, degrees};
  return angles;
}

}  // namespace

TEST_CASE("A hand's fingers point up, bend to the palm and end on the thumb's side", "[data]") {
  pk::RandomStream random(1);
  const auto bones = pk::random_hand(random, {.size_deviation = 0, .variation = 0});
  const auto open = pk::hand_kinematics(bones, {});
  // An adult's middle finger ends about 18 cm from the wrist.
  CHECK(open(12, 1) == Approx(181).margin(3));
  CHECK(open(4, 0) > open(8, 0));   // thumb
  CHECK(open(8, 0) > open(20, 0));  // index, little finger
  CHECK(open(12, 1) > open(8, 1));
  CHECK(open(12, 1) > open(20, 1));
  const auto bent = pk::hand_kinematics(bones, curled(60));
  for (const std::size_t tip : {8u, 12u, 16u, 20u}) {
    CHECK(bent(tip, 2) > 10);
    CHECK(bent(tip, 1) < open(tip, 1) - 40);
  }
  const auto spread = [&] {
    pk::HandAngles angles;
    angles.fingers[1].abduction = 15;
    return pk::hand_kinematics(bones, angles);
  }();
  CHECK(spread(8, 0) > open(8, 0) + 10);
  const auto left = pk::hand_kinematics(bones, curled(30), true);
  const auto right = pk::hand_kinematics(bones, curled(30), false);
  for (std::size_t j = 0; j < 21; ++j) {
    CHECK(left(j, 0) == Approx(-right(j, 0)));
    CHECK(left(j, 1) == right(j, 1));
    CHECK(left(j, 2) == right(j, 2));
  }
}

TEST_CASE("Generated hands depend on seed and index, are of human size, and come in both kinds",
          "[data]") {
  std::size_t left = 0;
  double least = 1e9, most = 0;
  for (std::uint64_t i = 0; i < 400; ++i) {
    const auto hand = pk::generate_hand(3, i);
    left += hand.left;
    const auto& p = hand.joints;
    REQUIRE(p(0, 0) == 0);
    const double size =
        distance(p, 0, 9) + distance(p, 9, 10) + distance(p, 10, 11) + distance(p, 11, 12);
    least = std::min(least, size);
    most = std::max(most, size);
    for (std::size_t finger = 1; finger < 5; ++finger) {
      const std::size_t root = 1 + 4 * finger;
      REQUIRE(distance(p, root, root + 1) > distance(p, root + 1, root + 2));
      REQUIRE(distance(p, root, root + 1) < 65);
    }
  }
  CHECK(left > 150);
  CHECK(left < 250);
  CHECK(least > 125);
  CHECK(least < 165);
  CHECK(most > 200);
  CHECK(most < 240);
  CHECK(identical(pk::generate_hand(3, 7).joints, pk::generate_hand(3, 7).joints));
  CHECK_FALSE(identical(pk::generate_hand(3, 7).joints, pk::generate_hand(3, 8).joints));
  // Not turned, the wrist is below the knuckles; turned, it may be anywhere.
  std::size_t below = 0;
  for (std::uint64_t i = 0; i < 100; ++i) {
    REQUIRE(pk::generate_hand(3, i, {.turned = false}).joints(9, 1) > 0);
    below += pk::generate_hand(3, i).joints(9, 1) < 0;
  }
  CHECK(below > 30);
  CHECK(below < 70);
}

TEST_CASE("A hand's angles keep to their limits", "[data]") {
  namespace limits = pk::hand_limits;
  const auto inside = [](double angle, const limits::Range& range) {
    return angle >= range[0] && angle <= range[1];
  };
  double fists = 0;
  for (std::uint64_t i = 0; i < 500; ++i) {
    pk::RandomStream random(9, i);
    const auto hand = pk::random_hand_angles(random);
    for (std::size_t finger = 0; finger < 5; ++finger) {
      const auto& f = hand.fingers[finger];
      const bool thumb = finger == 0;
      REQUIRE(inside(f.abduction, thumb ? limits::thumb_abduction : limits::abduction));
      REQUIRE(inside(f.flexion[0], thumb ? limits::thumb_base : limits::base));
      REQUIRE(inside(f.flexion[1], thumb ? limits::thumb_middle : limits::middle));
      REQUIRE(inside(f.flexion[2], thumb ? limits::thumb_end : limits::end));
    }
    fists += std::min({hand.fingers[1].flexion[1], hand.fingers[2].flexion[1],
                       hand.fingers[3].flexion[1], hand.fingers[4].flexion[1]}) > 75;
  }
  CHECK(fists > 30);
  CHECK(fists < 200);
}

TEST_CASE("Options of the hand generator that make no sense are refused", "[data]") {
  CHECK_THROWS_AS(pk::generate_hand(1, 1, {.size = 0}), pk::ValueError);
  CHECK_THROWS_AS(pk::generate_hand(1, 1, {.size_deviation = 0.5}), pk::ValueError);
  CHECK_THROWS_AS(pk::generate_hand(1, 1, {.variation = -1}), pk::ValueError);
  CHECK_THROWS_WITH(pk::generate_hand(1, 1, {.left_probability = 1.5}),
                    Contains("left_probability is 1.5") && Contains("0 to 1"));
}
