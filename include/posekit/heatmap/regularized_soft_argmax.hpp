#pragma once

// Soft-argmax and its regulariser together: half the work of one after the other.

#include <array>
#include <cstddef>

#include <posekit/autodiff/tape.hpp>
#include <posekit/core/coordinates.hpp>
#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/heatmap/divergence.hpp>

namespace posekit::inline POSEKIT_ISA {

struct RegularizedSoftArgmaxOptions {
  double beta = 1.0;   ///< inverse temperature, as of soft_argmax
  double sigma = 1.0;  ///< of the Gaussian around each mean, in pixels
  Coordinates coordinates = Coordinates::normalized;
  int threads = 0;  ///< of the overload for tensors (0: all); a Var has its tape's
};

/// Of Vars or of Tensors.
template <class Value>
struct RegularizedSoftArgmax {
  Value coordinates;  ///< [N, J, axes], as of soft_argmax
  Value divergence;   ///< [N, J], as of js_divergence_of_logits
};

namespace internal {

template <class T>
RegularizedSoftArgmax<Var<T>> regularized_soft_argmax(const Var<T>& logits, const Var<T>& means,
                                                      const RegularizedSoftArgmaxOptions& options);

}  // namespace internal

/// soft_argmax(logits) and JSD(softmax(beta logits) || N(mean, sigma^2)), which the loss of a map
/// in Eq. (6) of MargiPose is made of:
///     auto [xy, js] = regularized_soft_argmax(logits, truth, {.sigma = 1.0});
///     auto loss = euclidean_loss(xy, truth) + js;
/// `means` [N, J, axes] is a Tensor or a Var, in the convention of the options. One softmax serves
/// both, each map is in the cache for all of the forward pass, and one pass writes the logits'
/// gradient. Throws ShapeError and ValueError.
template <class T, internal::TensorOrVar<T> Means>
RegularizedSoftArgmax<Var<T>> regularized_soft_argmax(
    const Var<T>& logits, const Means& means, const RegularizedSoftArgmaxOptions& options = {}) {
  return internal::regularized_soft_argmax(logits, internal::on_tape(logits.tape(), means),
                                           options);
}

/// The same of tensor expressions.
template <TensorExpression E>
auto regularized_soft_argmax(const E& logits, const Tensor<typename E::value_type>& means,
                             const RegularizedSoftArgmaxOptions& options = {}) {
  using T = typename E::value_type;
  Tape<T> tape({.threads = options.threads});
  const auto both = regularized_soft_argmax(tape.constant(Tensor<T>(logits)), means, options);
  return RegularizedSoftArgmax<Tensor<T>>{both.coordinates.value(), both.divergence.value()};
}

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_HEATMAP

#include <posekit/autodiff/shaping.hpp>

namespace posekit::inline POSEKIT_ISA::internal {

template <class T>
RegularizedSoftArgmax<Var<T>> regularized_soft_argmax(const Var<T>& logits, const Var<T>& means,
                                                      const RegularizedSoftArgmaxOptions& options) {
  constexpr const char* name = "regularized_soft_argmax";
  const GaussianOptions gaussian{.sigma = options.sigma, .coordinates = options.coordinates};
  const MapsShape maps = divergence_shape(name, logits.shape(), means.value(), gaussian);
  require_beta(name, options.beta);
  const Var<T> both = record_divergence<Divergence::js, T>(
      name, maps, logits, means, {true, gaussian, static_cast<T>(options.beta), true});
  const std::size_t count = maps.maps();
  return {reshape(slice(both, 0, count, both.size()), maps.positions()),
          reshape(slice(both, 0, 0, count), maps.per_map())};
}

}  // namespace posekit::inline POSEKIT_ISA::internal

#endif  // POSEKIT_DEFINES_HEATMAP
