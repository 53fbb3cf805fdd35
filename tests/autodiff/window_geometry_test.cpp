#include <catch2/catch.hpp>

#include <array>
#include <limits>
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

TEST_CASE("Sizes that wrap round are refused", "[autodiff]") {
  constexpr std::size_t most = std::numeric_limits<std::size_t>::max();
  const pk::Shape image{1, 5, 5, 1};
  const auto geometry = [&](const pk::Conv2dOptions& options, std::size_t kernel = 3) {
    return pk::internal::conv2d_geometry("conv2d", image, kernel, kernel, 1, options);
  };
  CHECK_THROWS_AS(geometry({.dilation = {std::size_t{1} << 63, 1}}), pk::ShapeError);
  CHECK_THROWS_AS(geometry({.dilation = {most, most}}), pk::ShapeError);
  CHECK_THROWS_AS(geometry({.padding = pk::Padding2d::of(most - 1, 4, 0, 0)}), pk::ShapeError);
  CHECK_THROWS_AS(geometry({.padding = pk::Padding2d::of(0, 0, 2, most)}), pk::ShapeError);
  CHECK_THROWS_AS(geometry({.padding = pk::Padding2d::of(1, 1, most / 4, most / 4)}),
                  pk::ShapeError);
  CHECK_THROWS_AS(geometry({.dilation = {most / 2, 1}, .padding = pk::Padding2d::same()}),
                  pk::ShapeError);
  // 2^32 windows of each of 2^32 rows.
  CHECK_THROWS_AS(
      geometry({.padding = pk::Padding2d::of(std::size_t{1} << 32, 0, std::size_t{1} << 32, 0)}),
      pk::ShapeError);
  CHECK_THROWS_AS(pk::internal::conv2d_geometry("conv2d", image, most, 1, 1, {}), pk::ShapeError);
  CHECK_THROWS_AS(pk::internal::conv2d_geometry("conv2d", image, 0, 1, 1, {}), pk::ValueError);
}

TEST_CASE("Padding alone is no image", "[autodiff]") {
  CHECK_THROWS_WITH(
      pk::internal::conv2d_geometry("conv2d", {1, 3, 0, 1}, 2, 2, 1,
                                    {.padding = pk::Padding2d::of(1, 1, 1, 1)}),
      "conv2d: there are windows over padding alone, as the image has an extent of 0");
  CHECK(pk::internal::conv2d_geometry("conv2d", {1, 3, 0, 1}, 2, 2, 1,
                                      {.padding = pk::Padding2d::same()})
            .out_width == 0);
  CHECK_NOTHROW(pk::internal::conv2d_geometry("conv2d", {0, 3, 4, 1}, 2, 2, 1, {}));
}

TEST_CASE("A stride beyond the image has one window, and is the image's", "[autodiff]") {
  constexpr std::size_t most = std::numeric_limits<std::size_t>::max();
  for (const auto& padding : {pk::Padding2d::same(), pk::Padding2d::valid()}) {
    const auto g = pk::internal::conv2d_geometry("conv2d", {1, 5, 5, 1}, 3, 3, 1,
                                                 {.stride = {most, 4}, .padding = padding});
    CHECK(g.out_height == 1);
    CHECK(g.out_width == (padding.kind == pk::Padding2d::Kind::same ? 2 : 1));
    CHECK(g.stride_height == 5);
    CHECK(g.stride_width == 4);
  }
}
