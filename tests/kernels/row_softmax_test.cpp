#include <catch2/catch.hpp>

#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

#include <posekit/kernels/row_softmax.hpp>
#include <posekit/testing/random_tensor.hpp>

#include "support/architectures.hpp"
#include "support/close.hpp"

namespace pk = posekit;
namespace kernels = posekit::kernels;
using pk::testing::random_tensor;

TEMPLATE_LIST_TEST_CASE("Softmax of rows, its logarithm and their products, with every remainder",
                        "[kernels]", KernelCases) {
  using T = typename TestType::Value;
  using A = typename TestType::Arch;
  const double tolerance = sizeof(T) == 4 ? 2e-6 : 1e-14;
  for (std::size_t columns = 1; columns < 36; ++columns) {
    const std::size_t rows = 1 + columns * 7 % 19, size = rows * columns;
    const auto x = random_tensor<T>({size}, columns, -5, 5);
    const auto g = random_tensor<T>({size}, columns + 100);
    pk::Tensor<double> p = pk::make_tensor<double>({size}), y = p, by_p = p, by_y = p;
    for (std::size_t r = 0; r < rows; ++r) {
      double sum = 0, inner = 0, total = 0;
      const auto each = [&](const auto& body) {
        for (std::size_t i = r * columns; i < (r + 1) * columns; ++i) body(i);
      };
      each([&](std::size_t i) { sum += std::exp(static_cast<double>(x(i))); });
      each([&](std::size_t i) {
        y(i) = static_cast<double>(x(i)) - std::log(sum);
        p(i) = std::exp(y(i));
        inner += p(i) * static_cast<double>(g(i));
        total += static_cast<double>(g(i));
      });
      each([&](std::size_t i) {
        by_p(i) = p(i) * (static_cast<double>(g(i)) - inner);
        by_y(i) = static_cast<double>(g(i)) - p(i) * total;
      });
    }
    INFO(rows << " rows of " << columns);
    const T outside(77);
    pk::Tensor<T> out = pk::make_tensor<T>({size + 1});
    const auto close = [&](const pk::Tensor<double>& expected) {
      CHECK(out(size) == outside);
      for (std::size_t i = 0; i < size; ++i) {
        const auto difference = std::abs(static_cast<double>(out(i)) - expected(i));
        if (!(difference <= tolerance * 10)) FAIL(i << ": " << out(i) << ", " << expected(i));
      }
    };
    out.fill(outside);
    // In two parts, as threads share rows.
    const std::size_t half = rows / 2;
    kernels::row_softmax<T, A>(0, half, columns, x.data(), out.data());
    kernels::row_softmax<T, A>(half, rows, columns, x.data(), out.data());
    close(p);
    pk::Tensor<T> whole = out;
    kernels::row_softmax<T, A>(0, rows, columns, x.data(), whole.data());
    CHECK(identical(whole, out));
    kernels::row_softmax_vjp<T, A>(0, rows, columns, whole.data(), g.data(), out.data(), false);
    close(by_p);
    kernels::row_softmax_vjp<T, A>(0, rows, columns, whole.data(), g.data(), out.data(), true);
    close(2.0 * by_p);
    kernels::row_log_softmax<T, A>(0, rows, columns, x.data(), out.data());
    close(y);
    whole = out;
    kernels::row_log_softmax_vjp<T, A>(0, rows, columns, whole.data(), g.data(), out.data(), false);
    close(by_y);
    kernels::row_log_softmax_vjp<T, A>(0, rows, columns, whole.data(), g.data(), out.data(), true);
    close(2.0 * by_y);
  }
}

TEMPLATE_LIST_TEST_CASE("Rows of infinite and no numbers", "[kernels]", KernelCases) {
  using T = typename TestType::Value;
  using A = typename TestType::Arch;
  const T infinite = std::numeric_limits<T>::infinity();
  for (const std::size_t columns : {2u, 9u, 33u}) {
    // NaN at each column; -infinity everywhere but there.
    for (std::size_t c = 0; c < columns; ++c) {
      std::vector<T> x(2 * columns, T(1)), p(2 * columns), y = p;
      x[c] = std::numeric_limits<T>::quiet_NaN();
      for (std::size_t i = 0; i < columns; ++i) {
        if (i != c) x[columns + i] = -infinite;
      }
      kernels::row_softmax<T, A>(0, 2, columns, x.data(), p.data());
      kernels::row_log_softmax<T, A>(0, 2, columns, x.data(), y.data());
      for (std::size_t i = 0; i < columns; ++i) {
        CHECK(std::isnan(p[i]));
        CHECK(std::isnan(y[i]));
        CHECK(p[columns + i] == (i == c ? T(1) : T(0)));
        CHECK(y[columns + i] == (i == c ? T(0) : -infinite));
      }
    }
  }
}
