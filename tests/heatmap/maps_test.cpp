#include <catch2/catch.hpp>

#include <cmath>
#include <limits>

#include <posekit/heatmap/maps.hpp>
#include <posekit/testing/gradient_check.hpp>

#include "support/heatmap_case.hpp"

namespace pk = posekit;
using pk::testing::random_tensor;

TEST_CASE("Shapes of maps are told apart by their rank", "[heatmap]") {
  const auto line = pk::maps_shape("f", "x", {2, 3, 9});
  CHECK(line.axes == 1);
  CHECK(line.grid.size() == 9);
  const auto volume = pk::maps_shape("f", "x", {2, 3, 4, 5, 9});
  CHECK(volume.grid.extents() == std::array<std::size_t, 3>{9, 5, 4});
  CHECK(volume.positions() == pk::Shape{2, 3, 3});
  CHECK_THROWS_WITH(pk::maps_shape("f", "x", {2, 3, 4, 5, 6, 7}),
                    Catch::StartsWith("f: x has shape [2, 3, 4, 5, 6, 7], expected rank 3"));
  CHECK_THROWS_WITH(pk::maps_shape("f", "x", {2, 3, 0}),
                    "f: x has shape [2, 3, 0], expected maps of at least one pixel");
}
