#include <catch2/catch.hpp>

#include <cmath>
#include <cstddef>

#include <posekit/autodiff/functions.hpp>
#include <posekit/kernels/activation_kind.hpp>
#include <posekit/nn/conv_norm.hpp>
#include <posekit/nn/folding.hpp>
#include <posekit/testing/random_tensor.hpp>

#include "nn/module_case.hpp"
#include "support/close.hpp"

namespace pk = posekit;
namespace nn = posekit::nn;
using pk::testing::random_tensor;

namespace {

struct Pair {
  nn::Conv2d<double> conv{{.in_channels = 3, .out_channels = 4, .kernel = {2, 3}}};
  nn::BatchNorm2d<double> norm{{.channels = 4, .epsilon = 0.01}};

  Pair() {
    conv.bias->mutable_value() = random_tensor<double>({4}, 11);
    norm.weight.mutable_value() = random_tensor<double>({4}, 12, 0.5, 1.5);
    norm.bias.mutable_value() = random_tensor<double>({4}, 13);
    norm.running_mean.value = random_tensor<double>({4}, 14);
    norm.running_var.value = random_tensor<double>({4}, 15, 0.5, 1.5);
    conv.training = norm.training = false;
  }
  pk::Tensor<double> together(const pk::Tensor<double>& x, pk::Activation activation) {
    pk::Tape<double> tape;
    return nn::conv_norm(tape.constant(pk::Tensor<double>(x)), conv, norm, activation).value();
  }
  pk::Tensor<double> apart(const pk::Tensor<double>& x, pk::Activation activation) {
    pk::Tape<double> tape;
    const nn::Conv2d<double> fresh = conv;  // and its cache
    return norm(fresh(tape.constant(pk::Tensor<double>(x))), activation).value();
  }
};

}  // namespace

TEST_CASE("A folded normalisation is the convolution's", "[nn]") {
  Pair pair;
  const auto filter = nn::fold(pair.conv, pair.norm);
  REQUIRE(pk::shape_of(filter->filter()) == pk::Shape{2, 3, 3, 4});
  const auto& w = pair.conv.weight.value();
  for (std::size_t o = 0; o < 4; ++o) {
    const double scale =
        pair.norm.weight.value()(o) / std::sqrt(pair.norm.running_var.value(o) + 0.01);
    CHECK(filter->filter()(1, 2, 0, o) == Approx(w(o, 0, 1, 2) * scale).epsilon(1e-14));
    CHECK(filter->filter()(0, 1, 2, o) == Approx(w(o, 2, 0, 1) * scale).epsilon(1e-14));
    CHECK(filter->bias()[o] ==
          Approx((pair.conv.bias->value()(o) - pair.norm.running_mean.value(o)) * scale +
                 pair.norm.bias.value()(o))
              .epsilon(1e-14));
  }
}

TEST_CASE("Convolution and normalisation together equal the two, whatever changes", "[nn]") {
  const auto x = random_tensor<double>({2, 4, 5, 3}, 5, -3, 3);
  for (const auto activation :
       {pk::Activation::none, pk::Activation::relu, pk::Activation::relu6}) {
    Pair pair;
    pair.norm.weight.mutable_value() *= 5.0;  // beyond 6
    pk::Tensor<double> before = pair.together(x, activation);
    CHECK(relative_difference(before, pair.apart(x, activation)) < 1e-14);
    // Nothing is left of what the filter was made from before.
    const auto changed = [&](const char* what) {
      INFO(what);
      const auto after = pair.together(x, activation);
      CHECK(relative_difference(after, before) > 1e-3);
      CHECK(relative_difference(after, pair.apart(x, activation)) < 1e-14);
      before = after;
    };
    pair.conv.weight.mutable_value() *= 1.5;
    changed("weight");
    pair.conv.bias->mutable_value() += 0.5;
    changed("bias");
    pair.norm.weight.mutable_value() *= 0.75;
    changed("scale");
    pair.norm.bias.mutable_value() += 0.25;
    changed("shift");
    pair.norm.running_mean.value += 0.5;
    changed("running mean");
    pair.norm.running_var.value *= 2.0;
    changed("running variance");
    pair.norm.options.epsilon = 0.5;
    changed("epsilon");
  }
}

TEST_CASE("In training nothing is folded", "[nn]") {
  const auto x = random_tensor<double>({2, 4, 5, 3}, 5);
  Pair pair;
  nn::set_training(pair.norm, true);
  Pair same = pair;
  CHECK(identical(pair.together(x, pk::Activation::relu), same.apart(x, pk::Activation::relu)));
  CHECK(pair.norm.num_batches_tracked.value() == 1.0);
  CHECK(identical(pair.norm.running_var.value, same.norm.running_var.value));
  // A normalisation that is fixed while the convolution learns.
  nn::set_training(pair.norm, false);
  nn::set_training(pair.conv, true);
  pk::Tape<double> tape;
  const auto y = nn::conv_norm(tape.constant(pk::Tensor<double>(x)), pair.conv, pair.norm,
                               pk::Activation::relu);
  tape.backward(y, random_tensor<double>(y.shape(), 6));
  CHECK(pair.conv.weight.gradient(tape) != nullptr);
  CHECK(pair.norm.weight.gradient(tape) == nullptr);
  CHECK(pair.norm.num_batches_tracked.value() == 1.0);
}

TEST_CASE("Channels that do not fit are told", "[nn]") {
  Pair pair;
  const nn::BatchNorm2d<double> narrow({.channels = 3});
  CHECK_THROWS_AS(nn::fold(pair.conv, narrow), pk::ShapeError);
  CHECK_THROWS_WITH(nn::fold(pair.conv, narrow),
                    "fold: the layer has 4 output channels, the batch normalisation 3");
  CHECK_THROWS_AS(pair.together(pk::zeros<double>({1, 4, 4, 2}), pk::Activation::none),
                  pk::ShapeError);
}

TEST_CASE("A convolution and its normalisation are a layer that can be seen", "[nn]") {
  nn::ConvNorm<double> layer({.conv = {.in_channels = 2, .out_channels = 3, .bias = false},
                              .epsilon = 1e-3,
                              .activation = pk::Activation::relu6});
  std::vector<std::string> names;
  for (const auto& tensor : nn::named_tensors(layer)) names.push_back(tensor.name);
  CHECK(names == std::vector<std::string>{"conv.weight", "bn.weight", "bn.bias", "bn.running_mean",
                                          "bn.running_var", "bn.num_batches_tracked"});
  pk::Tape<double> tape;
  const auto x = tape.constant(random_tensor<double>({2, 5, 4, 2}, 3));
  const auto by_hand = [&] { return pk::relu6(layer.bn(layer.conv(x))).value(); };
  (void)layer(x);  // running statistics other than those it began with
  nn::set_training(layer, false);
  CHECK(relative_difference(layer(x).value(), by_hand()) < 1e-12);
  CHECK_THROWS_AS(nn::ConvNorm<double>({.conv = {.in_channels = 2, .out_channels = 3},
                                        .activation = pk::Activation::sigmoid}),
                  pk::ValueError);
}
