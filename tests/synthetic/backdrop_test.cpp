#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>

#include <posekit/synthetic/backdrop.hpp>

#include "support/close.hpp"

namespace pk = posekit;

namespace {

pk::Tensor<float> backdrop(std::uint64_t seed, const pk::BackdropOptions& options = {}) {
  auto image = pk::make_tensor<float>({3, 40, 56});
  pk::RandomStream random(seed);
  pk::paint_backdrop(image, random, options);
  return image;
}

/// The mean difference of neighbours in a row.
double roughness(const pk::Tensor<float>& image) {
  double sum = 0;
  for (std::size_t c = 0; c < 3; ++c)
    for (std::size_t y = 0; y < 40; ++y)
      for (std::size_t x = 0; x + 1 < 56; ++x) sum += std::abs(image(c, y, x + 1) - image(c, y, x));
  return sum / (3 * 40 * 55);
}

}  // namespace

TEST_CASE("Backdrops fill the picture and depend on the seed", "[data]") {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const auto image = backdrop(seed);
    for (const float value : image) REQUIRE((value > -1 && value < 2));
    REQUIRE(identical(image, backdrop(seed)));
    REQUIRE_FALSE(identical(image, backdrop(seed + 100)));
  }
}

TEST_CASE("A backdrop without saturation is gray", "[data]") {
  const auto colourful = [](const pk::BackdropOptions& options) {
    const auto image = backdrop(3, options);
    double most = 0;
    for (std::size_t i = 0; i < 40 * 56; ++i)
      most = std::max(most, std::abs(static_cast<double>(image.data()[i]) -
                                     static_cast<double>(image.data()[i + 40 * 56])));
    return most;
  };
  const pk::BackdropOptions plain{.noise = 0, .shapes = 0, .ground = 1};
  pk::BackdropOptions half = plain, gray = plain;
  half.saturation = 0.5;
  gray.saturation = 0;
  CHECK(colourful(gray) < 1e-6);
  CHECK(colourful(half) == Approx(colourful(plain) / 2).epsilon(0.01));
}

TEST_CASE("Noise, shapes and ground are there as the options say", "[data]") {
  double smooth = 0, noisy = 0, shapes = 0, finer = 0, ground = 0;
  for (std::uint64_t seed = 0; seed < 12; ++seed) {
    smooth += roughness(backdrop(seed, {.noise = 0, .shapes = 0, .ground = 0}));
    noisy += roughness(backdrop(seed, {.noise = 0.3, .octaves = 1, .shapes = 0, .ground = 0}));
    finer += roughness(backdrop(seed, {.noise = 0.3, .octaves = 4, .shapes = 0, .ground = 0}));
    shapes += roughness(backdrop(seed, {.noise = 0, .shapes = 9, .ground = 0}));
    const auto horizon = backdrop(seed, {.noise = 0, .shapes = 0, .ground = 1});
    // A ground has the same colour along a row.
    ground += std::abs(horizon(0, 39, 0) - horizon(0, 39, 55));
  }
  CHECK(noisy > 1.2 * smooth);
  CHECK(finer > 1.5 * noisy);
  CHECK(shapes > 1.2 * smooth);
  CHECK(ground == 0);
  auto flat = pk::zeros<float>({8, 8});
  pk::RandomStream random(1);
  CHECK_THROWS_AS(pk::paint_backdrop(flat, random), pk::ShapeError);
}
