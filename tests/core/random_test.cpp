#include <catch2/catch.hpp>

#include <cmath>

#include <posekit/core/random.hpp>

namespace pk = posekit;

TEST_CASE("Random numbers depend on seed, stream and index only", "[core]") {
  const pk::CounterRandom a(7, 3), b(7, 3), other_stream(7, 4), other_seed(8, 3);
  CHECK(a.bits(1000) == b.bits(1000));
  CHECK(a.bits(0) != a.bits(1));
  CHECK(a.bits(5) != other_stream.bits(5));
  CHECK(a.bits(5) != other_seed.bits(5));
  // The first numbers are part of what makes results reproducible.
  STATIC_REQUIRE(pk::CounterRandom(0).bits(0) == pk::CounterRandom(0).bits(0));
}

TEST_CASE("Uniform and normal numbers have their moments", "[core]") {
  const pk::CounterRandom random(42);
  const int n = 200000;
  double uniform = 0, uniform2 = 0, mean = 0, variance = 0, fourth = 0;
  for (int i = 0; i < n; ++i) {
    const double u = random.uniform(static_cast<std::uint64_t>(i));
    if (!(u >= 0.0 && u < 1.0)) FAIL("uniform number " << u);
    uniform += u;
    uniform2 += u * u;
    const double z = random.normal(static_cast<std::uint64_t>(i));
    mean += z;
    variance += z * z;
    fourth += z * z * z * z;
  }
  CHECK(uniform / n == Approx(0.5).margin(0.005));
  CHECK(uniform2 / n == Approx(1.0 / 3.0).margin(0.005));
  CHECK(mean / n == Approx(0.0).margin(0.01));
  CHECK(variance / n == Approx(1.0).margin(0.02));
  CHECK(fourth / n == Approx(3.0).margin(0.1));
}
