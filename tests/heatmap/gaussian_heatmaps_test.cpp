#include <catch2/catch.hpp>

#include <cmath>
#include <limits>

#include <posekit/heatmap/expectation.hpp>
#include <posekit/heatmap/gaussian_heatmaps.hpp>
#include <posekit/testing/gradient_check.hpp>

#include "support/heatmap_case.hpp"

namespace pk = posekit;
using pk::Coordinates;
using pk::testing::random_tensor;

TEST_CASE("Gaussians and their gradients equal PyTorch's", "[heatmap]") {
  const std::pair<std::string, pk::Shape> sizes[] = {
      {"1d", {19}}, {"2d", {6, 21}}, {"3d", {3, 4, 17}}};
  for (const auto& [rank, size] : sizes) {
    check_heatmap_case(
        "gaussian_" + rank, 1,
        [&, extents = size](const auto& v) {
          return pk::gaussian_heatmaps(v[0], extents, {.sigma = 1.3});
        },
        5e-6);
    const std::vector<double> sigmas =
        rank == "3d" ? std::vector<double>{1.0, 2.5} : std::vector<double>{1.0, 2.5, 1.7};
    check_heatmap_case(
        "gaussian_peak_" + rank, 1,
        [&, extents = size](const auto& v) {
          return pk::gaussian_heatmaps(v[0], extents,
                                       {.joint_sigmas = sigmas, .normalised = false});
        },
        5e-6);
  }
}

TEST_CASE("Means far outside the map still give a distribution", "[heatmap]") {
  for (const double mean : {-50.0, 3.0, 1e4, 1e9, 1e300}) {
    const pk::Tensor<double> means =
        pk::tensor_from<double>({1, 1, 2}, std::vector<double>{mean, 0.1});
    const auto maps = pk::gaussian_heatmaps(means, {8, 9}, {.sigma = 1.0});
    double sum = 0;
    for (const double v : maps) sum += v;
    CHECK(sum == Approx(1));
    // At the rim next to the mean.
    CHECK(pk::expectation(maps, {.coordinates = Coordinates::pixel})(0, 0, 0) ==
          Approx(mean < 0 ? 0 : 8).margin(0.3));
  }
  pk::Tape<float> tape;
  const auto means =
      tape.variable(pk::tensor_from<float>({1, 1, 2}, std::vector<float>{1e6f, -1e6f}));
  const auto maps = pk::gaussian_heatmaps(means, {8, 9});
  tape.backward(maps, random_tensor<float>(maps.shape(), 1));
  for (const float g : means.grad()) CHECK(std::isfinite(g));
}

TEST_CASE("Impossible Gaussians are refused in words", "[heatmap]") {
  const auto means = pk::zeros<double>({1, 2, 2});
  CHECK_THROWS_WITH(pk::gaussian_heatmaps(means, {8, 9}, {.sigma = 0}),
                    "gaussian_heatmaps: sigma is 0, expected a number from 1e-06 to 1e+12");
  auto far = means;
  far(0, 1, 0) = std::numeric_limits<double>::infinity();
  CHECK_THROWS_WITH(pk::gaussian_heatmaps(far, {8, 9}),
                    Catch::Contains("gaussian_heatmaps: element 2 of means is inf"));
  pk::Tape<double> tape;
  CHECK_THROWS_AS(pk::gaussian_heatmaps(tape.variable(far), {8, 9}), pk::ValueError);
  // What is not known makes its own map NaN.
  far(0, 1, 0) = std::numeric_limits<double>::quiet_NaN();
  const auto maps = pk::gaussian_heatmaps(far, {8, 9});
  CHECK(std::isfinite(maps(0, 0, 3, 3)));
  CHECK(std::isnan(maps(0, 1, 3, 3)));
  CHECK_THROWS_WITH(pk::gaussian_heatmaps(means, {8}),
                    Catch::Contains("means has shape [1, 2, 2] and size is [8]"));
  CHECK_THROWS_WITH(pk::gaussian_heatmaps(means, {8, 9}, {.joint_sigmas = {1.0}}),
                    Catch::Contains("there are 1 sigmas, expected one for each of 2 joints"));
  CHECK_THROWS_AS(pk::gaussian_heatmaps(means, {0, 9}), pk::ShapeError);
}
