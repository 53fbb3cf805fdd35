#include <catch2/catch.hpp>

#include <cmath>
#include <limits>

#include <posekit/autodiff/arithmetic.hpp>
#include <posekit/heatmap/losses.hpp>
#include <posekit/testing/gradient_check.hpp>

#include "support/heatmap_case.hpp"

namespace pk = posekit;
using pk::testing::random_tensor;

TEST_CASE("Losses and their gradients equal PyTorch's", "[heatmap]") {
  check_heatmap_case("euclidean", 2, [](const auto& v) { return pk::euclidean_loss(v[0], v[1]); });
  check_heatmap_case("l1", 2, [](const auto& v) { return pk::l1_loss(v[0], v[1]); });
  check_heatmap_case("mse", 2, [](const auto& v) { return pk::mse_loss(v[0], v[1]); });
  check_heatmap_case(
      "heatmap_mse", 2,
      [](const auto& v) {
        return pk::heatmap_mse(
            v[0], pk::Tensor<typename std::decay_t<decltype(v[0])>::value_type>(v[1].value()),
            {.sigma = 1.0});
      },
      2e-5);
  for (const auto& rank : map_ranks) {
    check_heatmap_case(
        "variance_" + rank, 1, [](const auto& v) { return pk::variance_loss(v[0], 1.5); }, 2e-5);
    check_heatmap_case(
        "variance_unnormalised_" + rank, 1,
        [](const auto& v) { return pk::variance_loss(v[0], 1.5); }, 2e-5);
  }
}

TEST_CASE("At distance 0 the gradients are 0", "[heatmap]") {
  pk::Tape<double> tape;
  const auto truth = random_tensor<double>({1, 3, 2}, 1);
  const auto x = tape.variable(pk::Tensor<double>(truth));
  const auto loss = pk::euclidean_loss(x, truth) + pk::l1_loss(x, truth) + pk::mse_loss(x, truth);
  tape.backward(loss, random_tensor<double>({1, 3}, 2));
  for (const double g : x.grad()) CHECK(g == 0);
  CHECK(pk::euclidean_loss(truth, truth)(0, 2) == 0);
  CHECK_THROWS_WITH(pk::l1_loss(x, pk::zeros<double>({1, 3, 3})),
                    Catch::Contains("l1_loss: positions have shapes [1, 3, 2] and [1, 3, 3]"));
}
