#include <catch2/catch.hpp>

#include <cmath>
#include <cstdint>

#include <posekit/core/half.hpp>

namespace pk = posekit;

TEST_CASE("Every half-precision number has the value of its bits", "[core]") {
  for (std::uint32_t bits = 0; bits < 65536; ++bits) {
    const float value = pk::half_to_float(static_cast<std::uint16_t>(bits));
    const int exponent = static_cast<int>((bits >> 10) & 31);
    const double fraction = static_cast<double>(bits & 1023) / 1024.0;
    const double sign = (bits & 0x8000) != 0 ? -1.0 : 1.0;
    if (exponent == 31) {
      if (fraction == 0.0 ? !(std::isinf(value) && (value > 0) == (sign > 0))
                          : !std::isnan(value)) {
        FAIL("bits " << bits << " gave " << value);
      }
      continue;
    }
    const double expected = exponent == 0 ? sign * std::ldexp(fraction, -14)
                                          : sign * std::ldexp(1.0 + fraction, exponent - 15);
    if (static_cast<double>(value) != expected || std::signbit(value) != std::signbit(expected)) {
      FAIL("bits " << bits << " gave " << value << ", expected " << expected);
    }
  }
  SUCCEED();
}

TEST_CASE("Numbers become the nearest half-precision number", "[core]") {
  for (std::uint32_t bits = 0; bits < 65536; ++bits) {
    const auto half = static_cast<std::uint16_t>(bits);
    const float value = pk::half_to_float(half);
    if (std::isnan(value)) {
      if (!std::isnan(pk::half_to_float(pk::float_to_half(value)))) FAIL("NaN " << bits);
      continue;
    }
    if (pk::float_to_half(value) != half) FAIL(bits << " became " << pk::float_to_half(value));
    if ((bits & 0x7fffu) >= 0x7bffu) continue;
    // Halfway to the next one in magnitude, and just beside that.
    const float next = pk::half_to_float(static_cast<std::uint16_t>(bits + 1));
    const float middle = value + (next - value) / 2;
    const auto even = static_cast<std::uint16_t>(bits + (bits & 1u));
    if (pk::float_to_half(middle) != even) FAIL("the middle above " << bits);
    if (pk::float_to_half(std::nextafter(middle, value)) != half) FAIL("below it, " << bits);
    if (pk::float_to_half(std::nextafter(middle, next)) != bits + 1) FAIL("above it, " << bits);
  }
  CHECK(pk::float_to_half(65519.0f) == 0x7bffu);
  CHECK(pk::float_to_half(65520.0f) == 0x7c00u);
  CHECK(pk::float_to_half(-1e30f) == 0xfc00u);
  CHECK(pk::float_to_half(1e-30f) == 0);
}
