#include <catch2/catch.hpp>

#include <cmath>
#include <limits>

#include <posekit/heatmap/flat_softmax.hpp>
#include <posekit/testing/gradient_check.hpp>

#include "support/heatmap_case.hpp"

namespace pk = posekit;
using pk::testing::random_tensor;

TEST_CASE("Softmax over lines, maps and volumes equals PyTorch's", "[heatmap]") {
  for (const auto& rank : map_ranks) {
    check_heatmap_case("softmax_" + rank, 1,
                       [](const auto& v) { return pk::flat_softmax(v[0], {.beta = 1.7}); });
  }
}

TEST_CASE("Probabilities sum to 1 for any logits and size", "[heatmap]") {
  for (const pk::Shape& shape :
       {pk::Shape{1, 1, 1}, pk::Shape{2, 1, 1, 1}, pk::Shape{1, 2, 3, 1, 5}, pk::Shape{1, 3, 9, 40},
        pk::Shape{1, 1, 70, 65}}) {
    for (const float scale : {0.0f, 1.0f, 1e4f}) {
      auto logits = random_tensor<float>(shape, 1, -1, 1);
      for (auto& v : logits) v *= scale;
      const auto p = pk::flat_softmax(logits);
      const std::size_t pixels = pk::element_count(shape) / shape[0] / shape[1];
      for (std::size_t map = 0; map < shape[0] * shape[1]; ++map) {
        double sum = 0;
        for (std::size_t i = 0; i < pixels; ++i) {
          sum += static_cast<double>(p.flat(map * pixels + i));
          CHECK(p.flat(map * pixels + i) >= 0);
        }
        CHECK(sum == Approx(1).epsilon(2e-6));
      }
    }
  }
  auto logits = pk::zeros<double>({1, 1, 2, 3});
  logits(0, 0, 1, 0) = logits(0, 0, 1, 1) = std::numeric_limits<double>::infinity();
  CHECK(pk::flat_softmax(logits)(0, 0, 1, 1) == 0.5);
  CHECK(pk::flat_softmax(logits)(0, 0, 0, 1) == 0);
  CHECK_THROWS_AS(pk::flat_softmax(pk::zeros<double>({1, 1, 0})), pk::ShapeError);
}
