#include <catch2/catch.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include <posekit/datasets/mocap.hpp>
#include <posekit/pose/pose_attributes.hpp>
#include <posekit/pose/skeletons.hpp>
#include <posekit/pose/torso_plane.hpp>

#include "support/shared_data.hpp"

namespace pk = posekit;

TEST_CASE("Attributes of recorded people", "[datasets][shared]") {
  const auto folder = shared_folder("data/cmu_mocap");
  if (!folder) return;
  const pk::Skeleton& joints = pk::skeletons::pose_16;
  const auto recorded = pk::load_mocap(*folder / "train.npz", {.skeleton = &joints});
  const std::size_t frames = recorded.poses.shape()[0];
  REQUIRE(frames > 10000);
  const auto attributes = pk::pose_attributes(recorded.poses, joints);
  CHECK(std::count(attributes.status.begin(), attributes.status.end(), pk::TorsoStatus::ok) ==
        static_cast<std::ptrdiff_t>(frames));
  std::array<std::array<double, 3>, 9> shares{};
  for (std::size_t i = 0; i < attributes.classes.size(); ++i) {
    const auto value = static_cast<std::size_t>(attributes.classes.data()[i]);
    shares.at(i % 9).at(value) += 1 / static_cast<double>(frames);
  }
  double on_plane = 0, majority = 0;
  for (const auto& share : shares) {
    on_plane += share[2] / 9;
    majority += *std::max_element(share.begin(), share.end()) / 9;
  }
  // By numpy: 0.2932, 0.5281.
  CHECK(on_plane == Approx(0.293).margin(0.001));
  CHECK(majority == Approx(0.528).margin(0.001));
  const auto between =
      pk::pose_attributes(recorded.poses, joints, {.pelvis = pk::TorsoPelvis::mid_hip});
  std::size_t others = 0;
  for (std::size_t i = 0; i < attributes.classes.size(); ++i) {
    others += attributes.classes.data()[i] != between.classes.data()[i];
  }
  CHECK(static_cast<double>(others) / static_cast<double>(attributes.classes.size()) ==
        Approx(0.041).margin(0.001));
  // Heads are before the torso or on its plane, and whoever moves fast, moves to the front.
  CHECK(shares[8][1] < 0.01);
  const auto planes = pk::torso_planes(recorded.poses, joints);
  std::size_t fast = 0, forwards = 0;
  for (std::size_t f = 0; f + 1 < frames; ++f) {
    if (recorded.sequence[f] != recorded.sequence[f + 1]) continue;
    double square = 0, along = 0;
    for (std::size_t a = 0; a < 3; ++a) {
      const double step = recorded.poses(f + 1, 0, a) - recorded.poses(f, 0, a);
      square += step * step;
      along += step * planes.normal(f, a);
    }
    if (square < 40.0 * 40.0) continue;
    ++fast;
    forwards += along > 0;
  }
  CHECK(fast > 2000);
  CHECK(static_cast<double>(forwards) > 0.95 * static_cast<double>(fast));
}
