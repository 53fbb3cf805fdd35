#include <catch2/catch.hpp>

#include <cmath>
#include <limits>

#include <posekit/heatmap/gaussian_heatmaps.hpp>
#include <posekit/heatmap/statistics.hpp>
#include <posekit/testing/gradient_check.hpp>

#include "support/heatmap_case.hpp"

namespace pk = posekit;
using pk::Coordinates;
using pk::testing::random_tensor;

TEST_CASE("Statistics of a Gaussian are its own", "[heatmap]") {
  const auto mean = pk::tensor_from<double>({1, 1, 2}, std::vector<double>{20.3, 15.6});
  auto maps =
      pk::gaussian_heatmaps(mean, {40, 48}, {.sigma = 2.5, .coordinates = Coordinates::pixel});
  for (auto& v : maps) v *= 3;
  const auto s = pk::heatmap_statistics(maps);
  CHECK(s.mass(0, 0) == Approx(3));
  CHECK(s.peak(0, 0) == Approx(maps(0, 0, 16, 20)));
  CHECK(s.peak_position(0, 0, 0) == 20);
  CHECK(s.peak_position(0, 0, 1) == 16);
  CHECK(s.mean(0, 0, 0) == Approx(20.3));
  CHECK(s.mean(0, 0, 1) == Approx(15.6));
  CHECK(s.covariance(0, 0, 0, 0) == Approx(6.25).epsilon(1e-6));
  CHECK(s.covariance(0, 0, 1, 1) == Approx(6.25).epsilon(1e-6));
  CHECK(std::abs(s.covariance(0, 0, 0, 1)) < 1e-9);
  CHECK(s.entropy(0, 0) == Approx(1 + std::log(2 * 3.14159265358979 * 6.25)).epsilon(1e-6));
}

TEST_CASE("Even maps and single pixels have the extreme entropies", "[heatmap]") {
  pk::Tensor<float> maps = pk::zeros<float>({1, 2, 5, 7});
  for (std::size_t i = 0; i < 35; ++i) maps.flat(i) = 2;
  maps(0, 1, 3, 4) = 9;
  const auto s = pk::heatmap_statistics(maps);
  CHECK(s.entropy(0, 0) == Approx(std::log(35.0)).epsilon(1e-6));
  CHECK(s.entropy(0, 1) == Approx(0).margin(1e-5));
  CHECK(s.covariance(0, 1, 0, 0) == Approx(0).margin(1e-6));
}
