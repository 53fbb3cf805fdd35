#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>

#include <posekit/synthetic/procedural_texture.hpp>

namespace pk = posekit;

TEST_CASE("Patterns repeat with their period, along and around", "[data]") {
  pk::Texture texture{.colour = {1, 0, 0}, .second = {0, 0, 1}, .period = 20};
  const auto is_second = [&](float along, float around) {
    return pk::texture_colour(texture, along, around) == texture.second;
  };
  CHECK_FALSE(is_second(3, 4));
  texture.pattern = pk::Pattern::rings;
  CHECK(is_second(3, 4));
  CHECK(is_second(3, 14));
  CHECK_FALSE(is_second(13, 4));
  CHECK(is_second(-17, 4));
  texture.pattern = pk::Pattern::stripes;
  CHECK(is_second(13, 4));
  CHECK_FALSE(is_second(3, 14));
  texture.pattern = pk::Pattern::checks;
  CHECK_FALSE(is_second(3, 4));
  CHECK(is_second(13, 4));
  CHECK(is_second(3, 14));
  CHECK_FALSE(is_second(13, 14));
  texture.pattern = pk::Pattern::dots;
  CHECK(is_second(10, 10));
  CHECK(is_second(30, -10));
  CHECK_FALSE(is_second(1, 1));
  texture.pattern = pk::Pattern::blotches;
  int second = 0;
  for (int i = 0; i < 2000; ++i)
    second += is_second(static_cast<float>(i) * 3.7f, static_cast<float>(i) * 5.3f);
  CHECK(second > 400);
  CHECK(second < 1600);
}

TEST_CASE("Noise is smooth, in [0, 1), and another one for each seed", "[data]") {
  const auto noise = pk::internal::value_noise;
  float least = 1, most = 0, steepest = 0;
  for (int i = -4000; i < 4000; ++i) {
    const float x = static_cast<float>(i) * 0.0131f, y = static_cast<float>(i) * 0.0217f;
    const float value = noise(x, y, 7);
    least = std::min(least, value);
    most = std::max(most, value);
    steepest = std::max(steepest, std::abs(noise(x + 1e-3f, y, 7) - value));
  }
  CHECK(least >= 0);
  CHECK(least < 0.1);
  CHECK(most < 1);
  CHECK(most > 0.9);
  CHECK(steepest < 2e-3f);
  CHECK(noise(0.5f, 0.5f, 1) != noise(0.5f, 0.5f, 2));
}

TEST_CASE("Colours by hue, saturation and value", "[data]") {
  CHECK(pk::hsv_colour(0, 1, 1) == pk::Rgb{1, 0, 0});
  CHECK(pk::hsv_colour(1.0 / 3, 1, 0.5)[1] == Approx(0.5));
  CHECK(pk::hsv_colour(1.0 / 3, 1, 0.5)[0] == Approx(0).margin(1e-6));
  CHECK(pk::hsv_colour(2.0 / 3, 0.5, 1)[2] == Approx(1));
  CHECK(pk::hsv_colour(2.0 / 3, 0.5, 1)[0] == Approx(0.5));
  CHECK(pk::hsv_colour(0.7, 0, 0.3) == pk::Rgb{0.3f, 0.3f, 0.3f});
  for (std::uint64_t i = 0; i < 200; ++i) {
    pk::RandomStream random(1, i);
    for (const float channel : pk::random_colour(random)) REQUIRE((channel >= 0 && channel <= 1));
    const auto skin = pk::random_skin(random);
    REQUIRE(skin[0] > skin[2]);
    const auto texture = pk::random_texture(random, 0.5, 5, 50);
    REQUIRE((texture.period >= 5 && texture.period <= 50));
  }
}
