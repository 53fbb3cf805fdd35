#include <catch2/catch.hpp>

#include <posekit/autodiff/reductions.hpp>
#include <posekit/nn/linear.hpp>
#include <posekit/testing/random_tensor.hpp>

#include "nn/module_case.hpp"

namespace pk = posekit;
namespace nn = posekit::nn;
using pk::testing::random_tensor;

namespace {

template <class T>
double difference(const std::string& name, bool bias) {
  return module_case_difference(name,
                                nn::Linear<T>({.in_features = 5, .out_features = 4, .bias = bias}));
}

}  // namespace

TEST_CASE("Linear equals PyTorch's, with its names", "[nn]") {
  CHECK(difference<double>("linear", true) < 1e-14);
  CHECK(difference<float>("linear", true) < 1e-6);
  CHECK(difference<double>("linear_no_bias", false) < 1e-14);
  CHECK(difference<float>("linear_no_bias", false) < 1e-6);
}

TEST_CASE("Linear is differentiated", "[nn]") {
  for (const bool bias : {true, false}) {
    const auto result = check_module_gradients(
        nn::Linear<double>({.in_features = 3, .out_features = 2, .bias = bias, .seed = 7}),
        random_tensor<double>({2, 4, 3}, 5));
    INFO(result.message);
    CHECK(result.ok);
  }
}

TEST_CASE("Linear maps any number of rows", "[nn]") {
  nn::Linear<double> layer({.in_features = 3, .out_features = 2, .seed = 1});
  layer.bias->mutable_value() = pk::Tensor<double>{0.5, -2.0};
  const auto w = layer.weight.value();
  pk::Tape<double> tape;
  const auto row = random_tensor<double>({3}, 2);
  const auto y = layer(tape.constant(pk::Tensor<double>(row)));
  REQUIRE(y.shape() == pk::Shape{2});
  for (std::size_t o = 0; o < 2; ++o) {
    const double expected = w(o, 0) * row(0) + w(o, 1) * row(1) + w(o, 2) * row(2);
    CHECK(y.value()(o) == Approx(expected + (o == 0 ? 0.5 : -2.0)));
  }
  CHECK(layer(tape.constant(pk::zeros<double>({4, 1, 5, 3}))).shape() == pk::Shape{4, 1, 5, 2});
  // None at all: nothing comes out, and the gradient of that is 0.
  const auto none = layer(tape.variable(pk::zeros<double>({0, 3})));
  CHECK(none.shape() == pk::Shape{0, 2});
  tape.backward(pk::sum(none));
  const pk::Tensor<double>* gradient = layer.weight.gradient(tape);
  REQUIRE(gradient != nullptr);
  for (const double g : *gradient) CHECK(g == 0);
}

TEST_CASE("Linear starts within PyTorch's bounds, from its seed", "[nn]") {
  const nn::Linear<float> layer({.in_features = 100, .out_features = 60, .seed = 3});
  const nn::Linear<float> same({.in_features = 100, .out_features = 60, .seed = 3});
  const nn::Linear<float> other({.in_features = 100, .out_features = 60, .seed = 4});
  CHECK(identical(layer.weight.value(), same.weight.value()));
  CHECK_FALSE(identical(layer.weight.value(), other.weight.value()));
  float largest = 0;
  for (const float w : layer.weight.value()) largest = std::max(largest, std::abs(w));
  CHECK(largest <= 0.1f);
  CHECK(largest > 0.099f);
  CHECK(identical(layer.bias->value(), pk::zeros<float>({60})));
  CHECK_FALSE(nn::Linear<float>({.in_features = 1, .out_features = 1, .bias = false}).bias);
}

TEST_CASE("Linear says what does not fit", "[nn]") {
  CHECK_THROWS_AS(nn::Linear<float>({.in_features = 0, .out_features = 2}), pk::ValueError);
  CHECK_THROWS_WITH(nn::Linear<float>({.in_features = 3}),
                    "Linear: 3 in_features and 0 out_features, expected more than 0");
  const nn::Linear<float> layer({.in_features = 3, .out_features = 2});
  pk::Tape<float> tape;
  CHECK_THROWS_AS(layer(tape.constant(pk::zeros<float>({3, 4}))), pk::ShapeError);
  CHECK_THROWS_WITH(layer(tape.constant(pk::zeros<float>({3, 4}))),
                    "Linear: x has shape [3, 4], expected [..., 3]");
  CHECK_THROWS_WITH(layer(tape.constant(pk::zeros<float>({}))),
                    "Linear: x has shape [], expected [..., 3]");
}
