#include <catch2/catch.hpp>

#include <posekit/kernels/conv2d_filter_vjp.hpp>
#include <posekit/kernels/strided_reduce.hpp>
#include <posekit/testing/random_tensor.hpp>

#include "support/architectures.hpp"
#include "support/close.hpp"
#include "support/convolution_reference.hpp"

namespace pk = posekit;
namespace kernels = posekit::kernels;
using pk::testing::random_tensor;

TEMPLATE_LIST_TEST_CASE("Filter cotangents equal the definition", "[kernels]", KernelCases) {
  using T = typename TestType::Value;
  using A = typename TestType::Arch;
  for (const pk::Conv2dGeometry& g : interesting_geometries(false)) {
    INFO(describe(g));
    const auto input = random_tensor<T>({g.batch, g.in_height, g.in_width, g.in_channels}, 1);
    const auto cotangent =
        random_tensor<T>({g.batch, g.out_height, g.out_width, g.out_channels}, 2);
    pk::Tensor<T> result =
        random_tensor<T>({g.kernel_height, g.kernel_width, g.in_channels, g.out_channels}, 3);
    pk::Tensor<double> expected = pk::cast<double>(result);
    for_each_tap(g, [&](auto n, auto oy, auto ox, auto iy, auto ix, auto ky, auto kx) {
      for (std::size_t c = 0; c < g.in_channels; ++c) {
        for (std::size_t o = 0; o < g.out_channels; ++o) {
          expected(ky, kx, c, o) += static_cast<double>(input(n, iy, ix, c)) *
                                    static_cast<double>(cotangent(n, oy, ox, o));
        }
      }
    });
    pk::Tensor<T> scratch = pk::make_tensor<T>({kernels::conv2d_filter_vjp_scratch<T>(g, 2)});
    kernels::conv2d_filter_vjp<T, A>(g, input.data(), cotangent.data(), result.data(),
                                     scratch.data(), 2);
    CHECK(relative_difference(result, expected) < 5 * close_enough<T>());
  }
}

TEST_CASE("Depthwise filter cotangents and sums of rows equal the definition", "[kernels]") {
  for (const pk::Conv2dGeometry& g : interesting_geometries(true)) {
    INFO(describe(g));
    const auto input = random_tensor<double>({g.batch, g.in_height, g.in_width, g.in_channels}, 1);
    const auto cotangent =
        random_tensor<double>({g.batch, g.out_height, g.out_width, g.in_channels}, 2);
    pk::Tensor<double> result = pk::zeros<double>({g.kernel_height, g.kernel_width, g.in_channels});
    pk::Tensor<double> expected = result, bias = pk::zeros<double>({g.in_channels}),
                       expected_bias = bias;
    for_each_tap(g, [&](auto n, auto oy, auto ox, auto iy, auto ix, auto ky, auto kx) {
      for (std::size_t c = 0; c < g.in_channels; ++c)
        expected(ky, kx, c) += input(n, iy, ix, c) * cotangent(n, oy, ox, c);
    });
    for (std::size_t i = 0; i < cotangent.size(); ++i)
      expected_bias(i % g.in_channels) += cotangent.flat(i);
    kernels::depthwise_filter_vjp(g, input.data(), cotangent.data(), result.data(), 2);
    CHECK(relative_difference(result, expected) < 1e-12);
    kernels::sum_rows(g.batch * g.out_pixels(), g.in_channels, cotangent.data(), bias.data(), 2);
    CHECK(relative_difference(bias, expected_bias) < 1e-12);
  }
}
