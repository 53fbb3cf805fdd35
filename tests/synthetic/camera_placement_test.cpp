#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>

#include <posekit/synthetic/camera_placement.hpp>
#include <posekit/testing/random_tensor.hpp>

namespace pk = posekit;
using Catch::Matchers::Contains;
using pk::testing::random_tensor;

TEST_CASE("Cameras see the figure as large as they are told, whatever the picture's shape",
          "[data]") {
  for (std::uint64_t i = 0; i < 200; ++i) {
    pk::RandomStream random(1, i);
    const auto points = random_tensor<double>({9, 3}, i, -900, 900);
    const std::size_t width = 96, height = i % 2 == 0 ? 96 : 160;
    const pk::CameraPlacementOptions options{.padding = 0};
    const auto placed = pk::place_camera(points, width, height, random, options);
    const auto positions = placed.to_camera(points);
    const auto pixels = pk::project(positions, placed.camera);
    double left = 1e9, right = -1e9, top = 1e9, bottom = -1e9;
    for (std::size_t j = 0; j < 9; ++j) {
      left = std::min(left, pixels(j, 0));
      right = std::max(right, pixels(j, 0));
      top = std::min(top, pixels(j, 1));
      bottom = std::max(bottom, pixels(j, 1));
      REQUIRE(positions(j, 2) > 0);
    }
    const double fill = std::max((right - left) / static_cast<double>(width),
                                 (bottom - top) / static_cast<double>(height));
    REQUIRE(fill > 0.66);
    REQUIRE(fill < 0.94);
    REQUIRE((left > -3 && right < static_cast<double>(width) + 2));
    REQUIRE((top > -3 && bottom < static_cast<double>(height) + 2));
    REQUIRE(std::abs((left + right) / 2 - 47.5) < 0.06 * 96 + 2);
    // It is a camera that turned, without a mirror.
    REQUIRE((placed.rotation * placed.rotation.transpose() - Eigen::Matrix3d::Identity()).norm() <
            1e-12);
    REQUIRE(placed.rotation.determinant() == Approx(1));
    REQUIRE(placed.camera.fx == placed.camera.fy);
    REQUIRE(placed.camera.cx == 47.5);
  }
}

TEST_CASE("Distance, azimuth and elevation are what they are called", "[data]") {
  const pk::Tensor<double> points{{0, 900, 0}, {0, -900, 0}, {300, 0, 0}, {0, 0, 100}};
  pk::CameraPlacementOptions options{
      .distance = {4000, 4000}, .azimuth = {0, 0}, .elevation = {0, 0}, .roll = 0, .jitter = 0};
  const auto place = [&] {
    pk::RandomStream random(3);
    return pk::place_camera(points, 64, 64, random, options);
  };
  // From the front: up is up, and the left side is on the right.
  auto placed = place();
  auto seen = placed.to_camera(points);
  CHECK(seen(0, 1) < seen(1, 1));
  CHECK(seen(2, 0) > seen(0, 0) + 299);
  CHECK(seen(3, 2) == Approx(seen(0, 2) - 100));
  CHECK(seen(0, 2) == Approx(4050));
  options.azimuth = {90, 90};  // from the left
  seen = place().to_camera(points);
  CHECK(seen(2, 2) < seen(0, 2) - 299);
  options.azimuth = {0, 0};
  options.elevation = {40, 40};  // from above
  placed = place();
  seen = placed.to_camera(points);
  CHECK(seen(0, 2) < seen(1, 2) - 1000);
  CHECK(placed.position[1] > 2000);
  options.elevation = {0, 0};
  options.roll = 20;
  CHECK(std::abs(place().rotation(0, 1)) > 0.01);
  // Nothing is behind a camera that is too near.
  options.distance = {10, 10};
  seen = place().to_camera(points);
  for (std::size_t j = 0; j < 4; ++j) CHECK(seen(j, 2) > 0);
}

TEST_CASE("Placements that make no sense are refused", "[data]") {
  const auto points = random_tensor<double>({9, 3}, 1, -900, 900);
  const auto place = [&](const pk::CameraPlacementOptions& options) {
    pk::RandomStream random(1);
    return pk::place_camera(points, 64, 64, random, options);
  };
  CHECK_THROWS_AS(place({.distance = {0, 5}}), pk::ValueError);
  CHECK_THROWS_AS(place({.azimuth = {90, -90}}), pk::ValueError);
  CHECK_THROWS_AS(place({.elevation = {-90, 0}}), pk::ValueError);
  CHECK_THROWS_AS(place({.roll = -1}), pk::ValueError);
  CHECK_THROWS_AS(place({.jitter = std::nan("")}), pk::ValueError);
  CHECK_THROWS_AS(place({.padding = -1}), pk::ValueError);
  CHECK_THROWS_WITH(place({.fill = {0.9, 0.7}}),
                    Contains("fill is 0.9 to 0.7") && Contains("ascending"));
  pk::RandomStream random(1);
  CHECK_THROWS_AS(pk::place_camera(points, 0, 64, random), pk::ValueError);
  CHECK_THROWS_AS(pk::place_camera(pk::zeros<double>({9, 2}), 64, 64, random), pk::ShapeError);
  auto broken = points;
  broken(3, 1) = std::nan("");
  CHECK_THROWS_AS(pk::place_camera(broken, 64, 64, random), pk::ValueError);
}
