#include <catch2/catch.hpp>

#include <cmath>
#include <limits>

#include <posekit/autodiff/shaping.hpp>
#include <posekit/heatmap/marginals.hpp>
#include <posekit/testing/gradient_check.hpp>

#include "support/heatmap_case.hpp"

namespace pk = posekit;
using pk::testing::random_tensor;

TEST_CASE("Marginals and their gradients equal PyTorch's", "[heatmap]") {
  const auto flat = [](const auto& v) {
    const auto m = pk::marginals(v[0]);
    using V = std::decay_t<decltype(m.xy)>;
    return pk::concatenate(
        std::vector<V>{pk::reshape(m.xy, {m.xy.size()}), pk::reshape(m.zy, {m.zy.size()}),
                       pk::reshape(m.xz, {m.xz.size()})},
        0);
  };
  check_heatmap_case("marginals", 1, flat);
  check_heatmap_case("marginals_wide", 1, flat);
  check_heatmap_case("marginal_coordinates", 3,
                     [](const auto& v) { return pk::marginal_coordinates(v[0], v[1], v[2]); });
}

TEST_CASE("The marginals of an outer product are its factors", "[heatmap]") {
  const std::vector<double> a{0.2, 0.5, 0.3}, b{0.1, 0.9}, c{0.4, 0.1, 0.3, 0.2};  // z, y, x
  pk::Tensor<double> volume = pk::make_tensor<double>({1, 1, 3, 2, 4});
  for (std::size_t z = 0; z < 3; ++z)
    for (std::size_t y = 0; y < 2; ++y)
      for (std::size_t x = 0; x < 4; ++x) volume(0, 0, z, y, x) = a[z] * b[y] * c[x];
  const auto m = pk::marginals(volume);
  CHECK(m.xy(0, 0, 1, 2) == Approx(b[1] * c[2]));
  CHECK(m.zy(0, 0, 1, 2) == Approx(b[1] * a[2]));
  CHECK(m.xz(0, 0, 2, 3) == Approx(a[2] * c[3]));
  const auto direct = pk::expectation(volume), through = pk::marginal_coordinates(m);
  CHECK(relative_difference(through, direct) < 1e-14);
  CHECK_THROWS_AS(pk::marginals(m.xy), pk::ShapeError);
  CHECK_THROWS_WITH(pk::marginal_coordinates(m.xy, m.xz, m.zy),
                    Catch::Contains("expected [N, J, H, W], [N, J, H, D] and [N, J, D, W]"));
}
