#include <catch2/catch.hpp>

#include <cmath>
#include <limits>

#include <posekit/heatmap/masked_mean.hpp>
#include <posekit/testing/gradient_check.hpp>

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
