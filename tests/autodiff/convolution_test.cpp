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

TEST_CASE("Convolutions and their gradients equal PyTorch's", "[autodiff]") {
  const auto conv = [](const auto& v) {
    return pk::conv2d(
        v[0], v[1], v[2],
        {.stride = {2, 1}, .dilation = {1, 2}, .padding = pk::Padding2d::of(1, 1, 2, 2)});
  };
  CHECK(layer_case_difference<double>("conv2d", 3, conv) < 1e-13);
  CHECK(layer_case_difference<float>("conv2d", 3, conv) < 2e-6);
}

TEST_CASE("Filters and biases on the tape are differentiated", "[autodiff]") {
  for (const auto activation :
       {pk::Activation::none, pk::Activation::relu, pk::Activation::relu6}) {
    const std::vector<pk::Tensor<double>> in{random_tensor<double>({2, 5, 6, 3}, 1),
                                             random_tensor<double>({2, 3, 3, 4}, 2),
                                             random_tensor<double>({4}, 3)};
    const auto f = [&](const auto& v) {
      return pk::conv2d(
          v[0], v[1], v[2],
          {.stride = {1, 2}, .padding = pk::Padding2d::same(), .activation = activation});
    };
    const auto gradients = pk::testing::check_gradients(f, in);
    INFO(gradients.message);
    CHECK(gradients.ok);
  }
}

TEST_CASE("Transposed convolutions equal PyTorch's and the transpose", "[autodiff]") {
  for (const bool in_float : {false, true}) {
    const auto f = [](const auto& v) {
      using T = typename std::decay_t<decltype(v[0])>::value_type;
      const auto filter = std::make_shared<const pk::Conv2dFilter<T>>(
          pk::cast<T>(pk::load_npy<double>(golden_file("layers/conv2d_transpose.in1.npy"))));
      return pk::conv2d_transpose(v[0], filter, {8, 10},
                                  {.stride = {2, 2}, .padding = pk::Padding2d::of(1, 1, 1, 1)});
    };
    CHECK((in_float ? layer_case_difference<float>("conv2d_transpose", 1, f) < 2e-6
                    : layer_case_difference<double>("conv2d_transpose", 1, f) < 1e-13));
  }
  const auto f = [](const auto& v) {
    using T = typename std::decay_t<decltype(v[0])>::value_type;
    return pk::conv2d_transpose(v[0], filter_of<T>({2, 2, 5, 4}, false, false), {7, 6},
                                {.stride = {2, 2}, .padding = pk::Padding2d::same()});
  };
  const auto gradients = pk::testing::check_gradients(f, {random_tensor<double>({2, 4, 3, 4}, 1)});
  INFO(gradients.message);
  CHECK(gradients.ok);
}

TEST_CASE("Transposed convolutions with filters on the tape equal PyTorch's", "[autodiff]") {
  const auto f = [](const auto& v) {
    return pk::conv2d_transpose(
        v[0], v[1], {9, 5},
        {.stride = {2, 1}, .dilation = {1, 2}, .padding = pk::Padding2d::of(1, 1, 2, 2)});
  };
  CHECK(layer_case_difference<double>("nn/op_conv2d_transpose", 2, f) < 1e-13);
  CHECK(layer_case_difference<float>("nn/op_conv2d_transpose", 2, f) < 2e-6);
}

TEST_CASE("Filters of transposed convolutions are differentiated", "[autodiff]") {
  for (const pk::Padding2d& padding :
       {pk::Padding2d::valid(), pk::Padding2d::same(), pk::Padding2d::of(0, 1, 1, 0)}) {
    const pk::Conv2dTransposeOptions options{.stride = {2, 1}, .padding = padding};
    const std::array<std::size_t, 2> size{
        6, padding.kind == pk::Padding2d::Kind::same        ? std::size_t{3}
           : padding.kind == pk::Padding2d::Kind::explicit_ ? std::size_t{3}
                                                            : std::size_t{4}};
    const std::vector<pk::Tensor<double>> in{random_tensor<double>({2, 3, 3, 2}, 5),
                                             random_tensor<double>({2, 2, 3, 2}, 6)};
    const auto gradients = pk::testing::check_gradients(
        [&](const auto& v) { return pk::conv2d_transpose(v[0], v[1], size, options); }, in);
    INFO(gradients.message);
    CHECK(gradients.ok);
    // Constant, it does the same.
    pk::Tape<double> tape;
    const auto x = tape.constant(pk::Tensor<double>(in[0]));
    const auto constant = std::make_shared<const pk::Conv2dFilter<double>>(in[1]);
    const auto filter = tape.variable(pk::Tensor<double>(in[1]));
    const auto y = pk::conv2d_transpose(x, filter, size, options);
    CHECK(identical(y.value(), pk::conv2d_transpose(x, constant, size, options).value()));
    // The filter alone.
    tape.backward(y, random_tensor<double>(y.shape(), 7));
    const pk::Tensor<double> alone = filter.grad();
    const auto both =
        pk::conv2d_transpose(tape.variable(pk::Tensor<double>(in[0])), filter, size, options);
    tape.backward(both, random_tensor<double>(y.shape(), 7));
    CHECK(identical(filter.grad(), alone));
  }
}

TEST_CASE("Filters' gradients are the same bits for any number of threads", "[autodiff]") {
  const auto image = random_tensor<float>({2, 33, 35, 16}, 2);
  std::vector<pk::Tensor<float>> first;
  for (const int threads : {1, 2, 3}) {
    pk::Tape<float> tape({.threads = threads});
    const auto x = tape.variable(pk::Tensor<float>(image)),
               filter = tape.variable(random_tensor<float>({3, 3, 16, 24}, 3)),
               bias = tape.variable(random_tensor<float>({24}, 4)),
               across = tape.variable(random_tensor<float>({3, 3, 24, 1}, 5)),
               shift = tape.variable(random_tensor<float>({24}, 6)),
               up = tape.variable(random_tensor<float>({2, 2, 5, 24}, 7));
    const auto inner = pk::conv2d(
        x, filter, bias,
        {.stride = {2, 2}, .padding = pk::Padding2d::same(), .activation = pk::Activation::relu6});
    const auto y = pk::conv2d_transpose(
        pk::depthwise_conv2d(inner, across, shift, {.padding = pk::Padding2d::same()}), up,
        {34, 36}, {.stride = {2, 2}});
    tape.backward(y, random_tensor<float>(y.shape(), 8));
    std::vector<pk::Tensor<float>> results{y.value()};
    for (const auto& v : {x, filter, bias, across, shift, up}) results.push_back(v.grad());
    if (first.empty()) first = results;
    for (std::size_t i = 0; i < results.size(); ++i) {
      INFO(i);
      CHECK(identical(results[i], first[i]));
    }
  }
}

TEST_CASE("Convolutions give the same bits for any number of threads", "[autodiff]") {
  const auto image = random_tensor<float>({2, 33, 35, 16}, 1);
  const auto filter = filter_of<float>({3, 3, 16, 24}, true, false);
  const auto across = filter_of<float>({3, 3, 24, 1}, true, false, true);
  pk::Tensor<float> value, gradient, gradients;
  for (const int threads : {1, 2, 3}) {
    pk::Tape<float> tape({.threads = threads});
    const auto x = tape.variable(pk::Tensor<float>(image));
    const auto y = pk::depthwise_conv2d(
        pk::conv2d(x, filter,
                   {.stride = {2, 2},
                    .padding = pk::Padding2d::same(),
                    .activation = pk::Activation::relu6}),
        across, {.padding = pk::Padding2d::same(), .activation = pk::Activation::relu});
    tape.backward(y, random_tensor<float>(y.shape(), 2));
    pk::Shape seeds = y.shape();
    seeds.insert(seeds.begin(), 5);
    const auto stacked = tape.vjp(y, random_tensor<float>(seeds, 3), x);
    if (threads == 1) {
      value = y.value();
      gradient = x.grad();
      gradients = stacked;
    }
    CHECK(identical(y.value(), value));
    CHECK(identical(x.grad(), gradient));
    CHECK(identical(stacked, gradients));
  }
}

TEST_CASE("Impossible convolutions are refused in words", "[autodiff]") {
  pk::Tape<float> tape;
  const auto x = tape.variable(pk::zeros<float>({1, 5, 6, 3}));
  CHECK_THROWS_WITH(pk::conv2d(x, filter_of<float>({3, 3, 4, 2}, false, false)),
                    "conv2d: x has 3 channels, the filter [3, 3, 4, 2] expects 4");
  CHECK_THROWS_WITH(pk::conv2d(x, filter_of<float>({7, 3, 3, 2}, false, false)),
                    "conv2d: a window of 7 pixels does not fit an image of 5 (padding included)");
  CHECK_THROWS_WITH(pk::conv2d(tape.variable(pk::zeros<float>({5, 6, 3})),
                               filter_of<float>({3, 3, 3, 2}, false, false)),
                    "conv2d: x has shape [5, 6, 3], expected rank 4 [N, H, W, C]");
  CHECK_THROWS_AS(pk::conv2d(x, filter_of<float>({3, 3, 3, 2}, false, false), {.stride = {0, 1}}),
                  pk::ValueError);
  CHECK_THROWS_AS(pk::conv2d(x, filter_of<float>({3, 3, 3, 2}, false, false),
                             {.activation = pk::Activation::prelu}),
                  pk::ValueError);
  CHECK_THROWS_AS(pk::conv2d_transpose(x, filter_of<float>({4, 4, 2, 3}, false, false), {9, 9},
                                       {.stride = {2, 2}}),
                  pk::ShapeError);
  CHECK_THROWS_WITH(
      pk::conv2d_transpose(x, tape.variable(pk::zeros<float>({4, 4, 2, 3})), {9, 9},
                           {.stride = {2, 2}}),
      Catch::Contains("conv2d_transpose: x has shape [1, 5, 6, 3], but an output of 9 x 9"));
  CHECK_THROWS_AS(pk::conv2d_transpose(x, tape.variable(pk::zeros<float>({4, 4, 3})), {9, 9}),
                  pk::ShapeError);
  CHECK_THROWS_WITH(std::make_shared<const pk::Conv2dFilter<float>>(pk::zeros<float>({3, 3})),
                    Catch::Contains("expected rank 4"));
  CHECK_THROWS_AS(pk::Conv2dFilter<float>(pk::zeros<float>({3, 0, 1, 2})), pk::ShapeError);
  CHECK_THROWS_WITH(pk::conv2d(x, std::make_shared<const pk::Conv2dFilter<float>>(
                                      pk::zeros<float>({1, 1, 3, 2}), pk::zeros<float>({3}))),
                    Catch::Contains("bias has 3 elements"));
}

TEST_CASE("Windows far apart, and more of them than the image has pixels", "[autodiff]") {
  const auto in = std::vector<pk::Tensor<double>>{random_tensor<double>({1, 5, 4, 2}, 1),
                                                  random_tensor<double>({2, 3, 2, 3}, 2)};
  for (const pk::Conv2dOptions& options :
       {pk::Conv2dOptions{.stride = {9, 1}, .padding = pk::Padding2d::of(8, 4, 0, 0)},
        pk::Conv2dOptions{.stride = {7, 11}, .padding = pk::Padding2d::of(6, 3, 9, 7)},
        pk::Conv2dOptions{
            .stride = {3, 2}, .dilation = {4, 5}, .padding = pk::Padding2d::of(5, 6, 7, 8)},
        pk::Conv2dOptions{.stride = {1000, 900}, .padding = pk::Padding2d::of(999, 5, 900, 5)}}) {
    const auto f = [&](const auto& v) { return pk::conv2d(v[0], v[1], {}, options); };
    const auto gradients = pk::testing::check_gradients(f, in);
    INFO(gradients.message);
    CHECK(gradients.ok);
  }
}
