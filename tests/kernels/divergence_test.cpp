#include <catch2/catch.hpp>

#include <cmath>

#include <posekit/kernels/divergence.hpp>
#include <posekit/kernels/gaussian_map.hpp>
#include <posekit/testing/random_tensor.hpp>

#include "support/architectures.hpp"

namespace pk = posekit;
namespace kernels = posekit::kernels;
using pk::testing::random_tensor;

TEMPLATE_LIST_TEST_CASE("Divergences of logits from a Gaussian, with every lane remainder",
                        "[kernels]", KernelCases) {
  using T = typename TestType::Value;
  using A = typename TestType::Arch;
  const double tolerance = sizeof(T) == 4 ? 3e-6 : 1e-12;
  for (std::size_t width = 1; width < 36; ++width) {
    const pk::MapGrid grid{1, 4, width};
    const auto logits = random_tensor<T>({grid.size()}, width, -2, 2);
    const auto state = kernels::softmax_moments<T, A>(grid, logits.data(), T(1.5));
    std::array<kernels::GaussianAxis<T>, 3> axes;
    kernels::gaussian_axis<T, A>(width, 0.3 * static_cast<double>(width), 1.7, true, axes[0]);
    kernels::gaussian_axis<T, A>(4, 2.2, 1.7, true, axes[1]);
    kernels::gaussian_axis<T, A>(1, 0.0, 1.7, true, axes[2]);
    pk::Tensor<T> q = pk::make_tensor<T>({grid.size()}), p = q;
    kernels::gaussian_map<T, A>(grid, axes, q.data());
    kernels::softmax<T, A>(grid.size(), logits.data(), T(1.5), state, p.data());
    double kl = 0, js = 0, sum = 0;
    for (std::size_t i = 0; i < grid.size(); ++i) {
      const double a = static_cast<double>(p(i)), b = static_cast<double>(q(i)), m = (a + b) / 2;
      sum += b;
      if (a > 0) kl += a * std::log(a / std::max(b, 1e-300));
      js += 0.5 * ((a > 0 ? a * std::log(a / m) : 0) + (b > 0 ? b * std::log(b / m) : 0));
    }
    CHECK(sum == Approx(1).epsilon(1e-5));
    const kernels::SoftmaxOfLogits<T, A> source{logits.data(), T(1.5), state};
    const kernels::GaussianWeights<T, A> gaussian{axes};
    const kernels::MapWeights<T, A> weights{p.data()};
    using pk::Divergence;
    CHECK(kernels::divergence<Divergence::js, T, A>(grid, source, gaussian).value ==
          Approx(js).margin(tolerance));
    CHECK(kernels::divergence<Divergence::js, T, A>(grid, weights, gaussian).value ==
          Approx(js).margin(tolerance));
    if (width < 20 || sizeof(T) == 8) {  // further out, q has vanished in float
      CHECK(kernels::divergence<Divergence::kl, T, A>(grid, source, gaussian).value ==
            Approx(kl).epsilon(10 * tolerance));
    }
  }
}
