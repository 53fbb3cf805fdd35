#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include <posekit/synthetic/limb_renderer.hpp>

namespace pk = posekit;
using Catch::Matchers::Contains;
using V = Eigen::Vector3f;

namespace {

constexpr double depth_of_root = 3000;
const pk::PinholeCamera camera{.fx = 150, .fy = 150, .cx = 23.5, .cy = 19.5};

/// The front of a limb at a pixel: the least over many balls (or ellipsoids) along it.
double front(const pk::Limb& limb, double x, double y) {
  const auto point = [&](const V& p) {
    return Eigen::Vector3d(camera.fx * p[0] / p[2] + camera.cx, camera.fy * p[1] / p[2] + camera.cy,
                           camera.fx * (p[2] - depth_of_root) / depth_of_root);
  };
  const Eigen::Vector3d a = point(limb.from), b = point(limb.to);
  const double ra = limb.from_radius * camera.fx / limb.from[2];
  const double rb = limb.to_radius * camera.fx / limb.to[2];
  const Eigen::Vector3d n = limb.flat_axis.cast<double>();
  // |S (p - c)| = r with S = 1 + (1 / flatness - 1) n n^T
  const Eigen::Matrix3d s =
      Eigen::Matrix3d::Identity() + (1 / limb.flatness - 1.0) * n * n.transpose();
  const Eigen::Matrix3d m = s.transpose() * s;
  double least = std::numeric_limits<double>::infinity();
  constexpr int steps = 1000;
  for (int i = 0; i <= steps; ++i) {
    const double t = static_cast<double>(i) / steps;
    const Eigen::Vector3d c = a + t * (b - a);
    const double r = ra + t * (rb - ra);
    const Eigen::Vector3d d(x - c[0], y - c[1], 0);
    const Eigen::Vector3d md = m * d;
    const double square = md[2] * md[2] - m(2, 2) * (d.dot(md) - r * r);
    if (square >= 0) least = std::min(least, c[2] + (-md[2] - std::sqrt(square)) / m(2, 2));
  }
  return least;
}

}  // namespace

TEST_CASE("Limbs have the depths of the balls that they are made of", "[data]") {
  const V tilted = V(0.3f, -0.5f, 0.8f).normalized();
  const std::vector<pk::Limb> limbs{
      {V(0, 0, 3000), V(0, 0, 3000), 150, 150},           // a ball
      {V(-200, -100, 3000), V(250, 200, 3000), 90, 60},   // across
      {V(-200, 150, 2700), V(200, -150, 3400), 60, 110},  // to the back
      {V(10, 0, 2600), V(0, 10, 3300), 80, 80},           // away, nearly end-on
      {V(0, 0, 2800), V(10, 5, 3100), 50, 160},           // one end hides the other
      {V(0, 0, 2800), V(10, 5, 3100), 160, 50},
      {V(-100, -200, 3000), V(100, 200, 3100), 150, 90, tilted, 0.4f},
      {V(0, 0, 3000), V(0, 0, 3000), 150, 150, V(0, 0, 1), 0.3f},
      {V(0, 0, 3000), V(0, 0, 3000), 150, 150, V(1, 0, 0), 0.5f},
      {V(-50, -150, 2900), V(60, 150, 3150), 120, 90, V(0, 0, 1), 0.6f}};
  pk::LimbRenderer renderer(48, 40);
  for (std::size_t number = 0; number < limbs.size(); ++number) {
    INFO("limb " << number);
    renderer.draw(std::span(&limbs[number], 1), camera, depth_of_root);
    std::size_t covered = 0, border = 0;
    double worst = 0;
    for (std::size_t row = 0; row < 80; row += 3) {
      for (std::size_t column = 0; column < 96; ++column) {
        const double x = (static_cast<double>(column) + 0.5) / 2 - 0.5;
        const double y = (static_cast<double>(row) + 0.5) / 2 - 0.5;
        const double expected = front(limbs[number], x, y), found = renderer.depth(x, y);
        if (std::isinf(expected) != std::isinf(found)) {
          ++border;
          continue;
        }
        if (std::isinf(found)) continue;
        ++covered;
        worst = std::max(worst, std::abs(found - expected));
      }
    }
    CHECK(covered > 20);
    CHECK(border <= 2);
    CHECK(worst < 0.03);  // pixels; at the border the depth is steep
  }
}

TEST_CASE("The nearer limb is seen", "[data]") {
  std::vector<pk::Limb> limbs{{V(-300, 0, 3000), V(300, 0, 3000), 60, 60},
                              {V(0, -300, 2800), V(0, 300, 2800), 60, 60}};
  limbs[0].texture = 0;
  limbs[1].texture = 1;
  std::array<pk::Texture, 2> textures;
  textures[0].colour = {1, 0, 0};
  textures[1].colour = {0, 1, 0};
  pk::LimbRenderer renderer(48, 40);
  auto image = pk::zeros<float>({3, 40, 48});
  std::fill_n(image.data() + 2 * 40 * 48, 40 * 48, 0.25f);
  std::vector<float> coverage(40 * 48);
  for (const bool reversed : {false, true}) {
    if (reversed) std::swap(limbs[0], limbs[1]);
    renderer.draw(limbs, camera, depth_of_root);
    renderer.shade(textures, {}, image, coverage);
    CHECK(image(1, 20, 23) > 0.3f);
    CHECK(image(0, 20, 23) == 0);
    CHECK(image(0, 20, 12) > 0.3f);
    CHECK(image(2, 20, 12) == 0);
    CHECK(coverage[20 * 48 + 12] == 1);
  }
  CHECK(image(2, 2, 2) == 0.25f);
  CHECK(coverage[2 * 48 + 2] == 0);
  // At the border pixels are covered in part.
  CHECK(std::any_of(coverage.begin(), coverage.end(), [](float c) { return c == 0.5f; }));
  CHECK(std::isinf(renderer.depth(-1, 5)));
  CHECK(std::isinf(renderer.depth(5, 400)));
  CHECK(std::isinf(renderer.depth(std::nan(""), 5)));
}

TEST_CASE("Surfaces are as bright as Lambert's law has it", "[data]") {
  const pk::Limb ball{V(0, 0, 3000), V(0, 0, 3000), 300, 300};
  std::array<pk::Texture, 1> textures;
  textures[0].colour = {1, 1, 1};
  pk::Light light{
      .direction = V(-1, 0, 0), .diffuse = {0.6f, 0.5f, 0.4f}, .ambient = {0.2f, 0.2f, 0.2f}};
  pk::LimbRenderer renderer(48, 40);
  auto image = pk::zeros<float>({3, 40, 48});
  std::vector<float> coverage(40 * 48);
  renderer.draw(std::span(&ball, 1), camera, depth_of_root);
  renderer.shade(textures, light, image, coverage);
  // A ball of 15 pixels about (23.5, 19.5).
  for (const std::size_t x : {11u, 15u, 20u, 23u, 30u, 36u}) {
    const double cosine = std::max(0.0, -(static_cast<double>(x) - 23.5) / 15);
    INFO(x);
    CHECK(image(0, 19, x) == Approx(0.2 + 0.6 * cosine).margin(0.03));
    CHECK(image(2, 19, x) == Approx(0.2 + 0.4 * cosine).margin(0.03));
  }
  // A flat limb that faces the light is brighter than a round one beside its middle.
  light.direction = V(0, 0, -1);
  renderer.shade(textures, light, image, coverage);
  const float round = image(0, 19, 33);
  const pk::Limb disc{ball.from, ball.to, 300, 300, V(0, 0, 1), 0.2f};
  renderer.draw(std::span(&disc, 1), camera, depth_of_root);
  renderer.shade(textures, light, image, coverage);
  CHECK(image(0, 19, 33) > round + 0.05f);
}

TEST_CASE("Limbs outside the picture draw nothing, and impossible ones are refused", "[data]") {
  pk::LimbRenderer renderer(16, 12);
  const auto draw = [&](const pk::Limb& limb) {
    renderer.draw(std::span(&limb, 1), camera, depth_of_root);
  };
  draw({V(-9000, 0, 3000), V(-8000, 0, 3000), 50, 50});
  draw({V(1e6f, 1e6f, 3000), V(2e6f, 1e6f, 3000), 50, 50});
  for (std::size_t y = 0; y < 12; ++y)
    for (std::size_t x = 0; x < 16; ++x)
      CHECK(std::isinf(renderer.depth(static_cast<double>(x), static_cast<double>(y))));
  CHECK_THROWS_AS(draw({V(0, 0, -5), V(0, 0, 3000), 5, 5}), pk::ValueError);
  CHECK_THROWS_AS(draw({V(0, 0, 3000), V(0, 0, 40), 50, 50}), pk::ValueError);
  CHECK_THROWS_WITH(draw({V(0, 0, 3000), V(0, 0, 3000), 50, 50, V(0, 0, 1), 0}),
                    Contains("limb 0") && Contains("flatness 0"));
  CHECK_THROWS_AS(draw({V(0, 0, std::nanf("")), V(0, 0, 3000), 50, 50}), pk::ValueError);
  CHECK_THROWS_AS(renderer.draw({}, camera, 0), pk::ValueError);
  CHECK_THROWS_AS(pk::LimbRenderer(0, 5), pk::ValueError);
  CHECK_THROWS_AS(pk::LimbRenderer(5, 10000), pk::ValueError);
  const std::vector<pk::Limb> many(256, pk::Limb{V(0, 0, 3000), V(0, 0, 3000), 5, 5});
  CHECK_THROWS_WITH(renderer.draw(many, camera, depth_of_root), Contains("256 limbs"));

  draw({V(0, 0, 3000), V(0, 0, 3000), 50, 50, V(0, 0, 1), 1, 3});
  auto image = pk::zeros<float>({3, 12, 16});
  std::vector<float> coverage(12 * 16);
  const std::array<pk::Texture, 2> textures{};
  CHECK_THROWS_WITH(renderer.shade(textures, {}, image, coverage), Contains("texture 3 of 2"));
  auto wrong = pk::zeros<float>({3, 16, 12});
  CHECK_THROWS_AS(renderer.shade(textures, {}, wrong, coverage), pk::ShapeError);
  coverage.pop_back();
  CHECK_THROWS_AS(renderer.shade(textures, {}, image, coverage), pk::ShapeError);
}
