#include <catch2/catch.hpp>

#include <cmath>
#include <limits>

#include <posekit/simd/log.hpp>

#include "support/architectures.hpp"

namespace simd = posekit::simd;

TEMPLATE_LIST_TEST_CASE("log is right to a unit in the last place", "[simd]", KernelCases) {
  using T = typename TestType::Value;
  using A = typename TestType::Arch;
  using Limits = std::numeric_limits<T>;
  const auto lane = [](T x) {
    T out[simd::lanes<T, A>];
    simd::store<T, A>(out, simd::log_positive<T, A>(simd::Batch<T, A>(x)));
    return out[0];
  };
  double worst = 0;
  const auto compare = [&](T x) {
    const long double exact = std::log(static_cast<long double>(x));
    const T nearest = std::abs(static_cast<T>(exact));
    const T ulp = std::max(std::nextafter(nearest, Limits::infinity()) - nearest, Limits::min());
    worst =
        std::max(worst, static_cast<double>(std::abs(static_cast<long double>(lane(x)) - exact) /
                                            static_cast<long double>(ulp)));
  };
  for (int i = 0; i <= 50000; ++i) {
    compare(static_cast<T>(0.4 + 1.7 * i / 50000.0));
    compare(static_cast<T>(std::exp((sizeof(T) == 4 ? 87.0 : 708.0) * (i - 25000) / 25000.0)));
  }
  CHECK(worst < 1.5);
  CHECK(lane(T(1)) == T(0));
  CHECK(lane(Limits::min()) == Approx(std::log(Limits::min())));
  CHECK(lane(Limits::max()) == Approx(std::log(Limits::max())));
  CHECK(std::isnan(lane(Limits::quiet_NaN())));
}

TEMPLATE_LIST_TEST_CASE("log of what is not an ordinary positive number", "[simd]", KernelCases) {
  using T = typename TestType::Value;
  using A = typename TestType::Arch;
  using Limits = std::numeric_limits<T>;
  const auto lane = [](T x) {
    T out[simd::lanes<T, A>];
    simd::store<T, A>(out, simd::log<T, A>(simd::Batch<T, A>(x)));
    return out[0];
  };
  CHECK(lane(T(0)) == -Limits::infinity());
  CHECK(lane(Limits::infinity()) == Limits::infinity());
  CHECK(std::isnan(lane(T(-1))));
  CHECK(std::isnan(lane(Limits::quiet_NaN())));
  CHECK(lane(Limits::denorm_min()) == Approx(std::log(Limits::denorm_min())));
  CHECK(lane(Limits::min() / 3) == Approx(std::log(Limits::min() / 3)));
  CHECK(lane(T(0.3)) == Approx(std::log(T(0.3))));
}
