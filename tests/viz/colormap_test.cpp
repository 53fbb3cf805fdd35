#include <catch2/catch.hpp>

#include <cmath>
#include <limits>

#include <posekit/viz/colormap.hpp>

namespace pk = posekit;

namespace {

/// Relative luminance, roughly as seen.
double lightness(const pk::Color& c) {
  const auto linear = [](std::uint8_t v) { return std::pow(v / 255.0, 2.2); };
  return 0.2126 * linear(c.r) + 0.7152 * linear(c.g) + 0.0722 * linear(c.b);
}

}  // namespace

TEST_CASE("Sequential colours rise in lightness, diverging ones fall away from the middle",
          "[viz]") {
  for (int i = 0; i < 100; ++i) {
    const double t = i / 100.0, next = (i + 1) / 100.0;
    CHECK(lightness(pk::apply(pk::Colormap::sequential, next)) >
          lightness(pk::apply(pk::Colormap::sequential, t)) - 1e-3);
    CHECK(lightness(pk::apply(pk::Colormap::diverging, next)) <
          lightness(pk::apply(pk::Colormap::diverging, t)) + 1e-3);
    CHECK(lightness(pk::apply(pk::Colormap::diverging, -next)) <
          lightness(pk::apply(pk::Colormap::diverging, -t)) + 1e-3);
  }
  const pk::Color red = pk::apply(pk::Colormap::diverging, 0.7),
                  blue = pk::apply(pk::Colormap::diverging, -0.7);
  CHECK(red.r > red.b + 50);
  CHECK(blue.b > blue.r + 50);
}

TEST_CASE("Values outside the range take the colour of its end", "[viz]") {
  CHECK(pk::apply(pk::Colormap::sequential, 7) == pk::apply(pk::Colormap::sequential, 1));
  CHECK(pk::apply(pk::Colormap::diverging, -7) == pk::apply(pk::Colormap::diverging, -1));
  CHECK(pk::apply(pk::Colormap::gray, std::numeric_limits<double>::infinity()) ==
        pk::colors::white);
  CHECK(pk::apply(pk::Colormap::gray, std::nan("")) == pk::Color{128, 128, 128});
  CHECK(pk::mix(pk::colors::black, pk::colors::white, 0.5) == pk::Color{128, 128, 128});
}
