#include <catch2/catch.hpp>

#include <cmath>
#include <limits>

#include <posekit/autodiff/functions.hpp>
#include <posekit/autodiff/reductions.hpp>
#include <posekit/testing/gradient_check.hpp>

#include "support/close.hpp"
#include "support/layer_case.hpp"

namespace pk = posekit;
using pk::testing::random_tensor;

namespace {

template <class Function, class Reference>
void check_unary(const Function& function, const Reference& reference, double low, double high) {
  for (const pk::Shape& shape :
       {pk::Shape{}, pk::Shape{0, 4}, pk::Shape{1}, pk::Shape{3, 7}, pk::Shape{2, 5, 13}}) {
    const std::vector<pk::Tensor<double>> in{random_tensor<double>(shape, 3, low, high)};
    pk::Tape<double> tape;
    const auto y = function(tape.variable(pk::Tensor<double>(in[0])));
    for (std::size_t i = 0; i < in[0].size(); ++i) {
      CHECK(y.value().data()[i] == Approx(reference(in[0].data()[i])).epsilon(1e-12).margin(1e-14));
    }
    const auto on_tape = [&](const auto& v) { return function(v[0]); };
    const auto gradients = pk::testing::check_gradients(on_tape, in);
    INFO(gradients.message);
    CHECK(gradients.ok);
    CHECK(pk::testing::float_disagreement(on_tape, in) < 1e-5);
  }
}

}  // namespace

TEST_CASE("Smooth functions", "[autodiff]") {
  check_unary([](const auto& x) { return pk::exp(x); }, [](double x) { return std::exp(x); }, -2,
              2);
  check_unary([](const auto& x) { return pk::log(x); }, [](double x) { return std::log(x); }, 0.2,
              4);
  check_unary([](const auto& x) { return pk::sqrt(x); }, [](double x) { return std::sqrt(x); }, 0.2,
              4);
  check_unary([](const auto& x) { return pk::square(x); }, [](double x) { return x * x; }, -2, 2);
  check_unary([](const auto& x) { return pk::tanh(x); }, [](double x) { return std::tanh(x); }, -2,
              2);
  check_unary([](const auto& x) { return pk::sigmoid(x); },
              [](double x) { return 1 / (1 + std::exp(-x)); }, -5, 5);
  check_unary([](const auto& x) { return pk::gelu(x); },
              [](double x) { return x * 0.5 * std::erfc(-x * std::sqrt(0.5)); }, -2, 4);
}

TEST_CASE("Absolute values and powers", "[autodiff]") {
  check_unary([](const auto& x) { return pk::abs(x); }, [](double x) { return std::abs(x); }, 0.1,
              3);
  check_unary([](const auto& x) { return pk::abs(x); }, [](double x) { return std::abs(x); }, -3,
              -0.1);
  for (const double p : {-1.5, 0.5, 0.0, 1.0, 2.0, 2.7}) {
    INFO(p);
    check_unary(
        [p](const auto& x) {
          using T = typename std::decay_t<decltype(x)>::value_type;
          return pk::pow(x, static_cast<T>(p));
        },
        [p](double x) { return std::pow(x, p); }, 0.3, 3);
  }
  // Whole exponents take negative numbers, and 0 has a derivative.
  check_unary([](const auto& x) { return pk::pow(x, 3); }, [](double x) { return std::pow(x, 3); },
              -2, -0.3);
  for (const std::size_t size : {1u, 19u}) {  // scalars and vectors
    pk::Tape<float> tape;
    pk::Tensor<float> zeros = pk::zeros<float>({size});
    const auto x = tape.variable(zeros);
    const auto slope = [&](const pk::Var<float>& y) {
      tape.backward(pk::sum(y));
      return x.grad()(size - 1);
    };
    CHECK(slope(pk::abs(x)) == 0);
    CHECK(slope(pk::pow(x, 2.5f)) == 0);
    CHECK(slope(pk::pow(x, 1.0f)) == 1);
    CHECK(slope(pk::pow(x, 0.0f)) == 0);
    CHECK(std::isinf(slope(pk::pow(x, 0.5f))));
    zeros.fill(-2);
    CHECK(std::isnan(pk::pow(tape.variable(zeros), 0.5f).value()(size - 1)));
    zeros.fill(NAN);
    CHECK(std::isnan(pk::abs(tape.variable(zeros)).value()(size - 1)));
  }
}

TEST_CASE("Rectifiers, away from their kinks", "[autodiff]") {
  check_unary([](const auto& x) { return pk::relu(x); }, [](double x) { return std::max(x, 0.0); },
              -2, 2);
  check_unary([](const auto& x) { return pk::relu6(x); },
              [](double x) { return std::min(std::max(x, 0.0), 6.0); }, -4, 12);
}

TEST_CASE("Rectifiers at their kinks: the derivative of relu6 is 1 on (0, 6]", "[autodiff]") {
  pk::Tape<float> tape;
  const auto x = tape.variable(pk::Tensor<float>{-1.0f, 0.0f, 1e-30f, 6.0f, 6.0001f});
  const pk::Tensor<float> ones{1.0f, 1.0f, 1.0f, 1.0f, 1.0f};
  tape.backward(pk::relu6(x), ones);
  const pk::Tensor<float> expected6{0.0f, 0.0f, 1.0f, 1.0f, 0.0f};
  CHECK(identical(x.grad(), expected6));
  tape.backward(pk::relu(x), ones);
  const pk::Tensor<float> expected{0.0f, 0.0f, 1.0f, 1.0f, 1.0f};
  CHECK(identical(x.grad(), expected));
}

TEST_CASE("A large rectifier gives the same bits for any number of threads", "[autodiff]") {
  const auto a = random_tensor<float>({7, 40, 133}, 1);
  for (const int threads : {1, 3}) {
    pk::Tape<float> tape({.threads = threads});
    const auto x = tape.variable(pk::Tensor<float>(a));
    tape.backward(pk::relu(x), a);
    for (std::size_t i = 0; i < a.size(); ++i) {
      if (x.grad().flat(i) != std::max(a.flat(i), 0.0f)) FAIL("element " << i);
    }
  }
  SUCCEED();
}

TEST_CASE("PReLU differentiates its slopes too", "[autodiff]") {
  const std::vector<pk::Tensor<double>> in{random_tensor<double>({2, 3, 4, 5}, 1),
                                           random_tensor<double>({5}, 2)};
  const auto f = [](const auto& v) { return pk::prelu(v[0], v[1]); };
  const auto gradients = pk::testing::check_gradients(f, in);
  INFO(gradients.message);
  CHECK(gradients.ok);
  CHECK(pk::testing::float_disagreement(f, in) < 1e-5);
  pk::Tape<double> tape;
  const auto x = tape.variable(pk::Tensor<double>{{-2.0, 3.0}}),
             s = tape.variable(pk::Tensor<double>{0.5, 0.5});
  CHECK(pk::prelu(x, s).value()(0, 0) == -1.0);
  CHECK(pk::prelu(x, s).value()(0, 1) == 3.0);
  CHECK_THROWS_AS(pk::prelu(s, x), pk::ShapeError);
}

TEST_CASE("GELU equals PyTorch's, and is 0 or the identity far from 0", "[autodiff]") {
  const auto f = [](const auto& v) { return pk::gelu(v[0] * 4.0); };
  CHECK(layer_case_difference<double>("nn/op_gelu", 1, f) < 1e-14);
  CHECK(layer_case_difference<float>("nn/op_gelu", 1, f) < 1e-6);
  const auto far = [](auto scale) {
    using T = decltype(scale);
    pk::Tape<T> tape;
    const auto x = tape.variable(pk::Tensor<T>{T(0), T(-40), T(40), T(-3e4), T(3e4)});
    const auto y = pk::gelu(x);
    tape.backward(y, pk::Tensor<T>{T(1), T(1), T(1), T(1), T(1)});
    for (std::size_t i = 0; i < 5; ++i) {
      CHECK(y.value()(i) == std::max(x.value()(i), T(0)));
      CHECK(x.grad()(i) == (i == 0 ? T(0.5) : i % 2 == 0 ? T(1) : T(0)));
    }
  };
  far(1.0f);
  far(1.0);
}

TEST_CASE("GELU of numbers whose square is infinite", "[autodiff]") {
  const auto check = [](auto large) {
    using T = decltype(large);
    pk::Tape<T> tape;
    // A whole vector of them and what is left of one.
    pk::Tensor<T> values = pk::zeros<T>({19});
    for (std::size_t i = 0; i < values.size(); ++i) values(i) = i % 2 == 0 ? large : -large;
    const auto x = tape.variable(std::move(values));
    const auto y = pk::gelu(x);
    tape.backward(pk::sum(y));
    for (std::size_t i = 0; i < 19; ++i) {
      CHECK(y.value()(i) == (i % 2 == 0 ? large : T(0)));
      CHECK(x.grad()(i) == (i % 2 == 0 ? T(1) : T(0)));
    }
    const auto nan = tape.constant(pk::zeros<T>({19}) + std::numeric_limits<T>::quiet_NaN());
    for (const T v : pk::gelu(nan).value()) CHECK(std::isnan(v));
  };
  check(1e30f);
  check(1e63);
  check(1e300);
}
