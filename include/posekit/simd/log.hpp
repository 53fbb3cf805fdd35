#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>

#include <posekit/core/isa.hpp>
#include <posekit/simd/batch.hpp>

namespace posekit::inline POSEKIT_ISA::simd {

namespace internal {

template <class T>
struct LogConstants;

template <>
struct LogConstants<float> {
  using Bits = std::int32_t;
  static constexpr int mantissa = 23;
  static constexpr Bits one = 0x3f800000, root_half = 0x3f3504f3, fraction = 0x007fffff;
  static constexpr Bits magic_bits = 0x4b000000;  // 2^23: its low bits count
  static constexpr float magic = 8388608.0f, bias = 127.0f;
  static constexpr float ln2_head = 0.693359375f, ln2_tail = -2.12194440e-4f;
  /// (log(1 + f) - f + f^2 / 2) / f^3
  static constexpr std::array<float, 8> tail{
      3.3333330728e-1f, -2.5000306423e-1f, 2.0001045094e-1f, -1.6641281463e-1f,
      1.4214495924e-1f, -1.2998183764e-1f, 1.2622319849e-1f, -7.9027437723e-2f};
};

template <>
struct LogConstants<double> {
  using Bits = std::int64_t;
  static constexpr int mantissa = 52;
  static constexpr Bits one = 0x3ff0000000000000, root_half = 0x3fe6a09e00000000;
  static constexpr Bits fraction = 0x000fffffffffffff, magic_bits = 0x4330000000000000;
  static constexpr double magic = 4503599627370496.0, bias = 1023.0;
  static constexpr double ln2_head = 6.93147180369123816490e-01,
                          ln2_tail = 1.90821492927058770002e-10;
  /// (log((1 + s) / (1 - s)) - 2 s) / (s^3), in powers of s^2
  static constexpr std::array<double, 7> tail{6.666666666666735130e-01, 3.999999999940941908e-01,
                                              2.857142874366239149e-01, 2.222219843214978396e-01,
                                              1.818357216161805012e-01, 1.531383769920937332e-01,
                                              1.479819860511658591e-01};
};

}  // namespace internal

/// log(x) for normal x > 0, to about a unit in the last place. NaN stays NaN.
template <class T, class Arch>
[[gnu::always_inline]] inline Batch<T, Arch> log_positive(const Batch<T, Arch>& x) {
  using B = Batch<T, Arch>;
  using C = internal::LogConstants<T>;
  using Integers = xsimd::batch<typename C::Bits, Arch>;
  // x = 2^n (1 + f) with 1 + f between sqrt(1/2) and sqrt(2).
  const Integers bits = bits_as<Integers>(x) + Integers(C::one - C::root_half);
  const B n = bits_as<B>((bits >> C::mantissa) | Integers(C::magic_bits)) - B(C::magic + C::bias);
  const B f = bits_as<B>((bits & Integers(C::fraction)) + Integers(C::root_half)) - B(T(1));
  B result;
  if constexpr (sizeof(T) == 4) {
    const B square = f * f;
    const B rest = xsimd::fma(n, B(C::ln2_tail), polynomial<T, Arch>(f, C::tail) * f * square);
    result = xsimd::fma(n, B(C::ln2_head), f + xsimd::fma(square, B(T(-0.5)), rest));
  } else {
    const B s = f / (f + B(T(2)));
    const B square = s * s;
    const B half = B(T(0.5)) * f * f;
    const B rest =
        xsimd::fma(n, B(C::ln2_tail), s * (half + square * polynomial<T, Arch>(square, C::tail)));
    result = xsimd::fma(n, B(C::ln2_head), f - (half - rest));
  }
  return xsimd::select(x == x, result, x);
}

/// log(x): subnormal numbers, 0 (-infinity), infinity, negative numbers (NaN) and NaN included.
template <class T, class Arch>
[[gnu::always_inline]] inline Batch<T, Arch> log(const Batch<T, Arch>& x) {
  using B = Batch<T, Arch>;
  constexpr T infinity = std::numeric_limits<T>::infinity();
  // Subnormal numbers are scaled up by 2^k.
  constexpr T up = static_cast<T>(std::uint64_t{1} << std::numeric_limits<T>::digits);
  const auto small = x < B(std::numeric_limits<T>::min());
  const B normal = log_positive<T, Arch>(xsimd::select(small, x * B(up), x));
  const B shift =
      B(static_cast<T>(std::numeric_limits<T>::digits * 0.693147180559945309417232121458L));
  B result = xsimd::select(small, normal - shift, normal);
  result = xsimd::select(x == B(infinity), x, result);
  result = xsimd::select(x == B(T(0)), B(-infinity), result);
  return xsimd::select(x < B(T(0)), B(std::numeric_limits<T>::quiet_NaN()), result);
}

}  // namespace posekit::inline POSEKIT_ISA::simd
