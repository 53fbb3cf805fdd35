#include <catch2/catch.hpp>

#include <cmath>
#include <limits>

#include <posekit/heatmap/decoders.hpp>
#include <posekit/heatmap/gaussian_heatmaps.hpp>
#include <posekit/testing/gradient_check.hpp>

#include "support/heatmap_case.hpp"

namespace pk = posekit;
using pk::Coordinates;
using pk::testing::random_tensor;

TEST_CASE("Decoders find a blob, each as finely as it can", "[heatmap]") {
  const double cx = 20.3, cy = 11.6;
  const auto mean = pk::tensor_from<double>({1, 1, 2}, std::vector<double>{cx, cy});
  const auto maps = pk::gaussian_heatmaps(
      mean, {48, 64}, {.sigma = 2.0, .coordinates = Coordinates::pixel, .normalised = false});
  const auto peak = pk::hard_argmax(maps, {.coordinates = Coordinates::pixel});
  CHECK(peak(0, 0, 0) == 20);
  CHECK(peak(0, 0, 1) == 12);
  const auto quarter = pk::quarter_offset_argmax(maps, {.coordinates = Coordinates::pixel});
  CHECK(quarter(0, 0, 0) == 20.25);
  CHECK(quarter(0, 0, 1) == 11.75);
  const auto dark = pk::dark_argmax(maps, {.coordinates = Coordinates::pixel});
  CHECK(dark(0, 0, 0) == Approx(cx).margin(0.01));
  CHECK(dark(0, 0, 1) == Approx(cy).margin(0.01));
}

TEST_CASE("Rims, single pixels, ties and NaN have an answer", "[heatmap]") {
  pk::Tensor<float> map = pk::zeros<float>({1, 1, 3, 4});
  CHECK(pk::hard_argmax(map, {.coordinates = Coordinates::pixel})(0, 0, 0) ==
        0);  // the first of equals
  map(0, 0, 0, 3) = 1;
  map(0, 0, 1, 3) = 0.5f;
  CHECK(pk::quarter_offset_argmax(map, {.coordinates = Coordinates::pixel})(0, 0, 0) == 3);
  CHECK(pk::quarter_offset_argmax(map, {.coordinates = Coordinates::pixel})(0, 0, 1) == 0);
  CHECK(pk::dark_argmax(map, {.coordinates = Coordinates::pixel})(0, 0, 0) == 3);
  map(0, 0, 0, 0) = std::numeric_limits<float>::quiet_NaN();
  CHECK(pk::hard_argmax(map, {.coordinates = Coordinates::pixel})(0, 0, 0) == 3);
  CHECK(pk::quarter_offset_argmax(pk::zeros<float>({1, 1, 1}), {.coordinates = Coordinates::pixel})(
            0, 0, 0) == 0);
  CHECK(pk::hard_argmax(pk::zeros<float>({1, 1, 2, 3, 4}), {.coordinates = Coordinates::pixel})
            .shape()[2] == 3);
  CHECK_THROWS_AS(pk::dark_argmax(pk::zeros<float>({1, 1, 4})), pk::ShapeError);
}

TEST_CASE("Sharpening keeps sums and raises peaks", "[heatmap]") {
  const auto p = pk::tensor_from<double>({1, 1, 3}, std::vector<double>{0.2, 0.5, 0.3});
  const auto s = pk::sharpen(p, 2.0);
  CHECK(s(0, 0, 1) == Approx(0.25 / 0.38));
  CHECK(pk::sharpen(p, 1e5)(0, 0, 1) == Approx(1));
  CHECK(pk::sharpen(pk::zeros<double>({1, 1, 3}), 2.0)(0, 0, 1) == 0);
  CHECK_THROWS_AS(pk::sharpen(p, 0.0), pk::ValueError);
  CHECK_THROWS_AS(pk::sharpen(pk::tensor_from<double>({1, 1, 1}, std::vector<double>{-1.0}), 2.0),
                  pk::ValueError);
}
