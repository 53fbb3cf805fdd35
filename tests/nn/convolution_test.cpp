#include <catch2/catch.hpp>

#include <cstddef>
#include <string>

#include <posekit/nn/convolution.hpp>
#include <posekit/testing/random_tensor.hpp>

#include "nn/module_case.hpp"

namespace pk = posekit;
namespace nn = posekit::nn;
using pk::testing::random_tensor;

namespace {

template <class Options>
struct Case {
  const char* name;
  Options options;
};

const Case<nn::Conv2dOptions> convolutions[] = {
    {"conv",
     {.in_channels = 3,
      .out_channels = 5,
      .kernel = {3, 2},
      .stride = {2, 1},
      .padding = {1, 2},
      .dilation = {1, 2}}},
    {"conv_1x1",
     {.in_channels = 5, .out_channels = 4, .kernel = {1, 1}, .stride = {2, 2}, .bias = false}},
    {"conv_groups",
     {.in_channels = 4, .out_channels = 6, .stride = {2, 2}, .padding = {1, 1}, .groups = 2}},
    {"conv_depthwise",
     {.in_channels = 5,
      .out_channels = 5,
      .stride = {1, 2},
      .padding = {2, 2},
      .dilation = {2, 2},
      .groups = 5}},
    {"conv_depthwise_no_bias",
     {.in_channels = 3, .out_channels = 3, .kernel = {2, 3}, .groups = 3, .bias = false}},
    {"conv_multiplier",
     {.in_channels = 3, .out_channels = 6, .padding = {1, 0}, .groups = 3, .bias = false}}};

const Case<nn::ConvTranspose2dOptions> transposes[] = {
    {"up",
     {.in_channels = 5,
      .out_channels = 3,
      .kernel = {3, 4},
      .stride = {2, 3},
      .padding = {1, 0},
      .output_padding = {1, 2}}},
    {"up_dilated",
     {.in_channels = 4,
      .out_channels = 3,
      .kernel = {3, 2},
      .padding = {2, 1},
      .output_padding = {1, 1},
      .dilation = {2, 3},
      .bias = false}},
    {"up_groups",
     {.in_channels = 6, .out_channels = 4, .stride = {2, 2}, .padding = {1, 1}, .groups = 2}},
    {"up_depthwise",
     {.in_channels = 3,
      .out_channels = 3,
      .kernel = {4, 4},
      .stride = {2, 2},
      .padding = {1, 1},
      .groups = 3,
      .bias = false}},
    {"up_1x1",
     {.in_channels = 4,
      .out_channels = 2,
      .kernel = {1, 1},
      .stride = {2, 2},
      .output_padding = {1, 1},
      .bias = false}}};

/// Outside training nothing but the image is differentiated, and value and gradient are the same.
template <class Layer>
void check_evaluation(Layer layer, const pk::Tensor<double>& image) {
  pk::Tape<double> tape;
  const auto x = tape.variable(pk::Tensor<double>(image));
  const auto expected = layer(x);
  const auto seed = random_tensor<double>(expected.shape(), 9);
  tape.backward(expected, seed);
  const pk::Tensor<double> gradient = x.grad();
  nn::set_training(layer, false);
  for (int call = 0; call < 2; ++call) {
    const auto y = layer(x);
    CHECK(relative_difference(y.value(), expected.value()) < 1e-14);
    tape.backward(y, seed);
    CHECK(relative_difference(x.grad(), gradient) < 1e-14);
    CHECK(layer.weight.gradient(tape) == nullptr);
  }
  // Not what was made of weights and biases that have changed since.
  for (const auto& [name, parameter] : nn::parameters(layer)) {
    INFO(name);
    const pk::Tensor<double> before = layer(x).value();
    parameter->mutable_value() *= 1.5;
    parameter->mutable_value() += 0.25;
    const pk::Tensor<double> after = layer(x).value();
    CHECK(relative_difference(after, before) > 0.01);
    nn::set_training(layer, true);
    CHECK(relative_difference(after, layer(x).value()) < 1e-14);
    nn::set_training(layer, false);
  }
  // Copies change alone, and follow their own weights.
  const pk::Tensor<double> before = layer(x).value();
  for (int changes = 1; changes < 10; ++changes) {
    Layer copy = layer;
    for (int i = 0; i < changes; ++i) copy.weight.mutable_value() *= 1.25;
    const pk::Tensor<double> after = copy(x).value();
    nn::set_training(copy, true);
    CHECK(relative_difference(after, copy(x).value()) < 1e-14);
  }
  CHECK(identical(layer(x).value(), before));
  Layer assigned = layer;
  assigned.weight.mutable_value() *= 1.25;
  layer = assigned;
  CHECK(identical(layer(x).value(), assigned(x).value()));
}

}  // namespace

TEST_CASE("Conv2d equals PyTorch's: strides, paddings, dilations, groups", "[nn]") {
  for (const auto& [name, options] : convolutions) {
    INFO(name);
    CHECK(module_case_difference(name, nn::Conv2d<double>(options)) < 1e-13);
    CHECK(module_case_difference(name, nn::Conv2d<float>(options)) < 2e-6);
  }
}

TEST_CASE("ConvTranspose2d equals PyTorch's: strides, paddings, dilations, groups", "[nn]") {
  for (const auto& [name, options] : transposes) {
    INFO(name);
    CHECK(module_case_difference(name, nn::ConvTranspose2d<double>(options)) < 1e-13);
    CHECK(module_case_difference(name, nn::ConvTranspose2d<float>(options)) < 2e-6);
  }
}

TEST_CASE("Convolutions are differentiated", "[nn]") {
  for (const auto& [name, options] : convolutions) {
    INFO(name);
    const auto result = check_module_gradients(
        nn::Conv2d<double>(options), random_tensor<double>({2, 5, 4, options.in_channels}, 5));
    INFO(result.message);
    CHECK(result.ok);
  }
  for (const auto& [name, options] : transposes) {
    INFO(name);
    const auto result =
        check_module_gradients(nn::ConvTranspose2d<double>(options),
                               random_tensor<double>({2, 2, 3, options.in_channels}, 5));
    INFO(result.message);
    CHECK(result.ok);
  }
}

TEST_CASE("Outside training convolutions give the same, and follow their weights", "[nn]") {
  for (const auto& [name, options] : convolutions) {
    INFO(name);
    check_evaluation(nn::Conv2d<double>(options),
                     random_tensor<double>({2, 5, 4, options.in_channels}, 5));
  }
  for (const auto& [name, options] : transposes) {
    INFO(name);
    check_evaluation(nn::ConvTranspose2d<double>(options),
                     random_tensor<double>({2, 2, 3, options.in_channels}, 5));
  }
}

TEST_CASE("Convolutions start within PyTorch's bounds, from their seeds", "[nn]") {
  const nn::Conv2d<float> layer({.in_channels = 20, .out_channels = 30, .groups = 2, .seed = 3});
  const nn::Conv2d<float> other({.in_channels = 20, .out_channels = 30, .groups = 2, .seed = 4});
  CHECK(pk::shape_of(layer.weight.value()) == pk::Shape{30, 10, 3, 3});
  CHECK_FALSE(identical(layer.weight.value(), other.weight.value()));
  const nn::ConvTranspose2d<float> up({.in_channels = 20, .out_channels = 30, .kernel = {3, 1}});
  CHECK(pk::shape_of(up.weight.value()) == pk::Shape{20, 30, 3, 1});
  for (const auto& [weight, inputs] :
       {std::pair{&layer.weight.value(), 90.0f}, std::pair{&up.weight.value(), 90.0f}}) {
    float largest = 0;
    for (const float w : *weight) largest = std::max(largest, std::abs(w));
    CHECK(largest <= 1.000001f / std::sqrt(inputs));
    CHECK(largest > 0.99f / std::sqrt(inputs));
  }
  CHECK(identical(layer.bias->value(), pk::zeros<float>({30})));
  CHECK(identical(up.bias->value(), pk::zeros<float>({30})));
}

TEST_CASE("Convolutions say what does not fit", "[nn]") {
  CHECK_THROWS_WITH(nn::Conv2d<float>({.in_channels = 3, .out_channels = 4, .groups = 2}),
                    "Conv2d: 3 input and 4 output channels in 2 groups, expected multiples of the "
                    "groups, all more than 0");
  for (const auto& [in, out, groups] :
       {std::array<std::size_t, 3>{0, 4, 1}, {4, 0, 1}, {4, 4, 0}, {4, 6, 4}}) {
    CHECK_THROWS_AS(nn::Conv2d<float>({.in_channels = in, .out_channels = out, .groups = groups}),
                    pk::ValueError);
    CHECK_THROWS_AS(
        nn::ConvTranspose2d<float>({.in_channels = in, .out_channels = out, .groups = groups}),
        pk::ValueError);
  }
  CHECK_THROWS_AS(
      nn::ConvTranspose2d<float>({.in_channels = 2, .out_channels = 2, .output_padding = {1, 0}}),
      pk::ValueError);
  CHECK_THROWS_WITH(
      nn::ConvTranspose2d<float>(
          {.in_channels = 2, .out_channels = 2, .stride = {3, 2}, .output_padding = {2, 2}}),
      "ConvTranspose2d: output_padding 2 is not smaller than stride 2 or dilation 1");

  CHECK_THROWS_WITH(nn::ConvTranspose2d<float>({.in_channels = 2,
                                                .out_channels = 2,
                                                .padding = {1, 1},
                                                .output_padding = {1, 2},
                                                .dilation = {2, 3}}),
                    "ConvTranspose2d: output_padding 2 is not smaller than stride 1 and padding 1 "
                    "together");

  pk::Tape<float> tape;
  const auto x = tape.constant(pk::zeros<float>({1, 2, 2, 3}));
  for (const bool training : {true, false}) {
    nn::Conv2d<float> conv({.in_channels = 2, .out_channels = 2});
    nn::ConvTranspose2d<float> up({.in_channels = 2, .out_channels = 2});
    conv.training = up.training = training;
    CHECK_THROWS_AS(conv(x), pk::ShapeError);
    CHECK_THROWS_WITH(conv(x), "Conv2d: x has shape [1, 2, 2, 3], expected [N, H, W, 2]");
    CHECK_THROWS_WITH(up(x), "ConvTranspose2d: x has shape [1, 2, 2, 3], expected [N, H, W, 2]");
    CHECK_THROWS_AS(conv(tape.constant(pk::zeros<float>({2, 2}))), pk::ShapeError);
    CHECK_THROWS_AS(up(tape.constant(pk::zeros<float>({2, 2}))), pk::ShapeError);
    nn::Conv2d<float> large({.in_channels = 3, .out_channels = 2, .kernel = {3, 1}});
    large.training = training;
    CHECK_THROWS_AS(large(x), pk::ShapeError);
    nn::Conv2d<float> still({.in_channels = 3, .out_channels = 2, .stride = {0, 1}});
    still.training = training;
    CHECK_THROWS_AS(still(x), pk::ValueError);
    nn::ConvTranspose2d<float> eaten(
        {.in_channels = 3, .out_channels = 2, .kernel = {1, 1}, .padding = {0, 1}});
    eaten.training = training;
    CHECK_THROWS_WITH(eaten(x), Catch::Contains("nothing is left of x with shape [1, 2, 2, 3]"));
  }
}

TEST_CASE("Evaluation sees weights that change through a reference that was kept", "[nn]") {
  const auto check = [](auto layer) {
    nn::set_training(layer, false);
    const auto run = [&] {
      pk::Tape<double> tape;
      return layer(tape.constant(pk::zeros<double>({1, 1, 1, 1}) + 1.0)).value()(0, 0, 0, 0);
    };
    auto& weight = layer.weight.mutable_value();
    weight.fill(1);
    CHECK(run() == 1.0);
    weight.fill(2);
    CHECK(run() == 2.0);
    CHECK(run() == 2.0);
  };
  check(nn::Conv2d<double>({.in_channels = 1, .out_channels = 1, .kernel = {1, 1}, .bias = false}));
  check(nn::ConvTranspose2d<double>(
      {.in_channels = 1, .out_channels = 1, .kernel = {1, 1}, .bias = false}));
}
