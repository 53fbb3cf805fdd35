#include <catch2/catch.hpp>

#include <vector>

#include <posekit/kernels/conv2d_vjp.hpp>
#include <posekit/testing/random_tensor.hpp>

#include "support/architectures.hpp"
#include "support/close.hpp"
#include "support/convolution_reference.hpp"

namespace pk = posekit;
namespace kernels = posekit::kernels;
using pk::testing::random_tensor;

TEMPLATE_LIST_TEST_CASE("The transposed product equals the definition", "[kernels]", KernelCases) {
  using T = typename TestType::Value;
  using A = typename TestType::Arch;
  for (const pk::Conv2dGeometry& g : interesting_geometries(false)) {
    const auto filter =
        random_tensor<T>({g.kernel_height, g.kernel_width, g.in_channels, g.out_channels}, 2);
    const auto plan = kernels::conv2d_vjp_plan(g);
    pk::Tensor<T> packed = pk::zeros<T>({plan.packed_size});
    kernels::conv2d_vjp_pack(g, plan, filter.data(), packed.data());
    // One and two cotangents take another way than many; nine and ten cross the rows of a tile.
    for (const std::size_t seeds : {1u, 2u, 3u, 10u}) {
      for (const bool masked : {false, true}) {
        for (const bool accumulate : {false, true}) {
          INFO(describe(g) << ", " << seeds << " cotangents" << (masked ? ", masked" : "")
                           << (accumulate ? ", added" : ""));
          const auto cotangent =
              random_tensor<T>({seeds, g.batch, g.out_height, g.out_width, g.out_channels}, 4);
          const std::size_t stride = kernels::mask_row_bytes(g.out_channels);
          std::vector<std::uint8_t> mask(g.batch * g.out_pixels() * stride, 0);
          const pk::CounterRandom random(8);
          const auto alive = [&](std::size_t row, std::size_t c) {
            return random.bits(row * 1000 + c) % 3 != 0;
          };
          for (std::size_t row = 0; row < g.batch * g.out_pixels(); ++row) {
            for (std::size_t c = 0; c < g.out_channels; ++c) {
              if (alive(row, c))
                mask[row * stride + c / 8] |= static_cast<std::uint8_t>(1u << (c % 8));
            }
          }
          pk::Tensor<T> result =
              random_tensor<T>({seeds, g.batch, g.in_height, g.in_width, g.in_channels}, 5);
          pk::Tensor<double> expected =
              accumulate ? pk::cast<double>(result) : pk::zeros<double>(pk::shape_of(result));
          for_each_tap(g, [&](auto n, auto oy, auto ox, auto iy, auto ix, auto ky, auto kx) {
            const std::size_t row = (n * g.out_height + oy) * g.out_width + ox;
            for (std::size_t s = 0; s < seeds; ++s) {
              for (std::size_t o = 0; o < g.out_channels; ++o) {
                if (masked && !alive(row, o)) continue;
                for (std::size_t c = 0; c < g.in_channels; ++c) {
                  expected(s, n, iy, ix, c) += static_cast<double>(cotangent(s, n, oy, ox, o)) *
                                               static_cast<double>(filter(ky, kx, c, o));
                }
              }
            }
          });
          const int threads = 2;
          const auto sizes = kernels::conv2d_vjp_scratch<T>(plan, seeds);
          pk::Tensor<T> scratch = pk::make_tensor<T>({sizes.elements * threads});
          std::vector<std::uint32_t> indices(sizes.indices * threads);
          kernels::conv2d_vjp<T, A>(g, plan, packed.data(), seeds, cotangent.data(),
                                    masked ? mask.data() : nullptr, result.data(), accumulate,
                                    nullptr, scratch.data(), indices.data(), threads);
          CHECK(relative_difference(result, expected) < 2 * close_enough<T>());
          if (g.stride_height > 1 || g.stride_width > 1 || accumulate) continue;
          // The rectifier before the convolution, applied on the way out.
          const std::size_t keep_stride = kernels::mask_row_bytes(g.in_channels);
          std::vector<std::uint8_t> keep(g.batch * g.in_pixels() * keep_stride, 0);
          const auto kept = [&](std::size_t row, std::size_t c) {
            return random.bits(row * 999 + c + 77) % 2 == 0;
          };
          for (std::size_t row = 0; row < g.batch * g.in_pixels(); ++row) {
            for (std::size_t c = 0; c < g.in_channels; ++c) {
              if (kept(row, c))
                keep[row * keep_stride + c / 8] |= static_cast<std::uint8_t>(1u << (c % 8));
              if (!kept(row, c)) {
                for (std::size_t s = 0; s < seeds; ++s)
                  expected.flat((s * g.batch * g.in_pixels() + row) * g.in_channels + c) = 0;
              }
            }
          }
          kernels::conv2d_vjp<T, A>(g, plan, packed.data(), seeds, cotangent.data(),
                                    masked ? mask.data() : nullptr, result.data(), false,
                                    keep.data(), scratch.data(), indices.data(), threads);
          CHECK(relative_difference(result, expected) < 2 * close_enough<T>());
        }
      }
    }
  }
}
