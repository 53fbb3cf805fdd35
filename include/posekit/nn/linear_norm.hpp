#pragma once

// A dense layer and the batch normalisation that follows it, together.

#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/nn/linear.hpp>
#include <posekit/nn/normalization.hpp>

namespace posekit::inline POSEKIT_ISA::nn {

/// act(norm(layer(x))), `activation` being none, relu or relu6. Outside training one product does
/// it all.
template <class T>
Var<T> linear_norm(const Var<T>& x, const Linear<T>& layer, const BatchNorm1d<T>& norm,
                   Activation activation);

}  // namespace posekit::inline POSEKIT_ISA::nn

#if POSEKIT_DEFINES_NN

#include <posekit/autodiff/matmul.hpp>
#include <posekit/nn/folding.hpp>

namespace posekit::inline POSEKIT_ISA::nn {

template <class T>
Var<T> linear_norm(const Var<T>& x, const Linear<T>& layer, const BatchNorm1d<T>& norm,
                   Activation activation) {
  if (norm.training || layer.training) return norm(layer(x), activation);
  return linear(x, internal::folded(layer, norm), activation);
}

}  // namespace posekit::inline POSEKIT_ISA::nn

#endif  // POSEKIT_DEFINES_NN
