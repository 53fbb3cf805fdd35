#include <catch2/catch.hpp>

#include <cmath>
#include <limits>

#include <posekit/heatmap/expectation.hpp>
#include <posekit/heatmap/flat_softmax.hpp>
#include <posekit/heatmap/soft_argmax.hpp>
#include <posekit/testing/gradient_check.hpp>

#include "support/heatmap_case.hpp"

namespace pk = posekit;
using pk::Coordinates;
using pk::testing::random_tensor;

TEST_CASE("Expectations of lines, maps and volumes equal PyTorch's", "[heatmap]") {
  for (const auto& rank : map_ranks) {
    // A volume's sums are longer; with AVX2, which has half the partial sums, a float is 2.5e-6
    // off.
    check_heatmap_case(
        "expectation_" + rank, 1, [](const auto& v) { return pk::expectation(v[0]); },
        rank == "3d" ? 4e-6 : 2e-6);
  }
}

TEST_CASE("What is no probability is told where that is asked for", "[heatmap]") {
  const auto logits = random_tensor<double>({1, 2, 4, 5}, 1);
  CHECK_NOTHROW(pk::expectation(logits));
  CHECK_THROWS_WITH(pk::expectation(logits, {.check = true}),
                    Catch::Contains("heatmap [0, 0] sums to") && Catch::Contains("expected 1"));
  CHECK_NOTHROW(pk::expectation(pk::flat_softmax(logits), {.check = true}));
}

TEST_CASE("Softmax and expectation make the fused soft-argmax", "[heatmap]") {
  for (const auto c :
       {Coordinates::pixel, Coordinates::normalized, Coordinates::normalized_corners}) {
    const auto logits = random_tensor<double>({2, 3, 4, 5, 21}, 1);
    CHECK(relative_difference(
              pk::expectation(pk::flat_softmax(logits, {.beta = 1.5}), {.coordinates = c}),
              pk::soft_argmax(logits, {.beta = 1.5, .coordinates = c})) < 1e-12);
  }
}
