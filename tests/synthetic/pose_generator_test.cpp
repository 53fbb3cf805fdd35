#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include <posekit/datasets/mocap.hpp>
#include <posekit/pose/alignment.hpp>
#include <posekit/synthetic/pose_generator.hpp>
#include <posekit/synthetic/synthetic_people.hpp>

#include "support/close.hpp"
#include "support/shared_data.hpp"

namespace pk = posekit;
using namespace posekit::person;
using Catch::Matchers::Contains;

namespace {

Eigen::Vector3d joint(const pk::Tensor<double>& poses, std::size_t pose, std::size_t j) {
  const double* at = poses.data() + (pose * joint_count + j) * 3;
  return {at[0], at[1], at[2]};
}
double degrees_between(const Eigen::Vector3d& a, const Eigen::Vector3d& b) {
  return std::acos(std::clamp(a.normalized().dot(b.normalized()), -1.0, 1.0)) * 57.29577951308232;
}
double length(const pk::Tensor<double>& poses, std::size_t pose, std::size_t a, std::size_t b) {
  return (joint(poses, pose, a) - joint(poses, pose, b)).norm();
}
double quantile(std::vector<double> values, double share) {
  std::sort(values.begin(), values.end());
  return values[static_cast<std::size_t>(share * static_cast<double>(values.size() - 1))];
}

/// Angles and lengths of both sides of poses [F, 17, 3].
std::map<std::string, std::vector<double>> measure(const pk::Tensor<double>& poses) {
  std::map<std::string, std::vector<double>> result;
  for (std::size_t f = 0; f < poses.shape()[0]; ++f) {
    const auto at = [&](std::size_t j) { return joint(poses, f, j); };
    const Eigen::Vector3d hips = (at(left_hip) + at(right_hip)) / 2;
    const Eigen::Vector3d left = (at(left_hip) - at(right_hip)).normalized();
    const Eigen::Vector3d front = left.cross(at(spine) - hips).normalized();
    const Eigen::Vector3d up = front.cross(left);
    for (const bool right : {false, true}) {
      const Eigen::Vector3d thigh =
          at(right ? right_knee : left_knee) - at(right ? right_hip : left_hip);
      const Eigen::Vector3d shank =
          at(right ? right_ankle : left_ankle) - at(right ? right_knee : left_knee);
      const Eigen::Vector3d arm =
          at(right ? right_elbow : left_elbow) - at(right ? right_shoulder : left_shoulder);
      const Eigen::Vector3d forearm =
          at(right ? right_wrist : left_wrist) - at(right ? right_elbow : left_elbow);
      result["knee"].push_back(degrees_between(thigh, shank));
      result["elbow"].push_back(degrees_between(arm, forearm));
      result["hip"].push_back(std::atan2(thigh.dot(front), -thigh.dot(up)) * 57.29577951308232);
    }
    const double leg =
        length(poses, f, left_hip, left_knee) + length(poses, f, left_knee, left_ankle);
    result["hip width"].push_back(length(poses, f, left_hip, right_hip) / leg);
    result["shoulder width"].push_back(length(poses, f, left_shoulder, right_shoulder) / leg);
    result["upper arm"].push_back(length(poses, f, left_shoulder, left_elbow) / leg);
    result["forearm"].push_back(length(poses, f, left_elbow, left_wrist) / leg);
    result["lower spine"].push_back(length(poses, f, pelvis, spine) / leg);
    result["upper spine"].push_back(length(poses, f, spine, neck) / leg);
    result["shank"].push_back(length(poses, f, left_knee, left_ankle) / leg);
    result["neck to head"].push_back(length(poses, f, neck, head) / leg);
  }
  return result;
}

/// Of each pose of `truth`, the least mean distance of its joints to those of `poses`, aligned by a
/// similarity transform.
std::vector<double> nearest(const pk::Tensor<double>& truth, const pk::Tensor<double>& poses) {
  std::vector<double> result;
  pk::Tensor<double> repeated = pk::make_tensor<double>(pk::shape_of(poses));
  constexpr std::size_t values = joint_count * 3;
  for (std::size_t f = 0; f < truth.shape()[0]; ++f) {
    for (std::size_t i = 0; i < poses.shape()[0]; ++i) {
      std::copy_n(truth.data() + f * values, values, repeated.data() + i * values);
    }
    const auto aligned = pk::align(poses, repeated).prediction;
    double least = std::numeric_limits<double>::infinity();
    for (std::size_t i = 0; i < poses.shape()[0]; ++i) {
      double sum = 0;
      for (std::size_t j = 0; j < joint_count; ++j) {
        sum += (joint(aligned, i, j) - joint(truth, f, j)).norm();
      }
      least = std::min(least, sum / 17);
    }
    result.push_back(least);
  }
  return result;
}

/// The mean of poses that are aligned to the mean before.
pk::Tensor<double> mean_pose(const pk::Tensor<double>& poses) {
  constexpr std::size_t values = joint_count * 3;
  pk::Tensor<double> mean = pk::make_tensor<double>({1, joint_count, 3});
  std::copy_n(poses.data(), values, mean.data());
  pk::Tensor<double> repeated = pk::make_tensor<double>(pk::shape_of(poses));
  for (int step = 0; step < 3; ++step) {
    for (std::size_t i = 0; i < repeated.size(); ++i) repeated.data()[i] = mean.data()[i % values];
    const auto aligned = pk::align(poses, repeated).prediction;
    std::fill_n(mean.data(), values, 0.0);
    for (std::size_t i = 0; i < aligned.size(); ++i)
      mean.data()[i % values] += aligned.data()[i] / static_cast<double>(poses.shape()[0]);
  }
  return mean;
}

}  // namespace

TEST_CASE("Somebody who stands still faces z, with the left side at positive x", "[data]") {
  pk::RandomStream random(1);
  const pk::PoseGeneratorOptions mean{.height_deviation = 0, .variation = 0};
  const auto body = pk::random_body(random, mean);
  CHECK(body.height == 1700);
  CHECK(body.thigh == Approx(0.249 * 1700));
  pk::PoseAngles angles;
  const auto still = pk::forward_kinematics(body, angles);
  CHECK(still(left_hip, 0) == Approx(body.hip_width / 2));
  CHECK(still(right_hip, 0) == Approx(-body.hip_width / 2));
  CHECK(still(left_ankle, 1) == Approx(-body.pelvis_rise - body.thigh - body.shank));
  CHECK(still(head_top, 1) > still(head, 1));
  CHECK(still(head, 2) > 0);
  CHECK(still(left_wrist, 1) < still(left_elbow, 1));

  // Each angle does what its name says.
  angles.legs[0] = {.flexion = 90, .hinge = 90};
  angles.arms[0] = {.abduction = 90};
  angles.arms[1] = {.hinge = 90};
  const auto moved = pk::forward_kinematics(body, angles);
  CHECK(moved(left_knee, 2) == Approx(still(left_hip, 2) + body.thigh));
  CHECK(moved(left_ankle, 1) == Approx(moved(left_knee, 1) - body.shank));
  CHECK(moved(left_elbow, 0) == Approx(moved(left_shoulder, 0) + body.upper_arm));
  CHECK(moved(right_wrist, 2) == Approx(moved(right_elbow, 2) + body.forearm));
  CHECK(moved(right_knee, 1) == Approx(still(right_knee, 1)));

  angles = {};
  angles.pelvis.twist = 90;
  CHECK(pk::forward_kinematics(body, angles)(head, 0) == Approx(still(head, 2)));
  angles = {};
  angles.chest.lateral = 20;
  CHECK(pk::forward_kinematics(body, angles)(neck, 0) > 50);
  angles = {};
  angles.chest.flexion = 30;
  CHECK(pk::forward_kinematics(body, angles)(neck, 2) > 80);
  angles = {};
  angles.head.twist = 45;
  CHECK(pk::forward_kinematics(body, angles)(head, 0) > 10);

  // Both sides are mirror images.
  angles = {};
  angles.legs = {pk::LimbAngles{30, 20, 10, 50}, pk::LimbAngles{30, 20, 10, 50}};
  angles.arms = {pk::LimbAngles{100, 40, -30, 70}, pk::LimbAngles{100, 40, -30, 70}};
  const auto both = pk::forward_kinematics(body, angles);
  const auto& flips = pk::skeletons::margipose_17.flips;
  for (std::size_t j = 0; j < joint_count; ++j) {
    CHECK(both(j, 0) == Approx(-both(flips[j], 0)).margin(1e-9));
    CHECK(both(j, 1) == Approx(both(flips[j], 1)));
    CHECK(both(j, 2) == Approx(both(flips[j], 2)));
  }
}

TEST_CASE("Generated poses depend on seed and index alone", "[data]") {
  const auto one = pk::generate_poses(5, 10, 70, {}, 1);
  CHECK(identical(one, pk::generate_poses(5, 10, 70, {}, 2)));
  const auto single = pk::generate_pose(5, 13);
  for (std::size_t i = 0; i < single.size(); ++i)
    CHECK(single.data()[i] == one.data()[3 * single.size() + i]);
  CHECK_FALSE(identical(single, pk::generate_pose(6, 13)));
  CHECK_FALSE(identical(single, pk::generate_pose(5, 14)));
}

TEST_CASE("Generated people have human proportions, and equal sides", "[data]") {
  const auto poses = pk::generate_poses(2, 0, 3000);
  double least = 1e9, most = 0;
  for (std::size_t i = 0; i < poses.shape()[0]; ++i) {
    for (const auto& [a, b, c] : {std::array{left_hip, left_knee, left_ankle},
                                  std::array{left_shoulder, left_elbow, left_wrist}}) {
      const auto& flips = pk::skeletons::margipose_17.flips;
      REQUIRE(length(poses, i, a, b) == Approx(length(poses, i, flips[a], flips[b])));
      REQUIRE(length(poses, i, b, c) == Approx(length(poses, i, flips[b], flips[c])));
    }
    const double leg =
        length(poses, i, left_hip, left_knee) + length(poses, i, left_knee, left_ankle);
    const double ratio = length(poses, i, left_hip, left_knee) / leg;
    REQUIRE((ratio > 0.45 && ratio < 0.56));
    const double arm = length(poses, i, left_shoulder, left_elbow) / leg;
    REQUIRE((arm > 0.27 && arm < 0.43));
    least = std::min(least, leg / 0.491);
    most = std::max(most, leg / 0.491);
    REQUIRE(joint(poses, i, pelvis).norm() == 0);
    REQUIRE(length(poses, i, left_shoulder, right_shoulder) >
            length(poses, i, left_hip, right_hip));
  }
  CHECK(least > 1300);
  CHECK(least < 1550);
  CHECK(most > 1850);
  CHECK(most < 2100);
}

TEST_CASE("Angles keep to their limits whatever somebody does", "[data]") {
  namespace limits = pk::angle_limits;
  const auto inside = [](double angle, const limits::Range& range) {
    return angle >= range[0] && angle <= range[1];
  };
  for (std::size_t activity = 0; activity < pk::activity_count; ++activity) {
    double knees = 0;
    for (std::uint64_t i = 0; i < 400; ++i) {
      pk::RandomStream random(activity, i);
      const auto angles = pk::random_angles(random, static_cast<pk::Activity>(activity));
      for (std::size_t side = 0; side < 2; ++side) {
        REQUIRE(inside(angles.legs[side].hinge, limits::knee));
        REQUIRE(inside(angles.legs[side].flexion, limits::hip_flexion));
        REQUIRE(inside(angles.legs[side].abduction, limits::hip_abduction));
        REQUIRE(inside(angles.legs[side].axial, limits::hip_axial));
        REQUIRE(inside(angles.arms[side].hinge, limits::elbow));
        REQUIRE(inside(angles.arms[side].flexion, limits::shoulder_flexion));
        REQUIRE(inside(angles.arms[side].abduction, limits::shoulder_abduction));
        REQUIRE(inside(angles.arms[side].axial, limits::shoulder_axial));
        knees += angles.legs[side].hinge / 800;
      }
      REQUIRE(inside(angles.chest.flexion, limits::chest_flexion));
      REQUIRE(inside(angles.chest.lateral, limits::chest_lateral));
      REQUIRE(inside(angles.chest.twist, limits::chest_twist));
      REQUIRE(inside(angles.head.twist, limits::head_twist));
    }
    const auto what = static_cast<pk::Activity>(activity);
    if (what == pk::Activity::standing) CHECK(knees < 25);
    if (what == pk::Activity::sitting) CHECK(knees == Approx(85).margin(6));
    if (what == pk::Activity::crouching) CHECK(knees > 80);
    if (what == pk::Activity::running) CHECK(knees > 35);
  }
  // The joints show the angles: those that hinges make are the only ones a body can have.
  const auto measured = measure(pk::generate_poses(8, 0, 2000));
  for (const char* hinge : {"knee", "elbow"}) {
    CHECK(quantile(measured.at(hinge), 1) <= 150.001);
    CHECK(quantile(measured.at(hinge), 0.99) > 100);
    CHECK(quantile(measured.at(hinge), 0.5) < 60);
  }
}

TEST_CASE("An activity's weight decides how often it comes", "[data]") {
  pk::PoseGeneratorOptions sitting;
  sitting.activities = {};
  sitting.activities[static_cast<std::size_t>(pk::Activity::sitting)] = 0.3;
  const auto measured = measure(pk::generate_poses(1, 0, 300, sitting));
  CHECK(quantile(measured.at("hip"), 0.5) > 60);
  pk::PoseGeneratorOptions running;
  running.activities = {};
  running.activities[static_cast<std::size_t>(pk::Activity::running)] = 1;
  CHECK(quantile(measure(pk::generate_poses(1, 0, 300, running)).at("elbow"), 0.5) ==
        Approx(98).margin(12));
}

TEST_CASE("Limbs that meet are noticed, and generated poses have none", "[data]") {
  pk::RandomStream random(1);
  const auto body = pk::random_body(random);
  pk::PoseAngles angles;
  for (auto& arm : angles.arms) arm.abduction = 12;
  CHECK_FALSE(pk::intersects_itself(pk::forward_kinematics(body, angles), body.height));
  pk::PoseAngles into_torso = angles;
  into_torso.arms[0] = {.flexion = -5, .abduction = -20, .axial = 0, .hinge = 40};
  into_torso.arms[1] = {.flexion = 10, .abduction = 10, .axial = -90, .hinge = 100};
  CHECK(pk::intersects_itself(pk::forward_kinematics(body, into_torso), body.height));
  pk::PoseAngles crossed = angles;
  for (auto& leg : crossed.legs) leg.abduction = -12;
  CHECK(pk::intersects_itself(pk::forward_kinematics(body, crossed), body.height));

  const pk::PoseGeneratorOptions same{.height_deviation = 0, .variation = 0};
  std::size_t meets = 0;
  const auto poses = pk::generate_poses(4, 0, 1000, same);
  for (std::size_t i = 0; i < 1000; ++i) {
    pk::Tensor<double> pose = pk::make_tensor<double>({joint_count, 3});
    std::copy_n(poses.data() + i * pose.size(), pose.size(), pose.data());
    meets += pk::intersects_itself(pose, 1700);
  }
  CHECK(meets == 0);
  CHECK_THROWS_AS(pk::intersects_itself(pk::zeros<double>({16, 3}), 1700), pk::ShapeError);
}

TEST_CASE("Distances of line segments", "[data]") {
  using P = Eigen::Vector3d;
  const auto distance = pk::internal::segment_distance;
  CHECK(distance(P(0, 0, 0), P(1, 0, 0), P(0.5, -1, 2), P(0.5, 1, 2)) == Approx(2));
  CHECK(distance(P(0, 0, 0), P(1, 0, 0), P(4, 4, 0), P(5, 9, 0)) == Approx(5));
  CHECK(distance(P(0, 0, 0), P(1, 0, 0), P(-3, 1, 0), P(7, 1, 0)) == Approx(1));
  CHECK(distance(P(0, 0, 0), P(0, 0, 0), P(3, 4, 0), P(3, 4, 0)) == Approx(5));
}

TEST_CASE("Options of the pose generator that make no sense are refused", "[data]") {
  CHECK_THROWS_AS(pk::generate_pose(1, 1, {.height = -5}), pk::ValueError);
  CHECK_THROWS_AS(pk::generate_pose(1, 1, {.height_deviation = 600}), pk::ValueError);
  CHECK_THROWS_AS(pk::generate_pose(1, 1, {.variation = 3}), pk::ValueError);
  CHECK_THROWS_AS(pk::generate_pose(1, 1, {.attempts = -1}), pk::ValueError);
  CHECK_THROWS_AS(pk::generate_pose(1, 1, {.activities = {}}), pk::ValueError);
  CHECK_THROWS_WITH(
      pk::generate_poses(1, 1, 3, {.variation = std::nan("")}),
      Contains("generate_poses") && Contains("variation is nan") && Contains("0 to 2"));
  CHECK_THROWS_WITH(pk::generate_pose(1, 1, {.activities = {1, -2}}), Contains("weight -2"));
  // Without attempts somebody just stands.
  CHECK(quantile(measure(pk::generate_poses(1, 0, 20, {.attempts = 0})).at("knee"), 1) < 1);
}

TEST_CASE("Generated poses are like recorded ones", "[synthetic][shared]") {
  const auto folder = shared_folder("data/cmu_mocap");
  if (!folder) return;
  const auto recorded = pk::load_mocap(*folder / "train.npz").poses;
  const auto generated = pk::generate_poses(7, 0, 2500);

  // The recorded body is one that might have been generated: within what 98 % of those are, or
  // close to it (its forearms and its trunk are short).
  const auto real = measure(recorded), made = measure(generated);
  for (const auto& [name, low, high] :
       {std::tuple{"hip width", 0.02, 0.98}, std::tuple{"shoulder width", 0.02, 0.98},
        std::tuple{"upper arm", 0.02, 0.98}, std::tuple{"forearm", 0.01, 0.98},
        std::tuple{"lower spine", 0.02, 0.98}, std::tuple{"upper spine", 0.01, 0.98},
        std::tuple{"shank", 0.02, 0.98}, std::tuple{"neck to head", 0.02, 0.98}}) {
    const double ratio = quantile(real.at(name), 0.5);
    INFO(name << " " << ratio << ", generated " << quantile(made.at(name), 0.5));
    CHECK(ratio > quantile(made.at(name), low));
    CHECK(ratio < quantile(made.at(name), high));
  }
  // Angles: generated ones are centred alike and spread somewhat wider.
  for (const char* name : {"knee", "elbow", "hip"}) {
    std::string numbers;
    for (const double share : {0.05, 0.25, 0.5, 0.75, 0.95}) {
      numbers += pk::error_text(" ", std::lround(quantile(real.at(name), share)), "/",
                                std::lround(quantile(made.at(name), share)));
    }
    INFO(name << " recorded/generated:" << numbers);
    CHECK(quantile(made.at(name), 0.5) == Approx(quantile(real.at(name), 0.5)).margin(8));
    CHECK(quantile(made.at(name), 0.05) < quantile(real.at(name), 0.05) + 3);
    CHECK(quantile(made.at(name), 0.95) > quantile(real.at(name), 0.95) - 3);
    CHECK(quantile(made.at(name), 0.95) < quantile(real.at(name), 0.95) + 60);
  }

  // Coverage: recorded poses are nearer to a generated one than to the mean of recorded poses.
  constexpr std::size_t frames = 60, values = joint_count * 3;
  pk::Tensor<double> some = pk::make_tensor<double>({frames, joint_count, 3});
  for (std::size_t f = 0; f < frames; ++f) {
    std::copy_n(recorded.data() + f * (recorded.shape()[0] / frames) * values, values,
                some.data() + f * values);
  }
  const double to_generated = quantile(nearest(some, generated), 0.5);
  const double to_mean = quantile(nearest(some, mean_pose(some)), 0.5);
  INFO("to the nearest generated pose " << to_generated << " mm, to the mean pose " << to_mean);
  CHECK(to_generated < 52);
  CHECK(to_generated < 0.65 * to_mean);
}
