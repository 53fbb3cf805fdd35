#include <catch2/catch.hpp>

#include <cmath>
#include <tuple>

#include <posekit/kernels/density.hpp>
#include <posekit/testing/random_tensor.hpp>

#include "support/architectures.hpp"
#include "support/close.hpp"

namespace pk = posekit;
namespace kernels = posekit::kernels;
using pk::testing::random_tensor;

using Architectures = std::tuple<POSEKIT_TEST_ARCHITECTURES>;

TEMPLATE_LIST_TEST_CASE("Densities are exact at every pixel, near and far", "[kernels]",
                        Architectures) {
  using A = TestType;
  struct Case {
    std::size_t height, width;
    kernels::GaussianForm form;
    bool corner;
  };
  for (const Case& c : {Case{1, 1, {1, 0, 1}, false}, Case{5, 7, {0.5, 0.2, 0.7}, false},
                        Case{33, 71, {0.02, -0.01, 0.05}, false},
                        Case{30, 80, {0.8, 0.3, 0.5}, true}, Case{64, 3, {0.3, 0, 0.001}, false}}) {
    INFO(c.height << " x " << c.width << (c.corner ? " corner" : ""));
    auto weights = random_tensor<double>({c.height, c.width}, 1, 0, 1);
    if (c.corner) {
      for (std::size_t i = 0; i < weights.size(); ++i) {
        if (i % c.width > 4 || i / c.width > 3) weights.flat(i) = 0;
      }
    }
    pk::Tensor<double> result = pk::zeros<double>({c.height, c.width}), again = result;
    kernels::gaussian_density<A>(c.height, c.width, weights.data(), c.form, result.data(), 1);
    kernels::gaussian_density<A>(c.height, c.width, weights.data(), c.form, again.data(), 3);
    CHECK(identical(result, again));
    double worst = 0;
    for (std::size_t i = 0; i < weights.size(); ++i) {
      double sum = 0;
      for (std::size_t k = 0; k < weights.size(); ++k) {
        const double dx = static_cast<double>(i % c.width) - static_cast<double>(k % c.width);
        const double dy = static_cast<double>(i / c.width) - static_cast<double>(k / c.width);
        sum += weights.flat(k) *
               std::exp(-0.5 * (c.form.a * dx * dx + 2 * c.form.b * dx * dy + c.form.c * dy * dy));
      }
      if (sum > 1e-290) worst = std::max(worst, std::abs(result.flat(i) / sum - 1));
    }
    CHECK(worst < 2e-8);
  }
}
