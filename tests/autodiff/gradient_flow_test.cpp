#include <catch2/catch.hpp>

#include <cmath>
#include <limits>

#include <posekit/autodiff/arithmetic.hpp>
#include <posekit/autodiff/functions.hpp>
#include <posekit/autodiff/gradient_flow.hpp>
#include <posekit/autodiff/reductions.hpp>
#include <posekit/autodiff/shaping.hpp>
#include <posekit/testing/gradient_check.hpp>
#include <posekit/testing/random_tensor.hpp>

#include "support/close.hpp"

namespace pk = posekit;
using pk::testing::random_tensor;

TEMPLATE_TEST_CASE("Nothing goes back through stop_gradient", "[autodiff]", float, double) {
  pk::Tape<TestType> tape;
  const auto x = tape.variable(random_tensor<TestType>({2, 3}, 5));
  const auto y = pk::stop_gradient(x);
  CHECK_FALSE(y.requires_grad());
  CHECK(y.data() == x.data());  // shared
  CHECK(identical(y.value(), x.value()));
  tape.backward(pk::sum(y * x));  // x is a factor, not squared
  CHECK(identical(x.grad(), x.value()));
  CHECK_THROWS_AS(tape.backward(pk::sum(y)), pk::Error);
  // Of a constant it is the constant.
  const auto c = tape.constant(random_tensor<TestType>({4}, 6));
  const std::size_t recorded = tape.size();
  CHECK(pk::stop_gradient(c).is_same(c));
  CHECK(tape.size() == recorded);
}

TEST_CASE("What is stopped may be a view, and outlives what it was made of", "[autodiff]") {
  pk::Tape<double> tape;
  const auto x = tape.variable(random_tensor<double>({2, 3}, 5));
  const auto z = pk::square(x);
  const pk::Tensor<double> squares = z.value();
  const auto y = pk::stop_gradient(pk::reshape(z, {3, 2}));
  CHECK(y.shape() == pk::Shape{3, 2});
  CHECK(y.data() == z.data());
  tape.release_value(z);
  CHECK(identical(y.value(), pk::reshaped(squares, {3, 2})));
  CHECK(pk::stop_gradient(tape.variable(pk::zeros<double>({0, 4}))).shape() == pk::Shape{0, 4});
  CHECK(pk::stop_gradient(tape.variable(pk::zeros<double>({}))).value()() == 0);
  CHECK_THROWS_AS(pk::stop_gradient(pk::Var<double>{}), pk::Error);
}

TEMPLATE_TEST_CASE("A reversed gradient is the gradient times a negative factor", "[autodiff]",
                   float, double) {
  for (const double factor : {1.0, 0.0, 0.3, 1e6}) {
    for (const pk::Shape& shape : {pk::Shape{}, pk::Shape{1}, pk::Shape{7, 2, 19}}) {
      pk::Tape<TestType> tape;
      const auto x = tape.variable(random_tensor<TestType>(shape, 5));
      const auto h = pk::square(x);
      const auto y = pk::reverse_gradient(h, factor);
      CHECK(y.data() == h.data());
      // Twice, and once forward: what is there is added to.
      const auto out = pk::sum(y * 2.0 + h + y);
      tape.backward(out);
      for (std::size_t i = 0; i < x.size(); ++i) {
        CHECK(static_cast<double>(x.grad().data()[i]) ==
              Approx((1 - 3 * factor) * 2 * static_cast<double>(x.data()[i])).epsilon(1e-5));
      }
    }
  }
}

TEST_CASE("Reversed gradients of stacked cotangents, large tensors and threads", "[autodiff]") {
  const auto values = random_tensor<float>({3, 7001}, 5);
  const auto seeds = random_tensor<float>({4, 3, 7001}, 6);
  for (const int threads : {1, 3}) {
    pk::Tape<float> tape({.threads = threads});
    const auto x = tape.variable(pk::Tensor<float>(values));
    const auto back = tape.vjp(pk::reverse_gradient(x, 0.5), seeds, x);
    CHECK(identical(back, pk::Tensor<float>(-0.5f * seeds)));
  }
}

TEST_CASE("A factor of 0 gives 0 whatever comes back", "[autodiff]") {
  pk::Tape<float> tape;
  const auto x = tape.variable(random_tensor<float>({3}, 5));
  pk::Tensor<float> seed{std::numeric_limits<float>::quiet_NaN(),
                         std::numeric_limits<float>::infinity(), 1.0f};
  tape.backward(pk::reverse_gradient(x, 0), seed);
  for (const float g : x.grad()) CHECK(g == 0);
}

TEST_CASE("Gradients are reversed with a cotangent checked by differences", "[autodiff]") {
  // -0.7 times the derivative is what f(x) = 1.7 stop(h) - 0.7 h has, whose value is h.
  pk::Tape<double> tape;
  const auto x = tape.variable(random_tensor<double>({2, 5}, 5));
  const auto seeds = random_tensor<double>({3, 2, 5}, 6);
  const auto a = tape.vjp(pk::exp(pk::reverse_gradient(pk::square(x), 0.7)), seeds, x);
  const auto h = pk::square(x);
  const auto b = tape.vjp(pk::exp(pk::stop_gradient(h) * 1.7 - h * 0.7), seeds, x);
  CHECK(relative_difference(a, b) < 1e-13);
}

TEST_CASE("Tensors pass as they are", "[autodiff]") {
  const auto x = random_tensor<double>({2, 3}, 5);
  CHECK(identical(pk::stop_gradient(x), x));
  CHECK(identical(pk::reverse_gradient(x, 2), x));
}

TEST_CASE("Impossible factors are refused in words", "[autodiff]") {
  pk::Tape<double> tape;
  const auto x = tape.variable(random_tensor<double>({2}, 5));
  CHECK_THROWS_WITH(pk::reverse_gradient(x, -1.0),
                    "reverse_gradient: factor is -1, expected 0 or a positive number");
  for (const double factor :
       {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity(), -0.5}) {
    CHECK_THROWS_AS(pk::reverse_gradient(x, factor), pk::ValueError);
    CHECK_THROWS_AS(pk::reverse_gradient(x.value(), factor), pk::ValueError);
  }
}
