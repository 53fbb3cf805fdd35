#include <catch2/catch.hpp>

#include <cmath>

#include <posekit/core/error.hpp>
#include <posekit/image/box.hpp>

namespace pk = posekit;

TEST_CASE("Boxes are read from a text", "[image]") {
  const auto box = pk::parse_box("1,2.5,-3,4e1");
  REQUIRE(box);
  CHECK((box->x == 1 && box->y == 2.5 && box->width == -3 && box->height == 40));
  for (const char* text : {"", "1,2,3", "1,2,3,4,5", "1,2,3,4 ", "1,2,three,4", "auto"}) {
    INFO(text);
    CHECK_FALSE(pk::parse_box(text));
  }
}

TEST_CASE("Boxes meet the photo", "[image]") {
  const auto require = [](const pk::Box& box) { pk::require_box_in_photo("it", box, 64, 48); };
  CHECK_NOTHROW(require({-5, -5, 6, 6}));
  CHECK_NOTHROW(require({63, 47, 640, 480}));
  CHECK_THROWS_WITH(require({0, 0, 0, 4}), "it is empty");
  CHECK_THROWS_WITH(require({0, 0, 4, NAN}), "it is not finite");
  CHECK_THROWS_WITH(require({INFINITY, 0, 4, 4}), "it is not finite");
  for (const pk::Box& box : {pk::Box{64, 0, 4, 4}, pk::Box{0, 48, 4, 4}, pk::Box{-4, 0, 4, 4},
                             pk::Box{0, -4, 4, 4}, pk::Box{0, 0, 1281, 4}, pk::Box{0, 0, 4, 961}}) {
    CHECK_THROWS_WITH(require(box), "it lies outside the photo, which is 64 x 48 pixels");
  }
}
