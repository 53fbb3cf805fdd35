#include <catch2/catch.hpp>

#include <cmath>

#include <posekit/models/prediction.hpp>

#include "support/blob_network.hpp"

namespace pk = posekit;

TEMPLATE_TEST_CASE("A pose comes back in photo pixels, from one pass", "[models]", float, double) {
  using T = TestType;
  const auto photo = blobs::picture<T>(90, 120, {{{30, 40}, {60, 20}, {50, 70}}});
  const blobs::Brightest<T> model;
  const auto network = blobs::network<T>(64, model);
  const auto pose = pk::predict(network, photo, {20, 10, 50, 70});
  CHECK(model.calls->load() == 1);
  CHECK(pk::shape_of(pose.positions) == pk::Shape{3, 2});
  const double expected[3][2] = {{30, 40}, {60, 20}, {50, 70}};
  for (std::size_t j = 0; j < 3; ++j) {
    for (std::size_t d = 0; d < 2; ++d)
      CHECK(std::abs(static_cast<double>(pose.positions(j, d)) - expected[j][d]) < 0.7);
    CHECK(pose.confidence(j) > T(0.5));
  }
  REQUIRE(pose.heatmaps.has_value());
  CHECK(pk::shape_of(*pose.heatmaps) == pk::Shape{3, 64, 64});
  // The margin: a square of 1.25 times the longer side.
  CHECK(pose.crop.scale() == Approx(70 * 1.25 / 64));
  CHECK(pk::network_crop(network, {20, 10, 50, 70}, {.margin = 1.0}).scale() == Approx(70 / 64.0));
}

TEST_CASE("An image is taken as it is", "[models]") {
  const auto image = blobs::picture<double>(32, 32, {{{8, 9}, {20, 21}, {15, 5}}});
  const auto pose = pk::predict(blobs::network<double>(32), image);
  CHECK(pose.positions(1, 0) == Approx(20));
  CHECK(pose.positions(1, 1) == Approx(21));
  CHECK(pose.crop.scale() == 1);
  CHECK_THROWS_AS(pk::predict(blobs::network<double>(64), image), pk::ShapeError);
  CHECK_THROWS_AS(pk::predict(blobs::network<double>(32), pk::zeros<double>({32, 32})),
                  pk::ShapeError);
}

TEST_CASE("Depths are photo pixels too, and a network may not say how sure it is", "[models]") {
  const auto deep = [](const pk::Var<float>& x) {
    pk::Tensor<float> at = pk::zeros<float>({x.shape()[0], 3, 3});
    at.fill(8);
    return x.tape().constant(std::move(at));
  };
  const pk::PoseNetwork<float> network(
      {.name = "deep", .skeleton = &blobs::skeleton, .input = {.size = 32}}, deep);
  const auto pose =
      pk::predict(network, pk::zeros<float>({3, 90, 120}), {10, 20, 64, 64}, {.margin = 1.0});
  CHECK(pose.positions(2, 2) == Approx(16));
  CHECK(pose.positions(2, 0) == Approx(10 + 17 - 0.5));
  CHECK(pose.confidence(1) == 1);
  CHECK_FALSE(pose.heatmaps.has_value());
  CHECK(pk::shape_of(pk::plane_positions(pose.positions)) == pk::Shape{3, 2});
}

TEST_CASE("A network finds a person in two passes", "[models]") {
  const auto photo = blobs::picture<float>(200, 300, {{{100, 80}, {140, 90}, {120, 150}}});
  const blobs::Brightest<float> model;
  const auto network = blobs::network<float>(96, model);
  const pk::Box box = pk::find_person(network, photo);
  CHECK(model.calls->load() == 2);
  // From 100 to 140 and from 80 to 150, and a tenth of 70 on each side.
  CHECK(box.x == Approx(93).margin(1));
  CHECK(box.y == Approx(73).margin(1));
  CHECK(box.width == Approx(54).margin(2));
  CHECK(box.height == Approx(84).margin(2));
  pk::find_person(network, photo, {.passes = 1});
  CHECK(model.calls->load() == 3);
  CHECK_THROWS_WITH(pk::find_person(network, pk::zeros<float>({3, 200, 300})),
                    "the network found no person in the photo (it is sure of 0 joints)");
  CHECK_THROWS_AS(pk::find_person(network, pk::zeros<float>({3, 0, 300})), pk::ValueError);
  // All joints in one place are no person.
  const auto dot = blobs::picture<float>(200, 300, {{{100, 80}, {100, 80}, {100, 80}}});
  CHECK_THROWS_AS(pk::find_person(network, dot), pk::ValueError);
}
