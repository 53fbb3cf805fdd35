#include <catch2/catch.hpp>

#include <array>
#include <cmath>

#include <posekit/synthetic/random_stream.hpp>

namespace pk = posekit;

TEST_CASE("A stream's numbers are those of its seed and number", "[data]") {
  pk::RandomStream a(3, 5), b(3, 5), other_seed(4, 5), other_stream(3, 6);
  int same_seed = 0, same_stream = 0;
  for (int i = 0; i < 100; ++i) {
    const double value = a.uniform();
    CHECK(value == b.uniform());
    same_seed += value == other_seed.uniform();
    same_stream += value == other_stream.uniform();
  }
  CHECK(same_seed == 0);
  CHECK(same_stream == 0);
  CHECK(pk::derived_seed(1, 0) != pk::derived_seed(1, 1));
  CHECK(pk::derived_seed(1, 0) != pk::derived_seed(2, 0));
}

TEST_CASE("Draws have the distributions they are named after", "[data]") {
  pk::RandomStream random(1);
  constexpr int n = 20000;
  double sum = 0, square = 0, least = 9, most = -9;
  for (int i = 0; i < n; ++i) {
    const double value = random.normal(2, 3);
    sum += value;
    square += value * value;
    const double cut = random.truncated_normal(0, 1, 1.5);
    least = std::min(least, cut);
    most = std::max(most, cut);
  }
  CHECK(sum / n == Approx(2).margin(0.1));
  CHECK(std::sqrt(square / n - sum * sum / n / n) == Approx(3).margin(0.1));
  CHECK(least >= -1.5);
  CHECK(most <= 1.5);
  CHECK(most > 1.4);

  std::array<int, 4> chosen{};
  std::array<int, 5> below{};
  for (int i = 0; i < n; ++i) {
    ++chosen[random.choose(std::array{1.0, 0.0, 2.0, 1.0})];
    ++below[random.below(5)];
  }
  CHECK(chosen[1] == 0);
  CHECK(chosen[0] == Approx(n / 4).margin(300));
  CHECK(chosen[2] == Approx(n / 2).margin(300));
  for (const int count : below) CHECK(count == Approx(n / 5).margin(300));
}
