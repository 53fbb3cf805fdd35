#include <catch2/catch.hpp>

#include <cmath>
#include <limits>

#include <xtensor/xview.hpp>

#include <posekit/attribution/kde.hpp>

#include "support/attribution_golden.hpp"
#include "support/close.hpp"
#include "support/shared_data.hpp"

namespace pk = posekit;

namespace {

/// The largest relative difference at a pixel, where the reference is a normal number.
double pixelwise(const pk::Tensor<double>& a, const pk::Tensor<double>& b) {
  double worst = 0;
  for (std::size_t i = 0; i < b.size(); ++i) {
    if (b.flat(i) > 1e-290) worst = std::max(worst, std::abs(a.flat(i) / b.flat(i) - 1));
  }
  return worst;
}

}  // namespace

TEST_CASE("Densities equal scipy.stats.gaussian_kde at every pixel", "[attribution]") {
  const auto maps = attribution_golden<double>("maps");
  const auto expected = attribution_golden<double>("kde");
  const auto densities = pk::kde_maps(maps);
  CHECK(pixelwise(densities, expected) < 1e-7);
  CHECK(relative_difference(pk::kde_maps(pk::cast<float>(maps)), expected) < 1e-5);
  CHECK(identical(pk::kde_maps(maps, {.threads = 3}), pk::kde_maps(maps, {.threads = 1})));
  CHECK(identical(pk::kde_map(xt::view(maps, 1)), pk::Tensor<double>(xt::view(densities, 1))));
  // Far from the mass scipy's own exponents lose digits.
  CHECK(pixelwise(pk::kde_map(attribution_golden<double>("kde_far_map")),
                  attribution_golden<double>("kde_far")) < 1e-6);
}

TEST_CASE("A density has mass 1 and does not care for the map's scale", "[attribution]") {
  pk::Tensor<double> map = pk::zeros<double>({60, 60});
  map(30, 28) = 2;
  map(29, 31) = 1;
  map(33, 30) = 1;
  const auto density = pk::kde_map(map);
  double mass = 0;
  for (const double v : density) mass += v;
  CHECK(mass == Approx(1).epsilon(1e-3));
  CHECK(relative_difference(pk::kde_map(pk::Tensor<double>(1e-12 * map)), density) < 1e-10);
}

TEST_CASE("Maps without a density say why", "[attribution]") {
  pk::Tensor<float> map = pk::zeros<float>({5, 6});
  CHECK_THROWS_WITH(pk::kde_map(map), Catch::Contains("0 everywhere"));
  map(2, 3) = 1;
  CHECK_THROWS_WITH(pk::kde_map(map), Catch::Contains("one line or pixel"));
  map(2, 1) = 1;
  CHECK_THROWS_WITH(pk::kde_map(map), Catch::Contains("one line or pixel"));
  map(4, 5) = std::numeric_limits<float>::quiet_NaN();
  CHECK_THROWS_WITH(pk::kde_map(map), Catch::Contains("map[4, 5] is nan"));
  map(4, 5) = -2;
  CHECK_THROWS_AS(pk::kde_map(map), pk::ValueError);
  CHECK_THROWS_AS(pk::kde_map(pk::zeros<float>({5})), pk::ShapeError);
}
