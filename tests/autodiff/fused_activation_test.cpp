#include <catch2/catch.hpp>

#include <posekit/autodiff/convolution.hpp>
#include <posekit/autodiff/depthwise_convolution.hpp>
#include <posekit/autodiff/functions.hpp>
#include <posekit/kernels/activation_kind.hpp>
#include <posekit/testing/gradient_check.hpp>

#include "support/close.hpp"
#include "support/conv2d_filter.hpp"
#include "support/layer_case.hpp"

namespace pk = posekit;
using pk::testing::random_tensor;

TEST_CASE("Fused layers: gradients for every activation and padding", "[autodiff]") {
  for (const auto activation : {pk::Activation::none, pk::Activation::relu, pk::Activation::relu6,
                                pk::Activation::prelu, pk::Activation::sigmoid}) {
    for (const pk::Padding2d& padding :
         {pk::Padding2d::valid(), pk::Padding2d::same(), pk::Padding2d::of(1, 0, 2, 1)}) {
      for (const std::size_t stride : {1u, 2u}) {
        const pk::Conv2dOptions options{
            .stride = {stride, stride}, .padding = padding, .activation = activation};
        const std::vector<pk::Tensor<double>> in{random_tensor<double>({2, 5, 6, 3}, 5, -3, 3)};
        const auto conv = [&](const auto& v) {
          using T = typename std::decay_t<decltype(v[0])>::value_type;
          return pk::conv2d(v[0], filter_of<T>({3, 2, 3, 7}, true, true), options);
        };
        const auto depthwise = [&](const auto& v) {
          using T = typename std::decay_t<decltype(v[0])>::value_type;
          return pk::depthwise_conv2d(v[0], filter_of<T>({3, 2, 3, 1}, true, true, true), options);
        };
        for (const auto& result : {pk::testing::check_gradients(conv, in),
                                   pk::testing::check_gradients(depthwise, in)}) {
          INFO(result.message);
          CHECK(result.ok);
        }
        CHECK(pk::testing::float_disagreement(conv, in) < 2e-5);
        CHECK(pk::testing::float_disagreement(depthwise, in) < 2e-5);
      }
    }
  }
}

TEST_CASE("A fused layer equals its parts", "[autodiff]") {
  for (const auto activation : {pk::Activation::relu, pk::Activation::relu6, pk::Activation::prelu,
                                pk::Activation::sigmoid}) {
    pk::Tape<double> tape;
    const auto x = tape.variable(random_tensor<double>({1, 6, 5, 4}, 1, -4, 4));
    const auto filter = filter_of<double>({3, 3, 4, 9}, true, true);
    const pk::Conv2dOptions plain{.padding = pk::Padding2d::same()};
    pk::Conv2dOptions fused = plain;
    fused.activation = activation;
    const auto bare = pk::conv2d(x, filter, plain);
    pk::Var<double> composed = bare;
    if (activation == pk::Activation::relu) composed = pk::relu(bare);
    if (activation == pk::Activation::relu6) composed = pk::relu6(bare);
    if (activation == pk::Activation::sigmoid) composed = pk::sigmoid(bare);
    if (activation == pk::Activation::prelu) {
      composed =
          pk::prelu(bare, tape.constant(pk::tensor_from<double>(
                              {9}, std::vector<double>(filter->slope(), filter->slope() + 9))));
    }
    const auto y = pk::conv2d(x, filter, fused);
    CHECK(relative_difference(y.value(), composed.value()) < 1e-14);
    const auto seed = random_tensor<double>(y.shape(), 3);
    tape.backward(composed, seed);
    const pk::Tensor<double> expected = x.grad();
    tape.backward(y, seed);
    CHECK(relative_difference(x.grad(), expected) < 1e-13);
  }
}
