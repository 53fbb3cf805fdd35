#include <catch2/catch.hpp>

#include <posekit/kernels/volume_marginals.hpp>
#include <posekit/testing/random_tensor.hpp>

#include "support/architectures.hpp"
#include "support/close.hpp"

namespace pk = posekit;
namespace kernels = posekit::kernels;
using pk::testing::random_tensor;

TEMPLATE_LIST_TEST_CASE("Marginals of volumes at every lane remainder", "[kernels]", KernelCases) {
  using T = typename TestType::Value;
  using A = typename TestType::Arch;
  const std::size_t depth = 9, height = 5;
  for (const std::size_t width : {1u, 2u, 3u, 7u, 8u, 15u, 16u, 17u, 31u, 33u, 64u, 67u, 130u}) {
    const pk::MapGrid grid{depth, height, width};
    const auto v = random_tensor<T>({depth, height, width}, width);
    pk::Tensor<double> xy = pk::zeros<double>({height, width}),
                       zy = pk::zeros<double>({height, depth}),
                       xz = pk::zeros<double>({depth, width});
    for (std::size_t z = 0; z < depth; ++z) {
      for (std::size_t y = 0; y < height; ++y) {
        for (std::size_t x = 0; x < width; ++x) {
          const auto value = static_cast<double>(v(z, y, x));
          xy(y, x) += value;
          zy(y, z) += value;
          xz(z, x) += value;
        }
      }
    }
    pk::Tensor<T> a = pk::cast<T>(xy), b = pk::cast<T>(zy), c = pk::cast<T>(xz);
    kernels::volume_marginals<T, A>(grid, v.data(), a.data(), b.data(), c.data());
    CHECK(relative_difference(a, xy) < close_enough<T>());
    CHECK(relative_difference(b, zy) < 4 * close_enough<T>());
    CHECK(relative_difference(c, xz) < close_enough<T>());
    pk::Tensor<T> gradient = v;
    kernels::volume_marginals_vjp<T, A>(grid, a.data(), b.data(), nullptr, gradient.data(), true);
    CHECK(
        static_cast<double>(gradient(2, 3, width - 1)) ==
        Approx(static_cast<double>(v(2, 3, width - 1)) + xy(3, width - 1) + zy(3, 2)).margin(1e-4));
    kernels::volume_marginals_vjp<T, A>(grid, nullptr, nullptr, c.data(), gradient.data(), false);
    CHECK(static_cast<double>(gradient(1, 4, 0)) == Approx(xz(1, 0)).margin(1e-4));
    pk::Tensor<T> cached = gradient, streamed = gradient;
    for (const bool streaming : {false, true}) {
      kernels::volume_marginals_vjp<T, A>(grid, a.data(), b.data(), c.data(),
                                          (streaming ? streamed : cached).data(), false, streaming);
    }
    CHECK(identical(streamed, cached));
  }
}
