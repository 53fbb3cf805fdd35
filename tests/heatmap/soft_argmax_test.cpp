#include <catch2/catch.hpp>

#include <cmath>
#include <limits>

#include <posekit/heatmap/soft_argmax.hpp>
#include <posekit/testing/gradient_check.hpp>

#include "support/layer_case.hpp"

namespace pk = posekit;
using pk::Coordinates;
using pk::testing::random_tensor;

TEST_CASE("Soft-argmax equals PyTorch's softmax and expectation", "[heatmap]") {
  const auto f = [](const auto& v) {
    return pk::soft_argmax(v[0], {.beta = 3.0, .coordinates = Coordinates::pixel});
  };
  CHECK(layer_case_difference<double>("soft_argmax", 1, f) < 1e-13);
  CHECK(layer_case_difference<float>("soft_argmax", 1, f) < 5e-6);
}

TEST_CASE("All conventions are differentiated", "[heatmap]") {
  for (const auto c :
       {Coordinates::pixel, Coordinates::normalized, Coordinates::normalized_corners}) {
    for (const pk::Shape& shape : {pk::Shape{1, 1, 1, 1}, pk::Shape{2, 3, 4, 5},
                                   pk::Shape{1, 2, 1, 19}, pk::Shape{1, 1, 17, 1}}) {
      const auto f = [&](const auto& v) {
        return pk::soft_argmax(v[0], {.beta = 2.5, .coordinates = c});
      };
      const std::vector<pk::Tensor<double>> in{random_tensor<double>(shape, 1, -2, 2)};
      const auto gradients = pk::testing::check_gradients(f, in);
      INFO(gradients.message);
      CHECK(gradients.ok);
      pk::Tape<double> tape;
      CHECK(identical(f(std::vector{tape.constant(pk::Tensor<double>(in[0]))}).value(),
                      pk::soft_argmax(in[0], {.beta = 2.5, .coordinates = c})));
    }
  }
}

TEST_CASE("Known positions in the three conventions", "[heatmap]") {
  pk::Tensor<double> logits = pk::zeros<double>({1, 1, 6, 8});
  logits(0, 0, 4, 1) = 1000;
  CHECK(pk::soft_argmax(logits, {.coordinates = Coordinates::pixel})(0, 0, 0) == Approx(1));
  CHECK(pk::soft_argmax(logits, {.coordinates = Coordinates::pixel})(0, 0, 1) == Approx(4));
  CHECK(pk::soft_argmax(logits)(0, 0, 0) == Approx(3.0 / 8 - 1));  // normalized is the default
  CHECK(pk::soft_argmax(logits)(0, 0, 1) == Approx(9.0 / 6 - 1));
  CHECK(pk::soft_argmax(logits, {.coordinates = Coordinates::normalized_corners})(0, 0, 0) ==
        Approx(2.0 / 7 - 1));
}

TEST_CASE("Invariant to a constant, equivariant to flips", "[heatmap]") {
  const auto logits = random_tensor<double>({2, 2, 7, 9}, 3, -5, 5);
  pk::Tensor<double> shifted(logits), flipped(logits);
  for (auto& v : shifted) v += 123.0;
  for (std::size_t n = 0; n < 2; ++n)
    for (std::size_t j = 0; j < 2; ++j)
      for (std::size_t y = 0; y < 7; ++y)
        for (std::size_t x = 0; x < 9; ++x) flipped(n, j, y, x) = logits(n, j, y, 8 - x);
  const auto a = pk::soft_argmax(logits), b = pk::soft_argmax(shifted),
             c = pk::soft_argmax(flipped);
  CHECK(relative_difference(b, a) < 1e-12);
  for (std::size_t i = 0; i < 4; ++i) {
    CHECK(c.flat(2 * i) == Approx(-a.flat(2 * i)));
    CHECK(c.flat(2 * i + 1) == Approx(a.flat(2 * i + 1)));
  }
}

TEST_CASE("NaN makes its own joint NaN only, wrong ranks are refused", "[heatmap]") {
  pk::Tensor<float> logits = pk::zeros<float>({1, 2, 3, 4});
  logits(0, 1, 1, 1) = std::numeric_limits<float>::quiet_NaN();
  const auto xy = pk::soft_argmax(logits);
  CHECK(xy(0, 0, 0) == Approx(0).margin(1e-6));
  CHECK(std::isnan(xy(0, 1, 0)));
  CHECK_THROWS_WITH(
      pk::soft_argmax(pk::zeros<float>({8, 17, 64})),
      "soft_argmax: logits has shape [8, 17, 64], expected rank 4 [N, J, H, W] with pixels");
  CHECK_THROWS_AS(pk::soft_argmax(pk::zeros<float>({1, 1, 0, 4})), pk::ShapeError);
}
