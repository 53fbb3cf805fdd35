#include <catch2/catch.hpp>

#include <limits>

#include <posekit/attribution/attention.hpp>
#include <posekit/testing/random_tensor.hpp>

namespace pk = posekit;

TEST_CASE("Shares of the circles, of overlaps twice, and of what is outside", "[attribution]") {
  pk::Tensor<double> maps = pk::zeros<double>({2, 20, 30});
  maps(0, 5, 5) = 3;    // in circle 0
  maps(0, 5, 11) = 2;   // in both
  maps(0, 19, 29) = 5;  // in none
  maps.flat(600 + 7) = 1;
  const pk::Tensor<double> points{
      {8.0, 5.0}, {12.0, 5.0}, {std::numeric_limits<double>::quiet_NaN(), 1.0}};
  const auto shares = pk::attention_shares(maps, points, {.radius = 3});
  CHECK(shares.background(0) == Approx(0.5));
  CHECK(shares.joints(0, 0) == Approx(0.5));
  CHECK(shares.joints(0, 1) == Approx(0.2));
  CHECK(shares.joints(0, 2) == 0);
  CHECK(shares.background(1) == 1);
}

TEST_CASE("Attention of nothing, or that is no magnitude, is refused", "[attribution]") {
  const auto maps = pk::zeros<double>({1, 4, 4});
  const auto points = pk::zeros<double>({1, 2});
  CHECK_THROWS_AS(pk::attention_shares(maps, points), pk::ValueError);
  CHECK(std::isnan(pk::attention_shares(maps, points, {.empty = pk::EmptyMap::nan}).background(0)));
  CHECK_THROWS_AS(pk::attention_shares(maps, pk::zeros<double>({1, 3})), pk::ShapeError);
  pk::Tensor<double> negative = maps;
  negative(0, 1, 1) = -1;
  CHECK_THROWS_AS(pk::attention_shares(negative, points), pk::ValueError);
  CHECK_THROWS_AS(pk::attention_shares(negative, points, {.radius = 0}), pk::ValueError);
}
