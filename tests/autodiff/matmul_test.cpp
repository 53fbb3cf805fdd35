#include <catch2/catch.hpp>

#include <array>
#include <vector>

#include <posekit/autodiff/matmul.hpp>
#include <posekit/autodiff/reductions.hpp>
#include <posekit/kernels/activation_kind.hpp>
#include <posekit/testing/gradient_check.hpp>

#include "support/close.hpp"
#include "support/layer_case.hpp"

namespace pk = posekit;
using pk::testing::random_tensor;

TEST_CASE("Matrix products equal PyTorch's", "[autodiff]") {
  const auto f = [](const auto& v) { return pk::matmul(v[0], v[1]); };
  CHECK(layer_case_difference<double>("matmul", 2, f) < 1e-14);
  CHECK(layer_case_difference<float>("matmul", 2, f) < 1e-6);
}

TEST_CASE("Products with constant matrices, biases and activations", "[autodiff]") {
  const auto f = [](const auto& v) {
    using T = typename std::decay_t<decltype(v[0])>::value_type;
    const auto filter = std::make_shared<const pk::Conv2dFilter<T>>(
        pk::cast<T>(random_tensor<double>({1, 1, 7, 5}, 2)),
        pk::cast<T>(random_tensor<double>({5}, 3)));
    return pk::matmul(v[0], filter, pk::Activation::sigmoid);
  };
  const std::vector<pk::Tensor<double>> in{random_tensor<double>({3, 7}, 1)};
  const auto gradients = pk::testing::check_gradients(f, in);
  INFO(gradients.message);
  CHECK(gradients.ok);
  CHECK(pk::testing::float_disagreement(f, in) < 1e-5);
  pk::Tape<float> tape;
  const auto a = tape.variable(pk::zeros<float>({2, 3})),
             b = tape.variable(pk::zeros<float>({4, 3}));
  CHECK_THROWS_WITH(pk::matmul(a, b),
                    "matmul: shapes [2, 3] and [4, 3] do not multiply, expected [M, K] and [K, N]");
}

TEST_CASE("Sums of no products are 0, and products without columns are nothing", "[autodiff]") {
  for (const auto& [m, k, n] :
       std::vector<std::array<std::size_t, 3>>{{3, 0, 2}, {3, 4, 0}, {0, 4, 2}, {0, 0, 0}}) {
    pk::Tape<double> tape;
    const auto a = tape.variable(random_tensor<double>({m, k}, 1)),
               b = tape.variable(random_tensor<double>({k, n}, 2));
    const auto y = pk::matmul(a, b);
    CHECK(y.shape() == pk::Shape{m, n});
    for (const double v : y.value()) CHECK(v == 0.0);
    tape.backward(pk::sum(y));
    CHECK(identical(a.grad(), pk::zeros<double>({m, k})));
    CHECK(identical(b.grad(), pk::zeros<double>({k, n})));
  }
}
