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

TEST_CASE("A rectified node between convolutions has its own gradient, not its input's",
          "[autodiff]") {
  // The second convolution may silence what it hands back, but not where somebody wants to see it.
  const auto image = random_tensor<double>({1, 6, 5, 3}, 1, -2, 2);
  for (const bool depthwise_first : {true, false}) {
    pk::Tape<double> tape;
    const auto x = tape.variable(pk::Tensor<double>(image));
    const pk::Conv2dOptions relu{.padding = pk::Padding2d::same(),
                                 .activation = pk::Activation::relu};
    const auto h =
        depthwise_first
            ? pk::depthwise_conv2d(x, filter_of<double>({3, 3, 3, 1}, true, false, true), relu)
            : pk::conv2d(x, filter_of<double>({3, 3, 3, 3}, true, false), relu);
    const auto filter = filter_of<double>({1, 1, 3, 5}, true, false);
    const auto y = pk::conv2d(h, filter);
    const auto seed = random_tensor<double>(y.shape(), 2);

    // The same from h on.
    pk::Tape<double> rest;
    const auto start = rest.variable(pk::Tensor<double>(h.value()));
    rest.backward(pk::conv2d(start, filter), seed);

    pk::Shape stacked{1};
    stacked.insert(stacked.end(), seed.shape().begin(), seed.shape().end());
    const auto seeds = pk::reshaped(pk::Tensor<double>(seed), stacked);
    const auto of_h = pk::reshaped(tape.vjp(y, seeds, h), h.shape());
    CHECK(relative_difference(of_h, start.grad()) < 1e-14);
    const auto of_x = pk::reshaped(tape.vjp(y, seeds, x), x.shape());

    tape.retain_grad(h);
    tape.backward(y, seed);
    CHECK(relative_difference(h.grad(), start.grad()) < 1e-14);
    CHECK(relative_difference(x.grad(), of_x) < 1e-14);
  }
}
