#include <catch2/catch.hpp>

#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <utility>
#include <vector>

#include <posekit/core/linear_algebra.hpp>
#include <posekit/core/tensor.hpp>
#include <posekit/kernels/principal_axes.hpp>
#include <posekit/simd/batch.hpp>
#include <posekit/testing/random_tensor.hpp>

namespace pk = posekit;
using pk::testing::random_tensor;

namespace {

using Arch = pk::simd::DefaultArch;
using Batch = pk::simd::Batch<double, Arch>;
constexpr std::size_t lanes = pk::simd::lanes<double, Arch>;
constexpr std::size_t count = 4;
using Points = std::array<pk::kernels::Point<Arch>, count>;

/// Points [lanes, count, 3], a lane for each set.
Points points_of(const pk::Tensor<double>& sets) {
  Points result;
  for (std::size_t i = 0; i < count; ++i) {
    for (std::size_t a = 0; a < 3; ++a) {
      std::array<double, lanes> values{};
      for (std::size_t lane = 0; lane < lanes; ++lane) values[lane] = sets(lane, i, a);
      result[i][a] = pk::simd::load<double, Arch>(values.data());
    }
  }
  return result;
}

double lane_of(const Batch& batch, std::size_t lane) {
  std::array<double, lanes> values{};
  pk::simd::store<double, Arch>(values.data(), batch);
  return values[lane];
}

}  // namespace

TEST_CASE("Centred points are where they were", "[kernels]") {
  auto sets = random_tensor<double>({lanes, count, 3}, 1, -7, 7);
  for (std::size_t i = 0; i < count * 3; ++i) sets.data()[i] *= 1e-5;
  const auto centred = pk::kernels::centre_points<count, Arch>(points_of(sets));
  for (std::size_t lane = 0; lane < lanes; ++lane) {
    double largest = 0, reach = 0;
    for (std::size_t a = 0; a < 3; ++a) {
      const double centre = lane_of(centred.centre[a], lane), size = lane_of(centred.size, lane);
      double mean = 0;
      for (std::size_t i = 0; i < count; ++i) {
        const double offset = lane_of(centred.offsets[i][a], lane);
        CHECK(centre + size * offset == Approx(sets(lane, i, a)).epsilon(1e-14));
        mean += sets(lane, i, a) / count;
        largest = std::fmax(largest, std::abs(offset));
        reach = std::fmax(reach, std::abs(sets(lane, i, a)));
      }
      CHECK(centre == Approx(mean).epsilon(1e-13));
    }
    CHECK(largest == Approx(1).epsilon(1e-15));
    CHECK(lane_of(centred.reach, lane) == reach);
  }
}

TEST_CASE("Principal axes are Eigen's", "[kernels]") {
  // Four points are as good as the three that are left of them by a reflection: here the last is 0.
  auto sets = random_tensor<double>({lanes, count, 3}, 2);
  for (std::size_t lane = 0; lane < lanes; ++lane) {
    for (std::size_t a = 0; a < 3; ++a) {
      sets(lane, 3, a) = 0;
      if (lane % 2 == 1) sets(lane, 1, a) *= 1e-9;  // nearly a plane
    }
  }
  const auto points = points_of(sets);
  // Beside others of which some are nothing at all, a lane is the same.
  auto odd = random_tensor<double>({lanes, count, 3}, 3);
  for (std::size_t i = 0; i < count * 3; ++i) odd.data()[i] = 0;
  odd(lanes - 1, 2, 1) = std::numeric_limits<double>::quiet_NaN();
  const auto alone = pk::kernels::principal_axes<count, Arch, 1>({points});
  const auto both = pk::kernels::principal_axes<count, Arch, 2>({points_of(odd), points});
  const auto twice = pk::kernels::principal_axes<count, Arch, 2>({points, points});
  for (std::size_t lane = 0; lane < lanes; ++lane) {
    Eigen::Matrix3d matrix;
    for (int i = 0; i < 3; ++i) {
      for (int a = 0; a < 3; ++a) {
        matrix(i, a) = sets(lane, static_cast<std::size_t>(i), static_cast<std::size_t>(a));
      }
    }
    const auto expected = pk::singular_values(matrix);
    for (std::size_t k = 0; k < 3; ++k) {
      const auto column = static_cast<Eigen::Index>(k);
      CHECK(lane_of(alone[0].singular[k], lane) ==
            Approx(expected.values[column]).epsilon(lane % 2 == 1 && k == 2 ? 1e-6 : 1e-13));
      CHECK(lane_of(both[1].singular[k], lane) == lane_of(twice[1].singular[k], lane));
      double cosine = 0;
      for (std::size_t a = 0; a < 3; ++a) {
        cosine +=
            lane_of(alone[0].axes[k][a], lane) * expected.v(static_cast<Eigen::Index>(a), column);
        CHECK(lane_of(both[1].axes[k][a], lane) == lane_of(twice[1].axes[k][a], lane));
        // Another number of sets is other code, in which multiply-adds may be fused otherwise.
        CHECK(lane_of(both[1].axes[k][a], lane) ==
              Approx(lane_of(alone[0].axes[k][a], lane)).margin(1e-14));
      }
      CHECK(std::abs(cosine) == Approx(1).epsilon(1e-13));
    }
  }
  CHECK((lanes == 1 || lane_of(both[0].singular[0], 0) == 0));
  CHECK(std::isnan(lane_of(both[0].singular[0], lanes - 1)));
}

TEST_CASE("Points that are nowhere, and far away", "[kernels]") {
  auto sets = random_tensor<double>({lanes, count, 3}, 4, -1, 1);
  for (double& x : sets) x *= 1.7e308;
  const auto huge = pk::kernels::centre_points<count, Arch>(points_of(sets));
  for (std::size_t i = 0; i < count; ++i) {
    for (std::size_t a = 0; a < 3; ++a) {
      for (std::size_t lane = 0; lane < lanes; ++lane) {
        CHECK(std::abs(lane_of(huge.offsets[i][a], lane)) <= 1);
        CHECK(std::isfinite(lane_of(huge.centre[a], lane)));
      }
    }
  }
  sets.fill(3);
  sets(lanes - 1, 0, 2) = std::numeric_limits<double>::infinity();
  const auto odd = pk::kernels::centre_points<count, Arch>(points_of(sets));
  for (std::size_t a = 0; a < 3; ++a) {
    CHECK(std::isnan(lane_of(odd.centre[a], lanes - 1)));
    CHECK(std::isnan(lane_of(odd.offsets[1][a], lanes - 1)));
    CHECK((lanes == 1 || lane_of(odd.centre[a], 0) == 3));
    CHECK((lanes == 1 || lane_of(odd.offsets[1][a], 0) == 0));
  }
}
