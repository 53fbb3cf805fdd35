#include <catch2/catch.hpp>

#include <vector>

#include <posekit/kernels/blur.hpp>
#include <posekit/testing/random_tensor.hpp>

#include "support/architectures.hpp"
#include "support/close.hpp"

namespace pk = posekit;
namespace kernels = posekit::kernels;
using pk::testing::random_tensor;

TEST_CASE("Mirrored indices do not repeat the edge, however far outside", "[kernels]") {
  const std::vector<std::size_t> expected{2, 3, 2, 1, 0, 1,
                                          2, 3, 2, 1, 0, 1};  // from -4 on, extent 4
  for (std::size_t i = 0; i < expected.size(); ++i)
    CHECK(kernels::reflect_index(static_cast<long>(i) - 4, 4) == expected[i]);
  for (long i = -9; i < 9; ++i) CHECK(kernels::reflect_index(i, 1) == 0);
  for (long i = -9; i < 9; ++i)
    CHECK(kernels::reflect_index(i, 2) == static_cast<std::size_t>(i & 1));
}

TEMPLATE_LIST_TEST_CASE("Blur and its slope equal the definition for every width and radius",
                        "[kernels]", KernelCases) {
  using T = typename TestType::Value;
  using A = typename TestType::Arch;
  for (const auto& [height, width, radius] : std::vector<std::array<std::size_t, 3>>{
           {1, 1, 3}, {3, 5, 0}, {4, 7, 1}, {5, 17, 2}, {2, 33, 9}, {9, 70, 12}, {6, 16, 40}}) {
    INFO(height << " x " << width << ", radius " << radius);
    const std::size_t planes = 2;
    const auto in = random_tensor<T>({planes, height, width}, 1);
    const auto w = random_tensor<T>({radius + 1}, 2), s = random_tensor<T>({radius + 1}, 3);
    pk::Tensor<double> expected = pk::zeros<double>({planes, height, width}), slope = expected;
    const auto r = static_cast<long>(radius);
    for (std::size_t p = 0; p < planes; ++p) {
      for (std::size_t y = 0; y < height; ++y) {
        for (std::size_t x = 0; x < width; ++x) {
          for (long dy = -r; dy <= r; ++dy) {
            for (long dx = -r; dx <= r; ++dx) {
              const double v = static_cast<double>(
                  in(p, kernels::reflect_index(static_cast<long>(y) + dy, height),
                     kernels::reflect_index(static_cast<long>(x) + dx, width)));
              const double wx = static_cast<double>(w(static_cast<std::size_t>(std::abs(dx)))),
                           wy = static_cast<double>(w(static_cast<std::size_t>(std::abs(dy))));
              const double sx = static_cast<double>(s(static_cast<std::size_t>(std::abs(dx)))),
                           sy = static_cast<double>(s(static_cast<std::size_t>(std::abs(dy))));
              expected(p, y, x) += wx * wy * v;
              slope(p, y, x) += (sx * wy + wx * sy) * v;
            }
          }
        }
      }
    }
    pk::Tensor<T> out = pk::zeros<T>({planes, height, width}), slope_out = out, alone = out;
    std::vector<T> scratch(kernels::blur_scratch<T>(height, width, radius));
    kernels::blur<T, A>(planes, height, width, in.data(), radius, w.data(), s.data(), out.data(),
                        slope_out.data(), scratch.data());
    kernels::blur<T, A>(planes, height, width, in.data(), radius, w.data(), nullptr, alone.data(),
                        nullptr, scratch.data());
    CHECK(relative_difference(out, expected) < 5 * close_enough<T>());
    CHECK(relative_difference(slope_out, slope) < 5 * close_enough<T>());
    CHECK(relative_difference(alone, expected) < 5 * close_enough<T>());
  }
}
