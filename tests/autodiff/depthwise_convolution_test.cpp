#include <catch2/catch.hpp>

#include <posekit/autodiff/depthwise_convolution.hpp>
#include <posekit/autodiff/functions.hpp>
#include <posekit/testing/gradient_check.hpp>

#include "support/close.hpp"
#include "support/conv2d_filter.hpp"
#include "support/layer_case.hpp"

namespace pk = posekit;
using pk::testing::random_tensor;

TEST_CASE("Depthwise convolutions and their gradients equal PyTorch's", "[autodiff]") {
  const auto depthwise = [](const auto& v) {
    return pk::depthwise_conv2d(v[0], v[1], v[2],
                                {.stride = {2, 2}, .padding = pk::Padding2d::of(2, 2, 2, 2)});
  };
  CHECK(layer_case_difference<double>("depthwise", 3, depthwise) < 1e-13);
  CHECK(layer_case_difference<float>("depthwise", 3, depthwise) < 2e-6);
}

TEST_CASE("Depthwise filters on the tape are differentiated", "[autodiff]") {
  const std::vector<pk::Tensor<double>> in{random_tensor<double>({1, 5, 4, 3}, 1),
                                           random_tensor<double>({3, 3, 3, 1}, 2)};
  const auto f = [](const auto& v) { return pk::depthwise_conv2d(v[0], v[1]); };
  const auto gradients = pk::testing::check_gradients(f, in);
  INFO(gradients.message);
  CHECK(gradients.ok);
}

TEST_CASE("Impossible depthwise convolutions are refused", "[autodiff]") {
  pk::Tape<float> tape;
  const auto x = tape.variable(pk::zeros<float>({1, 5, 6, 3}));
  CHECK_THROWS_AS(pk::depthwise_conv2d(x, filter_of<float>({3, 3, 3, 2}, false, false)),
                  pk::ShapeError);
}

TEST_CASE("Images without columns or rows have empty results and gradients", "[autodiff]") {
  for (const pk::Shape& shape :
       {pk::Shape{1, 4, 0, 3}, pk::Shape{1, 0, 4, 3}, pk::Shape{0, 4, 4, 3}}) {
    pk::Tape<float> tape;
    const auto x = tape.variable(pk::zeros<float>(shape));
    const auto y = pk::depthwise_conv2d(x, filter_of<float>({3, 3, 3, 1}, true, false, true),
                                        {.padding = pk::Padding2d::same()});
    tape.backward(y, pk::zeros<float>(y.shape()));
    CHECK(x.grad().size() == 0);
  }
}
