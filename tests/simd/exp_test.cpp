#include <catch2/catch.hpp>

#include <cmath>
#include <limits>

#include <posekit/simd/exp.hpp>

#include "support/architectures.hpp"

namespace simd = posekit::simd;

namespace {

template <class T, class A>
T exp_lane(T x) {
  T out[simd::lanes<T, A>];
  simd::store<T, A>(out, simd::exp<T, A>(simd::Batch<T, A>(x)));
  return out[simd::lanes<T, A> - 1];
}

}  // namespace

TEMPLATE_LIST_TEST_CASE("exp is right to 1.1 units in the last place", "[simd]", KernelCases) {
  using T = typename TestType::Value;
  using A = typename TestType::Arch;
  const double low = sizeof(T) == 4 ? -103.9 : -745.1, high = sizeof(T) == 4 ? 88.72 : 709.78;
  double worst = 0;
  for (int i = 0; i <= 200000; ++i) {
    const T x = static_cast<T>(low + (high - low) * i / 200000.0);
    const long double exact = std::exp(static_cast<long double>(x));
    const T nearest = static_cast<T>(exact);
    const T ulp = std::nextafter(nearest, std::numeric_limits<T>::infinity()) - nearest;
    worst = std::max(
        worst, static_cast<double>(std::abs(static_cast<long double>(exp_lane<T, A>(x)) - exact) /
                                   static_cast<long double>(ulp)));
  }
  CHECK(worst < 1.1);
}

TEMPLATE_LIST_TEST_CASE("exp of what is not an ordinary number", "[simd]", KernelCases) {
  using T = typename TestType::Value;
  using A = typename TestType::Arch;
  using Limits = std::numeric_limits<T>;
  CHECK(exp_lane<T, A>(T(0)) == T(1));
  CHECK(exp_lane<T, A>(Limits::infinity()) == Limits::infinity());
  CHECK(exp_lane<T, A>(-Limits::infinity()) == T(0));
  CHECK(exp_lane<T, A>(Limits::max()) == Limits::infinity());
  CHECK(exp_lane<T, A>(Limits::lowest()) == T(0));
  CHECK(exp_lane<T, A>(T(-1e4)) == T(0));
  CHECK(std::isnan(exp_lane<T, A>(Limits::quiet_NaN())));
}

TEMPLATE_LIST_TEST_CASE("exp2 flushes what is not normal to 0", "[simd]", KernelCases) {
  using T = typename TestType::Value;
  using A = typename TestType::Arch;
  using Limits = std::numeric_limits<T>;
  const auto lane = [](T x) {
    T out[simd::lanes<T, A>];
    simd::store<T, A>(out, simd::exp2_normal<T, A>(simd::Batch<T, A>(x)));
    return out[0];
  };
  const double low = Limits::min_exponent - 1, high = Limits::max_exponent - 1;
  double worst = 0;
  for (int i = 0; i <= 200000; ++i) {
    const T x = static_cast<T>(low + (high - low) * i / 200000.0);
    const long double exact = std::exp2(static_cast<long double>(x));
    const T nearest = static_cast<T>(exact);
    const long double ulp = std::nextafter(nearest, Limits::infinity()) - nearest;
    worst = std::max(
        worst, static_cast<double>(std::abs(static_cast<long double>(lane(x)) - exact) / ulp));
  }
  CHECK(worst < 1.2);
  for (int n = Limits::min_exponent - 1; n < Limits::max_exponent; ++n) {
    REQUIRE(lane(static_cast<T>(n)) == std::ldexp(T(1), n));
  }
  for (const T x : {T(-1e4), Limits::lowest(), -Limits::infinity()}) {
    CHECK(lane(x) == T(0));
  }
  CHECK(std::isnan(lane(Limits::quiet_NaN())));
  CHECK(std::isnan(lane(-Limits::quiet_NaN())));
  CHECK(std::isnan(lane(Limits::signaling_NaN())));
}
