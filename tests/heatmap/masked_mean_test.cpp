#include <catch2/catch.hpp>

#include <cmath>
#include <limits>

#include <posekit/autodiff/arithmetic.hpp>
#include <posekit/heatmap/flat_softmax.hpp>
#include <posekit/heatmap/losses.hpp>
#include <posekit/heatmap/masked_mean.hpp>
#include <posekit/heatmap/regularized_soft_argmax.hpp>
#include <posekit/testing/gradient_check.hpp>
#include <posekit/testing/random_tensor.hpp>

#include "support/heatmap_case.hpp"

namespace pk = posekit;
using pk::testing::random_tensor;

TEST_CASE("The mean over what is visible", "[heatmap]") {
  const auto visible = pk::tensor_from<double>({2, 2}, std::vector<double>{1, 0, 1, 0});
  auto losses = pk::tensor_from<double>(
      {2, 2}, std::vector<double>{3, std::numeric_limits<double>::quiet_NaN(), 5, 100});
  CHECK(pk::masked_mean(losses, visible)() == 4);
  losses(0, 1) = 7;
  const auto gradients = pk::testing::check_gradients(
      [&](const auto& v) { return pk::masked_mean(v[0], visible); }, {losses});
  INFO(gradients.message);
  CHECK(gradients.ok);
}

TEST_CASE("Nothing visible gives 0 with gradient 0", "[heatmap]") {
  pk::Tape<float> tape;
  const auto x = tape.variable(random_tensor<float>({2, 3}, 1));
  const auto mean = pk::masked_mean(x, pk::zeros<float>({2, 3}));
  CHECK(mean.value()() == 0);
  tape.backward(mean);
  for (const float g : x.grad()) CHECK(g == 0);
  CHECK_THROWS_AS(pk::masked_mean(x, pk::zeros<float>({3, 2})), pk::ShapeError);
  pk::Tensor<float> negative = pk::zeros<float>({2, 3});
  negative(1, 1) = -1;
  CHECK_THROWS_AS(pk::masked_mean(x, negative), pk::ValueError);
}

TEST_CASE("What is not visible moves nothing, whatever its truth is", "[heatmap]") {
  const auto logits = random_tensor<double>({1, 2, 6, 30}, 1);
  pk::Tensor<double> truth = pk::zeros<double>({1, 2, 2});
  truth(0, 1, 0) = std::numeric_limits<double>::quiet_NaN();
  for (const double first : {1.0, 0.0}) {
    const pk::Tensor<double> visible{{first, 0.0}};
    pk::Tape<double> tape;
    const auto z = tape.variable(pk::Tensor<double>(logits));
    const auto p = pk::flat_softmax(z);
    const auto [xy, js] = pk::regularized_soft_argmax(z, truth);
    const auto losses = pk::euclidean_loss(xy, truth) + js + pk::mse_loss(xy, truth) +
                        pk::l1_loss(xy, truth) + pk::js_divergence(p, truth, {.sigma = 1}) +
                        pk::heatmap_mse(p, truth, {.sigma = 1});
    const auto loss = pk::masked_mean(losses, visible);
    tape.backward(loss);
    CHECK(std::isfinite(loss.value()()));
    for (std::size_t i = 0; i < logits.size(); ++i) {
      const double g = z.grad().data()[i];
      if (first == 0.0 || i >= 180) {
        CHECK(g == 0);
      } else {
        CHECK(std::isfinite(g));
      }
    }
  }
}

TEST_CASE("A map that is not visible moves nothing, whatever it holds", "[heatmap]") {
  pk::Tensor<double> maps = pk::flat_softmax(random_tensor<double>({1, 2, 5, 7}, 2));
  maps(0, 1, 3, 4) = std::numeric_limits<double>::quiet_NaN();
  const pk::Tensor<double> visible{{1.0, 0.0}};
  const pk::Tensor<double> truth = pk::zeros<double>({1, 2, 2});
  pk::Tape<double> tape;
  const auto p = tape.variable(maps);
  const auto losses = pk::variance_loss(p, 1.5) + pk::heatmap_mse(p, truth, {.sigma = 1});
  tape.backward(pk::masked_mean(losses, visible));
  for (std::size_t i = 0; i < maps.size(); ++i) {
    const double g = p.grad().data()[i];
    if (i >= 35) {
      CHECK(g == 0);
    } else {
      CHECK(std::isfinite(g));
    }
  }
}

TEST_CASE("Weights may be huge, and not infinite", "[heatmap]") {
  const auto losses = pk::tensor_from<double>({4}, std::vector<double>{1, 2, 3, 10});
  const auto weights = [](std::vector<double> values) {
    return pk::tensor_from<double>({4}, values);
  };
  CHECK(pk::masked_mean(losses, weights({1e308, 1e308, 1e308, 0}))() == Approx(2));
  CHECK(pk::masked_mean(losses, weights({1e-320, 1e-320, 1e-320, 0}))() == Approx(2).epsilon(1e-3));
  pk::Tape<double> tape;
  const auto x = tape.variable(losses);
  tape.backward(pk::masked_mean(x, weights({1e308, 1e308, 1e308, 0})));
  CHECK(x.grad()(0) == Approx(1.0 / 3));
  const double infinity = std::numeric_limits<double>::infinity();
  CHECK_THROWS_WITH(pk::masked_mean(losses, weights({0, 1, infinity, 0})),
                    "masked_mean: visible is inf for loss 2, expected 0 or a positive number");
}
