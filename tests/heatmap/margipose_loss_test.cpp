#include <catch2/catch.hpp>

#include <cmath>
#include <limits>

#include <posekit/heatmap/margipose_loss.hpp>
#include <posekit/testing/gradient_check.hpp>

#include "support/heatmap_case.hpp"

namespace pk = posekit;
using pk::testing::random_tensor;

TEST_CASE("MargiPose's losses, also mixed in a batch, equal PyTorch's", "[heatmap]") {
  const auto truth = pk::load_npy<double>(golden_file("heatmaps/margipose.truth.npy"));
  const auto maps_of = [](const auto& v) {
    using V = std::decay_t<decltype(v[0])>;
    return pk::Marginals<V>{v[0], v[1], v[2]};
  };
  check_heatmap_case(
      "margipose_3d", 3,
      [&](const auto& v) {
        using T = typename std::decay_t<decltype(v[0])>::value_type;
        return pk::margipose_loss_3d(maps_of(v), pk::cast<T>(truth));
      },
      2e-5);
  check_heatmap_case(
      "margipose_mixed", 3,
      [&](const auto& v) {
        using T = typename std::decay_t<decltype(v[0])>::value_type;
        auto known = pk::cast<T>(truth);
        for (std::size_t j = 0; j < 3; ++j)
          known(1, j, 2) = std::numeric_limits<T>::quiet_NaN();  // not looked at
        return pk::margipose_loss(maps_of(v), known,
                                  pk::tensor_from<T>({2}, std::vector<int>{1, 0}));
      },
      2e-5);
}

TEST_CASE("An example with 2D truth has the 2D loss", "[heatmap]") {
  pk::Tape<double> tape;
  const auto positive = [&](const pk::Shape& shape, std::uint64_t seed) {
    return tape.variable(random_tensor<double>(shape, seed, 0.01, 0.1));
  };
  const pk::Marginals<pk::Var<double>> maps{positive({1, 2, 5, 7}, 1), positive({1, 2, 5, 4}, 2),
                                            positive({1, 2, 4, 7}, 3)};
  const auto truth = random_tensor<double>({1, 2, 3}, 4, -0.5, 0.5);
  const auto mixed = pk::margipose_loss(maps, truth, pk::zeros<double>({1}));
  const auto plain = pk::margipose_loss_2d(maps.xy, pk::internal::take_axes(truth, 0, 1));
  CHECK(relative_difference(mixed.value(), plain.value()) < 1e-14);
  CHECK_THROWS_AS(pk::margipose_loss_3d(maps, pk::zeros<double>({1, 2, 2})), pk::ShapeError);
}
