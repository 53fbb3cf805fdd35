#include <catch2/catch.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include <posekit/core/error.hpp>
#include <posekit/pose/pose_attributes.hpp>
#include <posekit/pose/skeleton_map.hpp>
#include <posekit/pose/skeletons.hpp>
#include <posekit/testing/random_tensor.hpp>

#include "support/close.hpp"
#include "support/torso_case.hpp"

namespace pk = posekit;
using pk::TorsoPelvis;
using pk::TorsoStatus;
using pk::testing::random_tensor;

namespace {

const pk::Skeleton& joints = pk::skeletons::pose_16;

pk::Tensor<std::int32_t> classes_of(const std::vector<std::array<int, 9>>& rows) {
  auto result = pk::make_tensor<std::int32_t>({rows.size(), 9});
  for (std::size_t i = 0; i < result.size(); ++i) result.data()[i] = rows[i / 9][i % 9];
  return result;
}

/// Turned about two axes and moved.
pk::Tensor<double> turned(const pk::Tensor<double>& poses) {
  pk::Tensor<double> result = poses;
  for (std::size_t i = 0; i < poses.size(); i += 3) {
    const double x = poses.data()[i], y = poses.data()[i + 1], z = poses.data()[i + 2];
    const double u = std::cos(2.3) * x - std::sin(2.3) * y,
                 v = std::sin(2.3) * x + std::cos(2.3) * y;
    result.data()[i] = u + 300;
    result.data()[i + 1] = std::cos(-0.8) * v - std::sin(-0.8) * z - 700;
    result.data()[i + 2] = std::sin(-0.8) * v + std::cos(-0.8) * z + 5000;
  }
  return result;
}

}  // namespace

TEST_CASE("Attributes are numpy's", "[pose]") {
  const auto poses = torso_golden("poses");
  for (const auto pelvis : {TorsoPelvis::joint, TorsoPelvis::mid_hip}) {
    const std::string suffix = pelvis == TorsoPelvis::joint ? "" : "_mid_hip";
    const auto attributes = pk::pose_attributes(poses, joints, {.pelvis = pelvis});
    CHECK(identical(attributes.classes, torso_golden_classes("classes" + suffix)));
    CHECK(relative_difference(attributes.distance, torso_golden("distance" + suffix)) < 1e-9);
  }
  // Of people in float too.
  const auto as_float = pk::pose_attributes(pk::cast<float>(poses), joints);
  const auto expected = torso_golden("distance");
  for (std::size_t i = 0; i < 20 * 9; ++i) {
    CHECK(as_float.distance.data()[i] == Approx(expected.data()[i]).margin(1e-2));
  }
}

TEST_CASE("Attributes stay when a pose is turned, and change sides in a mirror", "[pose]") {
  const auto poses = random_tensor<double>({57, 16, 3}, 8, -600, 600);
  const auto attributes = pk::pose_attributes(poses, joints);
  const auto moved = pk::pose_attributes(turned(poses), joints);
  CHECK(identical(attributes.classes, moved.classes));
  CHECK(relative_difference(attributes.distance, moved.distance) < 1e-10);
  const auto mirrored = pk::pose_attributes(pk::flip_poses(poses, joints), joints);
  for (std::size_t f = 0; f < 57; ++f) {
    for (std::size_t k = 0; k < 9; ++k) {
      const std::size_t other = k == 8 ? 8 : k < 4 ? (k + 2) % 4 : 4 + (k - 4 + 2) % 4;
      CHECK(mirrored.classes(f, k) == attributes.classes(f, other));
    }
  }
  CHECK(identical(attributes.classes, pk::pose_attributes(poses, joints, {.threads = 3}).classes));
}

TEST_CASE("Nearer than the threshold is on the plane", "[pose]") {
  auto poses = pk::zeros<double>({1, 16, 3});
  const auto put = [&](const char* joint, double x, double y, double z) {
    poses(0, joints.index(joint), 0) = x;
    poses(0, joints.index(joint), 1) = y;
    poses(0, joints.index(joint), 2) = z;
  };
  put("left_hip", 128, -256, 0);
  put("right_hip", -128, -256, 0);
  put("pelvis", 0, -256, 0);
  put("left_shoulder", 128, 256, 0);
  put("right_shoulder", -128, 256, 0);
  put("left_elbow", 0, 0, 50);
  put("left_wrist", 10, 20, 49.999);
  put("right_elbow", 0, 0, -50);
  put("right_wrist", 0, 7, -49.999);
  put("head", 0, 900, 120);
  const auto attributes = pk::pose_attributes(poses, joints);
  CHECK(identical(attributes.classes, classes_of({{0, 2, 1, 2, 2, 2, 2, 2, 0}})));
  CHECK(attributes.distance(0, 8) == Approx(120));
  CHECK(attributes.distance(0, 2) == Approx(-50));
  CHECK(identical(pk::pose_attributes(poses, joints, {.threshold = 0}).classes,
                  classes_of({{0, 0, 1, 1, 2, 2, 2, 2, 0}})));
  // Metres are no millimetres, unless there is no threshold.
  for (double& x : poses) x *= 0.001;
  CHECK_THROWS_WITH(pk::pose_attributes(poses, joints),
                    Catch::Contains("poses look like metres") && Catch::Contains("0.512"));
  CHECK(pk::pose_attributes(poses, joints, {.threshold = 0}).classes(0, 8) == 0);
}

TEMPLATE_TEST_CASE("What is not known has no attribute", "[pose]", float, double) {
  auto poses = random_tensor<TestType>({4, 16, 3}, 2, -600, 600);
  for (std::size_t i = 0; i < 48; ++i) poses.data()[48 + i] = 7;
  poses(2, joints.index("left_shoulder"), 0) = std::numeric_limits<TestType>::quiet_NaN();
  poses(3, joints.index("head"), 1) = std::numeric_limits<TestType>::quiet_NaN();
  poses(3, joints.index("left_elbow"), 1) = std::numeric_limits<TestType>::infinity();
  const auto attributes = pk::pose_attributes(poses, joints);
  CHECK(attributes.status == std::vector<TorsoStatus>{TorsoStatus::ok, TorsoStatus::degenerate,
                                                      TorsoStatus::not_finite, TorsoStatus::ok});
  for (std::size_t f = 0; f < 4; ++f) {
    for (std::size_t k = 0; k < 9; ++k) {
      const bool known = f == 0 || (f == 3 && k != 0 && k != 8);
      CHECK((attributes.classes(f, k) != pk::unknown_attribute) == known);
      CHECK(std::isfinite(attributes.distance(f, k)) == known);
    }
  }
  const auto nobody = pk::pose_attributes(pk::zeros<TestType>({0, 16, 3}), joints);
  CHECK(nobody.classes.shape() == pk::Tensor<std::int32_t>::shape_type{0, 9});
  // Nobody that has a plane is no reason to speak of metres.
  CHECK(pk::pose_attributes(pk::zeros<TestType>({2, 16, 3}), joints).classes(1, 3) == -1);
}

TEST_CASE("Huge poses have attributes too", "[pose]") {
  auto poses = random_tensor<double>({5, 16, 3}, 2, -1, 1);
  const auto plain = pk::pose_attributes(poses, joints, {.threshold = 0});
  for (double& x : poses) x *= 1e300;
  CHECK(identical(pk::pose_attributes(poses, joints).classes, plain.classes));
}

TEST_CASE("What attributes cannot be of is refused in words", "[pose]") {
  const auto poses = random_tensor<double>({2, 16, 3}, 2, -600, 600);
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (const double threshold : {-1.0, nan, std::numeric_limits<double>::infinity()}) {
    CHECK_THROWS_WITH(pk::pose_attributes(poses, joints, {.threshold = threshold}),
                      Catch::Contains("pose_attributes: threshold is "));
  }
  CHECK_THROWS_WITH(pk::pose_attributes(poses, pk::skeletons::mpii_16),
                    "pose_attributes: the skeleton mpii_16 lacks head");
  CHECK_THROWS_WITH(
      pk::pose_attributes(random_tensor<double>({2, 21, 3}, 1), pk::skeletons::hand_21),
      Catch::Contains("lacks left_shoulder, right_shoulder, ") && Catch::Contains("left_wrist, ") &&
          Catch::Contains("right_ankle, head"));
  CHECK_THROWS_AS(pk::pose_attributes(pk::zeros<float>({2, 16, 2}), joints), pk::ShapeError);
}

TEMPLATE_TEST_CASE("Classes to probabilities and back", "[pose]", float, double) {
  const auto classes = classes_of({{0, 1, 2, 0, 1, 2, 0, 1, 2}, {2, 2, -1, 1, 0, 0, 0, 1, 1}});
  const auto hot = pk::one_hot_attributes<TestType>(classes);
  CHECK(hot.shape() == typename pk::Tensor<TestType>::shape_type{2, 9, 3});
  for (std::size_t i = 0; i < hot.size(); ++i) {
    CHECK(hot.data()[i] == TestType(classes.data()[i / 3] == static_cast<int>(i % 3) ? 1 : 0));
  }
  auto back = pk::attribute_classes(hot);
  CHECK(back(1, 2) == 0);  // three that are as probable
  back(1, 2) = -1;
  CHECK(identical(back, classes));
  pk::Tensor<TestType> odd = hot;
  odd(0, 4, 2) = std::numeric_limits<TestType>::quiet_NaN();
  odd(0, 5, 0) = std::numeric_limits<TestType>::infinity();
  CHECK(pk::attribute_classes(odd)(0, 4) == -1);
  CHECK(pk::attribute_classes(odd)(0, 5) == 0);
  CHECK(pk::attribute_classes(pk::zeros<TestType>({0, 9, 3})).size() == 0);
  CHECK(pk::one_hot_attributes<TestType>(pk::zeros<std::int32_t>({0, 9})).size() == 0);
  CHECK_THROWS_WITH(pk::attribute_classes(pk::zeros<TestType>({2, 3, 9})),
                    "attribute_classes: probabilities has shape [2, 3, 9], expected [N, 9, 3]");
  CHECK_THROWS_AS(pk::one_hot_attributes<TestType>(pk::zeros<std::int32_t>({9})), pk::ShapeError);
  auto wrong = classes;
  wrong(1, 4) = 3;
  CHECK_THROWS_WITH(pk::one_hot_attributes<TestType>(wrong),
                    Catch::Contains("one_hot_attributes: classes[1, 4] is 3, expected 0, 1, 2"));
  wrong(1, 4) = -2;
  CHECK_THROWS_AS(pk::one_hot_attributes<TestType>(wrong), pk::ValueError);
}

TEST_CASE("Accuracies of attributes, counted by hand", "[pose]") {
  const auto truth = classes_of({{0, 1, 2, 0, 1, 2, 0, 1, 2}, {0, 1, 2, -1, 1, 2, 0, 1, -1}});
  const auto predicted = classes_of({{0, 2, 2, 0, 1, 2, 0, 2, 2}, {1, 1, 0, 1, -1, 2, 0, 1, 0}});
  const auto accuracy = pk::attribute_accuracy(predicted, truth);
  CHECK(accuracy.per_attribute == std::array<double, 9>{0.5, 0.5, 0.5, 1, 0.5, 1, 1, 0.5, 1});
  CHECK(accuracy.counts == std::array<std::size_t, 9>{2, 2, 2, 1, 2, 2, 2, 2, 1});
  CHECK(accuracy.count == 16);
  CHECK(accuracy.mean == Approx(11.0 / 16));
  CHECK(accuracy.head == 1);
  CHECK(accuracy.elbow == Approx(0.5));
  CHECK(accuracy.wrist == Approx(2.0 / 3));
  CHECK(accuracy.knee == Approx(0.75));
  CHECK(accuracy.ankle == Approx(0.75));
  CHECK(accuracy.average == Approx((1 + 0.5 + 2.0 / 3 + 0.75 + 0.75) / 5));
  const auto nothing =
      pk::attribute_accuracy(pk::zeros<std::int32_t>({0, 9}), pk::zeros<std::int32_t>({0, 9}));
  CHECK(std::isnan(nothing.mean));
  CHECK(std::isnan(nothing.average));
  CHECK(nothing.count == 0);
  CHECK_THROWS_AS(pk::attribute_accuracy(predicted, pk::zeros<std::int32_t>({1, 9})),
                  pk::ShapeError);
  CHECK_THROWS_AS(
      pk::attribute_accuracy(pk::zeros<std::int32_t>({2, 8}), pk::zeros<std::int32_t>({2, 8})),
      pk::ShapeError);
  auto wrong = predicted;
  wrong(0, 1) = 7;
  CHECK_THROWS_WITH(pk::attribute_accuracy(wrong, truth),
                    Catch::Contains("attribute_accuracy: predicted[0, 1] is 7"));
}
