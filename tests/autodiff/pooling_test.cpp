#include <catch2/catch.hpp>

#include <posekit/autodiff/pooling.hpp>
#include <posekit/testing/gradient_check.hpp>

#include "support/layer_case.hpp"

namespace pk = posekit;

TEST_CASE("Pooling equals PyTorch's", "[autodiff]") {
  const auto largest = [](const auto& v) {
    return pk::max_pool2d(
        v[0], {.window = {3, 2}, .stride = {2, 2}, .padding = pk::Padding2d::of(1, 1, 1, 1)});
  };
  const auto mean = [](const auto& v) {
    return pk::average_pool2d(
        v[0], {.window = {3, 2}, .stride = {2, 1}, .padding = pk::Padding2d::of(1, 1, 1, 1)});
  };
  CHECK(layer_case_difference<double>("max_pool", 1, largest) < 1e-14);
  CHECK(layer_case_difference<float>("max_pool", 1, largest) < 1e-6);
  CHECK(layer_case_difference<double>("average_pool", 1, mean) < 1e-14);
  CHECK(layer_case_difference<float>("average_pool", 1, mean) < 1e-6);
}

TEST_CASE("Pooling with every padding is differentiated", "[autodiff]") {
  for (const pk::Padding2d& padding :
       {pk::Padding2d::valid(), pk::Padding2d::same(), pk::Padding2d::of(0, 1, 1, 0)}) {
    const std::vector<pk::Tensor<double>> in{pk::testing::random_tensor<double>({2, 5, 7, 3}, 1)};
    for (const auto& result :
         {pk::testing::check_gradients(
              [&](const auto& v) {
                return pk::max_pool2d(v[0],
                                      {.window = {2, 3}, .stride = {2, 1}, .padding = padding});
              },
              in),
          pk::testing::check_gradients(
              [&](const auto& v) {
                return pk::average_pool2d(v[0],
                                          {.window = {2, 3}, .stride = {1, 2}, .padding = padding});
              },
              in)}) {
      INFO(result.message);
      CHECK(result.ok);
    }
  }
}

TEST_CASE("Impossible windows are refused", "[autodiff]") {
  pk::Tape<float> tape;
  const auto x = tape.variable(pk::zeros<float>({1, 3, 3, 2}));
  CHECK_THROWS_AS(pk::max_pool2d(x, {.window = {4, 1}, .stride = {1, 1}}), pk::ShapeError);
  CHECK_THROWS_AS(
      pk::max_pool2d(
          x, {.window = {2, 2}, .stride = {2, 2}, .padding = pk::Padding2d::of(2, 0, 0, 0)}),
      pk::ShapeError);
  CHECK_THROWS_AS(pk::average_pool2d(tape.variable(pk::zeros<float>({1, 0, 3, 2})),
                                     {.padding = pk::Padding2d::same()}),
                  pk::ShapeError);
  CHECK_THROWS_AS(pk::average_pool2d(tape.variable(pk::zeros<float>({3, 2}))), pk::ShapeError);
}
