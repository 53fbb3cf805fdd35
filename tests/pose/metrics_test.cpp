#include <catch2/catch.hpp>

#include <cmath>
#include <string>
#include <vector>

#include <posekit/io/npy.hpp>
#include <posekit/pose/metrics.hpp>
#include <posekit/pose/skeleton_map.hpp>
#include <posekit/testing/random_tensor.hpp>

#include "support/shared_data.hpp"

namespace pk = posekit;
using pk::testing::random_tensor;

namespace {

pk::Tensor<double> golden(const std::string& name) {
  return pk::load_npy<double>(golden_file("poses/" + name + ".npy"));
}

/// The same numbers, and NaN in the same places, to 1e-9 of the largest.
void check_same(const pk::Tensor<double>& a, const pk::Tensor<double>& b) {
  REQUIRE(a.size() == b.size());
  double worst = 0, scale = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    REQUIRE(std::isnan(a.data()[i]) == std::isnan(b.data()[i]));
    if (std::isnan(a.data()[i])) continue;
    worst = std::max(worst, std::abs(a.data()[i] - b.data()[i]));
    scale = std::max(scale, std::abs(b.data()[i]));
  }
  CHECK(worst < 1e-9 * scale);
}

pk::Tensor<double> in_plane(const pk::Tensor<double>& poses) {
  pk::Tensor<double> flat = pk::make_tensor<double>({poses.shape()[0], poses.shape()[1], 2});
  for (std::size_t i = 0; i < flat.size(); ++i) flat.data()[i] = poses.data()[i / 2 * 3 + i % 2];
  return flat;
}

const auto& mpi_joints = pk::skeletons::mpi_inf_3dhp_17;

}  // namespace

TEST_CASE("Metrics equal numpy's and scipy's, degenerate poses included", "[pose]") {
  const auto prediction = golden("prediction"), truth = golden("truth");
  const auto mask = pk::load_npy<std::uint8_t>(golden_file("poses/visible.npy"));
  const std::vector<std::uint8_t> visible(mask.begin(), mask.end());
  const pk::PoseMetricOptions options{.visible = visible};
  check_same(pk::mpjpe(prediction, truth, mpi_joints, options).values, golden("mpjpe"));
  check_same(pk::n_mpjpe(prediction, truth, mpi_joints, options).values, golden("n_mpjpe"));
  check_same(pk::pa_mpjpe(prediction, truth, mpi_joints, options).values, golden("pa_mpjpe"));
  check_same(pk::position_error(prediction, truth, mpi_joints,
                                {.alignment = pk::Alignment::rigid, .visible = visible})
                 .values,
             golden("rigid"));
  check_same(pk::mpjve(prediction, truth, mpi_joints, options).values, golden("mpjve"));
  const auto flat = in_plane(prediction), flat_truth = in_plane(truth);
  const auto epe = pk::epe(flat, flat_truth, mpi_joints, options);
  check_same(epe.values, golden("epe_2d"));
  CHECK(epe.unit == "px");
  check_same(pk::pa_mpjpe(flat, flat_truth, mpi_joints, options).values, golden("similarity_2d"));
  const auto fractions = golden("pck_auc");
  CHECK(pk::pck(prediction, truth, mpi_joints, {.visible = visible}).mean ==
        Approx(fractions(0)).epsilon(1e-12));
  CHECK(pk::auc(prediction, truth, mpi_joints, {.visible = visible}).mean ==
        Approx(fractions(1)).epsilon(1e-12));
  const auto areas = golden("areas"), oks = golden("oks");
  const auto similar = pk::oks(flat, flat_truth, pk::skeletons::coco_17,
                               std::vector<double>(areas.begin(), areas.end()), options);
  for (std::size_t f = 0; f < oks.size(); ++f) {
    CHECK(similar.per_frame[f] == Approx(oks(f)).epsilon(1e-12));
  }
}

TEST_CASE("A metric says what it measured", "[pose]") {
  const auto prediction = random_tensor<double>({3, 17, 3}, 1, -500, 500),
             truth = random_tensor<double>({3, 17, 3}, 2, -500, 500);
  const auto some = pk::mpjpe(prediction, truth, mpi_joints, {.joints = {"neck", "left_knee"}});
  CHECK(some.unit == "mm");
  CHECK(some.alignment == "root at pelvis");
  CHECK(some.joints == std::vector<std::string>{"neck", "left_knee"});
  CHECK(some.measured == 6);
  const auto all = pk::mpjpe(prediction, truth, mpi_joints);
  CHECK(some.per_joint[1] == Approx(all.per_joint[mpi_joints.index("left_knee")]));
  CHECK(pk::pa_mpjpe(prediction, truth, mpi_joints).alignment == "similarity");
  double sum = 0;
  for (const double v : all.per_frame) sum += v / 3;
  CHECK(all.mean == Approx(sum));
  const auto groups = all.per_group();
  REQUIRE(groups.size() == 3);
  CHECK(groups[0].first == "leaf");  // head_top comes first
  CHECK(groups[2].second ==
        Approx((all.per_joint[3] + all.per_joint[6] + all.per_joint[9] + all.per_joint[12]) / 4));
  const auto actions = all.per_action({"walk", "sit", "walk"});
  CHECK(actions[0].second == Approx((all.per_frame[0] + all.per_frame[2]) / 2));
  CHECK(actions[1].first == "sit");
  CHECK_THROWS_AS(all.per_action({"walk"}), pk::ShapeError);
}

TEST_CASE("Perfect, mirrored and equal to the threshold", "[pose]") {
  const auto truth = random_tensor<double>({2, 17, 3}, 2, -500, 500);
  CHECK(pk::auc(truth, truth, mpi_joints).mean == Approx(30.0 / 31).epsilon(1e-15));
  CHECK(pk::pck(truth, truth, mpi_joints).mean == 1);
  CHECK(pk::pa_mpjpe(truth, truth, mpi_joints).mean < 1e-9);
  pk::Tensor<double> mirrored = truth;
  for (std::size_t i = 0; i < mirrored.size(); i += 3) mirrored.data()[i] *= -1;
  CHECK(pk::pa_mpjpe(mirrored, truth, mpi_joints).mean > 1);
  // 150 mm off is wrong, unless that is included.
  pk::Tensor<double> off = truth, origin = truth;
  origin.fill(0);
  off.fill(0);
  off(0, 0, 0) = 150;
  CHECK(pk::pck(off, origin, mpi_joints).per_joint[0] == 0.5);
  CHECK(pk::pck(off, origin, mpi_joints, {.inclusive = true}).per_joint[0] == 1);
}

TEST_CASE("PCKh is within half of 0.6 times the head's diagonal", "[pose]") {
  const auto& mpii = pk::skeletons::mpii_16;
  pk::Tensor<double> prediction = pk::zeros<double>({1, 16, 2}), truth = prediction;
  prediction(0, mpii.index("neck"), 0) = 30;      // exactly half the head
  prediction(0, mpii.index("head_top"), 0) = 31;  // more
  const auto result = pk::pckh(prediction, truth, mpii, {100.0});
  CHECK(result.joints.size() == 14);  // without pelvis and thorax
  CHECK(result.mean == Approx(13.0 / 14));
  CHECK_THROWS_WITH(pk::pckh(prediction, truth, mpii, {0.0}),
                    Catch::Contains("the size of frame 0 is 0"));
  CHECK_THROWS_AS(pk::pckh(prediction, truth, mpii, {1.0, 2.0}), pk::ShapeError);
}

TEST_CASE("Bones and sides are compared", "[pose]") {
  pk::Tensor<double> truth = random_tensor<double>({2, 17, 3}, 3, -500, 500);
  pk::Tensor<double> twice = truth;
  for (double& v : twice) v *= 2;
  const auto error = pk::bone_length_error(twice, truth, mpi_joints);
  CHECK(error.joints.size() == 16);
  const std::size_t wrist = mpi_joints.index("left_wrist"), elbow = mpi_joints.index("left_elbow");
  double length = 0;
  for (std::size_t a = 0; a < 3; ++a)
    length += std::pow(truth(1, wrist, a) - truth(1, elbow, a), 2);
  const auto at = static_cast<std::size_t>(
      std::find(error.joints.begin(), error.joints.end(), "left_wrist") - error.joints.begin());
  CHECK(error.values(1, at) == Approx(std::sqrt(length)));
  const auto sides = pk::symmetry_error(truth, mpi_joints);
  CHECK(sides.joints.size() == 6);
  const auto mirrored = pk::flip_poses(truth, mpi_joints);
  CHECK(pk::symmetry_error(mirrored, mpi_joints).mean == Approx(sides.mean));
}

TEST_CASE("Bones can be chosen, and similarity is a person's", "[pose]") {
  const auto truth = random_tensor<double>({2, 17, 3}, 3, -500, 500);
  CHECK(pk::bone_length_error(truth, truth, mpi_joints, {.joints = {"left_knee"}}).joints.size() ==
        1);
  CHECK_THROWS_AS(pk::symmetry_error(truth, mpi_joints, {.joints = {"tail"}}), pk::ValueError);
  // One joint of one person right, all of another wrong.
  const auto& coco = pk::skeletons::coco_17;
  pk::Tensor<double> prediction = pk::zeros<double>({2, 17, 2}), goal = prediction;
  for (std::size_t j = 0; j < 17; ++j) prediction(1, j, 0) = 1e6;
  std::vector<std::uint8_t> visible(34, 1);
  std::fill_n(visible.begin(), 16, std::uint8_t{0});
  const auto oks = pk::oks(prediction, goal, coco, {100, 100}, {.visible = visible});
  CHECK(oks.mean == Approx(0.5));
  CHECK_THROWS_AS(pk::oks(prediction, goal, coco, {-1, 100}), pk::ValueError);
}

TEST_CASE("Steps from one sequence to the next are not measured", "[pose]") {
  const auto prediction = random_tensor<double>({5, 17, 3}, 1),
             truth = random_tensor<double>({5, 17, 3}, 2);
  const auto result = pk::mpjve(prediction, truth, mpi_joints, {}, {0, 0, 0, 1, 1});
  CHECK(result.measured == 3 * 17);
  CHECK(result.unit == "mm/frame");
  CHECK(std::isnan(result.per_frame[2]));
}

TEST_CASE("Poses that do not fit are refused with both numbers", "[pose]") {
  const auto truth = pk::zeros<double>({2, 17, 3});
  CHECK_THROWS_WITH(pk::mpjpe(pk::zeros<double>({2, 16, 3}), truth, mpi_joints),
                    "mpjpe: prediction has 16 joints (shape [2, 16, 3]), the skeleton "
                    "mpi_inf_3dhp_17 has 17");
  CHECK_THROWS_WITH(pk::mpjpe(pk::zeros<double>({3, 17, 3}), truth, mpi_joints),
                    Catch::Contains("expected the same"));
  CHECK_THROWS_WITH(pk::mpjpe(truth, truth, pk::skeletons::coco_17),
                    Catch::Contains("coco_17 has no root to align at"));
  CHECK_THROWS_WITH(pk::mpjpe(truth, truth, mpi_joints, {.joints = {"tail"}}),
                    Catch::Contains("has no joint 'tail'"));
  CHECK_THROWS_WITH(pk::oks(in_plane(truth), in_plane(truth), mpi_joints, {1, 1}),
                    Catch::Contains("no published sigmas"));
  pk::Tensor<double> broken = truth;
  broken(1, 3, 2) = std::nan("");
  CHECK_THROWS_WITH(pk::pck(broken, truth, mpi_joints),
                    Catch::Contains("prediction of joint right_elbow in frame 1 is nan"));
  std::vector<std::uint8_t> visible(34, 1);
  visible[17 + 3] = 0;
  CHECK(pk::pck(broken, truth, mpi_joints, {.visible = visible}).mean == 1);
  visible[14] = 0;
  CHECK_THROWS_WITH(pk::mpjpe(truth, truth, mpi_joints, {.visible = visible}),
                    Catch::Contains("the root, pelvis, is not visible in frame 0"));
  CHECK(std::isnan(
      pk::mpjpe(pk::zeros<double>({0, 17, 3}), pk::zeros<double>({0, 17, 3}), mpi_joints).mean));
}
