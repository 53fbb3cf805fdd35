#include <catch2/catch.hpp>

#include <cmath>
#include <limits>
#include <posekit/kernels/pool2d.hpp>
#include <posekit/testing/random_tensor.hpp>

#include "support/close.hpp"
#include "support/convolution_reference.hpp"

namespace pk = posekit;
namespace kernels = posekit::kernels;
using pk::testing::random_tensor;

TEST_CASE("Pooling equals the definition", "[kernels]") {
  for (const pk::Conv2dGeometry& g : interesting_geometries(true)) {
    if (g.dilation_height > 1 || g.dilation_width > 1) continue;
    // Windows without a pixel are refused before they get here.
    if (g.pad_top >= g.kernel_height || g.pad_left >= g.kernel_width) continue;
    bool empty = false;
    pk::Tensor<double> count = pk::zeros<double>({g.batch, g.out_height, g.out_width});
    for_each_tap(g,
                 [&](auto n, auto oy, auto ox, auto, auto, auto, auto) { count(n, oy, ox) += 1; });
    for (const double c : count) empty = empty || c == 0;
    if (empty) continue;
    INFO(describe(g));
    const auto in = random_tensor<double>({g.batch, g.in_height, g.in_width, g.in_channels}, 1);
    const pk::Shape out_shape{g.batch, g.out_height, g.out_width, g.in_channels};
    pk::Tensor<double> largest = pk::zeros<double>(out_shape), mean = largest;
    largest.fill(-1e9);
    for_each_tap(g, [&](auto n, auto oy, auto ox, auto iy, auto ix, auto, auto) {
      for (std::size_t c = 0; c < g.in_channels; ++c) {
        largest(n, oy, ox, c) = std::max(largest(n, oy, ox, c), in(n, iy, ix, c));
        mean(n, oy, ox, c) += in(n, iy, ix, c) / count(n, oy, ox);
      }
    });
    pk::Tensor<double> out = pk::zeros<double>(out_shape);
    std::vector<std::uint32_t> source(out.size());
    kernels::max_pool2d(g, in.data(), out.data(), source.data(), 2);
    CHECK(identical(out, largest));
    kernels::average_pool2d(g, in.data(), out.data(), 2);
    CHECK(relative_difference(out, mean) < 1e-13);

    // A cotangent goes to the maximum, or evenly to the window.
    const std::size_t seeds = 2;
    const auto cotangent =
        random_tensor<double>({seeds, g.batch, g.out_height, g.out_width, g.in_channels}, 3);
    const pk::Shape in_shape{seeds, g.batch, g.in_height, g.in_width, g.in_channels};
    pk::Tensor<double> to_max = random_tensor<double>(in_shape, 4), to_all = to_max;
    pk::Tensor<double> expected_max = to_max, expected_all = to_all;
    for (std::size_t s = 0; s < seeds; ++s) {
      for_each_tap(g, [&](auto n, auto oy, auto ox, auto iy, auto ix, auto, auto) {
        for (std::size_t c = 0; c < g.in_channels; ++c) {
          if (in(n, iy, ix, c) == largest(n, oy, ox, c))
            expected_max(s, n, iy, ix, c) += cotangent(s, n, oy, ox, c);
          expected_all(s, n, iy, ix, c) += cotangent(s, n, oy, ox, c) / count(n, oy, ox);
        }
      });
    }
    kernels::max_pool2d_vjp(g, seeds, cotangent.data(), source.data(), to_max.data(), true, 2);
    kernels::average_pool2d_vjp(g, seeds, cotangent.data(), to_all.data(), true, 2);
    CHECK(relative_difference(to_max, expected_max) < 1e-13);
    CHECK(relative_difference(to_all, expected_all) < 1e-13);
  }
}

TEST_CASE("Of equal maxima the first is taken", "[kernels]") {
  pk::Conv2dGeometry g;
  g.in_height = g.in_width = 4;
  g.in_channels = 1;
  g.kernel_height = g.kernel_width = g.stride_height = g.stride_width = g.out_height = g.out_width =
      2;
  const pk::Tensor<float> in = pk::zeros<float>({16});
  float out[4];
  std::uint32_t source[4];
  kernels::max_pool2d(g, in.data(), out, source, 1);
  CHECK(source[0] == 0);
  CHECK(source[1] == 2);
  CHECK(source[2] == 8);
  CHECK(source[3] == 10);
  // NaN stays, wherever in its window it is.
  for (const std::size_t where : {0u, 1u, 4u, 5u}) {
    pk::Tensor<float> holed = in;
    holed(where) = std::numeric_limits<float>::quiet_NaN();
    kernels::max_pool2d(g, holed.data(), out, source, 1);
    CHECK(std::isnan(out[0]));
    kernels::max_pool2d(g, holed.data(), out, static_cast<std::uint32_t*>(nullptr), 1);
    CHECK(std::isnan(out[0]));
  }
}
