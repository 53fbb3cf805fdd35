#include <catch2/catch.hpp>

#include <cmath>

#include <posekit/models/heatmap_reading.hpp>
#include <posekit/testing/random_tensor.hpp>

namespace pk = posekit;

TEST_CASE("Cells become pixels", "[models]") {
  pk::Tape<double> tape;
  pk::Tensor<double> maps = pk::zeros<double>({1, 6, 5, 2});
  maps(0, 4, 3, 1) = 100;
  const auto answer = pk::read_heatmaps(tape.constant(std::move(maps)),
                                        {.beta = 10, .stride = 4, .offset = 1.5, .logits = false});
  CHECK(answer.positions.value()(0, 1, 0) == Approx(3 * 4 + 1.5));
  CHECK(answer.positions.value()(0, 1, 1) == Approx(4 * 4 + 1.5));
  REQUIRE(answer.heatmaps.has_value());
  CHECK(pk::shape_of(answer.heatmaps->value()) == pk::Shape{1, 2, 6, 5});
  CHECK(answer.heatmaps->value()(0, 1, 4, 3) == 100);
  REQUIRE(answer.confidence.has_value());
  CHECK((*answer.confidence)(0, 1) == 1);
}

TEMPLATE_TEST_CASE("Peaks become confidences", "[models]", float, double) {
  using T = TestType;
  pk::Tensor<T> maps = pk::zeros<T>({1, 2, 3, 2});
  maps(0, 1, 2, 0) = 2;
  maps(0, 0, 0, 1) = -1;
  CHECK(static_cast<double>(pk::peak_confidence(maps, true)(0, 0)) ==
        Approx(1 / (1 + std::exp(-2.0))));
  CHECK(pk::peak_confidence(maps, false)(0, 0) == 1);
  CHECK(pk::peak_confidence(maps, false)(0, 1) == 0);
  const auto random = pk::testing::random_tensor<T>({2, 3, 4, 5}, 1, 0, 1);
  const auto peaks = pk::peak_confidence(random, false);
  for (std::size_t n = 0; n < 2; ++n) {
    for (std::size_t j = 0; j < 5; ++j) {
      T top = 0;
      for (std::size_t i = 0; i < 12; ++i) top = std::max(top, random(n, i / 4, i % 4, j));
      CHECK(peaks(n, j) == top);
    }
  }
  CHECK_THROWS_AS(pk::peak_confidence(pk::zeros<T>({1, 0, 3, 2}), true), pk::ShapeError);
  CHECK_THROWS_AS(pk::peak_confidence(pk::zeros<T>({2, 3}), true), pk::ShapeError);
}
