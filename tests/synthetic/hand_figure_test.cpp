#include <catch2/catch.hpp>

#include <posekit/synthetic/hand_figure.hpp>
#include <posekit/synthetic/hand_generator.hpp>

namespace pk = posekit;

TEST_CASE("Nails are on the back of both hands", "[data]") {
  for (const bool left : {false, true}) {
    for (const double bend : {0.0, 20.0}) {
      pk::RandomStream random(1);
      const auto bones = pk::random_hand(random);
      pk::HandAngles angles;
      for (auto& finger : angles.fingers) finger.flexion = {bend, bend, bend};
      // Fingers up, the palm along z: the camera, at negative z, sees the back.
      auto joints = pk::hand_kinematics(bones, angles, left);
      for (std::size_t j = 0; j < 21; ++j) joints(j, 2) += 500;
      const auto figure = pk::hand_figure(joints, left, {});
      std::size_t nails = 0;
      for (const auto& limb : figure.limbs()) {
        CHECK(limb.flat_axis.norm() == Approx(1));
        CHECK(limb.from_radius > 2);
        if (limb.texture != pk::HandLook::nails) continue;
        // The thumb, which lies across, comes first.
        const std::size_t tip = 4 + 4 * nails++;
        INFO(tip << " " << left << " " << bend);
        if (tip > 4) CHECK(limb.to[2] < joints(tip, 2) - 1);
      }
      CHECK(nails == 5);
    }
  }
}

TEST_CASE("A hand comes with an arm, perhaps in a sleeve", "[data]") {
  pk::HandLook look;
  auto joints = pk::generate_hand(1, 1, {.turned = false}).joints;
  for (std::size_t j = 0; j < 21; ++j) joints(j, 2) += 500;
  const auto lowest = [&] {
    float low = 0;
    const auto figure = pk::hand_figure(joints, false, look);
    for (const auto& limb : figure.limbs()) low = std::min(low, limb.to[1]);
    return low;
  };
  const auto sleeves = [&] {
    const auto figure = pk::hand_figure(joints, false, look);
    return std::count_if(figure.limbs().begin(), figure.limbs().end(),
                         [](const pk::Limb& limb) { return limb.texture == pk::HandLook::sleeve; });
  };
  CHECK(lowest() < -100);
  CHECK(sleeves() == 1);
  look.sleeve_gap = 1000;
  CHECK(sleeves() == 0);
  CHECK_THROWS_AS(pk::hand_figure(pk::zeros<double>({17, 3}), false, look), pk::ShapeError);
}
