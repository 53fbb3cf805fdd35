#include <catch2/catch.hpp>

#include <posekit/core/coordinates.hpp>

namespace pk = posekit;
using pk::Coordinates;

TEST_CASE("The three conventions place pixels where their definitions say", "[core]") {
  CHECK(pk::from_pixel(Coordinates::pixel, 7, 3.5) == 3.5);
  // (2p + 1) / W - 1: the image's edges are at -1 and 1.
  CHECK(pk::from_pixel(Coordinates::normalized, 8, 0.0) == Approx(-0.875));
  CHECK(pk::from_pixel(Coordinates::normalized, 8, -0.5) == Approx(-1.0));
  CHECK(pk::from_pixel(Coordinates::normalized, 8, 7.5) == Approx(1.0));
  CHECK(pk::from_pixel(Coordinates::normalized, 1, 0.0) == Approx(0.0));
  // 2p / (W - 1) - 1: the centres of the outermost pixels are at -1 and 1.
  CHECK(pk::from_pixel(Coordinates::normalized_corners, 8, 0.0) == Approx(-1.0));
  CHECK(pk::from_pixel(Coordinates::normalized_corners, 8, 7.0) == Approx(1.0));
  CHECK(pk::from_pixel(Coordinates::normalized_corners, 1, 0.0) == 0.0);
}

TEST_CASE("Every convention goes back to the pixel it came from", "[core]") {
  for (const auto convention :
       {Coordinates::pixel, Coordinates::normalized, Coordinates::normalized_corners}) {
    for (const std::size_t length : {2u, 3u, 17u, 64u}) {
      for (double p = -3; p < 70; p += 1.37) {
        CHECK(pk::to_pixel(convention, length, pk::from_pixel(convention, length, p)) ==
              Approx(p).margin(1e-12));
      }
    }
  }
  CHECK(pk::to_pixel(Coordinates::normalized_corners, 1, 0.3) == 0.0);
}
