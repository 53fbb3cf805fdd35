#include <catch2/catch.hpp>

#include <cmath>
#include <limits>

#include <xtensor/xmanipulation.hpp>
#include <xtensor/xview.hpp>

#include <posekit/attribution/indices.hpp>
#include <posekit/attribution/kde.hpp>
#include <posekit/testing/random_tensor.hpp>

#include "support/attribution_golden.hpp"
#include "support/close.hpp"
#include "support/shared_data.hpp"

namespace pk = posekit;

namespace {}  // namespace

TEMPLATE_TEST_CASE("Indices equal numpy's", "[attribution]", float, double) {
  const double tolerance = sizeof(TestType) == 4 ? 1e-6 : 1e-12;
  const auto maps = attribution_golden<TestType>("maps");
  const auto mask = attribution_golden<std::uint8_t>("mask");
  for (const std::size_t mu : {0u, 2u, 5u}) {
    CHECK(identical(pk::dilate(mask, mu),
                    attribution_golden<std::uint8_t>("dilated_" + std::to_string(mu))));
    CHECK(relative_difference(pk::foreground_index(maps, mask, {.dilation = mu}),
                              attribution_golden<double>("fi_" + std::to_string(mu))) < tolerance);
  }
  CHECK(relative_difference(pk::locality_index(maps, attribution_golden<TestType>("points")),
                            attribution_golden<double>("li_2")) < tolerance);
  CHECK(relative_difference(
            pk::locality_index(maps, attribution_golden<TestType>("points"), {.sigma = 3.5}),
            attribution_golden<double>("li_3.5")) < tolerance);
  CHECK(relative_difference(pk::diffusion_index(maps), attribution_golden<double>("di")) <
        tolerance);
}

TEST_CASE("Even maps and single pixels have known indices", "[attribution]") {
  pk::Tensor<double> maps = pk::zeros<double>({2, 6, 9});
  for (std::size_t i = 0; i < 54; ++i) maps.flat(i) = 0.25;
  maps(1, 2, 3) = 7;
  pk::Tensor<std::uint8_t> mask = pk::zeros<std::uint8_t>({6, 9});
  mask(0, 0) = 1;
  const auto fi = pk::foreground_index(maps, mask, {.dilation = 1});
  CHECK(fi(0) == Approx(1));
  CHECK(fi(1) == 0.0);
  CHECK(pk::diffusion_index(maps)(0) == Approx(100));
  CHECK(pk::diffusion_index(maps)(1) == Approx(100.0 / 54));
  const auto li =
      pk::locality_index(maps, pk::Tensor<double>{{{3.0, 2.0}, {8.0, 5.0}, {1e5, -1e5}}});
  CHECK(pk::shape_of(li) == pk::Shape{2, 3});
  for (std::size_t k = 0; k < 3; ++k) CHECK(li(0, k) == Approx(1));  // also for a point far outside
  CHECK(li(1, 0) > li(1, 1));
  CHECK(std::isfinite(li(1, 2)));
  mask.fill(1);
  CHECK(pk::foreground_index(maps, mask)(1) == Approx(1));
}

TEST_CASE("Undefined indices are errors, or NaN where asked", "[attribution]") {
  pk::Tensor<float> maps = pk::zeros<float>({2, 4, 5});
  maps(0, 1, 1) = 1;
  const pk::Tensor<std::uint8_t> none = pk::zeros<std::uint8_t>({4, 5});
  pk::Tensor<std::uint8_t> some(none);
  some(1, 1) = 1;
  const pk::Tensor<float> points{{1.0f, 1.0f}};
  CHECK_THROWS_WITH(pk::diffusion_index(maps),
                    Catch::Contains("the map of joint 1 is 0 everywhere"));
  CHECK_THROWS_AS(pk::locality_index(maps, points), pk::ValueError);
  CHECK_THROWS_AS(pk::foreground_index(maps, some), pk::ValueError);
  CHECK(std::isnan(pk::diffusion_index(maps, {.empty = pk::EmptyMap::nan})(1)));
  CHECK(std::isnan(pk::locality_index(maps, points, {.empty = pk::EmptyMap::nan})(1, 0)));
  CHECK(std::isnan(pk::foreground_index(maps, some, {.empty = pk::EmptyMap::nan})(1)));
  CHECK(pk::diffusion_index(maps, {.empty = pk::EmptyMap::nan})(0) == Approx(5));
  CHECK_THROWS_WITH(pk::foreground_index(maps, none), Catch::Contains("mask is empty"));
  maps(1, 0, 0) = std::numeric_limits<float>::quiet_NaN();
  CHECK_THROWS_WITH(pk::diffusion_index(maps), Catch::Contains("joint 1 holds nan"));
  maps(1, 0, 0) = -1;
  CHECK_THROWS_WITH(pk::diffusion_index(maps), Catch::Contains("holds -1"));
  maps(1, 0, 0) = std::numeric_limits<float>::infinity();
  CHECK_THROWS_AS(pk::diffusion_index(maps, {.empty = pk::EmptyMap::nan}), pk::ValueError);
}

TEST_CASE("Wrong shapes are refused in words", "[attribution]") {
  const pk::Tensor<float> maps = pk::zeros<float>({2, 4, 5});
  CHECK_THROWS_WITH(pk::diffusion_index(pk::zeros<float>({4, 5})),
                    "diffusion_index: maps has shape [4, 5], expected rank 3 [J, H, W]");
  CHECK_THROWS_AS(pk::diffusion_index(pk::zeros<float>({1, 0, 5})), pk::ShapeError);
  CHECK_THROWS_AS(pk::foreground_index(maps, pk::zeros<float>({5, 4})), pk::ShapeError);
  CHECK_THROWS_WITH(pk::locality_index(maps, pk::zeros<float>({2, 3})),
                    "locality_index: points has shape [2, 3], expected [1, K, 2] or [K, 2]");
  CHECK_THROWS_AS(pk::locality_index(maps, pk::zeros<float>({2, 2, 2})), pk::ShapeError);
  CHECK_THROWS_AS(pk::locality_index(maps, pk::zeros<float>({2, 2}), {.sigma = 0}), pk::ValueError);
}

TEST_CASE("Points far away and maps too large have an answer or an error", "[attribution]") {
  pk::Tensor<double> maps = pk::zeros<double>({1, 3, 4});
  maps.fill(1.0);
  const auto li = [&](double x) {
    return pk::locality_index(maps, pk::Tensor<double>{{x, 1.0}})(0, 0);
  };
  CHECK(li(1e18) == Approx(1));  // an even map is even everywhere
  CHECK(li(1e200) == Approx(1));
  maps.fill(1e308);
  CHECK_THROWS_WITH(pk::diffusion_index(maps), Catch::Contains("sum is too large"));
  maps.fill(1.0);
  pk::Tensor<double> mask = maps;
  mask.reshape({3, 4});
  mask(1, 1) = std::numeric_limits<double>::quiet_NaN();
  CHECK_THROWS_AS(pk::foreground_index(maps, mask), pk::ValueError);
}

TEST_CASE("Options of indices that are no numbers are refused", "[attribution]") {
  const pk::Tensor<double> maps = pk::zeros<double>({1, 9, 9}) + 1.0;
  const auto points = pk::tensor_from<double>({1, 2}, std::vector<double>{3.5, 4});
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double infinity = std::numeric_limits<double>::infinity();
  for (const double bad : {nan, infinity, 0.0, -1.0, 1e-200}) {
    CHECK_THROWS_AS(pk::locality_index(maps, points, {.sigma = bad}), pk::ValueError);
  }
  for (const double bad : {nan, infinity})
    CHECK_THROWS_AS(pk::diffusion_index(maps, {.scale = bad}), pk::ValueError);
  CHECK(std::isfinite(pk::locality_index(maps, points, {.sigma = 1e-6})(0, 0)));
}

TEST_CASE("Indices are measured of views as of tensors", "[attribution]") {
  const auto all = pk::testing::random_tensor<double>({2, 3, 7, 5}, 11, 0, 1);
  const auto view = xt::view(all, 1);
  const pk::Tensor<double> maps = view;
  pk::Tensor<int> mask = pk::zeros<int>({7, 5});
  mask(3, 2) = 1;
  const pk::Tensor<double> points{{1.5, 2}, {4, 6}};
  CHECK(identical(pk::foreground_index(view, mask), pk::foreground_index(maps, mask)));
  CHECK(identical(pk::locality_index(view, points), pk::locality_index(maps, points)));
  CHECK(identical(pk::diffusion_index(view), pk::diffusion_index(maps)));
  CHECK(identical(pk::kde_maps(view), pk::kde_maps(maps)));
  const pk::Tensor<double> flipped = xt::flip(maps, 2);
  CHECK(identical(pk::diffusion_index(xt::flip(maps, 2)), pk::diffusion_index(flipped)));
}
