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
