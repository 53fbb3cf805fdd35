#include <catch2/catch.hpp>

#include <limits>
#include <vector>

#include <posekit/autodiff/arithmetic.hpp>
#include <posekit/autodiff/layer_norm.hpp>
#include <posekit/autodiff/reductions.hpp>
#include <posekit/testing/gradient_check.hpp>

#include "support/layer_case.hpp"

namespace pk = posekit;
using pk::testing::random_tensor;

TEST_CASE("Layer normalisation equals PyTorch's", "[autodiff]") {
  const auto f = [](const auto& v) { return pk::layer_norm(v[0], v[1], v[2], {.epsilon = 0.01}); };
  CHECK(layer_case_difference<double>("nn/op_layer_norm", 3, f) < 1e-13);
  CHECK(layer_case_difference<float>("nn/op_layer_norm", 3, f) < 2e-6);
}

TEST_CASE("Layer normalisation is differentiated", "[autodiff]") {
  for (const pk::Shape& shape : {pk::Shape{6}, pk::Shape{3, 2, 5}}) {
    const auto result = pk::testing::check_gradients(
        [](const auto& v) { return pk::layer_norm(v[0], v[1], v[2]) + v[0]; },
        {random_tensor<double>(shape, 5), random_tensor<double>({shape.back()}, 6),
         random_tensor<double>({shape.back()}, 7)});
    INFO(result.message);
    CHECK(result.ok);
  }
}

TEST_CASE("Layer normalisation of constants and single channels", "[autodiff]") {
  pk::Tape<double> tape;
  const auto x = tape.variable(random_tensor<double>({2, 1}, 5));
  const auto w = tape.constant(pk::Tensor<double>{2.0}), b = tape.variable(pk::Tensor<double>{0.5});
  const auto y = pk::layer_norm(x, w, b);
  CHECK(y.value()(0, 0) == 0.5);
  tape.backward(y, pk::tensor_from<double>({2, 1}, std::vector<double>{1.0, 10.0}));
  CHECK(x.grad()(1, 0) == 0.0);
  CHECK(b.grad()(0) == 11.0);
}

TEST_CASE("Layer normalisation gives the same bits for any number of threads", "[autodiff]") {
  const auto image = random_tensor<float>({1030, 19}, 5);
  std::vector<pk::Tensor<float>> first;
  for (const int threads : {1, 3}) {
    pk::Tape<float> tape({.threads = threads});
    const auto x = tape.variable(pk::Tensor<float>(image)),
               w = tape.variable(random_tensor<float>({19}, 6)),
               b = tape.variable(random_tensor<float>({19}, 7));
    const auto y = pk::layer_norm(x, w, b);
    tape.backward(y, random_tensor<float>(y.shape(), 8));
    const std::vector<pk::Tensor<float>> results{y.value(), x.grad(), w.grad(), b.grad()};
    if (first.empty()) first = results;
    for (std::size_t i = 0; i < 4; ++i) CHECK(identical(results[i], first[i]));
  }
}

TEST_CASE("One variable may be what is normalised and its weight or bias", "[autodiff]") {
  const auto values = random_tensor<double>({5}, 3);
  for (int shared = 1; shared <= 3; ++shared) {
    const auto f = [&](pk::Tape<double>& tape, const std::vector<pk::Var<double>>& v) {
      const auto other = tape.constant(random_tensor<double>({5}, 4));
      const auto y = pk::layer_norm(v[0], shared & 1 ? v[0] : other, shared & 2 ? v[0] : other);
      return pk::sum(y * tape.constant(random_tensor<double>({5}, 5)));
    };
    pk::Tape<double> tape;
    const auto x = tape.variable(pk::Tensor<double>(values));
    tape.backward(f(tape, {x}));
    for (std::size_t i = 0; i < 5; ++i) {
      const auto at = [&](double step) {
        pk::Tape<double> other;
        pk::Tensor<double> moved = values;
        moved(i) += step;
        return f(other, {other.constant(moved)}).value()();
      };
      CHECK(x.grad()(i) == Approx((at(1e-6) - at(-1e-6)) / 2e-6).epsilon(1e-6));
    }
  }
}

TEST_CASE("Impossible layer normalisations are refused in words", "[autodiff]") {
  pk::Tape<double> tape;
  const auto x = tape.constant(random_tensor<double>({2, 3}, 5));
  const auto three = tape.constant(random_tensor<double>({3}, 6)),
             four = tape.constant(random_tensor<double>({4}, 6)),
             none = tape.constant(pk::zeros<double>({0}));
  CHECK_THROWS_AS(pk::layer_norm(x, four, three), pk::ShapeError);
  CHECK_THROWS_WITH(pk::layer_norm(x, four, three),
                    "layer_norm: weight has shape [4], expected [3]");
  CHECK_THROWS_WITH(pk::layer_norm(x, three, four), "layer_norm: bias has shape [4], expected [3]");
  CHECK_THROWS_WITH(pk::layer_norm(tape.constant(pk::zeros<double>({})), three, three),
                    "layer_norm: x has shape [], expected [..., C] with C > 0");
  CHECK_THROWS_AS(pk::layer_norm(tape.constant(pk::zeros<double>({2, 0})), none, none),
                  pk::ShapeError);
  for (const double epsilon :
       {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity(), -1.0})
    CHECK_THROWS_AS(pk::layer_norm(x, three, three, {.epsilon = epsilon}), pk::ValueError);
  CHECK_THROWS_WITH(pk::layer_norm(x, three, three, {.epsilon = -1.0}),
                    "layer_norm: epsilon is -1, expected 0 or a positive number");
}
