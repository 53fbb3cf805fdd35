#pragma once

// The only place that includes xsimd and names an instruction set. Kernels are templates on
// <T, Arch> and use what is defined here.

#include <posekit/core/isa.hpp>  // before the intrinsics that xsimd includes

#include <xsimd/xsimd.hpp>

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <utility>

#if XSIMD_WITH_SSE2
#include <immintrin.h>
#endif

namespace posekit::inline POSEKIT_ISA::simd {

/// The best instruction set this translation unit is compiled for.
using DefaultArch = xsimd::default_arch;

template <class T, class Arch = DefaultArch>
using Batch = xsimd::batch<T, Arch>;

template <class T, class Arch = DefaultArch>
using Mask = xsimd::batch_bool<T, Arch>;

template <class T, class Arch = DefaultArch>
inline constexpr std::size_t lanes = Batch<T, Arch>::size;

/// The bits of a batch as another batch of the same size. xsimd's own takes that batch as its first
/// parameter, or (since version 10) its element.
template <class To, class From>
[[gnu::always_inline]] inline To bits_as(const From& x) {
  using Element = typename To::value_type;
  if constexpr (std::is_same_v<decltype(xsimd::bitwise_cast<Element>(x)), To>) {
    return xsimd::bitwise_cast<Element>(x);
  } else {
    return xsimd::bitwise_cast<To>(x);
  }
}

/// True where the instruction set has 32 vector registers instead of 16.
template <class Arch>
inline constexpr bool has_32_registers =
#if XSIMD_WITH_AVX512F
    std::is_base_of_v<xsimd::avx512f, Arch> ||
#endif
#if XSIMD_WITH_NEON64
    std::is_base_of_v<xsimd::neon64, Arch> ||
#endif
    false;

namespace internal {

template <class Arch>
inline constexpr bool is_avx512 =
#if XSIMD_WITH_AVX512F
    std::is_base_of_v<xsimd::avx512f, Arch>;
#else
    false;
#endif

template <class Arch>
inline constexpr bool is_avx =
#if XSIMD_WITH_AVX
    std::is_base_of_v<xsimd::avx, Arch>;
#else
    false;
#endif

template <class Arch>
inline constexpr bool is_avx2 =
#if XSIMD_WITH_AVX2
    std::is_base_of_v<xsimd::avx2, Arch>;
#else
    false;
#endif

template <class Arch>
inline constexpr bool is_sse2 =
#if XSIMD_WITH_SSE2
    std::is_base_of_v<xsimd::sse2, Arch>;
#else
    false;
#endif

template <class Body, std::size_t... I>
[[gnu::always_inline]] inline void unroll(Body&& body, std::index_sequence<I...>) {
  (body(std::integral_constant<std::size_t, I>{}), ...);
}

}  // namespace internal

/// Calls `body` with the compile-time constants 0 ... Count - 1, so that arrays of batches stay in
/// registers.
template <std::size_t Count, class Body>
[[gnu::always_inline]] inline void unroll(Body&& body) {
  internal::unroll(body, std::make_index_sequence<Count>{});
}

/// A polynomial, its coefficients from the constant on, with the fewest roundings and registers.
template <class T, class Arch, std::size_t Count>
[[gnu::always_inline]] inline Batch<T, Arch> horner(const Batch<T, Arch>& x,
                                                    const std::array<T, Count>& coefficients) {
  using B = Batch<T, Arch>;
  B result(coefficients[Count - 1]);
  unroll<Count - 1>([&](auto i) __attribute__((always_inline)) {
    result = xsimd::fma(result, x, B(coefficients[Count - 2 - i]));
  });
  return result;
}

/// The same in half the steps that one power after the other would wait for.
template <class T, class Arch, std::size_t Count>
[[gnu::always_inline]] inline Batch<T, Arch> polynomial(const Batch<T, Arch>& x,
                                                        const std::array<T, Count>& coefficients) {
  using B = Batch<T, Arch>;
  const B square = x * x;
  const auto pair = [&](std::size_t k) __attribute__((always_inline)) {
    return xsimd::fma(B(coefficients[k + 1]), x, B(coefficients[k]));
  };
  constexpr std::size_t first = Count % 2 == 0 ? Count - 2 : Count - 1;
  B result = Count % 2 == 0 ? pair(first) : B(coefficients[Count - 1]);
  unroll<first / 2>([&](auto i) __attribute__((always_inline)) {
    result = xsimd::fma(result, square, pair(first - 2 - 2 * i));
  });
  return result;
}

template <class T, class Arch>
[[gnu::always_inline]] inline Batch<T, Arch> load(const T* source) {
  return Batch<T, Arch>::load_unaligned(source);
}

template <class T, class Arch>
[[gnu::always_inline]] inline void store(T* target, const Batch<T, Arch>& value) {
  value.store_unaligned(target);
}

/// True where a vector may be stored with `store_streaming`.
template <class T, class Arch>
inline bool is_aligned(const T* p) {
  return reinterpret_cast<std::uintptr_t>(p) % (lanes<T, Arch> * sizeof(T)) == 0;
}

/// Stores past the caches, to aligned memory that nobody reads soon. Call `streaming_fence` before
/// another thread may.
template <class T, class Arch>
[[gnu::always_inline]] inline void store_streaming(T* target, const Batch<T, Arch>& value) {
  constexpr bool is_float = std::is_same_v<T, float>;
#if XSIMD_WITH_AVX512F
  if constexpr (internal::is_avx512<Arch> && is_float) return _mm512_stream_ps(target, value);
  if constexpr (internal::is_avx512<Arch> && !is_float) return _mm512_stream_pd(target, value);
#endif
#if XSIMD_WITH_AVX
  if constexpr (internal::is_avx<Arch> && is_float) return _mm256_stream_ps(target, value);
  if constexpr (internal::is_avx<Arch> && !is_float) return _mm256_stream_pd(target, value);
#endif
#if XSIMD_WITH_SSE2
  if constexpr (internal::is_sse2<Arch> && is_float) return _mm_stream_ps(target, value);
  if constexpr (internal::is_sse2<Arch> && !is_float) return _mm_stream_pd(target, value);
#endif
  value.store_aligned(target);
}

inline void streaming_fence() {
#if XSIMD_WITH_SSE2
  _mm_sfence();
#endif
}

/// Results of so many bytes have left the caches before they are read again.
inline constexpr std::size_t streaming_bytes = std::size_t{32} << 20;

/// Loads `count` < lanes elements; the other lanes are 0 and their memory is not touched.
template <class T, class Arch>
inline Batch<T, Arch> load_partial(const T* source, std::size_t count) {
#if XSIMD_WITH_AVX512F
  if constexpr (internal::is_avx512<Arch>) {
    const auto mask = (1u << count) - 1u;
    if constexpr (std::is_same_v<T, float>) {
      return Batch<T, Arch>(_mm512_maskz_loadu_ps(static_cast<__mmask16>(mask), source));
    } else if constexpr (std::is_same_v<T, double>) {
      return Batch<T, Arch>(_mm512_maskz_loadu_pd(static_cast<__mmask8>(mask), source));
    }
  }
#endif
  alignas(64) T buffer[lanes<T, Arch>] = {};
  std::memcpy(buffer, source, count * sizeof(T));
  return Batch<T, Arch>::load_aligned(buffer);
}

/// Stores the first `count` < lanes elements.
template <class T, class Arch>
inline void store_partial(T* target, const Batch<T, Arch>& value, std::size_t count) {
#if XSIMD_WITH_AVX512F
  if constexpr (internal::is_avx512<Arch>) {
    const auto mask = (1u << count) - 1u;
    if constexpr (std::is_same_v<T, float>) {
      _mm512_mask_storeu_ps(target, static_cast<__mmask16>(mask), value);
      return;
    } else if constexpr (std::is_same_v<T, double>) {
      _mm512_mask_storeu_pd(target, static_cast<__mmask8>(mask), value);
      return;
    }
  }
#endif
  alignas(64) T buffer[lanes<T, Arch>];
  value.store_aligned(buffer);
  std::memcpy(target, buffer, count * sizeof(T));
}

/// Bit i is set where lane i is true.
template <class T, class Arch>
[[gnu::always_inline]] inline std::uint32_t to_bits(const Mask<T, Arch>& mask) {
#if XSIMD_WITH_SSE2
#if XSIMD_WITH_AVX512F
  if constexpr (internal::is_avx512<Arch>) {
    const std::conditional_t<sizeof(T) == 4, __mmask16, __mmask8> bits = mask;
    return static_cast<std::uint32_t>(bits);
  }
#endif
#if XSIMD_WITH_AVX
  if constexpr (internal::is_avx<Arch> && std::is_same_v<T, float>) {
    return static_cast<std::uint32_t>(_mm256_movemask_ps(mask));
  } else if constexpr (internal::is_avx<Arch> && std::is_same_v<T, double>) {
    return static_cast<std::uint32_t>(_mm256_movemask_pd(mask));
  }
#endif
  if constexpr (internal::is_sse2<Arch> && std::is_same_v<T, float>) {
    return static_cast<std::uint32_t>(_mm_movemask_ps(mask));
  } else if constexpr (internal::is_sse2<Arch> && std::is_same_v<T, double>) {
    return static_cast<std::uint32_t>(_mm_movemask_pd(mask));
  }
#endif
  bool buffer[lanes<T, Arch>];
  mask.store_unaligned(buffer);
  std::uint32_t bits = 0;
  for (std::size_t i = 0; i < lanes<T, Arch>; ++i)
    bits |= static_cast<std::uint32_t>(buffer[i]) << i;
  return bits;
}

/// `value` in the lanes whose bit is set, 0 in the others (even where `value` is NaN).
template <class T, class Arch>
[[gnu::always_inline]] inline Batch<T, Arch> zero_unless(std::uint32_t bits,
                                                         const Batch<T, Arch>& value) {
#if XSIMD_WITH_AVX512F
  if constexpr (internal::is_avx512<Arch> && std::is_same_v<T, float>) {
    return Batch<T, Arch>(_mm512_maskz_mov_ps(static_cast<__mmask16>(bits), value));
  } else if constexpr (internal::is_avx512<Arch> && std::is_same_v<T, double>) {
    return Batch<T, Arch>(_mm512_maskz_mov_pd(static_cast<__mmask8>(bits), value));
  }
#endif
#if XSIMD_WITH_AVX2
  if constexpr (internal::is_avx2<Arch> && std::is_same_v<T, float>) {
    const __m256i lane = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
    const __m256i set = _mm256_and_si256(_mm256_set1_epi32(static_cast<int>(bits)), lane);
    return Batch<T, Arch>(_mm256_and_ps(value, _mm256_castsi256_ps(_mm256_cmpeq_epi32(set, lane))));
  } else if constexpr (internal::is_avx2<Arch> && std::is_same_v<T, double>) {
    const __m256i lane = _mm256_setr_epi64x(1, 2, 4, 8);
    const __m256i set = _mm256_and_si256(_mm256_set1_epi64x(static_cast<long long>(bits)), lane);
    return Batch<T, Arch>(_mm256_and_pd(value, _mm256_castsi256_pd(_mm256_cmpeq_epi64(set, lane))));
  }
#endif
#if XSIMD_WITH_SSE2
  if constexpr (internal::is_sse2<Arch> && std::is_same_v<T, float>) {
    const __m128i lane = _mm_setr_epi32(1, 2, 4, 8);
    const __m128i set = _mm_and_si128(_mm_set1_epi32(static_cast<int>(bits)), lane);
    return Batch<T, Arch>(_mm_and_ps(value, _mm_castsi128_ps(_mm_cmpeq_epi32(set, lane))));
  } else if constexpr (internal::is_sse2<Arch> && std::is_same_v<T, double>) {
    const __m128i lane = _mm_setr_epi32(1, 1, 2, 2);
    const __m128i set = _mm_and_si128(_mm_set1_epi32(static_cast<int>(bits)), lane);
    return Batch<T, Arch>(_mm_and_pd(value, _mm_castsi128_pd(_mm_cmpeq_epi32(set, lane))));
  }
#endif
  alignas(64) T buffer[lanes<T, Arch>];
  value.store_aligned(buffer);
  for (std::size_t i = 0; i < lanes<T, Arch>; ++i) {
    if (((bits >> i) & 1u) == 0) buffer[i] = T(0);
  }
  return Batch<T, Arch>::load_aligned(buffer);
}

/// Writes base + i for every set bit i < 16, in ascending order, and returns how many there are. Up
/// to 16 elements of `out` may be overwritten whatever their number.
template <class Arch>
inline std::size_t write_set_bits(std::uint32_t bits, std::uint32_t base, std::uint32_t* out) {
#if XSIMD_WITH_AVX512F
  if constexpr (internal::is_avx512<Arch>) {
    const __m512i index =
        _mm512_add_epi32(_mm512_set1_epi32(static_cast<int>(base)),
                         _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15));
    _mm512_storeu_si512(out, _mm512_maskz_compress_epi32(static_cast<__mmask16>(bits), index));
    return static_cast<std::size_t>(std::popcount(bits));
  }
#endif
  std::size_t count = 0;
  for (; bits != 0; bits &= bits - 1) {
    out[count++] = base + static_cast<std::uint32_t>(std::countr_zero(bits));
  }
  return count;
}

/// The sum of all lanes.
template <class T, class Arch>
inline T sum_lanes(const Batch<T, Arch>& value) {
#if XSIMD_VERSION_MAJOR >= 9
  return xsimd::reduce_add(value);
#else
  return xsimd::hadd(value);
#endif
}

/// The largest of all lanes.
template <class T, class Arch>
inline T max_lanes(const Batch<T, Arch>& value) {
  alignas(64) T buffer[lanes<T, Arch>];
  value.store_aligned(buffer);
  T result = buffer[0];
  for (std::size_t i = 1; i < lanes<T, Arch>; ++i) result = buffer[i] > result ? buffer[i] : result;
  return result;
}

}  // namespace posekit::inline POSEKIT_ISA::simd
