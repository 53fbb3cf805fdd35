#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>

#include <posekit/synthetic/person_figure.hpp>
#include <posekit/synthetic/pose_generator.hpp>
#include <posekit/synthetic/synthetic_people.hpp>

namespace pk = posekit;
namespace person = posekit::person;

namespace {

/// Somebody 4 m before the camera, who looks at it (heading 0) or away (180).
pk::Tensor<double> standing(double heading) {
  pk::RandomStream random(1);
  pk::PoseAngles angles;
  angles.pelvis.twist = heading;
  for (auto& arm : angles.arms) arm.abduction = 20;
  auto pose = pk::forward_kinematics(
      pk::random_body(random, {.height_deviation = 0, .variation = 0}), angles);
  for (std::size_t j = 0; j < person::joint_count; ++j) {
    pose(j, 1) = -pose(j, 1);
    pose(j, 2) = 4000 - pose(j, 2);
  }
  return pose;
}

struct Extent {
  float low = 1e9f, high = -1e9f;
  void take(float centre, float radius) {
    low = std::min(low, centre - radius);
    high = std::max(high, centre + radius);
  }
};

Extent extent(const pk::Figure& figure, int axis) {
  Extent result;
  for (const auto& limb : figure.limbs()) {
    result.take(limb.from[axis], limb.from_radius);
    result.take(limb.to[axis], limb.to_radius);
  }
  return result;
}

}  // namespace

TEST_CASE("A person's body is as tall as the joints, and of human breadth", "[data]") {
  const auto positions = standing(0);
  const auto figure = pk::person_figure(positions, {});
  const auto height = extent(figure, 1);
  CHECK(height.low == Approx(positions(person::head_top, 1)).margin(25));
  CHECK(height.high - positions(person::left_ankle, 1) == Approx(70).margin(30));
  CHECK(height.high - height.low == Approx(1700).margin(110));
  const auto depth = extent(figure, 2);
  CHECK(depth.high - depth.low < 450);
  for (const auto& limb : figure.limbs()) {
    REQUIRE((limb.from_radius > 4 && limb.from_radius < 190));
    REQUIRE((limb.flatness > 0 && limb.flatness <= 1));
    REQUIRE(limb.flat_axis.norm() == Approx(1));
    REQUIRE(limb.texture < pk::PersonLook::surface_count);
  }
  for (std::size_t j = 0; j < person::joint_count; ++j) CHECK(figure.joint_radius[j] > 20);
  // Stout people take more room.
  pk::PersonLook stout;
  stout.girth = stout.belly = 1.25f;
  CHECK(extent(pk::person_figure(positions, stout), 2).low < depth.low);
}

TEST_CASE("The face is where the person looks, and the toes too", "[data]") {
  for (const double heading : {0.0, 180.0}) {
    const auto positions = standing(heading);
    const auto figure = pk::person_figure(positions, {});
    const double towards = heading == 0 ? -1 : 1;  // the camera is at negative z
    for (const auto& limb : figure.limbs()) {
      if (limb.texture == pk::PersonLook::eyes || limb.texture == pk::PersonLook::lips)
        CHECK((limb.to[2] - positions(person::head_top, 2)) * towards > 30);
      if (limb.texture == pk::PersonLook::shoes)
        CHECK((limb.to[2] - positions(person::left_ankle, 2)) * towards > 100);
      if (limb.texture == pk::PersonLook::hair)
        CHECK((limb.to[2] - positions(person::head_top, 2)) * towards < 0);
    }
  }
  // A turned head shows in its joint alone.
  auto positions = standing(0);
  const auto at = [&](std::size_t k) {
    return 0.5 * (positions(person::head_top, k) + positions(person::neck, k));
  };
  positions(person::head, 0) = at(0) + 30;
  positions(person::head, 2) = at(2);
  const auto figure = pk::person_figure(positions, {});
  for (const auto& limb : figure.limbs()) {
    if (limb.texture == pk::PersonLook::eyes)
      CHECK(limb.to[0] > positions(person::head_top, 0) + 30);
  }
}

TEST_CASE("Both sides look alike unless the left is to be warm and the right cool", "[data]") {
  for (std::uint64_t i = 0; i < 20; ++i) {
    pk::RandomStream random(1, i), again(1, i);
    const auto& same = pk::random_person_look(random).textures;
    CHECK(same[pk::PersonLook::left_sleeve].colour == same[pk::PersonLook::right_sleeve].colour);
    CHECK(same[pk::PersonLook::left_trouser].colour == same[pk::PersonLook::trousers].colour);
    const auto& sides = pk::random_person_look(again, {.side_colours = true}).textures;
    for (const auto surface : {pk::PersonLook::left_sleeve, pk::PersonLook::left_trouser})
      CHECK(sides[surface].colour[0] > 1.5f * sides[surface].colour[2]);
    for (const auto surface : {pk::PersonLook::right_sleeve, pk::PersonLook::right_trouser})
      CHECK(sides[surface].colour[2] > 1.1f * sides[surface].colour[0]);
    CHECK(sides[pk::PersonLook::shirt].colour == same[pk::PersonLook::shirt].colour);
  }
}

TEST_CASE("Clothes are of one colour where they shall be", "[data]") {
  std::size_t patterned = 0;
  for (std::uint64_t i = 0; i < 20; ++i) {
    pk::RandomStream random(1, i), again(1, i);
    const auto usual = pk::random_person_look(random);
    const auto plain = pk::random_person_look(again, {.patterned = false});
    for (const auto surface : {pk::PersonLook::shirt, pk::PersonLook::trousers}) {
      patterned += usual.textures[surface].pattern != pk::Pattern::plain ? 1 : 0;
      CHECK(plain.textures[surface].pattern == pk::Pattern::plain);
      CHECK(plain.textures[surface].colour == usual.textures[surface].colour);
    }
  }
  CHECK(patterned > 5);
}

TEST_CASE("A body without extent can be built too", "[data]") {
  auto positions = pk::zeros<double>({person::joint_count, 3});
  for (std::size_t j = 0; j < person::joint_count; ++j) positions(j, 2) = 3000;
  positions(person::left_knee, 1) = 400;  // otherwise it has no size
  const auto figure = pk::person_figure(positions, {});
  for (const auto& limb : figure.limbs()) {
    CHECK(limb.from.allFinite());
    CHECK(limb.to.allFinite());
    CHECK(limb.flat_axis.norm() == Approx(1));
  }
  CHECK_THROWS_AS(pk::person_figure(pk::zeros<double>({16, 3}), {}), pk::ShapeError);
}
