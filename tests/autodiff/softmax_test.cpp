#include <catch2/catch.hpp>

#include <cmath>
#include <limits>
#include <vector>

#include <posekit/autodiff/arithmetic.hpp>
#include <posekit/autodiff/softmax.hpp>
#include <posekit/testing/gradient_check.hpp>

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
