#pragma once

// A softmax over all pixels of a map and its expected position, in one pass; and what depends on
// it.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>

#include <posekit/core/isa.hpp>
#include <posekit/kernels/map_grid.hpp>
#include <posekit/simd/batch.hpp>
#include <posekit/simd/exp.hpp>

namespace posekit::inline POSEKIT_ISA::kernels {

/// p = exp(beta * logit - shift) * inverse_mass. Where a logit (times beta) is +infinity,
/// `infinite` says so and p is even over the pixels that are.
template <class T>
struct SoftmaxState {
  T shift = 0;
  T inverse_mass = 0;
  T log_mass = 0;
  std::array<T, 3> mean{};  ///< the expected x, y, z, in pixels
  bool infinite = false;
};

/// One map's weights exp(beta * logit - shift), for the loops below.
template <class T, class Arch>
struct SoftmaxWeights {
  simd::Batch<T, Arch> beta, shift;
  bool infinite;

  SoftmaxWeights(T beta_, T shift_, bool infinite_)
      : beta(beta_), shift(infinite_ ? T(0) : shift_), infinite(infinite_) {}
  SoftmaxWeights(T beta_, const SoftmaxState<T>& state)
      : SoftmaxWeights(beta_, state.shift, state.infinite) {}

  [[gnu::always_inline]] simd::Batch<T, Arch> operator()(const simd::Batch<T, Arch>& logit) const {
    using Batch = simd::Batch<T, Arch>;
    const Batch scaled = xsimd::fms(logit, beta, shift);
    if (infinite) [[unlikely]] {
      return xsimd::select(scaled == Batch(std::numeric_limits<T>::infinity()), Batch(T(1)),
                           Batch(T(0)));
    }
    return simd::exp_nonpositive<T, Arch>(scaled);
  }
};

namespace detail {

/// The largest of beta * logit over contiguous elements.
template <class T, class Arch>
T largest_scaled(const T* logits, std::size_t size, T beta) {
  using Batch = simd::Batch<T, Arch>;
  constexpr std::size_t L = simd::lanes<T, Arch>;
  T largest = logits[0] * beta;
  std::size_t i = 0;
  if (size >= 4 * L) {
    const Batch b(beta);
    Batch top[4];
    simd::unroll<4>([&](auto k) { top[k] = simd::load<T, Arch>(logits + k * L) * b; });
    for (i = 4 * L; i + 4 * L <= size; i += 4 * L) {
      simd::unroll<4>([&](auto k) {
        top[k] = xsimd::max(top[k], simd::load<T, Arch>(logits + i + k * L) * b);
      });
    }
    largest = simd::max_lanes<T, Arch>(
        xsimd::max(xsimd::max(top[0], top[1]), xsimd::max(top[2], top[3])));
  }
  for (; i < size; ++i) largest = std::max(largest, logits[i] * beta);
  return largest;
}

}  // namespace detail

/// The softmax of one map and its expected position. Reads the map once: the largest logit so far
/// is kept, and what was summed is scaled when a larger one comes.
template <class T, class Arch = simd::DefaultArch>
SoftmaxState<T> softmax_moments(const MapGrid& grid, const T* logits, T beta) {
  using Batch = simd::Batch<T, Arch>;
  const Batch lanes = lane_numbers<T, Arch>();
  const T middle = static_cast<T>(grid.width - 1) / 2;
  const std::size_t block = rows_per_sum(grid.width);
  T shift = -std::numeric_limits<T>::infinity();
  bool infinite = false;
  double mass = 0, sum_x = 0, sum_y = 0, sum_z = 0;
  for (std::size_t z = 0; z < grid.depth; ++z) {
    for (std::size_t y0 = 0; y0 < grid.height; y0 += block) {
      const std::size_t rows = std::min(block, grid.height - y0);
      const T* first = logits + (z * grid.height + y0) * grid.width;
      const T top = detail::largest_scaled<T, Arch>(first, rows * grid.width, beta);
      if (top > shift) {
        infinite = std::isinf(top);
        const double scale =
            infinite ? 0.0 : std::exp(static_cast<double>(shift) - static_cast<double>(top));
        mass *= scale;
        sum_x *= scale;
        sum_y *= scale;
        sum_z *= scale;
        shift = top;
      }
      const SoftmaxWeights<T, Arch> weight(beta, shift, infinite);
      Batch m(T(0)), mx(T(0)), my(T(0));
      for (std::size_t r = 0; r < rows; ++r) {
        const T* row = first + r * grid.width;
        const Batch y(static_cast<T>(r));
        for_each_vector<T, Arch>(
            grid.width, [&](std::size_t x, auto part) __attribute__((always_inline)) {
              const Batch e = within<T, Arch>(weight(read<T, Arch>(row + x, part)), part);
              m += e;
              mx = xsimd::fma(e, lanes + Batch(static_cast<T>(x) - middle), mx);
              my = xsimd::fma(e, y, my);
            });
      }
      const auto part = static_cast<double>(simd::sum_lanes<T, Arch>(m));
      mass += part;
      sum_x += static_cast<double>(simd::sum_lanes<T, Arch>(mx));
      sum_y += static_cast<double>(simd::sum_lanes<T, Arch>(my)) + part * static_cast<double>(y0);
      sum_z += part * static_cast<double>(z);
    }
  }
  SoftmaxState<T> state;
  state.shift = shift;
  state.infinite = infinite;
  state.inverse_mass = static_cast<T>(1.0 / mass);
  state.log_mass = static_cast<T>(std::log(mass));
  state.mean = {static_cast<T>(sum_x / mass + static_cast<double>(middle)),
                static_cast<T>(sum_y / mass), static_cast<T>(sum_z / mass)};
  return state;
}

/// result (+)= d(gradient . position) / d logits for one map, `gradient` per pixel along x, y, z.
/// Returns its derivative with respect to beta. Reads the logits once and writes the result once.
template <class T, class Arch = simd::DefaultArch>
T softmax_moments_vjp(const MapGrid& grid, const T* logits, T beta, const SoftmaxState<T>& state,
                      const std::array<T, 3>& gradient, T* result, bool accumulate) {
  using Batch = simd::Batch<T, Arch>;
  const Batch lanes = lane_numbers<T, Arch>();
  const SoftmaxWeights<T, Arch> weight(beta, state);
  const Batch scale(state.inverse_mass), b(beta), gx(gradient[0]);
  double by_beta = 0;
  const std::size_t block = rows_per_sum(grid.width);
  for (std::size_t z = 0; z < grid.depth; ++z) {
    // Positions relative to the expected one: their products with p do not cancel.
    const T from_z = gradient[2] * (static_cast<T>(z) - state.mean[2]);
    for (std::size_t y0 = 0; y0 < grid.height; y0 += block) {
      Batch sum(T(0));
      for (std::size_t y = y0; y < std::min(y0 + block, grid.height); ++y) {
        const std::size_t offset = (z * grid.height + y) * grid.width;
        const Batch from_y(gradient[1] * (static_cast<T>(y) - state.mean[1]) + from_z);
        for_each_vector<T, Arch>(
            grid.width, [&](std::size_t x, auto part) __attribute__((always_inline)) {
              const Batch logit = read<T, Arch>(logits + offset + x, part);
              const Batch slope =
                  xsimd::fma(lanes + Batch(static_cast<T>(x) - state.mean[0]), gx, from_y);
              const Batch value = weight(logit) * scale * slope;
              // An infinite logit moves nothing.
              if (!weight.infinite) sum = xsimd::fma(within<T, Arch>(value, part), logit, sum);
              Batch out = weight.infinite ? Batch(T(0)) : value * b;
              if (accumulate) out += read<T, Arch>(result + offset + x, part);
              write<T, Arch>(result + offset + x, out, part);
            });
      }
      by_beta += static_cast<double>(simd::sum_lanes<T, Arch>(sum));
    }
  }
  return static_cast<T>(by_beta);
}

/// p of one map, all pixels together: p = exp(beta * logit - shift) * inverse_mass.
template <class T, class Arch = simd::DefaultArch>
void softmax(std::size_t size, const T* logits, T beta, const SoftmaxState<T>& state, T* result) {
  using Batch = simd::Batch<T, Arch>;
  const SoftmaxWeights<T, Arch> weight(beta, state);
  const Batch scale(state.inverse_mass);
  for_each_vector<T, Arch>(
      size, [&](std::size_t i, auto part) __attribute__((always_inline)) {
        write<T, Arch>(result + i, weight(read<T, Arch>(logits + i, part)) * scale, part);
      });
}

/// sum of a[i] * b[i] over a map, in T by vectors and in double by blocks.
template <class T, class Arch = simd::DefaultArch>
double map_dot(std::size_t size, const T* a, const T* b) {
  using Batch = simd::Batch<T, Arch>;
  constexpr std::size_t block = 2048;
  double total = 0;
  for (std::size_t start = 0; start < size; start += block) {
    Batch sum(T(0));
    for_each_vector<T, Arch>(
        std::min(block, size - start), [&](std::size_t i,
                                           auto part) __attribute__((always_inline)) {
          sum = xsimd::fma(read<T, Arch>(a + start + i, part), read<T, Arch>(b + start + i, part),
                           sum);
        });
    total += static_cast<double>(simd::sum_lanes<T, Arch>(sum));
  }
  return total;
}

/// result (+)= the cotangent of logits whose softmax is p: beta * p * (g - <p, g>).
template <class T, class Arch = simd::DefaultArch>
void softmax_vjp(std::size_t size, const T* p, T beta, const T* cotangent, T* result,
                 bool accumulate) {
  using Batch = simd::Batch<T, Arch>;
  const Batch mean(static_cast<T>(map_dot<T, Arch>(size, p, cotangent))), b(beta);
  for_each_vector<T, Arch>(
      size, [&](std::size_t i, auto part) __attribute__((always_inline)) {
        Batch out = read<T, Arch>(p + i, part) * b * (read<T, Arch>(cotangent + i, part) - mean);
        if (accumulate) out += read<T, Arch>(result + i, part);
        write<T, Arch>(result + i, out, part);
      });
}

}  // namespace posekit::inline POSEKIT_ISA::kernels
