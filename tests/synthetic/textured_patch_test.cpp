#include <catch2/catch.hpp>

#include <cmath>
#include <vector>

#include <posekit/synthetic/textured_patch.hpp>

namespace pk = posekit;

TEST_CASE("A patch covers what is inside its border, turned about its middle", "[data]") {
  pk::TexturedPatch patch{.x = 20, .y = 10, .half_width = 8, .half_height = 2};
  CHECK(pk::covers(patch, 27, 11));
  CHECK_FALSE(pk::covers(patch, 20, 13));
  CHECK_FALSE(pk::covers(patch, 29, 10));
  patch.elliptic = true;
  CHECK(pk::covers(patch, 27, 10));
  CHECK_FALSE(pk::covers(patch, 27, 11.5f));
  patch.elliptic = false;
  patch.angle = 1.5707963f;  // clockwise: along the picture's y
  CHECK(pk::covers(patch, 21, 17));
  CHECK_FALSE(pk::covers(patch, 27, 11));
  patch.angle = 0.78539816f;
  CHECK(pk::covers(patch, 25, 15));
  CHECK_FALSE(pk::covers(patch, 25, 5));
}

TEST_CASE("Painting covers as much as the patch is large, and takes away what is behind",
          "[data]") {
  for (const bool elliptic : {false, true}) {
    auto image = pk::zeros<float>({3, 24, 40});
    std::vector<float> visible(24 * 40, 1.0f);
    pk::TexturedPatch patch{.x = 18.3f,
                            .y = 11.2f,
                            .half_width = 9,
                            .half_height = 6.5f,
                            .angle = 0.4f,
                            .elliptic = elliptic,
                            .opacity = 0.5f};
    patch.texture.colour = {1, 0.5f, 0};
    pk::paint_patch(patch, image, visible);
    double red = 0, hidden = 0;
    for (std::size_t y = 0; y < 24; ++y) {
      for (std::size_t x = 0; x < 40; ++x) {
        red += image(0, y, x);
        hidden += 1 - visible[y * 40 + x];
        REQUIRE(image(1, y, x) == Approx(image(0, y, x) / 2));
        REQUIRE(image(2, y, x) == 0);
        if (image(0, y, x) == 0.5f) {
          REQUIRE(pk::covers(patch, static_cast<float>(x), static_cast<float>(y)));
        }
      }
    }
    const double area = elliptic ? 3.14159265 * 9 * 6.5 : 4 * 9 * 6.5;
    CHECK(red == Approx(area / 2).epsilon(0.02));
    CHECK(hidden == Approx(area).epsilon(0.02));
  }
  // Beyond the picture there is nothing to paint.
  auto image = pk::zeros<float>({3, 8, 8});
  pk::paint_patch({.x = -50, .y = 4, .half_width = 5, .half_height = 5}, image);
  pk::paint_patch({.x = 4, .y = 1e6f, .half_width = 5, .half_height = 5}, image);
  for (const float value : image) CHECK(value == 0);
  auto flat = pk::zeros<float>({8, 8});
  CHECK_THROWS_AS(pk::paint_patch({}, flat), pk::ShapeError);
}
