#pragma once

// Activations as layers. The ones without parameters do not depend on the type.

#include <cstddef>

#include <posekit/autodiff/functions.hpp>
#include <posekit/autodiff/softmax.hpp>
#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/nn/module.hpp>

namespace posekit::inline POSEKIT_ISA::nn {

struct ReLU {
  template <class T>
  Var<T> operator()(const Var<T>& x) const {
    return relu(x);
  }
};

struct ReLU6 {
  template <class T>
  Var<T> operator()(const Var<T>& x) const {
    return relu6(x);
  }
};

struct GELU {
  template <class T>
  Var<T> operator()(const Var<T>& x) const {
    return gelu(x);
  }
};

struct Sigmoid {
  template <class T>
  Var<T> operator()(const Var<T>& x) const {
    return sigmoid(x);
  }
};

struct Tanh {
  template <class T>
  Var<T> operator()(const Var<T>& x) const {
    return tanh(x);
  }
};

/// Over the last axis.
struct Softmax {
  template <class T>
  Var<T> operator()(const Var<T>& x) const {
    return softmax(x);
  }
};

struct PReLUOptions {
  std::size_t channels = 1;  ///< 1: one slope for all
  double initial = 0.25;
};

/// x where x > 0, weight * x elsewhere, for x [..., C]. Parameter: weight [C] or [1].
template <class T>
struct PReLU {
  using value_type = T;
  Parameter<T> weight;
  bool training = true;

  /// Throws ValueError for 0 channels and a slope that is not finite.
  explicit PReLU(const PReLUOptions& options = {});

  Var<T> operator()(const Var<T>& x) const { return prelu(x, weight.on(x.tape(), training)); }

  void visit(ModuleVisitor<T>& v);
};

}  // namespace posekit::inline POSEKIT_ISA::nn

#if POSEKIT_DEFINES_NN

#include <posekit/core/require.hpp>

namespace posekit::inline POSEKIT_ISA::nn {

template <class T>
PReLU<T>::PReLU(const PReLUOptions& options)
    : weight(zeros<T>({options.channels}) + static_cast<T>(options.initial)) {
  if (options.channels == 0) throw ValueError("PReLU: 0 channels, expected more");
  require_finite_number("PReLU", "initial", options.initial);
}

template <class T>
void PReLU<T>::visit(ModuleVisitor<T>& v) {
  v.training(training);
  v("weight", weight);
}

}  // namespace posekit::inline POSEKIT_ISA::nn

#endif  // POSEKIT_DEFINES_NN
