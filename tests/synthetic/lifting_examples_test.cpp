#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <set>
#include <string>
#include <vector>

#include <xtensor/xview.hpp>

#include <posekit/core/error.hpp>
#include <posekit/core/tensor.hpp>
#include <posekit/datasets/mocap.hpp>
#include <posekit/pose/pose_attributes.hpp>
#include <posekit/pose/skeletons.hpp>
#include <posekit/synthetic/lifting_examples.hpp>

#include "support/close.hpp"

namespace pk = posekit;
using Catch::Matchers::Contains;

namespace {

/// Every 40th recorded frame.
const pk::Tensor<double>& recorded() {
  static const pk::Tensor<double> poses = [] {
    const auto mocap =
        pk::load_mocap(std::string(POSEKIT_SOURCE_DIR) + "/examples/progressive/cmu_test.npz",
                       {.skeleton = &pk::skeletons::pose_16});
    pk::Tensor<double> some = xt::view(mocap.poses, xt::range(0, 3510, 40));
    return some;
  }();
  return poses;
}

pk::LiftingExamples<float> examples(const pk::LiftingOptions& options) {
  return {recorded(), pk::skeletons::pose_16, options};
}

}  // namespace

TEST_CASE("Lifting examples are functions of seed, draw and frame", "[synthetic]") {
  const auto one = examples({.noise = 0.01, .attribute_errors = 0.2, .seed = 3, .threads = 1});
  const auto same = examples({.noise = 0.01, .attribute_errors = 0.2, .seed = 3, .threads = 3});
  const auto other = examples({.noise = 0.01, .attribute_errors = 0.2, .seed = 4});
  const auto a = one.batch(7, 20), b = same.batch(7, 20), c = other.batch(7, 20);
  CHECK(a.frames == b.frames);
  CHECK(identical(a.joints, b.joints));
  CHECK(identical(a.positions, b.positions));
  CHECK(identical(a.attributes, b.attributes));
  CHECK_FALSE(identical(a.joints, c.joints));
  // Two small batches show what one large one does.
  const auto first = one.batch(14, 10), second = one.batch(15, 10);
  for (std::size_t i = 0; i < 20; ++i) {
    const auto& half = i < 10 ? first : second;
    CHECK(half.frames[i % 10] == a.frames[i]);
    CHECK(half.joints(i % 10, 5, 1) == a.joints(i, 5, 1));
  }
  CHECK_FALSE(identical(one.at({1, 2}, 0).joints, one.at({1, 2}, 1).joints));
  CHECK(identical(one.at({2}, 5).joints,
                  pk::Tensor<float>(xt::view(one.at({1, 2}, 5).joints, xt::range(1, 2)))));
}

TEST_CASE("An epoch shows every frame once, each in another order", "[synthetic]") {
  const auto pairs = examples({});
  REQUIRE(pairs.size() == 88);
  std::vector<std::vector<std::size_t>> orders(2);
  for (std::size_t step = 0; step < 16; ++step) {
    const auto frames = pairs.batch(step, 11).frames;
    auto& order = orders[step / 8];
    order.insert(order.end(), frames.begin(), frames.end());
  }
  for (const auto& order : orders)
    CHECK(std::set<std::size_t>(order.begin(), order.end()).size() == 88);
  CHECK(orders[0] != orders[1]);
}

TEST_CASE("What the camera sees belongs to the pose", "[synthetic]") {
  for (const bool mirror : {false, true}) {
    const auto pairs = examples({.seed = 5, .mirror = mirror});
    const auto& skeleton = pk::skeletons::pose_16;
    std::vector<std::size_t> all(pairs.size());
    for (std::size_t i = 0; i < all.size(); ++i) all[i] = i;
    const auto batch = pairs.at(all);
    const auto classes = pk::pose_attributes(pk::cast<double>(batch.positions), skeleton).classes;
    std::size_t differ = 0, mirrored = 0;
    for (std::size_t n = 0; n < all.size(); ++n) {
      // Bones are as long as recorded, and joints within the crop.
      double worst = 0, right_wrist = 0;
      for (std::size_t j = 1; j < skeleton.size(); ++j) {
        const auto parent = static_cast<std::size_t>(skeleton.parents[j]);
        double seen = 0, real = 0, flipped = 0;
        for (std::size_t a = 0; a < 3; ++a) {
          seen += std::pow(
              static_cast<double>(batch.positions(n, j, a) - batch.positions(n, parent, a)), 2);
          real += std::pow(recorded()(n, j, a) - recorded()(n, parent, a), 2);
          flipped += std::pow(
              recorded()(n, skeleton.flips[j], a) - recorded()(n, skeleton.flips[parent], a), 2);
        }
        const double nearest = std::min(std::abs(std::sqrt(seen) - std::sqrt(real)),
                                        std::abs(std::sqrt(seen) - std::sqrt(flipped)));
        worst = std::max(worst, nearest);
      }
      static_cast<void>(right_wrist);
      if (!(worst < 0.01)) FAIL("frame " << n << " is off by " << worst << " mm");
      float low = 1, high = -1;
      for (std::size_t i = 0; i < 32; ++i) {
        low = std::min(low, batch.joints.data()[n * 32 + i]);
        high = std::max(high, batch.joints.data()[n * 32 + i]);
      }
      // The square around the joints is 1 / 1.25 of the crop.
      CHECK(low >= -0.8001f);
      CHECK(high <= 0.8001f);
      CHECK(high - low == Approx(1.6).epsilon(1e-5));
      for (std::size_t i = 0; i < 9; ++i) {
        differ += classes(n, i) != batch.classes(n, i) ? 1u : 0u;
        CHECK(batch.attributes(n, i, static_cast<std::size_t>(batch.classes(n, i))) == 1.0f);
      }
      // The truth's lower parts are below in the picture: y is down.
      if (batch.positions(n, 3, 1) > 0) ++mirrored;
    }
    // Attributes are seen from the torso, so that no camera changes them (but rounding may).
    CHECK(differ <= 1);
    CHECK(mirrored > 80);
  }
}

TEST_CASE("Noise and wrong attributes are as many as asked for", "[synthetic]") {
  const auto clean = examples({.seed = 2}),
             noisy = examples({.noise = 0.02, .attribute_errors = 0.25, .seed = 2});
  double square = 0, wrong = 0, count = 0;
  for (std::uint64_t draw = 0; draw < 10; ++draw) {
    std::vector<std::size_t> all(clean.size());
    for (std::size_t i = 0; i < all.size(); ++i) all[i] = i;
    const auto a = clean.at(all, draw), b = noisy.at(all, draw);
    CHECK(identical(a.positions, b.positions));
    for (std::size_t i = 0; i < a.joints.size(); ++i)
      square += std::pow(static_cast<double>(a.joints.data()[i] - b.joints.data()[i]), 2);
    for (std::size_t i = 0; i < 9 * all.size(); ++i) {
      const float right =
          b.attributes.data()[3 * i + static_cast<std::size_t>(b.classes.data()[i])];
      wrong += right == 1.0f ? 0 : 1;
      count += 1;
    }
  }
  const double numbers = count / 9 * 32;
  CHECK(std::sqrt(square / numbers) == Approx(0.04).epsilon(0.03));  // of a side of 2
  CHECK(wrong / count == Approx(0.25).epsilon(0.06));
}

TEST_CASE("Poses that no example can be made of are told", "[synthetic]") {
  const auto& skeleton = pk::skeletons::pose_16;
  auto poses = recorded();
  poses(3, 5, 1) = std::numeric_limits<double>::quiet_NaN();
  CHECK_THROWS_WITH(pk::LiftingExamples(poses, skeleton),
                    "LiftingExamples: frame 3 has nan at joint left_knee, expected finite "
                    "positions");
  CHECK_THROWS_WITH(pk::LiftingExamples(pk::zeros<double>({0, 16, 3}), skeleton),
                    "LiftingExamples: there are no poses");
  CHECK_THROWS_WITH(pk::LiftingExamples(pk::zeros<double>({2, 17, 3}), skeleton),
                    "LiftingExamples: poses has shape [2, 17, 3], expected [F, 16, 3]");
  const pk::Tensor<double> metres = recorded() / 1000.0;
  CHECK_THROWS_WITH(pk::LiftingExamples(metres, skeleton), Contains("metres"));
  CHECK_THROWS_WITH(examples({.noise = -1}), Contains("noise is -1"));
  CHECK_THROWS_WITH(examples({.attribute_errors = 2}), Contains("attribute_errors is 2"));
  CHECK_THROWS_WITH(examples({}).at({88}), "LiftingExamples: frame 88 was asked for, there are 88");
}
