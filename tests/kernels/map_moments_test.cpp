#include <catch2/catch.hpp>

#include <posekit/kernels/map_moments.hpp>
#include <posekit/kernels/map_spread.hpp>
#include <posekit/testing/random_tensor.hpp>

#include "support/architectures.hpp"
#include "support/close.hpp"

namespace pk = posekit;
namespace kernels = posekit::kernels;
using pk::testing::random_tensor;

TEMPLATE_LIST_TEST_CASE("Moments, spreads and ramps of maps at every lane remainder", "[kernels]",
                        KernelCases) {
  using T = typename TestType::Value;
  using A = typename TestType::Arch;
  const double tolerance = sizeof(T) == 4 ? 2e-6 : 1e-13;
  for (std::size_t width = 1; width < 36; ++width) {
    const pk::MapGrid grid{2, 3, width};
    auto w = random_tensor<T>({grid.size()}, width, 0, 1);
    double sum = 0;
    for (const T v : w) sum += static_cast<double>(v);
    for (T& v : w) v = static_cast<T>(static_cast<double>(v) / sum);
    std::array<double, 3> first{};
    const auto position = [&](std::size_t i) {
      return std::array<double, 3>{static_cast<double>(i % width),
                                   static_cast<double>(i / width % 3),
                                   static_cast<double>(i / width / 3)};
    };
    double mass = 0;
    for (std::size_t i = 0; i < grid.size(); ++i) {
      mass += static_cast<double>(w(i));
      for (std::size_t a = 0; a < 3; ++a) first[a] += static_cast<double>(w(i)) * position(i)[a];
    }
    const auto moments = kernels::map_moments<T, A>(grid, w.data());
    const auto spread = kernels::map_spread<T, A>(grid, w.data());
    CHECK(moments.mass == Approx(mass).epsilon(tolerance));
    for (std::size_t a = 0; a < 3; ++a) {
      CHECK(moments.first[a] == Approx(first[a]).epsilon(tolerance).margin(tolerance));
      for (std::size_t b = 0; b < 3; ++b) {
        double covariance = 0;
        for (std::size_t i = 0; i < grid.size(); ++i) {
          covariance +=
              static_cast<double>(w(i)) * (position(i)[a] - first[a]) * (position(i)[b] - first[b]);
        }
        CHECK(spread.covariance[a][b] ==
              Approx(covariance).margin(tolerance * static_cast<double>(width * width)));
      }
    }
    pk::Tensor<T> ramp = pk::make_tensor<T>({grid.size()});
    kernels::map_ramp<T, A>(grid, T(0.5), {T(2), T(-3), T(0.25)}, ramp.data(), false);
    kernels::map_ramp<T, A>(grid, T(1), {T(0), T(0), T(0)}, ramp.data(), true);
    for (std::size_t i = 0; i < grid.size(); ++i) {
      const auto p = position(i);
      CHECK(static_cast<double>(ramp(i)) ==
            Approx(1.5 + 2 * p[0] - 3 * p[1] + 0.25 * p[2]).epsilon(1e-5));
    }
  }
}
