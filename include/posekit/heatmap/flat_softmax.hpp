#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include <posekit/autodiff/tape.hpp>
#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/core/tensor.hpp>

namespace posekit::inline POSEKIT_ISA {

struct FlatSoftmaxOptions {
  double beta = 1.0;  ///< inverse temperature
  int threads = 0;    ///< of the overload for tensors (0: all); a Var has its tape's
};

/// A softmax over all pixels of each map together: p = exp(beta h) / sum exp(beta h). Shapes and
/// special values as `soft_argmax`; the result has the logits' shape. Throws ShapeError and
/// ValueError.
template <TensorExpression E>
auto flat_softmax(const E& logits, const FlatSoftmaxOptions& options = {}) {
  return flat_softmax(ContiguousView<typename E::value_type>(logits), options);
}

/// The same of contiguous elements.
template <class T>
Tensor<T> flat_softmax(const ContiguousView<T>& logits, const FlatSoftmaxOptions& options);

/// The same on the tape.
template <class T>
Var<T> flat_softmax(const Var<T>& logits, const FlatSoftmaxOptions& options = {});

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_HEATMAP

#include <posekit/core/threads.hpp>
#include <posekit/heatmap/maps.hpp>
#include <posekit/heatmap/soft_argmax.hpp>
#include <posekit/kernels/softmax_moments.hpp>

namespace posekit::inline POSEKIT_ISA {

namespace internal {

/// Writes the softmax of each map; says which maps have an infinite logit.
template <class T>
std::vector<std::uint8_t> write_softmax(const MapsShape& maps, const T* logits, T beta, T* result,
                                        int threads);

template <class T>
std::vector<std::uint8_t> write_softmax(const MapsShape& maps, const T* logits, T beta, T* result,
                                        int threads) {
  const std::size_t pixels = maps.grid.size();
  std::vector<std::uint8_t> infinite(maps.maps());
  parallel_for(maps.maps(), threads_for(maps.size(), threads), [&](std::size_t i) {
    const auto state = kernels::softmax_moments<T>(maps.grid, logits + i * pixels, beta);
    kernels::softmax<T>(pixels, logits + i * pixels, state, result + i * pixels);
    infinite[i] = state.infinite ? 1 : 0;
  });
  return infinite;
}

}  // namespace internal

template <class T>
Var<T> flat_softmax(const Var<T>& logits, const FlatSoftmaxOptions& options) {
  Tape<T>& tape = logits.tape();
  const MapsShape maps = maps_shape("flat_softmax", "logits", logits.shape());
  require_beta("flat_softmax", options.beta);
  const T beta = static_cast<T>(options.beta);
  Tensor<T> value = tape.pool().take(logits.shape());
  auto infinite = internal::write_softmax(maps, logits.data(), beta, value.data(), tape.threads());
  const auto output = tape.pool().share(std::move(value));
  return tape.record("flat_softmax", output, {logits},
                     [=, infinite = std::move(infinite)](Pullback<T>& p) {
                       const auto target = p.target(0);
                       if (!target) return;
                       const std::size_t pixels = maps.grid.size();
                       const int threads = threads_for(maps.size() * p.count(), p.threads());
                       parallel_for(p.count() * maps.maps(), threads, [&](std::size_t i) {
                         if (infinite[i % maps.maps()] != 0) {  // an infinite logit moves nothing
                           target.put_nothing(i * pixels, pixels);
                           return;
                         }
                         kernels::softmax_vjp<T>(pixels, output->data() + i % maps.maps() * pixels,
                                                 beta, p.cotangent() + i * pixels,
                                                 target.data + i * pixels, target.accumulate);
                       });
                     });
}

template <class T>
Tensor<T> flat_softmax(const ContiguousView<T>& view, const FlatSoftmaxOptions& options) {
  const MapsShape maps = maps_shape("flat_softmax", "logits", view.shape());
  require_beta("flat_softmax", options.beta);
  Tensor<T> result = make_tensor<T>(view.shape());
  internal::write_softmax(maps, view.data(), static_cast<T>(options.beta), result.data(),
                          resolve_threads(options.threads));
  return result;
}

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_HEATMAP
