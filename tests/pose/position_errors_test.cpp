#include <catch2/catch.hpp>

#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include <posekit/pose/position_errors.hpp>
#include <posekit/testing/random_tensor.hpp>

#include "support/pose_case.hpp"

namespace pk = posekit;
using pk::testing::random_tensor;

TEST_CASE("Position errors equal numpy's and scipy's, degenerate poses included", "[pose]") {
  const auto prediction = pose_golden("prediction"), truth = pose_golden("truth");
  const auto visible = pose_golden_visible();
  const pk::PoseMetricOptions options{.visible = visible};
  check_same(pk::mpjpe(prediction, truth, mpi_joints, options).values, pose_golden("mpjpe"));
  check_same(pk::n_mpjpe(prediction, truth, mpi_joints, options).values, pose_golden("n_mpjpe"));
  check_same(pk::pa_mpjpe(prediction, truth, mpi_joints, options).values, pose_golden("pa_mpjpe"));
  check_same(pk::position_error(prediction, truth, mpi_joints,
                                {.alignment = pk::Alignment::rigid, .common = options})
                 .values,
             pose_golden("rigid"));
  const auto flat = in_plane(prediction), flat_truth = in_plane(truth);
  const auto epe = pk::epe(flat, flat_truth, mpi_joints, options);
  check_same(epe.values, pose_golden("epe_2d"));
  CHECK(epe.unit == "px");
  check_same(pk::pa_mpjpe(flat, flat_truth, mpi_joints, options).values,
             pose_golden("similarity_2d"));
}

TEST_CASE("A mirrored pose stays wrong, whatever it is turned by", "[pose]") {
  const auto truth = random_tensor<double>({2, 17, 3}, 2, -500, 500);
  CHECK(pk::pa_mpjpe(truth, truth, mpi_joints).mean < 1e-9);
  pk::Tensor<double> mirrored = truth;
  for (std::size_t i = 0; i < mirrored.size(); i += 3) mirrored.data()[i] *= -1;
  CHECK(pk::pa_mpjpe(mirrored, truth, mpi_joints).mean > 1);
}

TEMPLATE_TEST_CASE("A frame without a root is not measured, the others are", "[pose]", float,
                   double) {
  const std::size_t root = mpi_joints.index("pelvis");
  const auto prediction = random_tensor<TestType>({3, 17, 3}, 1, -500, 500),
             truth = random_tensor<TestType>({3, 17, 3}, 2, -500, 500);
  pk::Tensor<TestType> partly = truth;
  for (std::size_t a = 0; a < 3; ++a) {
    partly(1, root, a) = std::numeric_limits<TestType>::quiet_NaN();
  }
  std::vector<std::uint8_t> visible(3 * 17, 1);
  visible[17 + root] = 0;
  for (const auto alignment : {pk::Alignment::root, pk::Alignment::scale}) {
    const auto all = pk::position_error(prediction, truth, mpi_joints, {.alignment = alignment});
    const auto some = pk::position_error(prediction, partly, mpi_joints,
                                         {.alignment = alignment, .common = {.visible = visible}});
    CHECK(some.status == std::vector{pk::AlignmentStatus::unique, pk::AlignmentStatus::rootless,
                                     pk::AlignmentStatus::unique});
    CHECK(some.measured == 2 * 17);
    CHECK(some.mean == Approx((all.per_frame[0] + all.per_frame[2]) / 2));
    for (std::size_t j = 0; j < 17; ++j) {
      CHECK(some.values(0, j) == all.values(0, j));
      CHECK(std::isnan(some.values(1, j)));
    }
  }
  // Nothing that goes without a root misses it.
  const auto fitted = pk::pa_mpjpe(prediction, partly, mpi_joints, {.visible = visible});
  CHECK(fitted.measured == 3 * 17 - 1);
  CHECK(fitted.status[1] == pk::AlignmentStatus::unique);
  // Another root may be visible.
  CHECK(pk::mpjpe(prediction, partly, mpi_joints, {.root = "neck", .visible = visible}).measured ==
        3 * 17 - 1);
  CHECK_THROWS_WITH(pk::mpjpe(prediction, truth, mpi_joints, {.root = "tail"}),
                    Catch::Contains("has no joint 'tail'"));
  CHECK_THROWS_WITH(pk::mpjpe(prediction, partly, mpi_joints),
                    Catch::Contains("truth of joint pelvis in frame 1 is nan"));
  const std::vector<std::uint8_t> nobody(3 * 17, 0);
  const auto nothing = pk::mpjpe(prediction, truth, mpi_joints, {.visible = nobody});
  CHECK(nothing.measured == 0);
  CHECK(std::isnan(nothing.mean));
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
  pk::Tensor<double> broken = truth;
  broken(1, 3, 2) = std::nan("");
  CHECK_THROWS_WITH(pk::mpjpe(broken, truth, mpi_joints),
                    Catch::Contains("prediction of joint right_elbow in frame 1 is nan"));
  std::vector<std::uint8_t> visible(34, 1);
  visible[17 + 3] = 0;
  CHECK(pk::mpjpe(broken, truth, mpi_joints, {.visible = visible}).mean == 0);
  CHECK(std::isnan(
      pk::mpjpe(pk::zeros<double>({0, 17, 3}), pk::zeros<double>({0, 17, 3}), mpi_joints).mean));
}

TEST_CASE("Position errors do not depend on the number of threads", "[pose]") {
  const auto prediction = random_tensor<float>({600, 17, 3}, 1),
             truth = random_tensor<float>({600, 17, 3}, 2);
  for (const auto alignment : {pk::Alignment::none, pk::Alignment::similarity}) {
    const auto measured = [&](int threads) {
      return pk::position_error(prediction, truth, mpi_joints,
                                {.alignment = alignment, .common = {.threads = threads}})
          .values;
    };
    CHECK((measured(1) == measured(3)));
  }
}
