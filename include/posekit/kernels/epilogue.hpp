#pragma once

// What happens to sums in registers on their way to memory.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>

#include <posekit/core/isa.hpp>
#include <posekit/kernels/activation.hpp>
#include <posekit/simd/batch.hpp>

namespace posekit::inline POSEKIT_ISA::kernels {

/// What happens to a row of sums before it is stored. A row is a pixel's channels.
template <class T>
struct Epilogue {
  const T* bias = nullptr;   ///< one per column, added first
  const T* slope = nullptr;  ///< one per column, for prelu
  Activation activation = Activation::none;
  std::uint8_t* mask = nullptr;  ///< rectifier bits, row stride mask_row_bytes(columns)
  bool accumulate = false;       ///< add to what is there instead of replacing it
  /// Where given, the bits of the elements that are stored as they are; the others become 0 (after
  /// adding). Laid out as `mask`.
  const std::uint8_t* keep = nullptr;
};

/// Where a tile of sums goes: `valid` columns from `target` on, which is `column` of its row. Row r
/// is `r * stride` elements further, its bits `r * mask_stride` bytes. A `mask_stride` of 0 makes
/// all rows share theirs.
template <class T>
struct TileTarget {
  T* target;
  std::size_t stride;
  std::size_t column, valid;
  std::size_t mask_stride;
};

namespace internal {

/// One vector of a tile, in any case.
template <class T, class Arch>
inline void store_vector(simd::Batch<T, Arch> value, T* out, std::size_t column, std::size_t count,
                         const Epilogue<T>& epilogue, std::size_t mask_offset) {
  using Batch = simd::Batch<T, Arch>;
  constexpr std::size_t L = simd::lanes<T, Arch>;
  const auto read = [&](const T* p) {
    return count == L ? simd::load<T, Arch>(p) : simd::load_partial<T, Arch>(p, count);
  };
  if (epilogue.activation != Activation::none) {
    const Batch slope =
        epilogue.activation == Activation::prelu ? read(epilogue.slope + column) : Batch(T(0));
    std::uint32_t bits = 0;
    value = activate<T, Arch>(value, epilogue.activation, slope, bits);
    if (epilogue.mask != nullptr) {
      if (count < L) bits &= (1u << count) - 1u;
      set_mask_bits<L>(epilogue.mask + mask_offset, column, bits);
    }
  }
  if (epilogue.accumulate) value += read(out);
  if (epilogue.keep != nullptr) {
    value = simd::zero_unless<T, Arch>(mask_bits<L>(epilogue.keep + mask_offset, column), value);
  }
  if (count == L) {
    simd::store<T, Arch>(out, value);
  } else {
    simd::store_partial<T, Arch>(out, value, count);
  }
}

}  // namespace internal

/// Stores a tile of sums. `epilogue.mask` and `epilogue.keep`, where given, point at the bits of
/// the tile's first row.
template <class T, class Arch, std::size_t Rows, std::size_t Vectors>
[[gnu::always_inline]] inline void store_tile(const simd::Batch<T, Arch> (&sum)[Rows][Vectors],
                                              const TileTarget<T>& to,
                                              const Epilogue<T>& epilogue) {
  using Batch = simd::Batch<T, Arch>;
  constexpr std::size_t L = simd::lanes<T, Arch>;
  const bool plain = !epilogue.accumulate && epilogue.keep == nullptr;
  const bool rectifier =
      epilogue.activation == Activation::relu || epilogue.activation == Activation::relu6;
  // The frequent cases are unrolled, and nothing is called, so that the sums stay in registers.
  simd::unroll<Vectors>([&](auto v) __attribute__((always_inline)) {
    if (v * L >= to.valid) return;
    T* out = to.target + v * L;
    const std::size_t column = to.column + v * L;
    if (plain && epilogue.activation == Activation::none && (v + 1) * L <= to.valid) {
      simd::unroll<Rows>([&](auto r) { simd::store<T, Arch>(out + r * to.stride, sum[r][v]); });
    } else if (plain && rectifier && (v + 1) * L <= to.valid) {
      const Batch zero(T(0));
      const Batch high(
          epilogue.activation == Activation::relu6 ? T(6) : std::numeric_limits<T>::infinity());
      simd::unroll<Rows>([&](auto r) __attribute__((always_inline)) {
        const Batch x = sum[r][v];
        if (epilogue.mask != nullptr) {
          set_mask_bits<L>(epilogue.mask + r * to.mask_stride, column,
                           simd::to_bits<T, Arch>((x > zero) & (x <= high)));
        }
        simd::store<T, Arch>(out + r * to.stride, clamp_keeping_nan<T, Arch>(x, zero, high));
      });
    } else {
      Batch rows[Rows];
      simd::unroll<Rows>([&](auto r) { rows[r] = sum[r][v]; });
      for (std::size_t r = 0; r < Rows; ++r) {
        internal::store_vector<T, Arch>(rows[r], out + r * to.stride, column,
                                        std::min(L, to.valid - v * L), epilogue,
                                        r * to.mask_stride);
      }
    }
  });
}

}  // namespace posekit::inline POSEKIT_ISA::kernels
