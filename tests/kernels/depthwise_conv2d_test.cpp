#include <catch2/catch.hpp>

#include <vector>

#include <posekit/kernels/depthwise_conv2d.hpp>
#include <posekit/testing/random_tensor.hpp>

#include "support/architectures.hpp"
#include "support/close.hpp"
#include "support/convolution_reference.hpp"

namespace pk = posekit;
namespace kernels = posekit::kernels;
using pk::testing::random_tensor;

TEMPLATE_LIST_TEST_CASE("Depthwise convolutions equal the definition", "[kernels]", KernelCases) {
  using T = typename TestType::Value;
  using A = typename TestType::Arch;
  for (const pk::Conv2dGeometry& g : interesting_geometries(true)) {
    INFO(describe(g));
    const auto input = random_tensor<T>({g.batch, g.in_height, g.in_width, g.in_channels}, 1);
    const auto filter = random_tensor<T>({g.kernel_height, g.kernel_width, g.in_channels}, 2);
    const auto bias = random_tensor<T>({g.in_channels}, 3);
    pk::Tensor<double> expected =
        pk::zeros<double>({g.batch, g.out_height, g.out_width, g.in_channels});
    for (std::size_t i = 0; i < expected.size(); ++i)
      expected.flat(i) = static_cast<double>(bias(i % g.in_channels));
    for_each_tap(g, [&](auto n, auto oy, auto ox, auto iy, auto ix, auto ky, auto kx) {
      for (std::size_t c = 0; c < g.in_channels; ++c) {
        expected(n, oy, ox, c) +=
            static_cast<double>(input(n, iy, ix, c)) * static_cast<double>(filter(ky, kx, c));
      }
    });
    pk::Tensor<T> output = random_tensor<T>(pk::shape_of(expected), 7);
    kernels::Epilogue<T> epilogue;
    epilogue.bias = bias.data();
    kernels::depthwise_conv2d<T, A>(g, input.data(), filter.data(), epilogue, output.data(), 2);
    CHECK(relative_difference(output, expected) < close_enough<T>());

    std::vector<std::uint8_t> mask(
        g.batch * g.out_pixels() * kernels::mask_row_bytes(g.in_channels), 0);
    epilogue.activation = pk::Activation::relu;
    epilogue.mask = mask.data();
    pk::Tensor<T> rectified = pk::zeros<T>(pk::shape_of(expected));
    kernels::depthwise_conv2d<T, A>(g, input.data(), filter.data(), epilogue, rectified.data(), 1);
    for (std::size_t i = 0; i < output.size(); ++i) {
      const std::size_t c = i % g.in_channels;
      const bool bit =
          ((mask[i / g.in_channels * kernels::mask_row_bytes(g.in_channels) + c / 8] >> (c % 8)) &
           1) != 0;
      if (bit != (output.flat(i) > 0) || rectified.flat(i) != std::max(output.flat(i), T(0)))
        FAIL("element " << i);
    }
  }
}

TEMPLATE_LIST_TEST_CASE("Transposed depthwise products equal the definition", "[kernels]",
                        KernelCases) {
  using T = typename TestType::Value;
  using A = typename TestType::Arch;
  for (const pk::Conv2dGeometry& g : interesting_geometries(true)) {
    for (const bool masked : {false, true}) {
      for (const bool accumulate : {false, true}) {
        INFO(describe(g) << (masked ? ", masked" : "") << (accumulate ? ", added" : ""));
        const std::size_t seeds = 3;
        const auto filter = random_tensor<T>({g.kernel_height, g.kernel_width, g.in_channels}, 2);
        const auto cotangent =
            random_tensor<T>({seeds, g.batch, g.out_height, g.out_width, g.in_channels}, 4);
        const std::size_t stride = kernels::mask_row_bytes(g.in_channels);
        std::vector<std::uint8_t> mask(g.batch * g.out_pixels() * stride, 0);
        const pk::CounterRandom random(8);
        const auto alive = [&](std::size_t row, std::size_t c) {
          return random.bits(row * 1000 + c) % 3 != 0;
        };
        for (std::size_t row = 0; row < g.batch * g.out_pixels(); ++row) {
          for (std::size_t c = 0; c < g.in_channels; ++c) {
            if (alive(row, c))
              mask[row * stride + c / 8] |= static_cast<std::uint8_t>(1u << (c % 8));
          }
        }
        pk::Tensor<T> result =
            random_tensor<T>({seeds, g.batch, g.in_height, g.in_width, g.in_channels}, 5);
        pk::Tensor<double> expected =
            accumulate ? pk::cast<double>(result) : pk::zeros<double>(pk::shape_of(result));
        for_each_tap(g, [&](auto n, auto oy, auto ox, auto iy, auto ix, auto ky, auto kx) {
          for (std::size_t s = 0; s < seeds; ++s) {
            for (std::size_t c = 0; c < g.in_channels; ++c) {
              if (masked && !alive((n * g.out_height + oy) * g.out_width + ox, c)) continue;
              expected(s, n, iy, ix, c) += static_cast<double>(cotangent(s, n, oy, ox, c)) *
                                           static_cast<double>(filter(ky, kx, c));
            }
          }
        });
        kernels::depthwise_conv2d_vjp<T, A>(g, filter.data(), seeds, cotangent.data(),
                                            masked ? mask.data() : nullptr, result.data(),
                                            accumulate, 2);
        CHECK(relative_difference(result, expected) < close_enough<T>());
      }
    }
  }
}
