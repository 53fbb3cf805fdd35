#include <catch2/catch.hpp>

#include <cmath>

#include <posekit/autodiff/arithmetic.hpp>
#include <posekit/autodiff/convolution.hpp>
#include <posekit/autodiff/depthwise_convolution.hpp>
#include <posekit/autodiff/layer_norm.hpp>
#include <posekit/autodiff/pooling.hpp>
#include <posekit/autodiff/reductions.hpp>
#include <posekit/testing/gradient_check.hpp>

#include "support/close.hpp"

namespace pk = posekit;
using pk::testing::random_tensor;

TEST_CASE("Sums and means over any axes", "[autodiff]") {
  const pk::Shape shape{3, 4, 2, 19};
  const auto in = random_tensor<double>(shape, 1);
  for (unsigned subset = 0; subset < 16; ++subset) {
    std::vector<std::ptrdiff_t> axes;
    pk::Shape kept, result;
    for (std::size_t axis = 0; axis < 4; ++axis) {
      const bool reduced = ((subset >> axis) & 1u) != 0;
      if (reduced)
        axes.push_back(axis % 2 == 0 ? static_cast<std::ptrdiff_t>(axis)
                                     : static_cast<std::ptrdiff_t>(axis) - 4);
      kept.push_back(reduced ? 1 : shape[axis]);
      if (!reduced) result.push_back(shape[axis]);
    }
    INFO(pk::to_string(kept));
    pk::Tensor<double> expected = pk::zeros<double>(kept);
    for (std::size_t a = 0; a < 3; ++a)
      for (std::size_t b = 0; b < 4; ++b)
        for (std::size_t c = 0; c < 2; ++c)
          for (std::size_t d = 0; d < 19; ++d)
            expected(kept[0] == 1 ? 0 : a, kept[1] == 1 ? 0 : b, kept[2] == 1 ? 0 : c,
                     kept[3] == 1 ? 0 : d) += in(a, b, c, d);
    pk::Tape<double> tape;
    const auto x = tape.variable(pk::Tensor<double>(in));
    CHECK(pk::sum(x, axes, true).shape() == kept);
    CHECK(pk::sum(x, axes).shape() == result);
    CHECK(relative_difference(pk::sum(x, axes, true).value(), expected) < 1e-13);
    const double count = static_cast<double>(in.size()) / static_cast<double>(expected.size());
    CHECK(relative_difference(pk::mean(x, axes, true).value(),
                              pk::Tensor<double>(expected / count)) < 1e-13);
    for (const bool mean : {false, true}) {
      const auto f = [&](const auto& v) {
        return mean ? pk::mean(v[0], axes) : pk::sum(v[0], axes, true);
      };
      const auto gradients = pk::testing::check_gradients(f, {in});
      INFO(gradients.message);
      CHECK(gradients.ok);
    }
  }
  CHECK(pk::testing::float_disagreement(
            [](const auto& v) {
              return pk::mean(v[0], {1, 3});
            },
            {in}) < 1e-5);
}

TEST_CASE("Reductions to a scalar, of a scalar, of nothing", "[autodiff]") {
  pk::Tape<double> tape;
  const auto x = tape.variable(pk::Tensor<double>{{1.0, 2.0}, {3.0, 6.0}});
  CHECK(pk::sum(x).value()() == 12.0);
  CHECK(pk::mean(x).value()() == 3.0);
  CHECK(pk::mean(x).shape().empty());
  CHECK(pk::sum(pk::sum(x)).value()() == 12.0);
  const auto empty = tape.variable(pk::zeros<double>({0, 3}));
  CHECK(pk::sum(empty).value()() == 0.0);
  CHECK(pk::sum(empty, {0}).shape() == pk::Shape{3});
  CHECK_THROWS_WITH(pk::mean(empty), Catch::Contains("the mean of no elements"));
  CHECK_THROWS_WITH(pk::sum(x, {0, -2}), Catch::Contains("given twice"));
  CHECK_THROWS_WITH(pk::sum(x, {2}), Catch::Contains("axis 2 is outside"));
}

namespace {

/// The relative error of what should be `exact`.
double error_of(float value, double exact) {
  return std::abs(static_cast<double>(value) - exact) / std::abs(exact);
}

}  // namespace

TEST_CASE("Long sums of floats keep their digits", "[autodiff]") {
  // One running sum in float is off by 1e-3 here.
  constexpr std::size_t rows = 1 << 18, channels = 8, n = rows * channels;
  constexpr double tenth = 0.1f;
  pk::Tape<float> tape({.threads = 2});
  const auto x = tape.variable(pk::zeros<float>({1, rows / 512, 512, channels}) + 0.1f);
  CHECK(error_of(pk::sum(x).value()(), tenth * n) < 1e-6);
  CHECK(error_of(pk::mean(x).value()(), tenth) < 1e-6);
  CHECK(error_of(pk::mean(x, {0, 1, 2}).value()(7), tenth) < 1e-6);
  CHECK(error_of(pk::mean(x, {1, 3}).value()(0, 5), tenth) < 1e-6);
  // What was broadcast gets a sum, too: a row, a number, the bias of a convolution.
  const auto row = tape.variable(pk::zeros<float>({channels}));
  const auto number = tape.variable(pk::zeros<float>({1}));
  tape.backward(pk::sum((x + row) * (x + number)));
  CHECK(error_of(row.grad()(3), tenth * rows) < 1e-6);
  CHECK(error_of(number.grad()(0), tenth * n) < 1e-6);
}

TEST_CASE("Gradients of filters, biases and norms keep their digits over many pixels",
          "[autodiff]") {
  constexpr std::size_t side = 256, images = 8, pixels = images * side * side;
  constexpr double tenth = 0.1f;
  pk::Tape<float> tape({.threads = 2});
  const auto x = tape.constant(pk::zeros<float>({images, side, side, 2}) + 0.1f);
  const auto cotangent = [](const pk::Var<float>& y) {
    return pk::Tensor<float>(pk::zeros<float>(y.shape()) + 0.1f);
  };
  {
    const auto w = tape.variable(pk::zeros<float>({1, 1, 2, 3}));
    const auto b = tape.variable(pk::zeros<float>({3}));
    const auto y = pk::conv2d(x, w, b);
    tape.backward(y, cotangent(y));
    CHECK(error_of(w.grad()(0, 0, 1, 2), tenth * tenth * pixels) < 2e-6);
    CHECK(error_of(b.grad()(1), tenth * pixels) < 1e-6);
  }
  {
    const auto w = tape.variable(pk::zeros<float>({1, 1, 2, 1}));
    const auto y = pk::depthwise_conv2d(x, w);
    tape.backward(y, cotangent(y));
    CHECK(error_of(w.grad()(0, 0, 1, 0), tenth * tenth * pixels) < 1e-5);
  }
  {
    const auto weight = tape.variable(pk::zeros<float>({2}) + 1.0f);
    const auto bias = tape.variable(pk::zeros<float>({2}));
    const auto y = pk::layer_norm(x, weight, bias);
    tape.backward(y, cotangent(y));
    CHECK(error_of(bias.grad()(1), tenth * pixels) < 1e-6);
  }
  const auto pooled = pk::average_pool2d(x, {.window = {side, side}, .stride = {side, side}});
  CHECK(error_of(pooled.value()(7, 0, 0, 1), tenth) < 1e-6);
}
