#include <catch2/catch.hpp>

#include <limits>

#include <posekit/core/require.hpp>

namespace pk = posekit;

TEST_CASE("Options that make no sense are refused in one sentence", "[core]") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double infinity = std::numeric_limits<double>::infinity();
  for (const double value : {-1.0, 0.0, 0.5, 2.0})
    CHECK_NOTHROW(pk::require_between("f", "a", value, -1, 2));
  CHECK_THROWS_WITH(pk::require_between("f", "a", nan, -1, 2),
                    "f: a is nan, expected a number from -1 to 2");
  for (const double value : {-1.5, 2.5, infinity, -infinity})
    CHECK_THROWS_AS(pk::require_between("f", "a", value, -1, 2), pk::ValueError);
  CHECK_NOTHROW(pk::require_finite_number("f", "a", -1e308));
  CHECK_THROWS_WITH(pk::require_finite_number("f", "a", -infinity),
                    "f: a is -inf, expected a finite number");
  CHECK_THROWS_AS(pk::require_finite_number("f", "a", nan), pk::ValueError);
  CHECK_NOTHROW(pk::require_positive("f", "a", 1e-300));
  CHECK_NOTHROW(pk::require_positive("f", "a", 0, true));
  CHECK_THROWS_WITH(pk::require_positive("f", "a", 0), "f: a is 0, expected a positive number");
  CHECK_THROWS_WITH(pk::require_positive("f", "a", -2, true),
                    "f: a is -2, expected 0 or a positive number");
  for (const double value : {nan, infinity, -infinity})
    CHECK_THROWS_AS(pk::require_positive("f", "a", value, true), pk::ValueError);
}
