#include <catch2/catch.hpp>

#include <limits>

#include <posekit/core/shape.hpp>

namespace pk = posekit;

TEST_CASE("Shapes are written, counted and broadcast", "[core]") {
  CHECK(pk::to_string(pk::Shape{8, 17, 64}) == "[8, 17, 64]");
  CHECK(pk::to_string(pk::Shape{}) == "[]");
  CHECK(pk::element_count(pk::Shape{}) == 1);
  CHECK(pk::element_count(pk::Shape{2, 3, 5}) == 30);
  CHECK(pk::element_count(pk::Shape{2, 0, 5}) == 0);
  CHECK(pk::broadcast_shapes({3, 1, 5}, {4, 1}, "f") == pk::Shape{3, 4, 5});
  CHECK(pk::broadcast_shapes({}, {4, 2}, "f") == pk::Shape{4, 2});
  CHECK(pk::broadcast_shapes({0, 1}, {1, 4}, "f") == pk::Shape{0, 4});
}

TEST_CASE("Impossible shapes are refused in words", "[core]") {
  const auto huge = std::numeric_limits<std::size_t>::max() / 2;
  CHECK_THROWS_AS(pk::element_count(pk::Shape{huge, huge}), pk::ShapeError);
  CHECK_THROWS_AS(pk::element_count(pk::Shape{huge}), pk::ShapeError);
  // Strides are computed for empty tensors too.
  CHECK_THROWS_AS(pk::element_count(pk::Shape{huge, 0, huge}), pk::ShapeError);
  CHECK_THROWS_WITH(pk::broadcast_shapes({2, 3}, {4, 3}, "add"),
                    "add: shapes [2, 3] and [4, 3] do not broadcast");
}

TEST_CASE("Axes can be counted from the end", "[core]") {
  CHECK(pk::normalize_axis(0, 3, "f") == 0);
  CHECK(pk::normalize_axis(-1, 3, "f") == 2);
  CHECK(pk::normalize_axis(-3, 3, "f") == 0);
  CHECK_THROWS_WITH(pk::normalize_axis(3, 3, "sum"), "sum: axis 3 is outside a tensor of rank 3");
  CHECK_THROWS_AS(pk::normalize_axis(-4, 3, "f"), pk::ShapeError);
  CHECK_THROWS_AS(pk::normalize_axis(0, 0, "f"), pk::ShapeError);
}
