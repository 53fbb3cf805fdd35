#include <catch2/catch.hpp>

#include <cmath>

#include <posekit/kernels/softmax_moments.hpp>
#include <posekit/testing/random_tensor.hpp>

#include "support/architectures.hpp"
#include "support/close.hpp"

namespace pk = posekit;
namespace kernels = posekit::kernels;
using pk::testing::random_tensor;

TEMPLATE_LIST_TEST_CASE("Expectations under a softmax, at every lane remainder", "[kernels]",
                        KernelCases) {
  using T = typename TestType::Value;
  using A = typename TestType::Arch;
  for (std::size_t height = 1; height < 6; height += 2) {
    for (std::size_t width = 1; width < 40; ++width) {
      const auto logits = random_tensor<T>({height, width}, width, -3, 3);
      const T beta = T(1.7);
      double mass = 0, mx = 0, my = 0;
      for (std::size_t y = 0; y < height; ++y) {
        for (std::size_t x = 0; x < width; ++x) {
          const double p = std::exp(1.7 * static_cast<double>(logits(y, x)));
          mass += p;
          mx += p * static_cast<double>(x);
          my += p * static_cast<double>(y);
        }
      }
      const auto state = kernels::softmax_moments<T, A>({1, height, width}, logits.data(), beta);
      const double tolerance = sizeof(T) == 4 ? 1e-5 : 1e-12;
      CHECK(static_cast<double>(state.mean[0]) ==
            Approx(mx / mass).margin(tolerance * static_cast<double>(width)));
      CHECK(static_cast<double>(state.mean[1]) ==
            Approx(my / mass).margin(tolerance * static_cast<double>(height)));
      pk::Tensor<T> gradient = random_tensor<T>({height, width}, 3);
      pk::Tensor<double> expected = pk::cast<double>(gradient);
      for (std::size_t y = 0; y < height; ++y) {
        for (std::size_t x = 0; x < width; ++x) {
          const double p = std::exp(1.7 * static_cast<double>(logits(y, x))) / mass;
          expected(y, x) += 1.7 * p *
                            (0.3 * (static_cast<double>(x) - mx / mass) -
                             0.8 * (static_cast<double>(y) - my / mass));
        }
      }
      kernels::softmax_moments_vjp<T, A>({1, height, width}, logits.data(), beta, state,
                                         {T(0.3), T(-0.8), T(0)}, gradient.data(), true);
      CHECK(relative_difference(gradient, expected) < 10 * close_enough<T>());
    }
  }
}

TEMPLATE_LIST_TEST_CASE("Extreme logits neither overflow nor vanish", "[kernels]", KernelCases) {
  using T = typename TestType::Value;
  using A = typename TestType::Arch;
  pk::Tensor<T> logits = pk::zeros<T>({9, 21});
  for (const T level : {T(-1e4), T(0), T(1e4)}) {
    logits.fill(level);
    const auto even = kernels::softmax_moments<T, A>({1, 9, 21}, logits.data(), T(1));
    CHECK(static_cast<double>(even.mean[0]) == Approx(10.0).epsilon(1e-6));
    CHECK(static_cast<double>(even.mean[1]) == Approx(4.0).epsilon(1e-6));
    logits(7, 18) = level + T(200);
    const auto peak = kernels::softmax_moments<T, A>({1, 9, 21}, logits.data(), T(1));
    CHECK(static_cast<double>(peak.mean[0]) == Approx(18.0).epsilon(1e-6));
    CHECK(static_cast<double>(peak.mean[1]) == Approx(7.0).epsilon(1e-6));
  }
}
