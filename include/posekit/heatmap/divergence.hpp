#pragma once

// Kullback-Leibler and Jensen-Shannon divergences of heatmaps, in nats, one number per map.

#include <algorithm>
#include <array>
#include <concepts>
#include <cstddef>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include <posekit/autodiff/tape.hpp>
#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/core/tensor.hpp>
#include <posekit/heatmap/gaussian_heatmaps.hpp>
#include <posekit/kernels/divergence_kind.hpp>

namespace posekit::inline POSEKIT_ISA {

namespace internal {

/// A tensor expression of T's, or a Var.
template <class Value, class T>
concept TensorOrVar = std::is_same_v<Value, Var<T>> ||
    (TensorExpression<Value>&& std::is_same_v<typename Value::value_type, T>);

/// A tensor expression as a constant of a tape, a Var as it is.
template <class T>
Var<T> on_tape(Tape<T>&, const Var<T>& value) {
  return value;
}
template <class T, TensorExpression E>
Var<T> on_tape(Tape<T>& tape, const E& value) {
  return tape.constant(Tensor<T>(value));
}

/// The value of a function of the tape for a tensor expression, which is copied.
template <TensorExpression E, class F>
Tensor<typename E::value_type> off_tape(const E& expression, int threads, const F& f) {
  using T = typename E::value_type;
  Tape<T> tape({.threads = threads});
  return f(tape.constant(Tensor<T>(expression))).value();
}

/// From p, weights or (with an inverse temperature) logits, to Gaussians around means [N, J, axes].
template <class T>
Var<T> divergence_to_gaussian(Divergence kind, const char* name, const Var<T>& p,
                              const Var<T>& means, const GaussianOptions& options,
                              std::optional<double> beta = {});
template <class T>
Tensor<T> divergence_to_gaussian(Divergence kind, const char* name, const ContiguousView<T>& p,
                                 const Tensor<T>& means, const GaussianOptions& options);

/// From one map to another.
template <class T>
Var<T> divergence_between(Divergence kind, const char* name, const Var<T>& p, const Var<T>& q);
template <class T>
Tensor<T> divergence_between(Divergence kind, const char* name, const ContiguousView<T>& p,
                             const ContiguousView<T>& q, int threads);

}  // namespace internal

// Heatmaps p are probabilities, [N, J, W], [N, J, H, W] or [N, J, D, H, W]; the result is [N, J].
// Weights below the smallest normal number count as that in logarithms (0 log 0 = 0), so that
// values and gradients are finite. ShapeError and ValueError are thrown for what does not fit.

/// JSD(p || N(mean, sigma^2)), the regulariser of Eq. (6) of MargiPose, in [0, log 2]. The Gaussian
/// around means [N, J, D] is normalised over the map's pixels, and never materialised.
template <TensorExpression E>
auto js_divergence(const E& p, const Tensor<typename E::value_type>& means,
                   const GaussianOptions& options) {
  return internal::divergence_to_gaussian(
      Divergence::js, "js_divergence", ContiguousView<typename E::value_type>(p), means, options);
}
/// The same on the tape; `means` is a Tensor or a Var, which is differentiated too.
template <class T, internal::TensorOrVar<T> Means>
Var<T> js_divergence(const Var<T>& p, const Means& means, const GaussianOptions& options) {
  return internal::divergence_to_gaussian(Divergence::js, "js_divergence", p,
                                          internal::on_tape(p.tape(), means), options);
}
/// JSD(p || q) of two heatmaps of the same shape, on as many threads (0: all).
template <TensorExpression P, TensorExpression Q>
auto js_divergence(const P& p, const Q& q, std::same_as<int> auto threads) {
  using T = typename P::value_type;
  return internal::divergence_between(Divergence::js, "js_divergence", ContiguousView<T>(p),
                                      ContiguousView<T>(q), threads);
}
template <TensorExpression P, TensorExpression Q>
auto js_divergence(const P& p, const Q& q) {
  return js_divergence(p, q, 0);
}
/// The same on the tape; `q` is a Tensor or a Var.
template <class T, internal::TensorOrVar<T> Q>
Var<T> js_divergence(const Var<T>& p, const Q& q) {
  return internal::divergence_between(Divergence::js, "js_divergence", p,
                                      internal::on_tape(p.tape(), q));
}
/// JSD(softmax(beta logits) || N(mean, sigma^2)) without writing the softmax to memory.
template <class T, internal::TensorOrVar<T> Means>
Var<T> js_divergence_of_logits(const Var<T>& logits, const Means& means,
                               const GaussianOptions& options, double beta = 1.0) {
  return internal::divergence_to_gaussian(Divergence::js, "js_divergence_of_logits", logits,
                                          internal::on_tape(logits.tape(), means), options, beta);
}

template <TensorExpression E>
auto js_divergence_of_logits(const E& logits, const Tensor<typename E::value_type>& means,
                             const GaussianOptions& options, double beta = 1.0) {
  return internal::off_tape(logits, options.threads, [&](const auto& z) {
    return js_divergence_of_logits(z, means, options, beta);
  });
}

/// KL(p || N(mean, sigma^2)).
template <TensorExpression E>
auto kl_divergence(const E& p, const Tensor<typename E::value_type>& means,
                   const GaussianOptions& options) {
  return internal::divergence_to_gaussian(
      Divergence::kl, "kl_divergence", ContiguousView<typename E::value_type>(p), means, options);
}
/// The same on the tape; `means` is a Tensor or a Var.
template <class T, internal::TensorOrVar<T> Means>
Var<T> kl_divergence(const Var<T>& p, const Means& means, const GaussianOptions& options) {
  return internal::divergence_to_gaussian(Divergence::kl, "kl_divergence", p,
                                          internal::on_tape(p.tape(), means), options);
}
/// KL(p || q) of two heatmaps of the same shape, on as many threads (0: all).
template <TensorExpression P, TensorExpression Q>
auto kl_divergence(const P& p, const Q& q, std::same_as<int> auto threads) {
  using T = typename P::value_type;
  return internal::divergence_between(Divergence::kl, "kl_divergence", ContiguousView<T>(p),
                                      ContiguousView<T>(q), threads);
}
template <TensorExpression P, TensorExpression Q>
auto kl_divergence(const P& p, const Q& q) {
  return kl_divergence(p, q, 0);
}
/// The same on the tape; `q` is a Tensor or a Var.
template <class T, internal::TensorOrVar<T> Q>
Var<T> kl_divergence(const Var<T>& p, const Q& q) {
  return internal::divergence_between(Divergence::kl, "kl_divergence", p,
                                      internal::on_tape(p.tape(), q));
}
/// KL(softmax(beta logits) || N(mean, sigma^2)) without writing the softmax to memory.
template <class T, internal::TensorOrVar<T> Means>
Var<T> kl_divergence_of_logits(const Var<T>& logits, const Means& means,
                               const GaussianOptions& options, double beta = 1.0) {
  return internal::divergence_to_gaussian(Divergence::kl, "kl_divergence_of_logits", logits,
                                          internal::on_tape(logits.tape(), means), options, beta);
}

template <TensorExpression E>
auto kl_divergence_of_logits(const E& logits, const Tensor<typename E::value_type>& means,
                             const GaussianOptions& options, double beta = 1.0) {
  return internal::off_tape(logits, options.threads, [&](const auto& z) {
    return kl_divergence_of_logits(z, means, options, beta);
  });
}

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_HEATMAP

#include <posekit/core/threads.hpp>
#include <posekit/heatmap/maps.hpp>
#include <posekit/heatmap/soft_argmax.hpp>
#include <posekit/kernels/divergence.hpp>

namespace posekit::inline POSEKIT_ISA::internal {

/// What p is: weights, or logits and their softmax.
template <class T>
struct DivergenceSource {
  const T* data = nullptr;
  std::optional<T> beta{};  // none: weights
  const std::vector<kernels::SoftmaxState<T>>* states = nullptr;
};

/// What q is: weights, or Gaussians around means.
template <class T>
struct DivergenceReference {
  const T* weights = nullptr;
  const T* means = nullptr;  // where weights is null
  const GaussianOptions* options = nullptr;
};

/// Calls `run(p, q)` with the kernels' structs for one map.
template <class T, class Run>
void with_map(const MapsShape& maps, std::size_t map, const DivergenceSource<T>& source,
              const DivergenceReference<T>& reference,
              std::array<kernels::GaussianAxis<T>, 3>& axes, const Run& run) {
  using Arch = simd::DefaultArch;
  const std::size_t offset = map * maps.grid.size();
  const auto with_reference = [&](const auto& p) {
    if (reference.weights != nullptr) {
      run(p, kernels::MapWeights<T, Arch>{reference.weights + offset});
    } else {
      gaussian_axes(maps, reference.means + map * maps.axes, *reference.options, map % maps.joints,
                    axes);
      run(p, kernels::GaussianWeights<T, Arch>{axes});
    }
  };
  if (source.beta) {
    const auto& state = (*source.states)[map];
    if (state.infinite) {
      with_reference(
          kernels::SoftmaxOfLogits<T, Arch, true>(source.data + offset, *source.beta, state));
    } else {
      with_reference(kernels::SoftmaxOfLogits<T, Arch>(source.data + offset, *source.beta, state));
    }
  } else {
    with_reference(kernels::MapWeights<T, Arch>{source.data + offset});
  }
}

/// The divergence of each map. For logits, their softmax is taken first, to `states`.
template <Divergence Kind, class T>
std::vector<kernels::DivergenceValue> divergences(
    const MapsShape& maps, DivergenceSource<T> source, const DivergenceReference<T>& reference,
    int threads, std::vector<kernels::SoftmaxState<T>>* states = nullptr) {
  source.states = states;
  std::vector<kernels::DivergenceValue> values(maps.maps());
  parallel_ranges(
      maps.maps(), threads_for(maps.size(), threads), [&](std::size_t begin, std::size_t end, int) {
        std::array<kernels::GaussianAxis<T>, 3> axes;
        for (std::size_t i = begin; i < end; ++i) {
          if (source.beta) {
            (*states)[i] = kernels::softmax_moments<T>(
                maps.grid, source.data + i * maps.grid.size(), *source.beta);
          }
          with_map(maps, i, source, reference, axes, [&](const auto& p, const auto& q) {
            values[i] = kernels::divergence<Kind, T, simd::DefaultArch>(maps.grid, p, q);
          });
        }
      });
  return values;
}

/// How to record a divergence of p.
template <class T>
struct DivergenceRecord {
  bool gaussian = false;        ///< the other operand is means and not weights
  GaussianOptions options;      ///< of the Gaussian
  std::optional<T> beta;        ///< p is logits
  bool with_positions = false;  ///< of logits: their soft-argmax [N, J, axes] follows in the value
};

/// Records a divergence [N, J]. `other` is q's weights or its means.
template <Divergence Kind, class T>
Var<T> record_divergence(const char* name, const MapsShape& maps, const Var<T>& p,
                         const Var<T>& other, const DivergenceRecord<T>& how) {
  Tape<T>& tape = p.tape();
  const auto p_value = tape.elements(p);
  const auto q_value = tape.elements(other);
  const auto reference = [q_value](const DivergenceRecord<T>& record) {
    return record.gaussian ? DivergenceReference<T>{nullptr, q_value->data(), &record.options}
                           : DivergenceReference<T>{q_value->data(), nullptr, nullptr};
  };
  const std::size_t count = maps.maps();
  std::vector<kernels::SoftmaxState<T>> states(how.beta ? count : 0);
  auto values = divergences<Kind, T>(maps, {p_value->data(), how.beta}, reference(how),
                                     tape.threads(), &states);
  Tensor<T> result =
      tape.pool().take(how.with_positions ? Shape{count * (1 + maps.axes)} : maps.per_map());
  for (std::size_t i = 0; i < count; ++i) result.data()[i] = static_cast<T>(values[i].value);
  if (how.with_positions) {
    write_positions(maps, states, how.options.coordinates, result.data() + count);
  }
  return tape.record(
      name, std::move(result), {p, other},
      [=, states = std::move(states), values = std::move(values)](Pullback<T>& back) {
        const auto to_p = back.target(0);
        const auto to_q = back.target(1);
        if (!to_p && !to_q) return;
        const std::size_t pixels = maps.grid.size();
        const auto extents = maps.grid.extents();
        const auto coordinates = axes_coordinates(how.options.coordinates, maps.grid);
        const DivergenceSource<T> source{p_value->data(), how.beta, &states};
        const int team = threads_for(maps.size() * back.count(), back.threads());
        parallel_ranges(back.count() * count, team, [&](std::size_t begin, std::size_t end, int) {
          std::array<kernels::GaussianAxis<T>, 3> axes;
          for (std::size_t i = begin; i < end; ++i) {
            const std::size_t map = i % count;
            const T* cotangent = back.cotangent() + i / count * back.output_size();
            std::array<double, 3> mean{};
            kernels::DivergenceTargets<T> targets;
            if (to_p) {
              targets.p = to_p.data + i * pixels;
              targets.p_accumulate = to_p.accumulate;
            }
            if (to_q && !how.gaussian) {
              targets.q = to_q.data + i * pixels;
              targets.q_accumulate = to_q.accumulate;
            }
            if (to_q && how.gaussian) targets.mean = mean.data();
            bool moves = cotangent[map] != T(0);
            for (std::size_t a = 0; a < maps.axes && how.with_positions; ++a) {
              targets.position[a] =
                  cotangent[count + map * maps.axes + a] * static_cast<T>(coordinates[a].scale);
              moves = moves || targets.position[a] != T(0);
            }
            if (moves) {
              with_map(maps, map, source, reference(how), axes, [&](const auto& a, const auto& b) {
                kernels::divergence_vjp<Kind, T, simd::DefaultArch>(maps.grid, a, b, values[map],
                                                                    cotangent[map], targets);
              });
            } else {
              // What does not count moves nothing, whatever it holds.
              if (to_p) to_p.put_nothing(i * pixels, pixels);
              if (targets.q != nullptr) to_q.put_nothing(i * pixels, pixels);
            }
            if (targets.mean == nullptr) continue;
            for (std::size_t axis = 0; axis < maps.axes; ++axis) {
              to_q.put(i * maps.axes + axis,
                       static_cast<T>(mean[axis] *
                                      pixels_per_unit(how.options.coordinates, extents[axis])));
            }
          }
        });
      });
}

template <class T>
Tensor<T> divergence_tensor(const MapsShape& maps,
                            const std::vector<kernels::DivergenceValue>& values) {
  Tensor<T> result = make_tensor<T>(maps.per_map());
  for (std::size_t i = 0; i < values.size(); ++i)
    result.data()[i] = static_cast<T>(values[i].value);
  return result;
}

POSEKIT_INLINE void require_same_maps(const char* function, const Shape& p, const Shape& q) {
  if (p != q) {
    throw ShapeError(error_text(function, ": the heatmaps have shapes ", to_string(p), " and ",
                                to_string(q), ", expected the same"));
  }
}

/// The shape of maps p that diverge from Gaussians around `means`. Throws ShapeError and
/// ValueError.
template <class T>
MapsShape divergence_shape(const char* function, const Shape& p, const Tensor<T>& means,
                           const GaussianOptions& options) {
  const MapsShape maps = maps_shape(function, "heatmaps", p);
  require_positions(function, "means", shape_of(means), maps);
  require_no_infinity(function, "means", means.data(), means.size());
  require_gaussian(function, options, maps.joints);
  if (!options.normalised) {
    throw ValueError(
        error_text(function, ": the Gaussian must be normalised to be a distribution"));
  }
  return maps;
}

/// Calls `run` with a divergence as a constant.
template <class Run>
auto with_kind(Divergence kind, const Run& run) {
  return kind == Divergence::js ? run(std::integral_constant<Divergence, Divergence::js>{})
                                : run(std::integral_constant<Divergence, Divergence::kl>{});
}

template <class T>
Var<T> divergence_to_gaussian(Divergence kind, const char* name, const Var<T>& p,
                              const Var<T>& means, const GaussianOptions& options,
                              std::optional<double> beta) {
  const MapsShape maps = divergence_shape(name, p.shape(), means.value(), options);
  DivergenceRecord<T> how{true, options, {}};
  if (beta) {
    require_beta(name, *beta);
    how.beta = static_cast<T>(*beta);
  }
  return with_kind(kind,
                   [&](auto k) { return record_divergence<k(), T>(name, maps, p, means, how); });
}

template <class T>
Tensor<T> divergence_to_gaussian(Divergence kind, const char* name, const ContiguousView<T>& p,
                                 const Tensor<T>& means, const GaussianOptions& options) {
  const MapsShape maps = divergence_shape(name, p.shape(), means, options);
  return divergence_tensor<T>(maps, with_kind(kind, [&](auto k) {
                                return divergences<k(), T>(maps, {p.data()},
                                                           {nullptr, means.data(), &options},
                                                           resolve_threads(options.threads));
                              }));
}

template <class T>
Var<T> divergence_between(Divergence kind, const char* name, const Var<T>& p, const Var<T>& q) {
  const MapsShape maps = maps_shape(name, "heatmaps", p.shape());
  require_same_maps(name, p.shape(), q.shape());
  return with_kind(kind, [&](auto k) { return record_divergence<k(), T>(name, maps, p, q, {}); });
}

template <class T>
Tensor<T> divergence_between(Divergence kind, const char* name, const ContiguousView<T>& p,
                             const ContiguousView<T>& q, int threads) {
  const MapsShape maps = maps_shape(name, "heatmaps", p.shape());
  require_same_maps(name, p.shape(), q.shape());
  return divergence_tensor<T>(maps, with_kind(kind, [&](auto k) {
                                return divergences<k(), T>(maps, {p.data()}, {q.data()},
                                                           resolve_threads(threads));
                              }));
}

}  // namespace posekit::inline POSEKIT_ISA::internal

#endif  // POSEKIT_DEFINES_HEATMAP
