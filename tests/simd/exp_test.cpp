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

TEMPLATE_LIST_TEST_CASE("exp of what is not positive flushes to the smallest normal number",
                        "[simd]", KernelCases) {
  using T = typename TestType::Value;
  using A = typename TestType::Arch;
  const auto lane = [](T x) {
    T out[simd::lanes<T, A>];
    simd::store<T, A>(out, simd::exp_nonpositive<T, A>(simd::Batch<T, A>(x)));
    return out[0];
  };
  const double low = sizeof(T) == 4 ? -86.9 : -707.9;
  for (int i = 0; i <= 20000; ++i) {
    const T x = static_cast<T>(low * i / 20000.0);
    const long double exact = std::exp(static_cast<long double>(x));
    const long double error = std::abs(static_cast<long double>(lane(x)) - exact) / exact;
    REQUIRE(error < 1.2L * static_cast<long double>(std::numeric_limits<T>::epsilon()));
  }
  CHECK(lane(T(0)) == T(1));
  for (const T x :
       {T(-1e4), std::numeric_limits<T>::lowest(), -std::numeric_limits<T>::infinity()}) {
    CHECK(lane(x) > T(0));
    CHECK(lane(x) < T(2e-38));
  }
  CHECK(std::isnan(lane(std::numeric_limits<T>::quiet_NaN())));
}
