#pragma once

#include <utility>

#include <posekit/autodiff/arithmetic.hpp>
#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/nn/sequential.hpp>

namespace posekit::inline POSEKIT_ISA::nn {

/// module(x) + shortcut(x). With a projection (a convolution and its normalisation) as shortcut
/// this is a residual block with ResNet's "option C"; an empty shortcut is the identity.
template <class T>
struct Residual {
  using value_type = T;
  Sequential<T> module, shortcut;

  Var<T> operator()(const Var<T>& x) const { return module(x) + shortcut(x); }

  void visit(ModuleVisitor<T>& v);
};

}  // namespace posekit::inline POSEKIT_ISA::nn

#if POSEKIT_DEFINES_NN

namespace posekit::inline POSEKIT_ISA::nn {

template <class T>
void Residual<T>::visit(ModuleVisitor<T>& v) {
  v("module", module);
  v("shortcut", shortcut);
}

}  // namespace posekit::inline POSEKIT_ISA::nn

#endif  // POSEKIT_DEFINES_NN
