#include <catch2/catch.hpp>

#include <cmath>
#include <cstdint>
#include <vector>

#include <posekit/pose/fit_alignment.hpp>
#include <posekit/testing/random_tensor.hpp>

namespace pk = posekit;
using pk::Alignment;
using pk::testing::random_tensor;

TEMPLATE_TEST_CASE("A fit is the transform that was undone", "[pose]", float, double) {
  const auto truth = random_tensor<TestType>({4, 7, 3}, 1, -100, 100);
  pk::Tensor<TestType> moved = truth;
  for (std::size_t i = 0; i < moved.size(); i += 3) {
    // A quarter turn about z, 0.3 times as large.
    moved.data()[i] = TestType(-0.3) * truth.data()[i + 1] + 30;
    moved.data()[i + 1] = TestType(0.3) * truth.data()[i];
    moved.data()[i + 2] = TestType(0.3) * truth.data()[i + 2] - 7;
  }
  const auto fits = pk::fit_alignment(moved, truth);
  REQUIRE(fits.size() == 4);
  CHECK(fits[3].scale == Approx(1 / 0.3));
  CHECK(fits[3].rotation.determinant() == Approx(1));
  CHECK(fits[3].rotation(0, 1) == Approx(1));
  CHECK(fits[3].translation()[1] == Approx(30 / 0.3).epsilon(1e-4));
  CHECK(fits[3].status == pk::AlignmentStatus::unique);
  CHECK(pk::fit_alignment(moved, truth, {.alignment = Alignment::rigid})[3].scale == 1);
}

TEMPLATE_TEST_CASE("The fit of a frame without a root says so", "[pose]", float, double) {
  const auto truth = random_tensor<TestType>({2, 5, 2}, 1);
  std::vector<std::uint8_t> visible(10, 1);
  visible[1] = 0;
  for (const auto alignment : {Alignment::root, Alignment::scale}) {
    const auto fits =
        pk::fit_alignment(truth, truth, {.alignment = alignment, .root = 1, .visible = visible});
    CHECK(fits[0].status == pk::AlignmentStatus::rootless);
    CHECK(std::isnan(fits[0].centre[0]));
    CHECK(fits[1].status == pk::AlignmentStatus::unique);
    CHECK(std::isfinite(fits[1].centre[0]));
  }
  CHECK_THROWS_AS(pk::fit_alignment(truth, truth, {.alignment = Alignment::root, .root = 5}),
                  pk::ValueError);
}
