#pragma once

// The expectation of pixel indices under a softmax, and its vector-Jacobian product.

#include <algorithm>
#include <cstddef>

#include <posekit/core/isa.hpp>
#include <posekit/simd/batch.hpp>
#include <posekit/simd/exp.hpp>

namespace posekit::inline POSEKIT_ISA::kernels {

/// What the backward pass needs of one map: p = exp(beta * logit - shift) * inverse_mass.
template <class T>
struct SoftArgmaxState {
  T shift = 0;
  T inverse_mass = 0;
  T x = 0, y = 0;  ///< the expectation, in pixels
};

/// The expectation of (x, y) over one map [height, width] of logits.
template <class T, class Arch = simd::DefaultArch>
SoftArgmaxState<T> soft_argmax(std::size_t height, std::size_t width, const T* logits, T beta) {
  using Batch = simd::Batch<T, Arch>;
  constexpr std::size_t L = simd::lanes<T, Arch>;
  const std::size_t size = height * width;
  T largest = logits[0] * beta;
  std::size_t i = 0;
  if (size >= L) {
    Batch top = simd::load<T, Arch>(logits) * Batch(beta);
    for (i = L; i + L <= size; i += L) {
      top = xsimd::max(top, simd::load<T, Arch>(logits + i) * Batch(beta));
    }
    largest = simd::max_lanes<T, Arch>(top);
  }
  for (; i < size; ++i) largest = std::max(largest, logits[i] * beta);

  alignas(64) T ramp[L];
  for (std::size_t l = 0; l < L; ++l) ramp[l] = static_cast<T>(l);
  const Batch lane = Batch::load_aligned(ramp);
  // Sums of a row stay in T, sums over rows are double: a large map loses no digits.
  double mass = 0, sum_x = 0, sum_y = 0;
  for (std::size_t y = 0; y < height; ++y) {
    const T* row = logits + y * width;
    Batch m(T(0)), mx(T(0));
    std::size_t x = 0;
    for (; x + L <= width; x += L) {
      const Batch e =
          simd::exp<T, Arch>(simd::load<T, Arch>(row + x) * Batch(beta) - Batch(largest));
      m += e;
      mx = xsimd::fma(e, lane + Batch(static_cast<T>(x)), mx);
    }
    T row_mass = simd::sum_lanes<T, Arch>(m);
    T row_x = simd::sum_lanes<T, Arch>(mx);
    if (x < width) {
      const Batch e = simd::exp<T, Arch>(
          simd::load_partial<T, Arch>(row + x, width - x) * Batch(beta) - Batch(largest));
      alignas(64) T values[L];
      e.store_aligned(values);
      for (std::size_t l = 0; x + l < width; ++l) {
        row_mass += values[l];
        row_x += values[l] * static_cast<T>(x + l);
      }
    }
    mass += static_cast<double>(row_mass);
    sum_x += static_cast<double>(row_x);
    sum_y += static_cast<double>(row_mass) * static_cast<double>(y);
  }
  return {largest, static_cast<T>(1.0 / mass), static_cast<T>(sum_x / mass),
          static_cast<T>(sum_y / mass)};
}

/// result (+)= d(gx * x + gy * y) / d logits for one map, with gx and gy per pixel.
template <class T, class Arch = simd::DefaultArch>
void soft_argmax_vjp(std::size_t height, std::size_t width, const T* logits, T beta,
                     const SoftArgmaxState<T>& state, T gx, T gy, T* result, bool accumulate) {
  using Batch = simd::Batch<T, Arch>;
  constexpr std::size_t L = simd::lanes<T, Arch>;
  alignas(64) T ramp[L];
  for (std::size_t l = 0; l < L; ++l) ramp[l] = static_cast<T>(l);
  const Batch lane = Batch::load_aligned(ramp);
  const T scale = beta * state.inverse_mass;
  for (std::size_t y = 0; y < height; ++y) {
    const T* row = logits + y * width;
    T* out = result + y * width;
    // Coordinates relative to the expectation: their products with p do not cancel.
    const Batch from_y(gy * (static_cast<T>(y) - state.y));
    for (std::size_t x = 0; x < width; x += L) {
      const std::size_t count = std::min(L, width - x);
      const Batch logit =
          count == L ? simd::load<T, Arch>(row + x) : simd::load_partial<T, Arch>(row + x, count);
      const Batch p = simd::exp<T, Arch>(logit * Batch(beta) - Batch(state.shift));
      const Batch slope = xsimd::fma(lane + Batch(static_cast<T>(x) - state.x), Batch(gx), from_y);
      Batch value = p * Batch(scale) * slope;
      if (count == L) {
        if (accumulate) value += simd::load<T, Arch>(out + x);
        simd::store<T, Arch>(out + x, value);
      } else {
        if (accumulate) value += simd::load_partial<T, Arch>(out + x, count);
        simd::store_partial<T, Arch>(out + x, value, count);
      }
    }
  }
}

}  // namespace posekit::inline POSEKIT_ISA::kernels
