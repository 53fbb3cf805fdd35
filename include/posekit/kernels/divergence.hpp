#pragma once

// Divergences between distributions over the pixels of a map. What is compared is given by small
// structs, so that neither a softmax nor a Gaussian is ever written to memory:
//   MapWeights       weights that are in memory
//   SoftmaxOfLogits  the softmax of logits
//   GaussianWeights  a product of one factor for each axis
// Each gives, for a vector of pixels, the weights and their logarithms. A weight below the smallest
// normal number counts as that in logarithms, so that values and derivatives stay finite.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numbers>

#include <posekit/core/isa.hpp>
#include <posekit/kernels/divergence_kind.hpp>
#include <posekit/kernels/gaussian_axis.hpp>
#include <posekit/kernels/map_rows.hpp>
#include <posekit/kernels/softmax_moments.hpp>
#include <posekit/simd/batch.hpp>
#include <posekit/simd/log.hpp>

namespace posekit::inline POSEKIT_ISA::kernels {

/// Weights of a vector of pixels, and their logarithms.
template <class T, class Arch>
struct WeightVector {
  simd::Batch<T, Arch> value, log;
};

namespace internal {

/// log of the smallest normal number
template <class T>
inline constexpr T log_of_tiny =
    (std::numeric_limits<T>::min_exponent - 1) * std::numbers::ln2_v<T>;

template <class T, class Arch>
[[gnu::always_inline]] inline simd::Batch<T, Arch> log_of_weight(
    const simd::Batch<T, Arch>& weight) {
  using Batch = simd::Batch<T, Arch>;
  const Batch tiny(std::numeric_limits<T>::min());
  return simd::log_positive<T, Arch>(xsimd::select(weight < tiny, tiny, weight));
}

}  // namespace internal

template <class T, class Arch>
struct MapWeights {
  static constexpr bool of_logits = false, of_gaussian = false;
  const T* weights;

  void start_row(std::size_t, std::size_t) {}
  template <class Part>
  [[gnu::always_inline]] simd::Batch<T, Arch> value(std::size_t offset, Part part) const {
    return read<T, Arch>(weights + offset, part);
  }
  template <class Part>
  [[gnu::always_inline]] WeightVector<T, Arch> at(std::size_t offset, std::size_t,
                                                  Part part) const {
    const auto weight = value(offset, part);
    return {weight, internal::log_of_weight<T, Arch>(weight)};
  }
  /// The logarithm of the smallest weight; NaN or anything where there is none.
  double least_log(const MapGrid& grid) const {
    const auto least = static_cast<double>(extremes<T, Arch>(weights, grid.size()).least);
    return least > 0 ? std::log(least) : static_cast<double>(internal::log_of_tiny<T>);
  }
};

/// `Infinite` where `state.infinite`.
template <class T, class Arch, bool Infinite = false>
struct SoftmaxOfLogits {
  static constexpr bool of_logits = true, of_gaussian = false, infinite_logits = Infinite;
  const T* logits;
  T beta;
  const SoftmaxState<T> state;  // by value: what is written cannot change it

  SoftmaxOfLogits(const T* logits_, T beta_, const SoftmaxState<T>& state_)
      : logits(logits_), beta(beta_), state(state_) {}

  template <class Part>
  [[gnu::always_inline]] simd::Batch<T, Arch> value(std::size_t offset, Part part) const {
    return of_exponent(exponent(offset, part), part);
  }
  template <class Part>
  [[gnu::always_inline]] WeightVector<T, Arch> at(std::size_t offset, std::size_t,
                                                  Part part) const {
    using Batch = simd::Batch<T, Arch>;
    const Batch power = exponent(offset, part);
    const Batch weight = of_exponent(power, part);
    if constexpr (Infinite) return {weight, internal::log_of_weight<T, Arch>(weight)};
    // Of two operands, one NaN, max gives the second.
    const Batch log = xsimd::fms(power, Batch(std::numbers::ln2_v<T>), Batch(state.log_mass));
    return {weight, xsimd::max(Batch(internal::log_of_tiny<T>), log)};
  }
  double least_log(const MapGrid&) const {
    if constexpr (Infinite) return static_cast<double>(internal::log_of_tiny<T>);
    return static_cast<double>(state.least) * std::numbers::ln2 -
           static_cast<double>(state.log_mass);
  }

 private:
  SoftmaxWeights<T, Arch> weights() const {
    SoftmaxWeights<T, Arch> weight(state);
    weight.infinite = Infinite;
    return weight;
  }
  template <class Part>
  [[gnu::always_inline]] simd::Batch<T, Arch> exponent(std::size_t offset, Part part) const {
    return weights().exponent(read<T, Arch>(logits + offset, part));
  }
  template <class Part>
  [[gnu::always_inline]] simd::Batch<T, Arch> of_exponent(const simd::Batch<T, Arch>& power,
                                                          Part part) const {
    return within<T, Arch>(weights().of_exponent(power) * simd::Batch<T, Arch>(state.inverse_mass),
                           part);
  }
};

template <class T, class Arch>
struct GaussianWeights {
  static constexpr bool of_logits = false, of_gaussian = true;
  const std::array<GaussianAxis<T>, 3>& axes;  ///< x, y, z
  T row_weight = 1, row_log = 0;

  void start_row(std::size_t z, std::size_t y) {
    row_weight = axes[1].weight[y] * axes[2].weight[z];
    row_log = axes[1].log_weight[y] + axes[2].log_weight[z];
  }
  template <class Part>
  [[gnu::always_inline]] WeightVector<T, Arch> at(std::size_t, std::size_t x, Part part) const {
    using Batch = simd::Batch<T, Arch>;
    return {read<T, Arch>(axes[0].weight.data() + x, part) * Batch(row_weight),
            read<T, Arch>(axes[0].log_weight.data() + x, part) + Batch(row_log)};
  }
};

/// A divergence, and what its derivatives need.
struct DivergenceValue {
  double value = 0;
  double mean_slope = 0;  ///< the mean under p of the derivative with respect to p
  double least_log = 0;   ///< of p's weights
};

namespace internal {

/// The pixels [begin, end) of the axes x, y, z outside of which q vanishes beside p.
struct MeetingBox {
  std::array<std::size_t, 3> begin{}, end{};

  /// The rows of [first, last) in slice z that the box has a part of: [near_begin, near_end).
  std::array<std::size_t, 2> near_rows(std::size_t z, std::size_t first, std::size_t last) const {
    if (z < begin[2] || z >= end[2]) return {last, last};
    const std::size_t near_begin = std::clamp(begin[1], first, last);
    return {near_begin, std::clamp(end[1], near_begin, last)};
  }
  bool is_all(const MapGrid& grid) const {
    return begin == std::array<std::size_t, 3>{} && end == grid.extents();
  }
  bool has_column(std::size_t x) const { return begin[0] <= x && x < end[0]; }
};

/// Outside of the box q < p 2^-32 (float; 2^-62 for double): in Jensen-Shannon's divergence,
/// log p - log m is log 2 there, and what q adds is lost in rounding. x begins and ends at whole
/// vectors.
template <Divergence Kind, class T, class Arch, class Q>
MeetingBox meeting_box(const MapGrid& grid, const Q& q, [[maybe_unused]] double least_log) {
  const auto extents = grid.extents();
  MeetingBox box{{0, 0, 0}, extents};
  if constexpr (Kind == Divergence::js && Q::of_gaussian) {
    constexpr double digits = sizeof(T) == 4 ? 32 : 62;
    const double threshold =
        std::fmax(least_log, static_cast<double>(log_of_tiny<T>)) - digits * std::numbers::ln2;
    double top = 0;
    for (const auto& axis : q.axes) top += static_cast<double>(axis.log_weight[axis.peak]);
    if (!(threshold < top)) return box;  // also where the mean is NaN
    for (std::size_t a = 0; a < 3; ++a) {
      const auto& logs = q.axes[a].log_weight;
      const double lowest = static_cast<double>(logs[q.axes[a].peak]) + threshold - top;
      const auto matters = [&](std::size_t i) { return static_cast<double>(logs[i]) > lowest; };
      box.begin[a] = box.end[a] = q.axes[a].peak;
      while (box.begin[a] > 0 && matters(box.begin[a] - 1)) --box.begin[a];
      while (box.end[a] < logs.size() && matters(box.end[a])) ++box.end[a];
    }
    constexpr std::size_t L = simd::lanes<T, Arch>;
    box.begin[0] = box.begin[0] / L * L;
    box.end[0] = std::min((box.end[0] + L - 1) / L * L, grid.width);
  }
  return box;
}

/// What a pixel adds to a divergence, and the derivatives with respect to p and q.
template <Divergence Kind, class T, class Arch>
struct DivergenceTerm {
  simd::Batch<T, Arch> p_slope, q_slope;

  [[gnu::always_inline]] DivergenceTerm(const WeightVector<T, Arch>& p,
                                        const WeightVector<T, Arch>& q) {
    using Batch = simd::Batch<T, Arch>;
    if constexpr (Kind == Divergence::kl) {
      p_slope = p.log - q.log;
    } else {
      const Batch log_middle = log_of_weight<T, Arch>((p.value + q.value) * Batch(T(0.5)));
      p_slope = (p.log - log_middle) * Batch(T(0.5));
      q_slope = (q.log - log_middle) * Batch(T(0.5));
    }
  }
};

/// p_slope of Jensen-Shannon's divergence where q vanishes beside p.
template <class T>
inline constexpr T far_slope = std::numbers::ln2_v<T> / 2;

}  // namespace internal

template <Divergence Kind, class T, class Arch, class P, class Q>
DivergenceValue divergence(const MapGrid& grid, P p, Q q) {
  using Batch = simd::Batch<T, Arch>;
  const std::size_t block = rows_per_sum(grid.width);
  DivergenceValue result;
  if constexpr (Kind == Divergence::js && Q::of_gaussian) result.least_log = p.least_log(grid);
  const auto box = internal::meeting_box<Kind, T, Arch>(grid, q, result.least_log);
  double far = P::of_logits ? 1.0 : 0.0;  // the mass outside of the box
  for (std::size_t z = 0; z < grid.depth; ++z) {
    for (std::size_t y0 = 0; y0 < grid.height; y0 += block) {
      const std::size_t y1 = std::min(y0 + block, grid.height);
      const auto near = box.near_rows(z, y0, y1);
      const auto offset = [&](std::size_t y) { return (z * grid.height + y) * grid.width; };
      Batch by_p(T(0)), by_q(T(0)), mass(T(0));
      // The weights of the softmax sum to 1, those inside of the box are subtracted.
      const auto add_far = [&](std::size_t i, auto part) __attribute__((always_inline)) {
        if constexpr (!P::of_logits) mass += p.value(i, part);
      };
      for_each_vector<T, Arch>(offset(y0), offset(near[0]), add_far);
      // A box is narrow: down its columns, not along its rows.
      for_each_vector<T, Arch>(
          grid.width, [&](std::size_t x, auto part) __attribute__((always_inline)) {
            if (!box.has_column(x)) {
              for (std::size_t y = near[0]; y < near[1]; ++y) add_far(offset(y) + x, part);
              return;
            }
            for (std::size_t y = near[0]; y < near[1]; ++y) {
              q.start_row(z, y);
              const auto a = p.at(offset(y) + x, x, part);
              const auto b = q.at(offset(y) + x, x, part);
              const internal::DivergenceTerm<Kind, T, Arch> term(a, b);
              // Beyond the row's end the weights are 0 and the logarithms finite.
              by_p = xsimd::fma(a.value, term.p_slope, by_p);
              if constexpr (Kind == Divergence::js) {
                by_q = xsimd::fma(b.value, term.q_slope, by_q);
              }
              if constexpr (P::of_logits) mass -= a.value;
            }
          });
      for_each_vector<T, Arch>(offset(near[1]), offset(y1), add_far);
      far += static_cast<double>(simd::sum_lanes<T, Arch>(mass));
      result.mean_slope += static_cast<double>(simd::sum_lanes<T, Arch>(by_p));
      if constexpr (Kind == Divergence::js) {
        result.value += static_cast<double>(simd::sum_lanes<T, Arch>(by_q));
      }
    }
  }
  if (Kind == Divergence::js && !box.is_all(grid)) {
    result.mean_slope += far * static_cast<double>(internal::far_slope<T>);
  }
  result.value += result.mean_slope;
  if constexpr (Kind == Divergence::js) {
    // Of distributions it lies in [0, log 2]; what is outside by rounding is put there.
    const double rounding = 64 * static_cast<double>(std::numeric_limits<T>::epsilon());
    if (result.value < 0 && result.value > -rounding) result.value = 0;
    const double most = std::numbers::ln2;
    if (result.value > most && result.value < most + rounding) result.value = most;
  }
  return result;
}

/// Where the derivatives of one map's divergence go; what is null is not wanted.
template <class T>
struct DivergenceTargets {
  T* p = nullptr;  ///< of the weights, or of the logits
  bool p_accumulate = false;
  T* q = nullptr;  ///< of weights in memory
  bool q_accumulate = false;
  double* mean = nullptr;  ///< added to: of a Gaussian's mean, in pixels, along x, y, z
  /// A cotangent of the expected position, in pixels along x, y, z, which goes to logits too.
  std::array<T, 3> position{};
};

/// The derivatives of `cotangent` times one map's divergence.
template <Divergence Kind, class T, class Arch, class P, class Q>
void divergence_vjp(const MapGrid& grid, P p, Q q, const DivergenceValue& value, T cotangent,
                    const DivergenceTargets<T>& to) {
  using Batch = simd::Batch<T, Arch>;
  const auto box = internal::meeting_box<Kind, T, Arch>(grid, q, value.least_log);
  // What multiplies p's slopes, and what positions add to them. An infinite logit moves nothing.
  T factor = cotangent;
  std::array<T, 3> mean{}, pull{};
  if constexpr (P::of_logits) {
    factor *= P::infinite_logits ? T(0) : p.beta;
    mean = p.state.rounded_mean();
    for (std::size_t a = 0; a < 3; ++a)
      pull[a] = P::infinite_logits ? T(0) : p.beta * to.position[a];
  }
  const Batch g(factor), gx(pull[0]), lanes = lane_numbers<T, Arch>();
  const auto position = [&](std::size_t x) __attribute__((always_inline)) {
    return lanes + Batch(static_cast<T>(x) - mean[0]);
  };
  const auto put = [&](std::size_t i, Batch out, auto part) __attribute__((always_inline)) {
    if (to.p_accumulate) out += read<T, Arch>(to.p + i, part);
    write<T, Arch>(to.p + i, out, part);
  };
  const auto put_far = [&](std::size_t i, std::size_t x, const Batch& from_row, auto part)
      __attribute__((always_inline)) {
    const Batch weight = p.value(i, part);
    if constexpr (P::of_logits) {
      put(i, weight * xsimd::fma(position(x), gx, from_row), part);
    } else {
      const Batch none(T(0));
      put(i, xsimd::select(weight > Batch(std::numeric_limits<T>::min()), from_row, none), part);
    }
  };
  for (std::size_t z = 0; z < grid.depth; ++z) {
    const auto near = box.near_rows(z, 0, grid.height);
    const auto offset = [&](std::size_t y) { return (z * grid.height + y) * grid.width; };
    // What is added to the slopes in a row.
    const auto constant = [&](std::size_t y) {
      if constexpr (!P::of_logits) return T(0);
      return pull[1] * (static_cast<T>(y) - mean[1]) + pull[2] * (static_cast<T>(z) - mean[2]) -
             factor * static_cast<T>(value.mean_slope);
    };
    const auto far_constant = [&](std::size_t y) {
      return Batch(constant(y) + factor * internal::far_slope<T>);
    };
    const auto far_rows = [&](std::size_t begin, std::size_t end) {
      for (std::size_t y = begin; y < end && to.p != nullptr; ++y) {
        const Batch from_row = far_constant(y);
        for_each_vector<T, Arch>(
            grid.width, [&](std::size_t x, auto part) __attribute__((always_inline)) {
              put_far(offset(y) + x, x, from_row, part);
            });
      }
    };
    far_rows(0, near[0]);
    for_each_vector<T, Arch>(
        grid.width, [&](std::size_t x, auto part) __attribute__((always_inline)) {
          if (!box.has_column(x)) {
            for (std::size_t y = near[0]; y < near[1] && to.p != nullptr; ++y) {
              put_far(offset(y) + x, x, far_constant(y), part);
            }
            return;
          }
          Batch flow_x(T(0)), flow_y(T(0)), flow_z(T(0));
          for (std::size_t y = near[0]; y < near[1]; ++y) {
            const std::size_t i = offset(y) + x;
            q.start_row(z, y);
            const auto a = p.at(i, x, part);
            const auto b = q.at(i, x, part);
            const internal::DivergenceTerm<Kind, T, Arch> term(a, b);
            if (to.p != nullptr) {
              if constexpr (P::of_logits) {
                const Batch pulled = xsimd::fma(position(x), gx, Batch(constant(y)));
                put(i, a.value * xsimd::fma(term.p_slope, g, pulled), part);
              } else if constexpr (Kind == Divergence::kl) {
                put(i, xsimd::fma(term.p_slope, g, g), part);
              } else {
                put(i, term.p_slope * g, part);
              }
            }
            if constexpr (Q::of_gaussian) {
              if (to.mean == nullptr) continue;
              // d / d mean = sum of (d / d log q) * score
              const Batch by_log = Kind == Divergence::kl ? -a.value : b.value * term.q_slope;
              flow_x = xsimd::fma(by_log, read<T, Arch>(q.axes[0].score.data() + x, part), flow_x);
              flow_y = xsimd::fma(by_log, Batch(q.axes[1].score[y]), flow_y);
              flow_z = xsimd::fma(by_log, Batch(q.axes[2].score[z]), flow_z);
            } else if (to.q != nullptr) {
              const Batch tiny(std::numeric_limits<T>::min());
              Batch out = Kind == Divergence::kl
                              ? -a.value / xsimd::select(b.value < tiny, tiny, b.value)
                              : term.q_slope;
              // The steepest slopes times a cotangent stay finite; NaN stays NaN.
              const Batch limit(std::numeric_limits<T>::max());
              out = xsimd::max(-limit, xsimd::min(limit, out * Batch(cotangent)));
              if (to.q_accumulate) out += read<T, Arch>(to.q + i, part);
              write<T, Arch>(to.q + i, out, part);
            }
          }
          if (to.mean == nullptr) return;
          const auto scale = static_cast<double>(cotangent);
          to.mean[0] += scale * static_cast<double>(simd::sum_lanes<T, Arch>(flow_x));
          to.mean[1] += scale * static_cast<double>(simd::sum_lanes<T, Arch>(flow_y));
          to.mean[2] += scale * static_cast<double>(simd::sum_lanes<T, Arch>(flow_z));
        });
    far_rows(near[1], grid.height);
  }
}

}  // namespace posekit::inline POSEKIT_ISA::kernels
