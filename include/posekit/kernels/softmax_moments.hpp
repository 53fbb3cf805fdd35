#pragma once

// A softmax over all pixels of a map and its expected position, in one pass; and what depends on
// it.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numbers>

#include <posekit/core/isa.hpp>
#include <posekit/kernels/map_rows.hpp>
#include <posekit/kernels/softmax_state.hpp>
#include <posekit/simd/batch.hpp>
#include <posekit/simd/exp.hpp>

namespace posekit::inline POSEKIT_ISA::kernels {

/// One map's weights 2^((logit - extreme) * scale), for the loops below.
template <class T, class Arch>
struct SoftmaxWeights {
  simd::Batch<T, Arch> scale, extreme;
  bool infinite;

  /// While all logits so far have weight 0, no difference may be taken from theirs.
  explicit SoftmaxWeights(const SoftmaxState<T>& state)
      : scale(state.scale),
        extreme(std::isinf(state.extreme) ? T(0) : state.extreme),
        infinite(state.infinite) {}

  /// The weight's logarithm to base 2.
  [[gnu::always_inline]] simd::Batch<T, Arch> exponent(const simd::Batch<T, Arch>& logit) const {
    return (logit - extreme) * scale;
  }
  [[gnu::always_inline]] simd::Batch<T, Arch> of_exponent(
      const simd::Batch<T, Arch>& exponent) const {
    using Batch = simd::Batch<T, Arch>;
    if (infinite) [[unlikely]] {
      const Batch rest = xsimd::select(exponent == exponent, Batch(T(0)), exponent);
      return xsimd::select(exponent == Batch(std::numeric_limits<T>::infinity()), Batch(T(1)),
                           rest);
    }
    return simd::exp2_normal<T, Arch>(exponent);
  }
  [[gnu::always_inline]] simd::Batch<T, Arch> operator()(const simd::Batch<T, Arch>& logit) const {
    return of_exponent(exponent(logit));
  }
};

namespace internal {

/// Sums over the pixels of a map's rows: of the weights, and of them times x and y.
template <class T, class Arch>
struct RowMoments {
  using Batch = simd::Batch<T, Arch>;
  Batch mass = Batch(T(0)), x = Batch(T(0)), y = Batch(T(0));

  /// Adds Count vectors of columns from `first` on over `rows` rows of `stride` elements. x counts
  /// from `offset`, y from the first row.
  template <std::size_t Count, class Part>
  [[gnu::always_inline]] void add(const SoftmaxWeights<T, Arch>& weight, const T* first,
                                  std::size_t rows, std::size_t stride, const Batch& offset,
                                  Part part) {
    constexpr std::size_t L = simd::lanes<T, Arch>;
    Batch column[Count];
    simd::unroll<Count>([&](auto v) { column[v] = Batch(T(0)); });
    Batch row_number(T(0));
    for (std::size_t r = 0; r < rows; ++r, first += stride) {
      Batch all(T(0));
      simd::unroll<Count>([&](auto v) __attribute__((always_inline)) {
        const Batch e = within<T, Arch>(weight(read<T, Arch>(first + v * L, part)), part);
        column[v] += e;
        all = v == 0 ? e : all + e;
      });
      y = xsimd::fma(all, row_number, y);
      row_number += Batch(T(1));
    }
    simd::unroll<Count>([&](auto v) {
      mass += column[v];
      x = xsimd::fma(column[v], offset + Batch(static_cast<T>(v * L)), x);
    });
  }
};

}  // namespace internal

/// The softmax of one map and its expected position. Reads the map once: the largest logit so far
/// is kept, and what was summed is scaled when a larger one comes.
template <class T, class Arch = simd::DefaultArch>
SoftmaxState<T> softmax_moments(const MapGrid& grid, const T* logits, T beta) {
  using Batch = simd::Batch<T, Arch>;
  constexpr std::size_t L = simd::lanes<T, Arch>;
  constexpr std::size_t V = 4;  // vectors of columns at a time
  const Batch lanes = lane_numbers<T, Arch>();
  const T middle = static_cast<T>(grid.width - 1) / 2;
  const std::size_t block = rows_per_sum(grid.width);
  SoftmaxState<T> state;
  state.scale = static_cast<T>(static_cast<double>(beta) * std::numbers::log2e);
  const bool falls = state.scale < T(0);  // the weight, as the logit rises
  constexpr T infinity = std::numeric_limits<T>::infinity();
  state.extreme = falls ? infinity : -infinity;
  T least = -state.extreme;  // of the logits, by their weights
  double mass = 0, sum_x = 0, sum_y = 0, sum_z = 0;
  for (std::size_t z = 0; z < grid.depth; ++z) {
    for (std::size_t y0 = 0; y0 < grid.height; y0 += block) {
      const std::size_t rows = std::min(block, grid.height - y0);
      const T* first = logits + (z * grid.height + y0) * grid.width;
      const auto [low, high] = extremes<T, Arch>(first, rows * grid.width);
      const T top = falls ? low : high;
      least = falls ? std::max(least, high) : std::min(least, low);
      if (falls ? top < state.extreme : top > state.extreme) {
        state.infinite = std::isinf(top) && state.scale != T(0);
        const double scale =
            state.infinite || std::isinf(state.extreme)
                ? 0.0
                : std::exp2((static_cast<double>(state.extreme) - static_cast<double>(top)) *
                            static_cast<double>(state.scale));
        mass *= scale;
        sum_x *= scale;
        sum_y *= scale;
        sum_z *= scale;
        state.extreme = top;
      }
      const SoftmaxWeights<T, Arch> weight(state);
      internal::RowMoments<T, Arch> sums;
      std::size_t x = 0;
      for (; x + V * L <= grid.width; x += V * L) {
        sums.template add<V>(weight, first + x, rows, grid.width,
                             lanes + Batch(static_cast<T>(x) - middle), WholeVector{});
      }
      for_each_vector<T, Arch>(
          grid.width - x, [&](std::size_t rest, auto part) __attribute__((always_inline)) {
            sums.template add<1>(weight, first + x + rest, rows, grid.width,
                                 lanes + Batch(static_cast<T>(x + rest) - middle), part);
          });
      const auto part = static_cast<double>(simd::sum_lanes<T, Arch>(sums.mass));
      mass += part;
      sum_x += static_cast<double>(simd::sum_lanes<T, Arch>(sums.x));
      sum_y +=
          static_cast<double>(simd::sum_lanes<T, Arch>(sums.y)) + part * static_cast<double>(y0);
      sum_z += part * static_cast<double>(z);
    }
  }
  state.least = (least - (std::isinf(state.extreme) ? T(0) : state.extreme)) * state.scale;
  state.mass = mass;
  state.inverse_mass = static_cast<T>(1.0 / mass);
  state.log_mass = static_cast<T>(std::log(mass));
  state.mean = {sum_x / mass + static_cast<double>(middle), sum_y / mass, sum_z / mass};
  return state;
}

/// result (+)= d(gradient . position) / d logits for one map, `gradient` per pixel along x, y, z.
/// Reads the logits once and writes the result once. With `by_beta`, adds the derivative with
/// respect to beta.
template <class T, class Arch = simd::DefaultArch>
void softmax_moments_vjp(const MapGrid& grid, const T* logits, T beta, const SoftmaxState<T>& state,
                         const std::array<T, 3>& gradient, T* result, bool accumulate,
                         T* by_beta = nullptr) {
  using Batch = simd::Batch<T, Arch>;
  if (state.infinite) {  // an infinite logit moves nothing
    if (!accumulate) std::fill_n(result, grid.size(), T(0));
    return;
  }
  const Batch lanes = lane_numbers<T, Arch>();
  const SoftmaxWeights<T, Arch> weight(state);
  const std::array<T, 3> mean = state.rounded_mean();
  // Times beta here, unless the derivative with respect to beta needs what beta multiplies.
  const T scale = by_beta == nullptr ? beta * state.inverse_mass : state.inverse_mass;
  const Batch gx(gradient[0] * scale);
  const T limit = std::numeric_limits<T>::max();
  double total = 0;
  const std::size_t block = rows_per_sum(grid.width);
  for (std::size_t z = 0; z < grid.depth; ++z) {
    // Positions relative to the expected one: their products with p do not cancel.
    const T from_z = gradient[2] * (static_cast<T>(z) - mean[2]);
    for (std::size_t y0 = 0; y0 < grid.height; y0 += block) {
      Batch sum(T(0));
      for (std::size_t y = y0; y < std::min(y0 + block, grid.height); ++y) {
        const std::size_t offset = (z * grid.height + y) * grid.width;
        const Batch from_y(scale * (gradient[1] * (static_cast<T>(y) - mean[1]) + from_z));
        for_each_vector<T, Arch>(
            grid.width, [&](std::size_t x, auto part) __attribute__((always_inline)) {
              const Batch logit = read<T, Arch>(logits + offset + x, part);
              Batch out = weight(logit) *
                          xsimd::fma(lanes + Batch(static_cast<T>(x) - mean[0]), gx, from_y);
              if (by_beta != nullptr) {
                // Relative to the extreme: what all logits have in common has no share. Logits
                // without weight are made finite; of two operands, one NaN, max gives the second.
                const Batch relative =
                    xsimd::max(Batch(-limit), xsimd::min(Batch(limit), logit - weight.extreme));
                sum = xsimd::fma(within<T, Arch>(out, part), relative, sum);
                out *= Batch(beta);
              }
              if (accumulate) out += read<T, Arch>(result + offset + x, part);
              write<T, Arch>(result + offset + x, out, part);
            });
      }
      if (by_beta != nullptr) total += static_cast<double>(simd::sum_lanes<T, Arch>(sum));
    }
  }
  if (by_beta != nullptr) *by_beta += static_cast<T>(total);
}

/// Subtracts from every weight that of a logit of the background level: mass and mean are what is
/// left, where anything is.
template <class T, class Arch = simd::DefaultArch>
void compensate(const MapGrid& grid, const T* logits, T background, SoftmaxState<T>& state) {
  using Batch = simd::Batch<T, Arch>;
  if (state.infinite) return;
  const SoftmaxWeights<T, Arch> weight(state);
  const Batch empty = weight(Batch(background)), lanes = lane_numbers<T, Arch>();
  double rest = 0;
  std::array<double, 3> moments{};
  for (std::size_t z = 0; z < grid.depth; ++z) {
    for (std::size_t y = 0; y < grid.height; ++y) {
      const T* row = logits + (z * grid.height + y) * grid.width;
      Batch mass(T(0)), along(T(0));
      for_each_vector<T, Arch>(
          grid.width, [&](std::size_t x, auto part) __attribute__((always_inline)) {
            const Batch e = within<T, Arch>(weight(read<T, Arch>(row + x, part)) - empty, part);
            mass += e;
            along = xsimd::fma(
                e, lanes + Batch(static_cast<T>(static_cast<double>(x) - state.mean[0])), along);
          });
      const auto part = static_cast<double>(simd::sum_lanes<T, Arch>(mass));
      rest += part;
      moments[0] += static_cast<double>(simd::sum_lanes<T, Arch>(along));
      moments[1] += part * (static_cast<double>(y) - state.mean[1]);
      moments[2] += part * (static_cast<double>(z) - state.mean[2]);
    }
  }
  if (!(rest > 1e-6 * state.mass)) return;
  for (std::size_t a = 0; a < 3; ++a) state.mean[a] += moments[a] / rest;
  state.mass = rest;
  state.inverse_mass = static_cast<T>(1.0 / rest);
}

/// p of one map, all pixels together.
template <class T, class Arch = simd::DefaultArch>
void softmax(std::size_t size, const T* logits, const SoftmaxState<T>& state, T* result) {
  using Batch = simd::Batch<T, Arch>;
  const SoftmaxWeights<T, Arch> weight(state);
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
