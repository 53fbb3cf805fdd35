#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include <posekit/core/isa.hpp>
#include <posekit/simd/batch.hpp>

namespace posekit::inline POSEKIT_ISA::simd {

namespace internal {

template <class T>
struct ExpConstants;

template <>
struct ExpConstants<float> {
  static constexpr float log2_e = 1.442695040888963407359924681001892137f;
  using Bits = std::int32_t;
  static constexpr int mantissa = 23;
  static constexpr Bits bias = 127;
  static constexpr float magic = 12582912.0f;  // 1.5 * 2^23: adding it rounds to whole numbers
  static constexpr float low = -104.0f, high = 89.0f;  // beyond them 0 and infinity
  static constexpr float ln2_head = 0.693359375f, ln2_tail = -2.12194440e-4f;
  // (exp(r) - 1 - r) / r^2 for |r| <= ln(2) / 2, to 1.1e-8 of exp(r).
  static constexpr std::array<float, 5> tail{5e-01f, 1.666657684599397629e-01f,
                                             4.166655443768593994e-02f, 8.363202971575859389e-03f,
                                             1.392621346633236884e-03f};
};

template <>
struct ExpConstants<double> {
  static constexpr double log2_e = 1.442695040888963407359924681001892137;
  using Bits = std::int64_t;
  static constexpr int mantissa = 52;
  static constexpr Bits bias = 1023;
  static constexpr double magic = 6755399441055744.0;  // 1.5 * 2^52
  static constexpr double low = -746.0, high = 710.0;
  static constexpr double ln2_head = 6.93145751953125e-1, ln2_tail = 1.42860682030941723212e-6;
  // To 1.7e-17 of exp(r).
  static constexpr std::array<double, 10> tail{5.000000000000001027e-01, 1.666666666666666744e-01,
                                               4.166666666662398566e-02, 8.333333333330060643e-03,
                                               1.388888891728468682e-03, 1.984126986310498229e-04,
                                               2.480152118598968379e-05, 2.755726835667646677e-06,
                                               2.762014057909311234e-07, 2.510043857342007966e-08};
};

/// (2^r - 1) / r for |r| <= 1/2, in powers of r.
template <class T>
struct Exp2Constants;

template <>
struct Exp2Constants<float> {  // to 5.1e-9 of 2^r
  static constexpr std::array<float, 6> coefficients{
      6.9314718802622878e-01f, 2.4022650760568127e-01f, 5.5503571142190778e-02f,
      9.6180825572778515e-03f, 1.3390863364671234e-03f, 1.5453162945120691e-04f};
};

template <>
struct Exp2Constants<double> {  // to 8.5e-18 of 2^r
  static constexpr std::array<double, 11> coefficients{
      6.9314718055994530942e-01, 2.4022650695910098220e-01, 5.5504108664821594339e-02,
      9.6181291076068885273e-03, 1.3333558146416935310e-03, 1.5403530441736050155e-04,
      1.5252733829836118394e-05, 1.3215442587921689653e-06, 1.0178062445845773521e-07,
      7.0725859492692236999e-09, 4.4549605981865183938e-10};
};

}  // namespace internal

namespace internal {

/// exp(n ln(2) + r) without 2^n, for |r| <= ln(2) / 2.
template <class T, class Arch>
[[gnu::always_inline]] inline Batch<T, Arch> exp_of_remainder(const Batch<T, Arch>& r) {
  const auto tail = horner<T, Arch>(r, ExpConstants<T>::tail);
  return xsimd::fma(tail, r * r, r) + Batch<T, Arch>(T(1));
}

/// 2^n for whole numbers n from the lowest to the highest normal exponent, given n +
/// ExpConstants::magic: that number's low bits are n.
template <class T, class Arch>
[[gnu::always_inline]] inline Batch<T, Arch> power_of_two(const Batch<T, Arch>& n_plus_magic) {
  using C = ExpConstants<T>;
  using Integers = xsimd::batch<typename C::Bits, Arch>;
  const auto bits = bits_as<Integers>(n_plus_magic);
  return bits_as<Batch<T, Arch>>((bits + Integers(C::bias)) << C::mantissa);
}

}  // namespace internal

/// exp(x), to 1.1 units in the last place; subnormal results, 0, infinity and NaN included.
template <class T, class Arch>
[[gnu::always_inline]] inline Batch<T, Arch> exp(const Batch<T, Arch>& x) {
  using B = Batch<T, Arch>;
  using C = internal::ExpConstants<T>;
  const B magic(C::magic);
  // exp(x) = 2^n exp(r), n whole, |r| <= ln(2) / 2. NaN becomes C::low here, and comes back below.
  const B y =
      xsimd::select(x >= B(C::high), B(C::high), xsimd::select(x > B(C::low), x, B(C::low)));
  const B n = xsimd::fma(y, B(C::log2_e), magic) - magic;
  const B r = xsimd::fma(n, B(-C::ln2_tail), xsimd::fma(n, B(-C::ln2_head), y));
  // 2^n in two factors, so that each is a normal number.
  const B shifted = xsimd::fma(n, B(T(0.5)), magic);
  const B first = internal::power_of_two<T, Arch>(shifted);
  const B second = internal::power_of_two<T, Arch>(n - (shifted - magic) + magic);
  const B result = internal::exp_of_remainder<T, Arch>(r) * first * second;
  return xsimd::select(x == x, result, x);
}

/// 2^x for x up to the largest normal exponent, where what would be subnormal may be 0 instead:
/// half the work of `exp`. To 1.2 units in the last place; NaN stays NaN.
template <class T, class Arch>
[[gnu::always_inline]] inline Batch<T, Arch> exp2_normal(const Batch<T, Arch>& x) {
  using B = Batch<T, Arch>;
  using C = internal::ExpConstants<T>;
  using Integers = xsimd::batch<typename C::Bits, Arch>;
  // 2^x = 2^n 2^r, n whole, |r| <= 1/2. The low bits of n + magic are n's biased exponent, which is
  // that of 0 for the lowest n. Of two operands, one NaN, max gives the second.
  const B magic(C::magic + static_cast<T>(C::bias));
  const B y = xsimd::max(B(-static_cast<T>(C::bias)), x);
  const B whole = y + magic;
  const B r = y - (whole - magic);
  const B p = horner<T, Arch>(r, internal::Exp2Constants<T>::coefficients);
  const auto bits = bits_as<Integers>(whole);
  return xsimd::fma(p, r, B(T(1))) * bits_as<B>(bits << C::mantissa);
}

}  // namespace posekit::inline POSEKIT_ISA::simd
