#include <catch2/catch.hpp>

#include <array>
#include <cstddef>
#include <memory>
#include <vector>

#include <xtensor/xmanipulation.hpp>

#include <posekit/autodiff/conv2d_filter.hpp>
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
    return pk::linear(v[0], filter, pk::Activation::sigmoid);
  };
  const std::vector<pk::Tensor<double>> in{random_tensor<double>({2, 3, 7}, 1)};
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

TEST_CASE("Transposed operands are read as they lie", "[autodiff]") {
  // One row, fewer rows than a tile has, several blocks of the depth, and more columns than rows:
  // each its own way through the kernels.
  for (const auto& [m, k, n] : std::vector<std::array<std::size_t, 3>>{
           {1, 37, 70}, {3, 5, 2}, {17, 300, 35}, {19, 23, 90}, {5, 1, 3}, {4, 3, 1}}) {
    const auto a = random_tensor<double>({m, k}, 1), b = random_tensor<double>({k, n}, 2);
    const auto seed = random_tensor<double>({m, n}, 3);
    const pk::Tensor<double> a_transposed = xt::transpose(a), b_transposed = xt::transpose(b);
    for (const bool transpose_a : {false, true}) {
      for (const bool transpose_b : {false, true}) {
        CAPTURE(m, k, n, transpose_a, transpose_b);
        for (const int threads : {1, 3}) {
          pk::Tape<double> tape({.threads = threads});
          const auto left = tape.variable(transpose_a ? a_transposed : a);
          const auto right = tape.variable(transpose_b ? b_transposed : b);
          const auto y =
              pk::matmul(left, right, {.transpose_a = transpose_a, .transpose_b = transpose_b});
          tape.backward(y, seed);
          pk::Tensor<double> expected = pk::zeros<double>({m, n}), da = pk::zeros<double>({m, k}),
                             db = pk::zeros<double>({k, n});
          for (std::size_t i = 0; i < m; ++i) {
            for (std::size_t c = 0; c < k; ++c) {
              for (std::size_t j = 0; j < n; ++j) {
                expected(i, j) += a(i, c) * b(c, j);
                da(i, c) += seed(i, j) * b(c, j);
                db(c, j) += seed(i, j) * a(i, c);
              }
            }
          }
          const auto as_read = [](const pk::Tensor<double>& t, bool transposed) {
            return transposed ? pk::Tensor<double>(xt::transpose(t)) : t;
          };
          CHECK(relative_difference(y.value(), expected) < 1e-13);
          CHECK(relative_difference(as_read(left.grad(), transpose_a), da) < 1e-13);
          CHECK(relative_difference(as_read(right.grad(), transpose_b), db) < 1e-13);
        }
      }
    }
  }
  pk::Tape<float> tape;
  const auto a = tape.variable(pk::zeros<float>({2, 3})),
             b = tape.variable(pk::zeros<float>({2, 3}));
  CHECK(pk::matmul(a, b, {.transpose_b = true}).shape() == pk::Shape{2, 2});
  CHECK_THROWS_WITH(pk::matmul(a, b, {.transpose_a = true, .transpose_b = true}),
                    "matmul: shapes [2, 3] and [2, 3] do not multiply, expected [K, M] and [N, K]");
}

TEST_CASE("Dense layers are differentiated with several cotangents", "[autodiff]") {
  const auto f = [](const auto& v) { return pk::linear(v[0], v[1], v[2]); };
  const std::vector<pk::Tensor<double>> in{random_tensor<double>({2, 3, 5}, 1),
                                           random_tensor<double>({4, 5}, 2),
                                           random_tensor<double>({4}, 3)};
  const auto gradients = pk::testing::check_gradients(f, in);
  INFO(gradients.message);
  CHECK(gradients.ok);
  CHECK(pk::testing::float_disagreement(f, in) < 1e-5);
  pk::Tape<float> tape;
  const auto x = tape.variable(pk::zeros<float>({2, 3}));
  const auto weight = tape.variable(pk::zeros<float>({4, 3}));
  CHECK_THROWS_WITH(
      pk::linear(x, tape.variable(pk::zeros<float>({4, 2}))),
      "linear: x has shape [2, 3] and weight [4, 2], expected [..., in] and [out, in]");
  CHECK_THROWS_WITH(pk::linear(x, weight, tape.variable(pk::zeros<float>({3}))),
                    "linear: bias has shape [3], expected [4]");
}

TEMPLATE_TEST_CASE("Large products have the same bits for any number of threads", "[autodiff]",
                   float, double) {
  const auto a = random_tensor<TestType>({70, 600}, 1), b = random_tensor<TestType>({150, 600}, 2);
  std::vector<pk::Tensor<TestType>> products;
  for (const int threads : {1, 2, 5}) {
    pk::Tape<TestType> tape({.threads = threads});
    products.push_back(
        pk::matmul(tape.constant(a), tape.constant(b), {.transpose_b = true}).value());
  }
  CHECK(identical(products[0], products[1]));
  CHECK(identical(products[0], products[2]));
}
