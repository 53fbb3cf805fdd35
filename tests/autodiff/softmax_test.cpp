#include <catch2/catch.hpp>

#include <cmath>
#include <limits>
#include <vector>

#include <xtensor/xview.hpp>

#include <posekit/autodiff/arithmetic.hpp>
#include <posekit/autodiff/softmax.hpp>
#include <posekit/testing/gradient_check.hpp>
#include <posekit/testing/random_tensor.hpp>

#include "support/layer_case.hpp"

namespace pk = posekit;
using pk::testing::random_tensor;

TEST_CASE("Softmax equals PyTorch's", "[autodiff]") {
  const auto f = [](const auto& v) { return pk::softmax(v[0] * 3.0); };
  CHECK(layer_case_difference<double>("nn/op_softmax", 1, f) < 1e-14);
  CHECK(layer_case_difference<float>("nn/op_softmax", 1, f) < 1e-6);
}

TEST_CASE("Softmax is differentiated", "[autodiff]") {
  for (const pk::Shape& shape : {pk::Shape{1}, pk::Shape{5}, pk::Shape{2, 3, 4}}) {
    const auto result = pk::testing::check_gradients(
        [](const auto& v) { return pk::softmax(v[0]) + v[0]; }, {random_tensor<double>(shape, 5)});
    INFO(result.message);
    CHECK(result.ok);
  }
}

TEST_CASE("Softmax of large, infinite and no numbers", "[autodiff]") {
  pk::Tape<float> tape;
  const float infinite = std::numeric_limits<float>::infinity();
  const auto x =
      tape.variable(pk::Tensor<float>{{1000.0f, 1001.0f, -1000.0f}, {-1e30f, -infinite, -1e30f}});
  const auto y = pk::softmax(x);
  CHECK(y.value()(0, 1) == Approx(1 / (1 + std::exp(-1.0))));
  CHECK(y.value()(0, 2) == 0.0f);
  CHECK(y.value()(1, 0) == 0.5f);
  CHECK(y.value()(1, 1) == 0.0f);
  tape.backward(y, random_tensor<float>({2, 3}, 5));
  for (const float g : x.grad()) CHECK(std::isfinite(g));
  CHECK(pk::softmax(tape.constant(pk::zeros<float>({2, 0}))).shape() == pk::Shape{2, 0});
  CHECK_THROWS_AS(pk::softmax(tape.constant(pk::zeros<float>({}))), pk::ShapeError);
  CHECK_THROWS_WITH(pk::softmax(tape.constant(pk::zeros<float>({}))),
                    "softmax: x has rank 0, expected an axis");
}

TEST_CASE("Softmax gives the same bits for any number of threads", "[autodiff]") {
  const auto logits = random_tensor<float>({1030, 7}, 5, -4, 4);
  std::vector<pk::Tensor<float>> first;
  for (const int threads : {1, 3}) {
    pk::Tape<float> tape({.threads = threads});
    const auto x = tape.variable(pk::Tensor<float>(logits));
    const auto y = pk::softmax(x);
    tape.backward(y, random_tensor<float>(y.shape(), 8));
    if (first.empty()) first = {y.value(), x.grad()};
    CHECK(identical(y.value(), first[0]));
    CHECK(identical(x.grad(), first[1]));
  }
}

TEST_CASE("Softmax and its logarithm by their definition, for every number of columns",
          "[autodiff]") {
  for (std::size_t columns = 1; columns < 40; ++columns) {
    const auto logits = random_tensor<double>({19, columns}, columns, -9, 9);
    const auto p = pk::softmax(logits);
    const auto y = pk::log_softmax(logits);
    const auto q = pk::softmax(pk::cast<float>(logits));
    for (std::size_t r = 0; r < 19; ++r) {
      double sum = 0;
      for (std::size_t c = 0; c < columns; ++c) sum += std::exp(logits(r, c));
      for (std::size_t c = 0; c < columns; ++c) {
        CHECK(p(r, c) == Approx(std::exp(logits(r, c)) / sum).epsilon(1e-13));
        CHECK(y(r, c) == Approx(logits(r, c) - std::log(sum)).epsilon(1e-13).margin(1e-14));
        CHECK(static_cast<double>(q(r, c)) == Approx(p(r, c)).epsilon(1e-5));
      }
    }
  }
}

TEST_CASE("The logarithm of softmax equals PyTorch's", "[autodiff]") {
  const auto f = [](const auto& v) { return pk::log_softmax(v[0] * 4.0); };
  for (const char* name : {"cross_entropy/log_softmax", "cross_entropy/log_softmax_wide"}) {
    CHECK(layer_case_difference<double>(name, 1, f) < 1e-12);
    CHECK(layer_case_difference<float>(name, 1, f) < 1e-6);
  }
}

TEST_CASE("The logarithm of softmax is differentiated", "[autodiff]") {
  for (const pk::Shape& shape :
       {pk::Shape{1}, pk::Shape{5}, pk::Shape{2, 3, 4}, pk::Shape{2, 21}, pk::Shape{0, 3}}) {
    const auto result =
        pk::testing::check_gradients([](const auto& v) { return pk::log_softmax(v[0]) + v[0]; },
                                     {random_tensor<double>(shape, 5, -3, 3)});
    INFO(result.message);
    CHECK(result.ok);
  }
}

TEMPLATE_TEST_CASE("The logarithm of softmax of large, infinite and no numbers", "[autodiff]",
                   float, double) {
  using T = TestType;
  const T infinite = std::numeric_limits<T>::infinity();
  for (const std::size_t columns : {3u, 20u}) {
    pk::Tensor<T> logits = pk::zeros<T>({6, columns});
    for (std::size_t c = 0; c < columns; ++c) {
      logits(0, c) = c == 0 ? T(1e4) : T(-1e4);
      logits(1, c) = T(-1e4);
      logits(3, c) = -infinite;
    }
    logits(2, 1) = -infinite;
    logits(4, 1) = std::numeric_limits<T>::quiet_NaN();
    logits(5, 1) = infinite;
    pk::Tape<T> tape;
    const auto x = tape.variable(pk::Tensor<T>(logits));
    const auto y = pk::log_softmax(x);
    CHECK(y.value()(0, 0) == T(0));
    CHECK(y.value()(0, 1) == T(-2e4));
    CHECK(y.value()(1, 2) == Approx(-std::log(static_cast<double>(columns))).epsilon(1e-6));
    CHECK(y.value()(2, 1) == -infinite);
    CHECK(y.value()(2, 2) == Approx(-std::log(static_cast<double>(columns - 1))).epsilon(1e-6));
    const auto p = pk::softmax(logits);
    CHECK(p(2, 1) == T(0));
    for (std::size_t c = 0; c < columns; ++c) {
      for (std::size_t r = 3; r < 6; ++r) {
        CHECK(std::isnan(y.value()(r, c)));
        CHECK(std::isnan(p(r, c)));
      }
    }
    tape.backward(y, random_tensor<T>(y.shape(), 5));
    for (std::size_t i = 0; i < 3 * columns; ++i) CHECK(std::isfinite(x.grad().data()[i]));
  }
  CHECK(pk::log_softmax(pk::zeros<T>({2, 0})).shape()[1] == 0);
  CHECK_THROWS_WITH(pk::log_softmax(pk::zeros<T>({})),
                    "log_softmax: x has rank 0, expected an axis");
}

TEST_CASE("Softmaxes of tensors, views and on tapes have the same bits", "[autodiff]") {
  for (const std::size_t columns : {5u, 23u}) {
    const auto logits = random_tensor<float>({4099, columns}, 5, -4, 4);
    pk::Tape<float> tape({.threads = 3});
    const auto x = tape.variable(pk::Tensor<float>(logits));
    const auto p = pk::softmax(x), y = pk::log_softmax(x);
    for (const int threads : {1, 2, 5}) {
      CHECK(identical(pk::softmax(logits, {.threads = threads}), p.value()));
      CHECK(identical(pk::log_softmax(logits, {.threads = threads}), y.value()));
    }
    const auto part = xt::view(logits, xt::range(1, 3), xt::all());
    CHECK(identical(pk::log_softmax(part), pk::log_softmax(pk::Tensor<float>(part))));
  }
}

TEST_CASE("Sums over many columns lose no digits", "[autodiff]") {
  const std::size_t columns = 1000003;
  const auto y = pk::log_softmax(pk::zeros<float>({1, columns}));
  CHECK(y(0, 0) == Approx(-std::log(1000003.0)).epsilon(1e-6));
}
