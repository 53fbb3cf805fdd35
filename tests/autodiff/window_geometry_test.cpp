#include <catch2/catch.hpp>

#include <array>
#include <vector>

#include <posekit/autodiff/window_geometry.hpp>

namespace pk = posekit;

TEST_CASE("TensorFlow's padding puts the odd pixel after", "[autodiff]") {
  for (const auto& [in, kernel, stride, out, before] :
       std::vector<std::array<std::size_t, 5>>{{257, 3, 2, 129, 1},
                                               {256, 3, 2, 128, 0},
                                               {7, 3, 1, 7, 1},
                                               {8, 5, 2, 4, 1},
                                               {5, 2, 2, 3, 0},
                                               {1, 3, 2, 1, 1}}) {
    const auto axis =
        pk::internal::window_axis("f", in, kernel, stride, 1, pk::Padding2d::Kind::same, 0, 0);
    CHECK(axis.out == out);
    CHECK(axis.before == before);
  }
}
