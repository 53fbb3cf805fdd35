#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>

#include <posekit/core/isa.hpp>
#include <posekit/kernels/activation_kind.hpp>
#include <posekit/simd/batch.hpp>
#include <posekit/simd/exp.hpp>

namespace posekit::inline POSEKIT_ISA::kernels {

// What the backward pass needs to know of a rectifier is one bit per element. For a tensor of
// `rows` rows of `channels` the bits are stored row by row, least significant first, each row
// padded with zeros to a multiple of 16 bits so that every SIMD width finds its bits at a byte.

constexpr std::size_t mask_row_bytes(std::size_t channels) { return (channels + 15) / 16 * 2; }

/// The bits of lanes [channel, channel + lanes) of a row; `channel` is a multiple of `lanes`.
template <std::size_t Lanes>
[[gnu::always_inline]] inline std::uint32_t mask_bits(const std::uint8_t* row,
                                                      std::size_t channel) {
  if constexpr (Lanes >= 16) {
    return static_cast<std::uint32_t>(row[channel / 8]) |
           static_cast<std::uint32_t>(row[channel / 8 + 1]) << 8;
  } else if constexpr (Lanes == 8) {
    return row[channel / 8];
  } else {
    return static_cast<std::uint32_t>(row[channel / 8] >> (channel % 8)) & ((1u << Lanes) - 1u);
  }
}

/// Writes the bits that `mask_bits` reads. Lanes are written in ascending order of `channel`.
template <std::size_t Lanes>
[[gnu::always_inline]] inline void set_mask_bits(std::uint8_t* row, std::size_t channel,
                                                 std::uint32_t bits) {
  if constexpr (Lanes >= 16) {
    row[channel / 8] = static_cast<std::uint8_t>(bits);
    row[channel / 8 + 1] = static_cast<std::uint8_t>(bits >> 8);
  } else if constexpr (Lanes == 8) {
    row[channel / 8] = static_cast<std::uint8_t>(bits);
  } else {
    const auto keep = static_cast<std::uint8_t>(row[channel / 8] & ((1u << (channel % 8)) - 1u));
    row[channel / 8] = static_cast<std::uint8_t>(keep | (bits << (channel % 8)));
  }
}

/// x between `low` and `high`; NaN stays NaN.
template <class T, class Arch>
[[gnu::always_inline]] inline simd::Batch<T, Arch> clamp_keeping_nan(
    const simd::Batch<T, Arch>& x, const simd::Batch<T, Arch>& low,
    const simd::Batch<T, Arch>& high) {
  return xsimd::select(x <= low, low, xsimd::select(x >= high, high, x));
}

/// Applies an activation to `x` = pre-activation values of channels starting at `slope`'s element
/// (slope is read for prelu only), and tells for rectifiers where the derivative is that of x > 0.
template <class T, class Arch>
[[gnu::always_inline]] inline simd::Batch<T, Arch> activate(const simd::Batch<T, Arch>& x,
                                                            Activation activation,
                                                            const simd::Batch<T, Arch>& slope,
                                                            std::uint32_t& bits) {
  using Batch = simd::Batch<T, Arch>;
  const Batch zero(T(0));
  switch (activation) {
    case Activation::relu:
      bits = simd::to_bits<T, Arch>(x > zero);
      return xsimd::select(x <= zero, zero, x);
    case Activation::relu6: {
      const Batch six(T(6));
      bits = simd::to_bits<T, Arch>((x > zero) & (x <= six));
      return clamp_keeping_nan<T, Arch>(x, zero, six);
    }
    case Activation::prelu:
      bits = simd::to_bits<T, Arch>(x > zero);
      return xsimd::select(x > zero, x, x * slope);
    case Activation::sigmoid:
      return Batch(T(1)) / (Batch(T(1)) + simd::exp<T, Arch>(-x));
    case Activation::none:
      break;
  }
  return x;
}

}  // namespace posekit::inline POSEKIT_ISA::kernels
