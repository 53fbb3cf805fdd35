#include <catch2/catch.hpp>

#include <posekit/autodiff/functions.hpp>
#include <posekit/kernels/activation_kind.hpp>
#include <posekit/nn/activations.hpp>
#include <posekit/nn/linear_norm.hpp>
#include <posekit/nn/sequential.hpp>
#include <posekit/testing/random_tensor.hpp>

#include "support/close.hpp"

namespace pk = posekit;
namespace nn = posekit::nn;
using pk::testing::random_tensor;

namespace {

struct DensePair {
  nn::Linear<double> layer{{.in_features = 3, .out_features = 4}};
  nn::BatchNorm1d<double> norm{{.channels = 4, .epsilon = 0.01}};

  DensePair() {
    layer.bias->mutable_value() = random_tensor<double>({4}, 11);
    norm.weight.mutable_value() = random_tensor<double>({4}, 12, 0.5, 1.5);
    norm.bias.mutable_value() = random_tensor<double>({4}, 13);
    norm.running_mean.value = random_tensor<double>({4}, 14);
    norm.running_var.value = random_tensor<double>({4}, 15, 0.5, 1.5);
    layer.training = norm.training = false;
  }
};

}  // namespace

TEST_CASE("A dense layer and its normalisation together equal the two, whatever changes", "[nn]") {
  const auto x = random_tensor<double>({2, 5, 3}, 5, -3, 3);
  for (const auto activation : {pk::Activation::none, pk::Activation::relu}) {
    DensePair pair;
    const auto both = [&] {
      pk::Tape<double> tape;
      return nn::linear_norm(tape.constant(x), pair.layer, pair.norm, activation).value();
    };
    const auto apart = [&] {
      pk::Tape<double> tape;
      const auto w = pair.layer.weight.value();
      const nn::Linear<double> fresh = pair.layer;  // and its cache
      const auto y = pair.norm(fresh(tape.constant(x)));
      return activation == pk::Activation::relu ? pk::relu(y).value() : y.value();
    };
    CHECK(relative_difference(both(), apart()) < 1e-14);
    pair.layer.weight.mutable_value() *= 1.5;
    CHECK(relative_difference(both(), apart()) < 1e-14);
    pair.layer.bias->mutable_value() += 0.5;
    CHECK(relative_difference(both(), apart()) < 1e-14);
    pair.norm.running_var.value *= 2.0;
    CHECK(relative_difference(both(), apart()) < 1e-14);
    const nn::Sequential<double> layers =
        activation == pk::Activation::relu
            ? nn::Sequential<double>(pair.layer, pair.norm, nn::ReLU{})
            : nn::Sequential<double>(pair.layer, pair.norm);
    pk::Tape<double> tape;
    CHECK(identical(layers(tape.constant(x)).value(), both()));
  }
}

TEST_CASE("A dense layer keeps no form of weights that have changed", "[nn]") {
  DensePair pair;
  const auto x = random_tensor<double>({5, 3}, 5);
  pk::Tape<double> tape;
  const auto before = pair.layer(tape.constant(x)).value();
  pair.layer.bias->mutable_value() += 1.0;
  const pk::Tensor<double> expected = before + 1.0;
  CHECK(relative_difference(pair.layer(tape.constant(x)).value(), expected) < 1e-14);
}
