#include <catch2/catch.hpp>

#include <cmath>
#include <limits>
#include <string>

#include <posekit/kernels/activation_kind.hpp>
#include <posekit/nn/normalization.hpp>
#include <posekit/testing/random_tensor.hpp>

#include "nn/module_case.hpp"

namespace pk = posekit;
namespace nn = posekit::nn;
using pk::testing::random_tensor;

namespace {

template <class T>
nn::BatchNorm2d<T> batch_norm(bool training = true) {
  nn::BatchNorm2d<T> layer({.channels = 5, .epsilon = 0.01, .momentum = 0.3});
  layer.training = training;
  return layer;
}

template <class T>
void check_against_torch(double tolerance) {
  CHECK(module_case_difference("batch_norm", batch_norm<T>()) < tolerance);
  CHECK(module_case_difference("batch_norm_default", nn::BatchNorm2d<T>({.channels = 3})) <
        10 * tolerance);
  auto rectified = batch_norm<T>();
  const auto run = [&](const pk::Var<T>& x) { return rectified(x, pk::Activation::relu); };
  CHECK(module_case_difference("batch_norm_relu", rectified, run) < tolerance);
  CHECK(module_case_difference("layer_norm", nn::LayerNorm<T>({.channels = 6, .epsilon = 0.01})) <
        tolerance);
}

/// By running statistics, and nothing but the input differentiated.
template <class T>
double evaluated() {
  const auto file = nn_golden("batch_norm_eval");
  auto layer = batch_norm<T>(false);
  set_state(layer, file);
  pk::Tape<T> tape;
  const auto x = tape.variable(file.template array<T>("x"));
  const auto y = layer(x);
  tape.backward(y, file.template array<T>("cotangent"));
  CHECK(layer.weight.gradient(tape) == nullptr);
  CHECK(layer.bias.gradient(tape) == nullptr);
  double worst = std::max(relative_difference(y.value(), file.template array<double>("out")),
                          relative_difference(x.grad(), file.template array<double>("grad")));
  for (const auto& [name, buffer] : nn::buffers(layer))
    CHECK(identical(buffer->value, file.template array<T>("state." + name)));
  return worst;
}

}  // namespace

TEST_CASE("Normalisations equal PyTorch's: values, gradients, running statistics", "[nn]") {
  check_against_torch<double>(1e-13);
  check_against_torch<float>(2e-6);
}

TEST_CASE("Batch normalisation outside training equals PyTorch's", "[nn]") {
  CHECK(evaluated<double>() < 1e-14);
  CHECK(evaluated<float>() < 1e-6);
}

TEST_CASE("Normalisations are differentiated", "[nn]") {
  const auto x = random_tensor<double>({2, 3, 2, 5}, 5);
  auto norm = batch_norm<double>();
  norm.weight.mutable_value() = random_tensor<double>({5}, 6);
  norm.bias.mutable_value() = random_tensor<double>({5}, 7);
  const auto batch = check_module_gradients(norm, x);
  INFO(batch.message);
  CHECK(batch.ok);
  nn::LayerNorm<double> rows({.channels = 5});
  rows.weight.mutable_value() = random_tensor<double>({5}, 6);
  const auto layer = check_module_gradients(rows, x);
  INFO(layer.message);
  CHECK(layer.ok);
}

TEST_CASE("Running statistics: unbiased variances, the share of a batch, the batches", "[nn]") {
  nn::BatchNorm2d<double> layer({.channels = 2, .momentum = 0.25});
  CHECK(identical(layer.running_mean.value, pk::Tensor<double>{0.0, 0.0}));
  CHECK(identical(layer.running_var.value, pk::Tensor<double>{1.0, 1.0}));
  pk::Tape<double> tape;
  // Means 2 and 10; unbiased variances 4 and 16.
  const auto x = tape.constant(pk::Tensor<double>{{0.0, 10.0}, {2.0, 6.0}, {4.0, 14.0}});
  layer(x);
  CHECK(layer.running_mean.value(0) == Approx(0.5));
  CHECK(layer.running_mean.value(1) == Approx(2.5));
  CHECK(layer.running_var.value(0) == Approx(0.75 + 0.25 * 4));
  CHECK(layer.running_var.value(1) == Approx(0.75 + 0.25 * 16));
  layer(x);
  CHECK(layer.running_mean.value(0) == Approx(0.75 * 0.5 + 0.5));
  CHECK(layer.running_var.value(1) == Approx(0.75 * 4.75 + 4));
  CHECK(layer.num_batches_tracked.value() == 2.0);
  nn::set_training(layer, false);
  layer(x);
  CHECK(layer.num_batches_tracked.value() == 2.0);
  CHECK(layer.running_mean.value(0) == Approx(0.75 * 0.5 + 0.5));
}

TEST_CASE("Frozen normalisations pass gradients on and receive none", "[nn]") {
  auto layer = batch_norm<double>();
  nn::set_trainable(layer, false);
  pk::Tape<double> tape;
  const auto x = tape.variable(random_tensor<double>({2, 2, 2, 5}, 3));
  const auto y = layer(x);
  tape.backward(y, random_tensor<double>(y.shape(), 4));
  CHECK(layer.weight.gradient(tape) == nullptr);
  CHECK(layer.bias.gradient(tape) == nullptr);
  CHECK(relative_difference(x.grad(), pk::zeros<double>(x.shape())) > 0.01);
}

TEST_CASE("Normalisations say what does not fit", "[nn]") {
  CHECK_THROWS_AS(nn::BatchNorm2d<float>({}), pk::ValueError);
  CHECK_THROWS_WITH(nn::BatchNorm2d<float>({}), "BatchNorm2d: 0 channels, expected more");
  CHECK_THROWS_AS(nn::LayerNorm<float>({}), pk::ValueError);
  CHECK_THROWS_WITH(nn::LayerNorm<float>({}), "LayerNorm: 0 channels, expected more");

  pk::Tape<double> tape;
  auto layer = batch_norm<double>();
  nn::LayerNorm<double> rows({.channels = 5});
  const auto wide = tape.constant(random_tensor<double>({2, 1, 2, 4}, 3));
  CHECK_THROWS_AS(layer(wide), pk::ShapeError);
  CHECK_THROWS_WITH(layer(wide), Catch::Contains("weight has shape [5], expected [4]") &&
                                     Catch::Contains("x [2, 1, 2, 4]"));
  CHECK_THROWS_WITH(rows(wide), Catch::Contains("weight has shape [5], expected [4]"));

  // One value for each channel has no variance.
  const auto one = tape.constant(random_tensor<double>({1, 1, 1, 5}, 3));
  CHECK_THROWS_AS(layer(one), pk::ShapeError);
  CHECK_THROWS_WITH(layer(one), Catch::Contains("x has shape [1, 1, 1, 5], expected more than one "
                                                "value for each channel in training"));
  CHECK(layer.num_batches_tracked.value() == 0.0);
  CHECK(identical(layer.running_mean.value, pk::zeros<double>({5})));
  nn::set_training(layer, false);
  CHECK_NOTHROW(layer(one));

  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (const double epsilon : {nan, -1e-5}) {
    const auto x = tape.constant(random_tensor<double>({3, 5}, 3));
    CHECK_THROWS_WITH(nn::BatchNorm2d<double>({.channels = 5, .epsilon = epsilon}),
                      Catch::Contains("BatchNorm2d: epsilon is"));
    CHECK_THROWS_WITH(nn::BatchNorm2d<double>({.channels = 5, .momentum = epsilon}),
                      Catch::Contains("BatchNorm2d: momentum is"));
    nn::BatchNorm2d<double> bad({.channels = 5});
    bad.options.epsilon = epsilon;
    CHECK_THROWS_AS(bad(x), pk::ValueError);
    CHECK_THROWS_WITH(bad(x), Catch::Contains("epsilon is"));
    nn::set_training(bad, false);
    CHECK_THROWS_AS(bad(x), pk::ValueError);
    const nn::LayerNorm<double> bad_rows({.channels = 5, .epsilon = epsilon});
    CHECK_THROWS_AS(bad_rows(x), pk::ValueError);
    CHECK_THROWS_WITH(bad_rows(x), Catch::Contains("epsilon is"));
  }
}
