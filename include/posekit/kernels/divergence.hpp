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
#include <cstddef>
#include <limits>

#include <posekit/core/isa.hpp>
#include <posekit/kernels/gaussian_axis.hpp>
#include <posekit/kernels/map_grid.hpp>
#include <posekit/kernels/softmax_moments.hpp>
#include <posekit/simd/batch.hpp>
#include <posekit/simd/log.hpp>

namespace posekit {

enum class Divergence {
  kl,  ///< Kullback-Leibler: sum p log(p / q)
  js,  ///< Jensen-Shannon: (KL(p, m) + KL(q, m)) / 2 with m = (p + q) / 2; at most log 2
};

}  // namespace posekit

namespace posekit::inline POSEKIT_ISA::kernels {

/// Weights of a vector of pixels, and their logarithms.
template <class T, class Arch>
struct WeightVector {
  simd::Batch<T, Arch> value, log;
};

namespace detail {

template <class T, class Arch>
[[gnu::always_inline]] inline simd::Batch<T, Arch> log_of_weight(
    const simd::Batch<T, Arch>& weight) {
  using Batch = simd::Batch<T, Arch>;
  const Batch tiny(std::numeric_limits<T>::min());
  return simd::log_positive<T, Arch>(xsimd::select(weight < tiny, tiny, weight));
}

}  // namespace detail

template <class T, class Arch>
struct MapWeights {
  const T* weights;

  void start_row(std::size_t, std::size_t) {}
  template <class Part>
  [[gnu::always_inline]] WeightVector<T, Arch> at(std::size_t offset, std::size_t,
                                                  Part part) const {
    const auto value = read<T, Arch>(weights + offset, part);
    return {value, detail::log_of_weight<T, Arch>(value)};
  }
};

template <class T, class Arch>
struct SoftmaxOfLogits {
  const T* logits;
  T beta;
  SoftmaxState<T> state;  // by value: what is written cannot change it

  void start_row(std::size_t, std::size_t) {}
  template <class Part>
  [[gnu::always_inline]] WeightVector<T, Arch> at(std::size_t offset, std::size_t,
                                                  Part part) const {
    using Batch = simd::Batch<T, Arch>;
    const Batch logit = read<T, Arch>(logits + offset, part);
    const SoftmaxWeights<T, Arch> weight(beta, state);
    const Batch value = within<T, Arch>(weight(logit) * Batch(state.inverse_mass), part);
    if (state.infinite) [[unlikely]] {
      return {value, detail::log_of_weight<T, Arch>(value)};
    }
    const Batch log = xsimd::fms(logit, Batch(beta), Batch(state.shift)) - Batch(state.log_mass);
    const Batch lowest(std::numeric_limits<T>::min_exponent * T(0.69));
    return {value, xsimd::select(log < lowest, lowest, log)};
  }
};

template <class T, class Arch>
struct GaussianWeights {
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

/// A divergence, and the mean of its derivative with respect to p under p, which the derivative
/// with respect to logits needs.
struct DivergenceValue {
  double value = 0;
  double mean_slope = 0;
};

namespace detail {

/// What a pixel adds to a divergence (times 2 for js), and the derivatives with respect to p and q.
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

}  // namespace detail

template <Divergence Kind, class T, class Arch, class P, class Q>
DivergenceValue divergence(const MapGrid& grid, P p, Q q) {
  using Batch = simd::Batch<T, Arch>;
  const std::size_t block = rows_per_sum(grid.width);
  const std::size_t rows = grid.depth * grid.height;
  DivergenceValue result;
  for (std::size_t start = 0; start < rows; start += block) {
    Batch by_p(T(0)), by_q(T(0));
    for (std::size_t row = start; row < std::min(start + block, rows); ++row) {
      p.start_row(row / grid.height, row % grid.height);
      q.start_row(row / grid.height, row % grid.height);
      for_each_vector<T, Arch>(
          grid.width, [&](std::size_t x, auto part) __attribute__((always_inline)) {
            const auto a = p.at(row * grid.width + x, x, part);
            const auto b = q.at(row * grid.width + x, x, part);
            const detail::DivergenceTerm<Kind, T, Arch> term(a, b);
            // Beyond the row's end the weights are 0 and the logarithms finite.
            by_p = xsimd::fma(a.value, term.p_slope, by_p);
            if constexpr (Kind == Divergence::js) by_q = xsimd::fma(b.value, term.q_slope, by_q);
          });
    }
    const auto mean = static_cast<double>(simd::sum_lanes<T, Arch>(by_p));
    result.mean_slope += mean;
    result.value += mean;
    if constexpr (Kind == Divergence::js) {
      result.value += static_cast<double>(simd::sum_lanes<T, Arch>(by_q));
    }
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
};

/// The derivatives of `cotangent` times one map's divergence.
template <Divergence Kind, class T, class Arch, class P, class Q>
void divergence_vjp(const MapGrid& grid, P p, Q q, const DivergenceValue& value, T cotangent,
                    const DivergenceTargets<T>& to) {
  using Batch = simd::Batch<T, Arch>;
  constexpr bool of_logits = std::is_same_v<P, SoftmaxOfLogits<T, Arch>>;
  constexpr bool of_gaussian = std::is_same_v<Q, GaussianWeights<T, Arch>>;
  const Batch g(cotangent);
  [[maybe_unused]] const Batch mean_slope(static_cast<T>(value.mean_slope));
  const std::size_t rows = grid.depth * grid.height;
  for (std::size_t row = 0; row < rows; ++row) {
    const std::size_t z = row / grid.height, y = row % grid.height;
    p.start_row(z, y);
    q.start_row(z, y);
    Batch flow(T(0)), flow_x(T(0));
    for_each_vector<T, Arch>(
        grid.width, [&](std::size_t x, auto part) __attribute__((always_inline)) {
          const std::size_t offset = row * grid.width + x;
          const auto a = p.at(offset, x, part);
          const auto b = q.at(offset, x, part);
          const detail::DivergenceTerm<Kind, T, Arch> term(a, b);
          if (to.p != nullptr) {
            Batch slope = term.p_slope;
            if constexpr (of_logits) {
              slope = a.value * (slope - mean_slope);
              slope *= Batch(p.beta);
            } else if constexpr (Kind == Divergence::kl) {
              slope += Batch(T(1));
            }
            Batch out = slope * g;
            if (to.p_accumulate) out += read<T, Arch>(to.p + offset, part);
            write<T, Arch>(to.p + offset, out, part);
          }
          if constexpr (of_gaussian) {
            // d / d mean = sum of (d / d log q) * score
            const Batch by_log = Kind == Divergence::kl ? -a.value : b.value * term.q_slope;
            flow += by_log;
            flow_x = xsimd::fma(by_log, read<T, Arch>(q.axes[0].score.data() + x, part), flow_x);
          } else if (to.q != nullptr) {
            const Batch tiny(std::numeric_limits<T>::min());
            Batch out = Kind == Divergence::kl
                            ? -a.value / xsimd::select(b.value < tiny, tiny, b.value)
                            : term.q_slope;
            out *= g;
            if (to.q_accumulate) out += read<T, Arch>(to.q + offset, part);
            write<T, Arch>(to.q + offset, out, part);
          }
        });
    const auto scale = static_cast<double>(cotangent);
    if constexpr (of_gaussian) {
      if (to.mean != nullptr) {
        const double all = scale * static_cast<double>(simd::sum_lanes<T, Arch>(flow));
        to.mean[0] += scale * static_cast<double>(simd::sum_lanes<T, Arch>(flow_x));
        to.mean[1] += all * static_cast<double>(q.axes[1].score[y]);
        to.mean[2] += all * static_cast<double>(q.axes[2].score[z]);
      }
    }
  }
}

}  // namespace posekit::inline POSEKIT_ISA::kernels
