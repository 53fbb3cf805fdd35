#include <catch2/catch.hpp>

#include <posekit/kernels/conv2d.hpp>
#include <posekit/testing/random_tensor.hpp>

#include "support/architectures.hpp"
#include "support/close.hpp"
#include "support/convolution_reference.hpp"

namespace pk = posekit;
namespace kernels = posekit::kernels;
using pk::testing::random_tensor;

TEMPLATE_LIST_TEST_CASE("Convolutions equal the definition, for any number of threads", "[kernels]",
                        KernelCases) {
  using T = typename TestType::Value;
  using A = typename TestType::Arch;
  for (const pk::Conv2dGeometry& g : interesting_geometries(false)) {
    INFO(describe(g));
    const auto input = random_tensor<T>({g.batch, g.in_height, g.in_width, g.in_channels}, 1);
    const auto filter =
        random_tensor<T>({g.kernel_height, g.kernel_width, g.in_channels, g.out_channels}, 2);
    const auto bias = random_tensor<T>({g.out_channels}, 3);
    pk::Tensor<double> expected =
        pk::zeros<double>({g.batch, g.out_height, g.out_width, g.out_channels});
    for (std::size_t i = 0; i < expected.size(); ++i)
      expected.flat(i) = static_cast<double>(bias(i % g.out_channels));
    for_each_tap(g, [&](auto n, auto oy, auto ox, auto iy, auto ix, auto ky, auto kx) {
      for (std::size_t c = 0; c < g.in_channels; ++c) {
        for (std::size_t o = 0; o < g.out_channels; ++o) {
          expected(n, oy, ox, o) +=
              static_cast<double>(input(n, iy, ix, c)) * static_cast<double>(filter(ky, kx, c, o));
        }
      }
    });
    const kernels::PanelLayout layout(g.out_channels);
    const std::size_t depth = g.kernel_height * g.kernel_width * g.in_channels;
    pk::Tensor<T> packed = pk::zeros<T>({layout.packed_size(depth)});
    kernels::pack_panels(
        layout, depth,
        [&](std::size_t k, std::size_t n) { return filter.data()[k * g.out_channels + n]; },
        packed.data());
    kernels::Epilogue<T> epilogue;
    epilogue.bias = bias.data();
    pk::Tensor<T> first;
    for (const int threads : {1, 3}) {
      pk::Tensor<T> output = random_tensor<T>(pk::shape_of(expected), 7);
      pk::Tensor<T> scratch =
          pk::make_tensor<T>({kernels::conv2d_scratch<T>(g) * static_cast<std::size_t>(threads)});
      kernels::conv2d<T, A>(g, input.data(), packed.data(), epilogue, output.data(), scratch.data(),
                            threads);
      CHECK(relative_difference(output, expected) < 2 * close_enough<T>());
      if (threads == 1) first = output;
      CHECK(identical(output, first));
    }
  }
}
