#include <catch2/catch.hpp>

#include <limits>

#include <posekit/core/decimal.hpp>

namespace pk = posekit;

TEST_CASE("Numbers become text and the same numbers again", "[core]") {
  for (const double value : {0.1, -1.0 / 3, 1e-310, 5e-324, 1.7976931348623157e308, 0.0}) {
    const auto read = pk::parse_decimal(pk::shortest_decimal(value));
    REQUIRE(read.has_value());
    CHECK(*read == value);
  }
  CHECK(pk::parse_decimal("inf") == std::numeric_limits<double>::infinity());
  for (const char* wrong : {"", " 1", "1 ", "1,5", "0x", "1e", "one", "1e999"})
    CHECK_FALSE(pk::parse_decimal(wrong).has_value());
}
