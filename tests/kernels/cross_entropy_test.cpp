#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include <posekit/kernels/cross_entropy.hpp>
#include <posekit/testing/random_tensor.hpp>

#include "support/architectures.hpp"

namespace pk = posekit;
namespace kernels = posekit::kernels;
using pk::testing::random_tensor;

TEMPLATE_LIST_TEST_CASE("Cross-entropies and their products by the definition, every remainder",
                        "[kernels]", KernelCases) {
  using T = typename TestType::Value;
  using A = typename TestType::Arch;
  const double tolerance = sizeof(T) == 4 ? 1e-5 : 1e-13;
  constexpr std::size_t stacked = 2;
  for (std::size_t columns = 1; columns < 36; ++columns) {
    const std::size_t rows = 1 + columns * 7 % 19, size = rows * columns;
    const auto x = random_tensor<T>({size}, columns, -5, 5);
    auto probabilities = random_tensor<T>({size}, columns + 50, 0, 1);
    const auto g = random_tensor<T>({stacked * rows}, columns + 100);
    std::vector<std::int64_t> classes(rows);
    for (std::size_t r = 0; r < rows; ++r) {
      classes[r] = r % 4 == 2 ? -1 : static_cast<std::int64_t>(r * 5 % columns);
      if (r % 4 != 2) continue;
      for (std::size_t c = 0; c < columns; ++c) probabilities(r * columns + c) = 0;
    }
    for (const bool soft : {false, true}) {
      for (const double smoothing : {0.0, 0.3}) {
        INFO(rows << " rows of " << columns << ", probabilities " << soft << ", " << smoothing);
        kernels::CrossEntropyTarget<T> target;
        target.classes = soft ? nullptr : classes.data();
        target.probabilities = soft ? probabilities.data() : nullptr;
        target.keep = static_cast<T>(1 - smoothing);
        target.share = static_cast<T>(smoothing / static_cast<double>(columns));
        std::vector<T> state(3 * rows), losses(rows), result(stacked * size, T(0.5));
        kernels::cross_entropy<T, A>(0, rows, columns, x.data(), target,
                                     {state.data(), state.data() + rows, state.data() + 2 * rows},
                                     losses.data());
        kernels::cross_entropy_vjp<T, A>(
            0, rows, rows, columns, x.data(), target,
            {state.data(), state.data() + rows, state.data() + 2 * rows}, stacked, g.data(),
            result.data(), true);
        double worst = 0;
        for (std::size_t r = 0; r < rows; ++r) {
          const auto logit = [&](std::size_t c) { return static_cast<double>(x(r * columns + c)); };
          double sum = 0, mass = 0, loss = 0;
          std::vector<double> q(columns);
          for (std::size_t c = 0; c < columns; ++c) {
            sum += std::exp(logit(c));
            if (r % 4 == 2) continue;
            const double p = soft ? static_cast<double>(probabilities(r * columns + c))
                                  : (static_cast<std::size_t>(classes[r]) == c ? 1.0 : 0.0);
            q[c] = (1 - smoothing) * p + smoothing / static_cast<double>(columns);
          }
          for (std::size_t c = 0; c < columns; ++c) {
            mass += q[c];
            loss -= q[c] * (logit(c) - std::log(sum));
          }
          worst = std::max(worst, std::abs(static_cast<double>(losses[r]) - loss) / (1 + loss));
          for (std::size_t k = 0; k < stacked; ++k) {
            for (std::size_t c = 0; c < columns; ++c) {
              const double slope = std::exp(logit(c)) / sum * mass - q[c];
              const double expected = 0.5 + slope * static_cast<double>(g(k * rows + r));
              const auto got = static_cast<double>(result[(k * rows + r) * columns + c]);
              worst = std::max(worst, std::abs(got - expected));
            }
          }
        }
        CHECK(worst < tolerance);
      }
    }
  }
}

TEMPLATE_LIST_TEST_CASE("Masses that are no numbers tell of wrong probabilities", "[kernels]",
                        KernelCases) {
  using T = typename TestType::Value;
  using A = typename TestType::Arch;
  for (const std::size_t columns : {3u, 20u}) {
    for (const T wrong :
         {std::numeric_limits<T>::quiet_NaN(), T(-1e-3), std::numeric_limits<T>::infinity()}) {
      std::vector<T> x(2 * columns, T(1)), p(2 * columns, T(0.5)), state(6), losses(2);
      p[columns + columns - 1] = wrong;
      kernels::CrossEntropyTarget<T> target;
      target.probabilities = p.data();
      kernels::cross_entropy<T, A>(0, 2, columns, x.data(), target,
                                   {state.data(), state.data() + 2, state.data() + 4},
                                   losses.data());
      CHECK(std::isfinite(state[4]));
      CHECK(std::isnan(state[5]));
    }
  }
}
