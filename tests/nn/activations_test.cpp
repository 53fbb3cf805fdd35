#include <catch2/catch.hpp>

#include <string>

#include <posekit/nn/activations.hpp>
#include <posekit/nn/sequential.hpp>
#include <posekit/testing/random_tensor.hpp>

#include "nn/module_case.hpp"

namespace pk = posekit;
namespace nn = posekit::nn;
using pk::testing::random_tensor;

namespace {

/// Activations alone have no type, a Sequential has.
template <class Activation>
void check_activation(const std::string& name, double tolerance = 1e-13) {
  INFO(name);
  CHECK(module_case_difference(name, nn::Sequential<double>(Activation{})) < tolerance);
  CHECK(module_case_difference(name, nn::Sequential<float>(Activation{})) < 2e-6);
  const auto result = check_module_gradients(nn::Sequential<double>(Activation{}),
                                             random_tensor<double>({2, 3, 5}, 5, -7, 9));
  INFO(result.message);
  CHECK(result.ok);
}

}  // namespace

TEST_CASE("Activations equal PyTorch's and are differentiated", "[nn]") {
  check_activation<nn::ReLU>("relu", 1e-15);
  check_activation<nn::ReLU6>("relu6", 1e-15);
  check_activation<nn::GELU>("gelu");
  check_activation<nn::Sigmoid>("sigmoid");
  check_activation<nn::Tanh>("tanh");
  check_activation<nn::Softmax>("softmax");
}

TEST_CASE("PReLU equals PyTorch's with one slope and with one for each channel", "[nn]") {
  for (const auto& [name, channels] :
       {std::pair<const char*, std::size_t>{"prelu", 1}, {"prelu_channels", 5}}) {
    INFO(name);
    CHECK(module_case_difference(name, nn::PReLU<double>({.channels = channels})) < 1e-14);
    CHECK(module_case_difference(name, nn::PReLU<float>({.channels = channels})) < 1e-6);
    const auto result = check_module_gradients(nn::PReLU<double>({.channels = channels}),
                                               random_tensor<double>({2, 3, 5}, 5));
    INFO(result.message);
    CHECK(result.ok);
  }
}

TEST_CASE("PReLU starts with one slope, and says what does not fit", "[nn]") {
  CHECK(identical(nn::PReLU<double>().weight.value(), pk::Tensor<double>{0.25}));
  const nn::PReLU<double> layer({.channels = 3, .initial = -0.5});
  CHECK(identical(layer.weight.value(), pk::Tensor<double>{-0.5, -0.5, -0.5}));
  pk::Tape<double> tape;
  const auto y = layer(tape.constant(pk::Tensor<double>{{4.0, -2.0, 0.5}}));
  CHECK(identical(y.value(), pk::Tensor<double>{{4.0, 1.0, 0.5}}));
  const auto wide = tape.constant(pk::zeros<double>({2, 4}));
  CHECK_THROWS_AS(layer(wide), pk::ShapeError);
  CHECK_THROWS_WITH(layer(wide), Catch::Contains("[2, 4] and [3]"));
  CHECK_THROWS_AS(nn::PReLU<double>({.channels = 0}), pk::ValueError);
  CHECK_THROWS_WITH(nn::PReLU<double>({.channels = 0}), "PReLU: 0 channels, expected more");
}
