#include <catch2/catch.hpp>

#include <posekit/autodiff/convolution.hpp>
#include <posekit/autodiff/functions.hpp>
#include <posekit/testing/gradient_check.hpp>

#include "support/close.hpp"
#include "support/layer_case.hpp"

namespace pk = posekit;
using pk::testing::random_tensor;

namespace {

template <class T>
std::shared_ptr<const pk::Conv2dFilter<T>> filter_of(const pk::Shape& shape, bool bias, bool slope, bool depthwise = false) {
  const std::size_t channels = depthwise ? shape[2] : shape[3];
  std::optional<pk::Tensor<T>> b, s;
  if (bias) b = pk::cast<T>(random_tensor<double>({channels}, 21));
  if (slope) s = pk::cast<T>(random_tensor<double>({channels}, 22));
  return std::make_shared<const pk::Conv2dFilter<T>>(pk::cast<T>(random_tensor<double>(shape, 20)), b, s);
}

}  // namespace

TEST_CASE("Convolutions and their gradients equal PyTorch's", "[autodiff]") {
  const auto conv = [](const auto& v) {
    return pk::conv2d(v[0], v[1], v[2], {.stride = {2, 1}, .dilation = {1, 2}, .padding = pk::Padding2d::of(1, 1, 2, 2)});
  };
  CHECK(layer_case_difference<double>("conv2d", 3, conv) < 1e-13);
  CHECK(layer_case_difference<float>("conv2d", 3, conv) < 2e-6);
  const auto depthwise = [](const auto& v) {
    return pk::depthwise_conv2d(v[0], v[1], v[2], {.stride = {2, 2}, .padding = pk::Padding2d::of(2, 2, 2, 2)});
  };
  CHECK(layer_case_difference<double>("depthwise", 3, depthwise) < 1e-13);
  CHECK(layer_case_difference<float>("depthwise", 3, depthwise) < 2e-6);
}

TEST_CASE("TensorFlow's padding puts the odd pixel after", "[autodiff]") {
  for (const auto& [in, kernel, stride, out, before] :
       std::vector<std::array<std::size_t, 5>>{{257, 3, 2, 129, 1}, {256, 3, 2, 128, 0}, {7, 3, 1, 7, 1}, {8, 5, 2, 4, 1}, {5, 2, 2, 3, 0}, {1, 3, 2, 1, 1}}) {
    const auto axis = pk::internal::window_axis("f", in, kernel, stride, 1, pk::Padding2d::Kind::same, 0, 0);
    CHECK(axis.out == out);
    CHECK(axis.before == before);
  }
}

TEST_CASE("Fused layers: gradients for every activation and padding", "[autodiff]") {
  for (const auto activation : {pk::Activation::none, pk::Activation::relu, pk::Activation::relu6, pk::Activation::prelu, pk::Activation::sigmoid}) {
    for (const pk::Padding2d& padding : {pk::Padding2d::valid(), pk::Padding2d::same(), pk::Padding2d::of(1, 0, 2, 1)}) {
      for (const std::size_t stride : {1u, 2u}) {
        const pk::Conv2dOptions options{.stride = {stride, stride}, .padding = padding, .activation = activation};
        const std::vector<pk::Tensor<double>> in{random_tensor<double>({2, 5, 6, 3}, 5, -3, 3)};
        const auto conv = [&](const auto& v) {
          using T = typename std::decay_t<decltype(v[0])>::value_type;
          return pk::conv2d(v[0], filter_of<T>({3, 2, 3, 7}, true, true), options);
        };
        const auto depthwise = [&](const auto& v) {
          using T = typename std::decay_t<decltype(v[0])>::value_type;
          return pk::depthwise_conv2d(v[0], filter_of<T>({3, 2, 3, 1}, true, true, true), options);
        };
        for (const auto& result : {pk::testing::check_gradients(conv, in), pk::testing::check_gradients(depthwise, in)}) {
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
  for (const auto activation : {pk::Activation::relu, pk::Activation::relu6, pk::Activation::prelu, pk::Activation::sigmoid}) {
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
      composed = pk::prelu(bare, tape.constant(pk::tensor_from<double>({9}, std::vector<double>(filter->slope(), filter->slope() + 9))));
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

TEST_CASE("Filters and biases on the tape are differentiated", "[autodiff]") {
  for (const auto activation : {pk::Activation::none, pk::Activation::relu, pk::Activation::relu6}) {
    const std::vector<pk::Tensor<double>> in{random_tensor<double>({2, 5, 6, 3}, 1), random_tensor<double>({2, 3, 3, 4}, 2),
                                             random_tensor<double>({4}, 3)};
    const auto f = [&](const auto& v) {
      return pk::conv2d(v[0], v[1], v[2], {.stride = {1, 2}, .padding = pk::Padding2d::same(), .activation = activation});
    };
    const auto gradients = pk::testing::check_gradients(f, in);
    INFO(gradients.message);
    CHECK(gradients.ok);
  }
  const std::vector<pk::Tensor<double>> in{random_tensor<double>({1, 5, 4, 3}, 1), random_tensor<double>({3, 3, 3, 1}, 2)};
  const auto f = [](const auto& v) { return pk::depthwise_conv2d(v[0], v[1]); };
  const auto gradients = pk::testing::check_gradients(f, in);
  INFO(gradients.message);
  CHECK(gradients.ok);
}

TEST_CASE("Transposed convolutions equal PyTorch's and the transpose", "[autodiff]") {
  for (const bool in_float : {false, true}) {
    const auto f = [](const auto& v) {
      using T = typename std::decay_t<decltype(v[0])>::value_type;
      const auto filter = std::make_shared<const pk::Conv2dFilter<T>>(
          pk::cast<T>(pk::load_npy<double>(golden_file("layers/conv2d_transpose.in1.npy"))));
      return pk::conv2d_transpose(v[0], filter, {8, 10}, {.stride = {2, 2}, .padding = pk::Padding2d::of(1, 1, 1, 1)});
    };
    CHECK((in_float ? layer_case_difference<float>("conv2d_transpose", 1, f) < 2e-6
                    : layer_case_difference<double>("conv2d_transpose", 1, f) < 1e-13));
  }
  const auto f = [](const auto& v) {
    using T = typename std::decay_t<decltype(v[0])>::value_type;
    return pk::conv2d_transpose(v[0], filter_of<T>({2, 2, 5, 4}, false, false), {7, 6}, {.stride = {2, 2}, .padding = pk::Padding2d::same()});
  };
  const auto gradients = pk::testing::check_gradients(f, {random_tensor<double>({2, 4, 3, 4}, 1)});
  INFO(gradients.message);
  CHECK(gradients.ok);
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
        pk::conv2d(x, filter, {.stride = {2, 2}, .padding = pk::Padding2d::same(), .activation = pk::Activation::relu6}), across,
        {.padding = pk::Padding2d::same(), .activation = pk::Activation::relu});
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
  CHECK_THROWS_WITH(pk::conv2d(tape.variable(pk::zeros<float>({5, 6, 3})), filter_of<float>({3, 3, 3, 2}, false, false)),
                    "conv2d: x has shape [5, 6, 3], expected rank 4 [N, H, W, C]");
  CHECK_THROWS_AS(pk::conv2d(x, filter_of<float>({3, 3, 3, 2}, false, false), {.stride = {0, 1}}), pk::ValueError);
  CHECK_THROWS_AS(pk::conv2d(x, filter_of<float>({3, 3, 3, 2}, false, false), {.activation = pk::Activation::prelu}), pk::ValueError);
  CHECK_THROWS_AS(pk::depthwise_conv2d(x, filter_of<float>({3, 3, 3, 2}, false, false)), pk::ShapeError);
  CHECK_THROWS_AS(pk::conv2d_transpose(x, filter_of<float>({4, 4, 2, 3}, false, false), {9, 9}, {.stride = {2, 2}}), pk::ShapeError);
  CHECK_THROWS_WITH(std::make_shared<const pk::Conv2dFilter<float>>(pk::zeros<float>({3, 3})), Catch::Contains("expected rank 4"));
  CHECK_THROWS_AS(pk::Conv2dFilter<float>(pk::zeros<float>({3, 0, 1, 2})), pk::ShapeError);
  const pk::Conv2dFilter<float> wrong(pk::zeros<float>({1, 1, 3, 2}), pk::zeros<float>({3}));
  CHECK_THROWS_WITH(pk::conv2d(x, std::make_shared<const pk::Conv2dFilter<float>>(pk::zeros<float>({1, 1, 3, 2}), pk::zeros<float>({3}))),
                    Catch::Contains("bias has 3 elements"));
}
