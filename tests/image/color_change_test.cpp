#include <catch2/catch.hpp>

#include <cmath>

#include <posekit/image/color_change.hpp>
#include <posekit/testing/random_tensor.hpp>

#include "support/close.hpp"

namespace pk = posekit;

namespace {

pk::Tensor<float> picture() { return pk::testing::random_tensor<float>({3, 7, 11}, 5, 0.2, 0.6); }

double luminance(const pk::Tensor<float>& p, std::size_t y, std::size_t x) {
  return 0.299 * static_cast<double>(p(0, y, x)) + 0.587 * static_cast<double>(p(1, y, x)) +
         0.114 * static_cast<double>(p(2, y, x));
}

double mean_luminance(const pk::Tensor<float>& p) {
  double sum = 0;
  for (std::size_t y = 0; y < 7; ++y) {
    for (std::size_t x = 0; x < 11; ++x) sum += luminance(p, y, x);
  }
  return sum / 77;
}

}  // namespace

TEST_CASE("No change changes nothing", "[image]") {
  CHECK(identical(pk::change_colors(picture(), {}), picture()));
}

TEST_CASE("Brightness and gain multiply", "[image]") {
  const auto p = picture();
  const auto q = pk::change_colors(p, {.brightness = 1.5, .gain = {1, 0.5, 0.8}});
  for (std::size_t i = 0; i < 77; ++i) {
    CHECK(q.data()[i] == Approx(1.5 * p.data()[i]));
    CHECK(q.data()[77 + i] == Approx(0.75 * p.data()[77 + i]));
    CHECK(q.data()[154 + i] == Approx(1.2 * p.data()[154 + i]));
  }
  for (const float v : pk::change_colors(p, {.brightness = 20})) CHECK(v == 1);
  for (const float v : pk::change_colors(pk::zeros<float>({3, 2, 2}), {.brightness = 3}))
    CHECK(v == 0);
}

TEST_CASE("Contrast scales distances from the mean luminance", "[image]") {
  const auto p = picture();
  const double mean = mean_luminance(p);
  const auto q = pk::change_colors(p, {.contrast = 0.4});
  for (std::size_t i = 0; i < p.size(); ++i) {
    CHECK(q.data()[i] == Approx(mean + 0.4 * (p.data()[i] - mean)));
  }
  // After the other changes: of what they make, the mean is kept.
  const auto bright = pk::change_colors(p, {.brightness = 1.3, .contrast = 0, .hue = 20});
  for (const float v : bright) CHECK(v == Approx(1.3 * mean));
}

TEST_CASE("Saturation and hue keep the luminance", "[image]") {
  const auto p = picture();
  const auto gray = pk::change_colors(p, {.saturation = 0});
  const auto turned = pk::change_colors(p, {.hue = 40});
  double largest = 0;
  for (std::size_t y = 0; y < 7; ++y) {
    for (std::size_t x = 0; x < 11; ++x) {
      for (std::size_t c = 0; c < 3; ++c) {
        CHECK(gray(c, y, x) == Approx(luminance(p, y, x)).epsilon(1e-3));
        largest = std::max(largest, std::abs(static_cast<double>(turned(c, y, x) - p(c, y, x))));
      }
      CHECK(luminance(turned, y, x) == Approx(luminance(p, y, x)).epsilon(1e-3));
    }
  }
  CHECK(largest > 0.05);
  CHECK(relative_difference(pk::change_colors(p, {.hue = 360}), p) < 1e-6);
  CHECK(relative_difference(pk::change_colors(pk::change_colors(p, {.hue = 25}), {.hue = -25}), p) <
        1e-5);
  // Half a turn is the opposite chroma.
  CHECK(relative_difference(pk::change_colors(p, {.hue = 180}),
                            pk::change_colors(p, {.saturation = -1})) < 1e-6);
}

TEST_CASE("Colours of what is no picture are refused", "[image]") {
  CHECK_THROWS_WITH(pk::change_colors(pk::zeros<float>({1, 4, 5}), {}),
                    Catch::Contains("[1, 4, 5], expected [3, H, W]"));
  CHECK_THROWS_WITH(pk::change_colors(picture(), {.hue = std::nan("")}),
                    Catch::Contains("hue is nan"));
  CHECK(pk::change_colors(pk::zeros<float>({3, 0, 5}), {.contrast = 2}).size() == 0);
}
