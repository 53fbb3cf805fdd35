#pragma once

// From logits to coordinates in one pass: softmax and expectation together.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include <posekit/autodiff/tape.hpp>
#include <posekit/core/coordinates.hpp>
#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/core/tensor.hpp>

namespace posekit::inline POSEKIT_ISA {

struct SoftArgmaxOptions {
  double beta = 1.0;  ///< inverse temperature: p is proportional to exp(beta * logit)
  Coordinates coordinates = Coordinates::normalized;
  std::vector<double> joint_betas{};  ///< one for each joint, instead of `beta`
  int threads = 0;  ///< of the overload for tensors (0: all); a Var has its tape's
};

struct CompensatedSoftArgmaxOptions {
  double beta = 10.0;
  double background = 0.0;  ///< the logit of pixels that hold nothing
  Coordinates coordinates = Coordinates::normalized;
  int threads = 0;  ///< of the overload for tensors (0: all); a Var has its tape's
};

/// The expected coordinates under a softmax over each map, Eq. (3) of PoseIG:
///     J = sum_p exp(beta h_p) / (sum_p' exp(beta h_p')) p
/// logits [N, J, W], [N, J, H, W] or [N, J, D, H, W] -> [N, J, 1 to 3], last axis (x, y, z), in the
/// convention of the options. Views and adaptors are taken as they are where their elements are
/// contiguous, and copied otherwise.
///
/// A logit of +infinity (or several) takes all of the probability, and moves nothing. NaN in a map,
/// or -infinity everywhere, makes its coordinates NaN. Throws ShapeError, and ValueError for a beta
/// that is NaN or beyond 1e12.
template <TensorExpression E>
auto soft_argmax(const E& logits, const SoftArgmaxOptions& options = {}) {
  return soft_argmax(ContiguousView<typename E::value_type>(logits), options);
}

/// The same of contiguous elements.
template <class T>
Tensor<T> soft_argmax(const ContiguousView<T>& logits, const SoftArgmaxOptions& options);

/// The same on the tape, differentiable with respect to the logits.
template <class T>
Var<T> soft_argmax(const Var<T>& logits, const SoftArgmaxOptions& options = {});

/// The same with inverse temperatures that are differentiated too: one, or one for each joint.
template <class T>
Var<T> soft_argmax(const Var<T>& logits, const Var<T>& beta,
                   Coordinates coordinates = Coordinates::normalized);

/// Soft-argmax without its pull to the middle of the map, after Gu et al., "Removing the Bias of
/// Integral Pose Regression" (ICCV 2021): pixels that hold nothing have a share in the softmax all
/// the same, exp(beta * background) each, and that share is subtracted everywhere:
///     J = sum_p (exp(beta h_p) - exp(beta b)) p / sum_p' (exp(beta h_p') - exp(beta b))
/// A map that does not weigh more than background alone gives the plain expectation. The difference
/// is taken pixel by pixel, in a second pass. Shapes as `soft_argmax`. Throws ShapeError, and
/// ValueError for options that are NaN, infinite or huge.
template <TensorExpression E>
auto compensated_soft_argmax(const E& logits, const CompensatedSoftArgmaxOptions& options = {}) {
  return compensated_soft_argmax(ContiguousView<typename E::value_type>(logits), options);
}

/// The same of contiguous elements.
template <class T>
Tensor<T> compensated_soft_argmax(const ContiguousView<T>& logits,
                                  const CompensatedSoftArgmaxOptions& options);

/// The same on the tape.
template <class T>
Var<T> compensated_soft_argmax(const Var<T>& logits,
                               const CompensatedSoftArgmaxOptions& options = {});

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_HEATMAP

#include <posekit/core/threads.hpp>
#include <posekit/heatmap/maps.hpp>
#include <posekit/kernels/softmax_moments.hpp>

namespace posekit::inline POSEKIT_ISA {

namespace internal {

/// Expected positions [N, J, axes] in a convention.
template <class T>
void write_positions(const MapsShape& maps, const std::vector<kernels::SoftmaxState<T>>& states,
                     Coordinates convention, T* positions);

/// Removes from each softmax what pixels of the background level contribute, everywhere.
template <class T>
void compensate(const MapsShape& maps, const T* logits, double background,
                std::vector<kernels::SoftmaxState<T>>& states, int threads);

}  // namespace internal

namespace internal {

/// The inverse temperature of each map: one for all, or one for each joint.
template <class T>
std::vector<T> map_betas(const char* function, const MapsShape& maps, const T* betas,
                         std::size_t count);

template <class T>
std::vector<T> map_betas(const char* function, const MapsShape& maps,
                         const SoftArgmaxOptions& options);

/// The softmax of each map.
template <class T>
std::vector<kernels::SoftmaxState<T>> softmax_states(const MapsShape& maps, const T* logits,
                                                     const std::vector<T>& betas, int threads);

void require_compensated(const CompensatedSoftArgmaxOptions& options);

template <class T>
std::vector<T> map_betas(const char* function, const MapsShape& maps, const T* betas,
                         std::size_t count) {
  if (count != 1 && count != maps.joints) {
    throw ShapeError(error_text(function, ": beta has ", count,
                                " elements, expected 1 or one for each of ", maps.joints,
                                " joints"));
  }
  std::vector<T> all(maps.maps());
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = betas[count == 1 ? 0 : i % maps.joints];
  return all;
}

template <class T>
std::vector<T> map_betas(const char* function, const MapsShape& maps,
                         const SoftArgmaxOptions& options) {
  const std::vector<double> one{options.beta};
  const auto& given = options.joint_betas.empty() ? one : options.joint_betas;
  for (const double beta : given) require_beta(function, beta);
  const std::vector<T> rounded(given.begin(), given.end());
  return map_betas(function, maps, rounded.data(), rounded.size());
}

template <class T>
std::vector<kernels::SoftmaxState<T>> softmax_states(const MapsShape& maps, const T* logits,
                                                     const std::vector<T>& betas, int threads) {
  std::vector<kernels::SoftmaxState<T>> states(maps.maps());
  parallel_for(maps.maps(), threads_for(maps.size(), threads), [&](std::size_t i) {
    states[i] = kernels::softmax_moments<T>(maps.grid, logits + i * maps.grid.size(), betas[i]);
  });
  return states;
}

template <class T>
void write_positions(const MapsShape& maps, const std::vector<kernels::SoftmaxState<T>>& states,
                     Coordinates convention, T* positions) {
  const auto axes = axes_coordinates(convention, maps.grid);
  for (std::size_t i = 0; i < maps.maps(); ++i) {
    for (std::size_t a = 0; a < maps.axes; ++a) {
      positions[i * maps.axes + a] =
          static_cast<T>(axes[a].scale * states[i].mean[a] + axes[a].offset);
    }
  }
}

POSEKIT_INLINE void require_compensated(const CompensatedSoftArgmaxOptions& options) {
  require_beta("compensated_soft_argmax", options.beta);
  require_between("compensated_soft_argmax", "background", options.background, -1e30, 1e30);
}

template <class T>
void compensate(const MapsShape& maps, const T* logits, double background,
                std::vector<kernels::SoftmaxState<T>>& states, int threads) {
  parallel_for(maps.maps(), threads_for(maps.size(), threads), [&](std::size_t i) {
    kernels::compensate<T>(maps.grid, logits + i * maps.grid.size(), static_cast<T>(background),
                           states[i]);
  });
}

/// Records positions [N, J, axes] whose derivative is that of a softmax's expectation. `beta` may
/// be an empty handle.
template <class T>
Var<T> record_soft_argmax(const char* name, const Var<T>& logits, const Var<T>& beta,
                          const MapsShape& maps, Coordinates convention, std::vector<T> betas,
                          std::vector<kernels::SoftmaxState<T>> states) {
  Tape<T>& tape = logits.tape();
  const auto input = tape.elements(logits);
  Tensor<T> value = tape.pool().take(maps.positions());
  write_positions(maps, states, convention, value.data());
  std::vector<Var<T>> operands{logits};
  if (beta.valid()) operands.push_back(beta);
  const std::size_t beta_count = beta.valid() ? beta.size() : 0;
  return tape.record(
      name, std::move(value), operands,
      [=, betas = std::move(betas), states = std::move(states)](Pullback<T>& p) {
        const auto target = p.target(0);
        const bool wants_beta = beta_count != 0 && p.wants(1);
        if (!target && !wants_beta) return;
        const std::size_t count = maps.maps(), pixels = maps.grid.size();
        const auto axes = axes_coordinates(convention, maps.grid);
        std::vector<T> by_beta(p.count() * count);
        const auto scratch = p.scratch(target ? 0 : pixels * static_cast<std::size_t>(p.threads()));
        const int threads = threads_for(maps.size() * p.count(), p.threads());
        parallel_ranges(
            p.count() * count, threads, [&](std::size_t begin, std::size_t end, int thread) {
              for (std::size_t i = begin; i < end; ++i) {
                std::array<T, 3> gradient{};
                for (std::size_t a = 0; a < maps.axes; ++a) {
                  gradient[a] = p.cotangent()[i * maps.axes + a] * static_cast<T>(axes[a].scale);
                }
                T* out = target ? target.data + i * pixels
                                : scratch.data() + static_cast<std::size_t>(thread) * pixels;
                if (std::all_of(gradient.begin(), gradient.end(), [](T g) { return g == T(0); })) {
                  if (target) target.put_nothing(i * pixels, pixels);
                  continue;
                }
                const std::size_t map = i % count;
                kernels::softmax_moments_vjp<T>(
                    maps.grid, input->data() + map * pixels, betas[map], states[map], gradient, out,
                    target && target.accumulate, wants_beta ? &by_beta[i] : nullptr);
              }
            });
        if (!wants_beta) return;
        const auto of_beta = p.target(1);
        of_beta.put_nothing(0, p.count() * beta_count);
        for (std::size_t i = 0; i < by_beta.size(); ++i) {
          const std::size_t joint = beta_count == 1 ? 0 : i % maps.joints;
          of_beta.data[i / count * beta_count + joint] += by_beta[i];
        }
      });
}

}  // namespace internal

template <class T>
Var<T> soft_argmax(const Var<T>& logits, const SoftArgmaxOptions& options) {
  const MapsShape maps = maps_shape("soft_argmax", "logits", logits.shape());
  auto betas = internal::map_betas<T>("soft_argmax", maps, options);
  auto states = internal::softmax_states(maps, logits.data(), betas, logits.tape().threads());
  return internal::record_soft_argmax("soft_argmax", logits, Var<T>(), maps, options.coordinates,
                                      std::move(betas), std::move(states));
}

template <class T>
Var<T> soft_argmax(const Var<T>& logits, const Var<T>& beta, Coordinates coordinates) {
  const MapsShape maps = maps_shape("soft_argmax", "logits", logits.shape());
  std::vector<T> betas = internal::map_betas("soft_argmax", maps, beta.data(), beta.size());
  auto states = internal::softmax_states(maps, logits.data(), betas, logits.tape().threads());
  return internal::record_soft_argmax("soft_argmax", logits, beta, maps, coordinates,
                                      std::move(betas), std::move(states));
}

template <class T>
Var<T> compensated_soft_argmax(const Var<T>& logits, const CompensatedSoftArgmaxOptions& options) {
  const MapsShape maps = maps_shape("compensated_soft_argmax", "logits", logits.shape());
  internal::require_compensated(options);
  std::vector<T> betas(maps.maps(), static_cast<T>(options.beta));
  auto states = internal::softmax_states(maps, logits.data(), betas, logits.tape().threads());
  internal::compensate(maps, logits.data(), options.background, states, logits.tape().threads());
  return internal::record_soft_argmax("compensated_soft_argmax", logits, Var<T>(), maps,
                                      options.coordinates, std::move(betas), std::move(states));
}

template <class T>
Tensor<T> soft_argmax(const ContiguousView<T>& view, const SoftArgmaxOptions& options) {
  const MapsShape maps = maps_shape("soft_argmax", "logits", view.shape());
  const auto betas = internal::map_betas<T>("soft_argmax", maps, options);
  Tensor<T> result = make_tensor<T>(maps.positions());
  internal::write_positions(
      maps, internal::softmax_states(maps, view.data(), betas, resolve_threads(options.threads)),
      options.coordinates, result.data());
  return result;
}

template <class T>
Tensor<T> compensated_soft_argmax(const ContiguousView<T>& view,
                                  const CompensatedSoftArgmaxOptions& options) {
  const MapsShape maps = maps_shape("compensated_soft_argmax", "logits", view.shape());
  internal::require_compensated(options);
  const std::vector<T> betas(maps.maps(), static_cast<T>(options.beta));
  auto states =
      internal::softmax_states(maps, view.data(), betas, resolve_threads(options.threads));
  internal::compensate(maps, view.data(), options.background, states,
                       resolve_threads(options.threads));
  Tensor<T> result = make_tensor<T>(maps.positions());
  internal::write_positions(maps, states, options.coordinates, result.data());
  return result;
}

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_HEATMAP
