#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include <xtensor/xmanipulation.hpp>

#include <posekit/kernels/dense_product.hpp>
#include <posekit/testing/random_tensor.hpp>

#include "support/architectures.hpp"

namespace pk = posekit;
namespace kernels = posekit::kernels;
using pk::testing::random_tensor;

TEMPLATE_LIST_TEST_CASE("Dense products of all layouts equal the definition", "[kernels]",
                        KernelCases) {
  using T = typename TestType::Value;
  using A = typename TestType::Arch;
  // Depths beyond a block, rows beyond a block, columns beyond a block, and one of each.
  const std::vector<kernels::ProductExtents> cases{
      {1, 1, 1},   {1, 45, 70},  {1, 7, 300}, {2, 3, 5},    {13, 0, 6},   {15, 31, 17},
      {64, 20, 9}, {6, 530, 33}, {9, 40, 90}, {300, 5, 18}, {20, 3, 530}, {3, 65, 1}};
  for (const auto& e : cases) {
    const auto a = random_tensor<T>({e.rows, e.depth}, 1);
    const auto b = random_tensor<T>({e.depth, e.columns}, 2);
    const pk::Tensor<T> a_transposed = xt::transpose(a), b_transposed = xt::transpose(b);
    const auto bias = random_tensor<T>({e.columns}, 3);
    for (int variant = 0; variant < 16; ++variant) {
      const bool at = (variant & 1) != 0, bt = (variant & 2) != 0;
      const bool accumulate = (variant & 4) != 0, with_bias = (variant & 8) != 0;
      const int threads = 1 + variant % 3;
      CAPTURE(e.rows, e.depth, e.columns, at, bt, accumulate, with_bias);
      const auto left = at ? kernels::transposed_rows(a_transposed.data(), e.rows)
                           : kernels::matrix_rows(a.data(), e.depth);
      const auto right = bt ? kernels::transposed_rows(b_transposed.data(), e.depth)
                            : kernels::matrix_rows(b.data(), e.columns);
      const std::size_t stride = e.columns + 3;
      pk::Tensor<T> c = random_tensor<T>({e.rows, stride}, 4);
      const pk::Tensor<T> before = c;
      auto scratch =
          pk::make_tensor<T>({kernels::dense_product_scratch<T, A>(e, right, threads) + 1});
      kernels::dense_product<T, A>(e, left, right, c.data(), stride,
                                   with_bias ? bias.data() : nullptr, accumulate, scratch.data(),
                                   threads);
      double worst = 0;
      for (std::size_t m = 0; m < e.rows; ++m) {
        for (std::size_t n = 0; n < stride; ++n) {
          double expected = n >= e.columns || accumulate ? static_cast<double>(before(m, n)) : 0;
          if (n < e.columns) {
            if (with_bias) expected += static_cast<double>(bias(n));
            for (std::size_t k = 0; k < e.depth; ++k)
              expected += static_cast<double>(a(m, k)) * static_cast<double>(b(k, n));
          }
          worst = std::max(worst, std::abs(static_cast<double>(c(m, n)) - expected));
        }
      }
      CHECK(worst < (sizeof(T) == 4 ? 3e-5 : 1e-13));
    }
  }
}

TEST_CASE("The rounding of long sums does not add up", "[kernels]") {
  const std::size_t depth = 200000;
  const kernels::ProductExtents e{2, depth, 2};
  pk::Tensor<float> ones = pk::zeros<float>({2, depth});
  for (float& value : ones) value = 0.1f;
  const auto right = kernels::transposed_rows(ones.data(), depth);
  auto scratch = pk::make_tensor<float>({kernels::dense_product_scratch<float>(e, right, 1)});
  pk::Tensor<float> c = pk::zeros<float>({2, 2});
  kernels::dense_product<float>(e, kernels::matrix_rows(ones.data(), depth), right, c.data(), 2,
                                nullptr, false, scratch.data(), 1);
  const double expected = static_cast<double>(depth) * static_cast<double>(0.1f * 0.1f);
  for (const float value : c) CHECK(std::abs(static_cast<double>(value) / expected - 1) < 1e-4);
}
