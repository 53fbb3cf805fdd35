#include <catch2/catch.hpp>

#include <cmath>
#include <limits>

#include <xtensor/xview.hpp>

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
      "heatmap_mse", 2, [](const auto& v) { return pk::heatmap_mse(v[0], v[1], {.sigma = 1.0}); },
      2e-5);
  for (const auto& rank : map_ranks) {
    check_heatmap_case(
        "variance_" + rank, 1, [](const auto& v) { return pk::variance_loss(v[0], 1.5); }, 2e-5);
    check_heatmap_case(
        "variance_unnormalised_" + rank, 1,
        [](const auto& v) { return pk::variance_loss(v[0], 1.5); }, 2e-5);
  }
}

TEST_CASE("Losses of tensors and of views are those of the tape", "[heatmap]") {
  const auto maps = random_tensor<double>({2, 3, 5, 9}, 1, 0, 0.1);
  const auto means = random_tensor<double>({2, 3, 2}, 2, -0.8, 0.8);
  pk::Tape<double> tape;
  const auto p = tape.constant(pk::Tensor<double>(maps));
  CHECK(identical(pk::heatmap_mse(maps, means, {.sigma = 1}),
                  pk::heatmap_mse(p, means, {.sigma = 1}).value()));
  CHECK(identical(pk::variance_loss(maps, 1.5), pk::variance_loss(p, 1.5).value()));
  const auto other = random_tensor<double>({2, 3, 2}, 3);
  const auto half = xt::view(means, xt::all(), xt::range(0, 2), xt::all());
  const auto half_other = xt::view(other, xt::all(), xt::range(0, 2), xt::all());
  const auto losses = pk::euclidean_loss(half, half_other);
  CHECK(losses(1, 1) == pk::euclidean_loss(means, other)(1, 1));
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
