#include <catch2/catch.hpp>

#include <posekit/autodiff/arithmetic.hpp>
#include <posekit/autodiff/reductions.hpp>
#include <posekit/testing/gradient_check.hpp>

#include "support/close.hpp"

namespace pk = posekit;
using pk::testing::random_tensor;

namespace {

/// Value against xtensor, gradients against differences, float against double.
template <class Function, class Reference>
void check_binary(const Function& function, const Reference& reference, double low = -1) {
  for (const auto& [a, b] : std::vector<std::pair<pk::Shape, pk::Shape>>{{{3, 4, 5}, {3, 4, 5}},
                                                                         {{3, 4, 5}, {5}},
                                                                         {{4, 1}, {3, 1, 17}},
                                                                         {{2, 1, 3}, {2, 4, 1}},
                                                                         {{}, {3, 2}},
                                                                         {{1}, {1}}}) {
    INFO(pk::to_string(a) << " " << pk::to_string(b));
    const std::vector<pk::Tensor<double>> in{random_tensor<double>(a, 1, low, 2),
                                             random_tensor<double>(b, 2, low, 2)};
    const auto on_tape = [&](const auto& v) { return function(v[0], v[1]); };
    pk::Tape<double> tape;
    const auto y = function(tape.variable(pk::Tensor<double>(in[0])),
                            tape.variable(pk::Tensor<double>(in[1])));
    CHECK(relative_difference(y.value(), pk::Tensor<double>(reference(in[0], in[1]))) < 1e-14);
    const auto gradients = pk::testing::check_gradients(on_tape, in);
    INFO(gradients.message);
    CHECK(gradients.ok);
    CHECK(pk::testing::float_disagreement(on_tape, in) < 1e-5);
  }
}

}  // namespace

TEST_CASE("Arithmetic broadcasts and differentiates", "[autodiff]") {
  check_binary([](const auto& a, const auto& b) { return a + b; },
               [](const auto& a, const auto& b) { return a + b; });
  check_binary([](const auto& a, const auto& b) { return a - b; },
               [](const auto& a, const auto& b) { return a - b; });
  check_binary([](const auto& a, const auto& b) { return a * b; },
               [](const auto& a, const auto& b) { return a * b; });
  check_binary([](const auto& a, const auto& b) { return a / b; },
               [](const auto& a, const auto& b) { return a / b; }, 0.5);
  check_binary([](const auto& a, const auto& b) { return pk::squared_difference(a, b); },
               [](const auto& a, const auto& b) { return (a - b) * (a - b); });
}

TEST_CASE("Scalars join in from both sides", "[autodiff]") {
  const std::vector<pk::Tensor<double>> in{random_tensor<double>({3, 7}, 1)};
  const auto f = [](const auto& v) {
    const auto& x = v[0];
    return (2.0 - x) * 3.0 + (x + 1.0) * x - x / 4.0 + (1.0 + 2.0 * -x);
  };
  pk::Tape<double> tape;
  const auto& x = in[0];
  const auto y = f(std::vector{tape.variable(pk::Tensor<double>(x))});
  CHECK(relative_difference(y.value(), pk::Tensor<double>((2.0 - x) * 3.0 + (x + 1.0) * x -
                                                          x / 4.0 + (1.0 - 2.0 * x))) < 1e-14);
  const auto gradients = pk::testing::check_gradients(f, in);
  INFO(gradients.message);
  CHECK(gradients.ok);
}

TEST_CASE("Large tensors give the same bits for any number of threads", "[autodiff]") {
  const auto a = random_tensor<float>({3, 50, 333}, 1), b = random_tensor<float>({333}, 2);
  pk::Tensor<float> first, first_grad;
  for (const int threads : {1, 2, 5}) {
    pk::Tape<float> tape({.threads = threads});
    const auto x = tape.variable(pk::Tensor<float>(a));
    const auto y = x * tape.constant(pk::Tensor<float>(b)) + x;
    tape.backward(y, a);
    if (threads == 1) {
      first = y.value();
      first_grad = x.grad();
    }
    CHECK(identical(y.value(), first));
    CHECK(identical(x.grad(), first_grad));
  }
}

TEST_CASE("Shapes that do not broadcast are refused", "[autodiff]") {
  pk::Tape<float> tape;
  const auto a = tape.variable(pk::zeros<float>({2, 3})),
             b = tape.variable(pk::zeros<float>({4, 3}));
  CHECK_THROWS_WITH(a * b, "multiply: shapes [2, 3] and [4, 3] do not broadcast");
}

TEST_CASE("Empty tensors pass through", "[autodiff]") {
  pk::Tape<float> tape;
  const auto a = tape.variable(pk::zeros<float>({0, 3}));
  const auto y = a * 2.0f + a;
  tape.backward(y, pk::zeros<float>({0, 3}));
  CHECK(pk::shape_of(a.grad()) == pk::Shape{0, 3});
}

TEST_CASE("Division by a constant is a division", "[autodiff]") {
  pk::Tape<double> tape;
  // The reciprocals of these are infinite, or rounded.
  const auto tiny = tape.variable(pk::zeros<double>({11}) + 1e-310);
  const auto quotient = tiny / 1e-310;
  for (const double v : quotient.value()) CHECK(v == 1.0);
  const auto x = tape.variable(random_tensor<double>({11}, 1));
  const auto y = x / 3.0;
  tape.backward(pk::sum(y));
  for (std::size_t i = 0; i < 11; ++i) {
    CHECK(y.value()(i) == x.value()(i) / 3.0);
    CHECK(x.grad()(i) == 1.0 / 3.0);
  }
}

TEST_CASE("A number divided by a tensor", "[autodiff]") {
  const std::vector<pk::Tensor<double>> in{random_tensor<double>({3, 7}, 5, 0.4, 3)};
  const auto f = [](const auto& v) {
    using T = typename std::decay_t<decltype(v[0])>::value_type;
    return T(2.5) / v[0];
  };
  const auto gradients = pk::testing::check_gradients(f, in);
  INFO(gradients.message);
  CHECK(gradients.ok);
  pk::Tape<double> tape;
  const auto y = 2.5 / tape.constant(pk::Tensor<double>(in[0]));
  CHECK(y.value()(2, 6) == 2.5 / in[0](2, 6));
  CHECK(pk::testing::float_disagreement(f, in) < 1e-5);
}
