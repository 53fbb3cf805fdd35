#include <catch2/catch.hpp>

#include <cmath>
#include <limits>

#include <posekit/attribution/gaussian_kernel.hpp>
#include <posekit/core/error.hpp>

namespace pk = posekit;

TEST_CASE("Kernels have mass 1, slopes have mass 0", "[attribution]") {
  for (const double sigma : {0.0, 1e-9, 0.02, 0.03, 0.2, 0.5, 1.0, 2.7, 19.0}) {
    for (const auto kind : {pk::BlurKernel::gaussian, pk::BlurKernel::taps_31}) {
      const auto kernel = pk::gaussian_kernel(sigma, kind);
      double mass = kernel.weights[0], slope = kernel.slopes[0];
      for (std::size_t j = 1; j <= kernel.radius(); ++j) {
        mass += 2 * kernel.weights[j];
        slope += 2 * kernel.slopes[j];
      }
      CHECK(mass == Approx(1).epsilon(1e-14));
      CHECK(slope == Approx(0).margin(1e-13));
      if (kind == pk::BlurKernel::taps_31) CHECK(kernel.radius() == 15);
    }
  }
}

TEST_CASE("Slopes are the derivatives of the weights, down to tiny sigmas", "[attribution]") {
  for (const double sigma : {0.05, 0.1, 0.4, 3.0, 19.0}) {
    const double step = 1e-6 * sigma;
    const auto kernel = pk::gaussian_kernel(sigma, pk::BlurKernel::taps_31);
    const auto above = pk::gaussian_kernel(sigma + step, pk::BlurKernel::taps_31);
    const auto below = pk::gaussian_kernel(sigma - step, pk::BlurKernel::taps_31);
    for (std::size_t j = 0; j <= 15; ++j) {
      CHECK(kernel.slopes[j] ==
            Approx((above.weights[j] - below.weights[j]) / (2 * step)).epsilon(1e-5).margin(1e-9));
    }
  }
}

TEST_CASE("31 taps hold 58.5 % of a Gaussian of 19 pixels", "[attribution]") {
  const auto full = pk::gaussian_kernel(19.0);
  double inside = full.weights[0];
  for (std::size_t j = 1; j <= 15; ++j) inside += 2 * full.weights[j];
  CHECK(inside == Approx(0.585).margin(0.001));
}

TEST_CASE("Impossible sigmas are refused", "[attribution]") {
  CHECK_THROWS_AS(pk::gaussian_kernel(-1), pk::ValueError);
  CHECK_THROWS_AS(pk::gaussian_kernel(std::nan("")), pk::ValueError);
  CHECK_THROWS_AS(pk::gaussian_kernel(std::numeric_limits<double>::infinity()), pk::ValueError);
}
