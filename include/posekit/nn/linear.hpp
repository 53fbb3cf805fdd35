#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/nn/filter_cache.hpp>
#include <posekit/nn/module.hpp>

namespace posekit::inline POSEKIT_ISA::nn {

struct LinearOptions {
  std::size_t in_features = 0, out_features = 0;
  bool bias = true;
  std::uint64_t seed = 0;
};

/// x [..., in] -> x weight^T + bias [..., out]. Parameters: weight [out, in], bias [out].
template <class T>
struct Linear {
  using value_type = T;
  Parameter<T> weight;
  std::optional<Parameter<T>> bias;
  bool training = true;
  FilterCache<T> cache;  ///< outside training

  /// Throws ValueError for features of 0.
  explicit Linear(const LinearOptions& options);

  Var<T> operator()(const Var<T>& x) const;

  void visit(ModuleVisitor<T>& v);
};

}  // namespace posekit::inline POSEKIT_ISA::nn

#if POSEKIT_DEFINES_NN

#include <memory>
#include <vector>

#include <posekit/autodiff/matmul.hpp>
#include <posekit/nn/constant_filter.hpp>
#include <posekit/nn/initialization.hpp>

namespace posekit::inline POSEKIT_ISA::nn {

template <class T>
Linear<T>::Linear(const LinearOptions& options) {
  if (options.in_features == 0 || options.out_features == 0) {
    throw ValueError(error_text("Linear: ", options.in_features, " in_features and ",
                                options.out_features, " out_features, expected more than 0"));
  }
  weight = usual_weight<T>({options.out_features, options.in_features}, options.seed);
  if (options.bias) bias = Parameter<T>(zeros<T>({options.out_features}));
}

template <class T>
Var<T> Linear<T>::operator()(const Var<T>& x) const {
  Tape<T>& tape = x.tape();
  const Shape shape = shape_of(weight.value());
  if (x.dimension() == 0 || x.shape().back() != shape[1]) {
    throw ShapeError(error_text("Linear: x has shape ", to_string(x.shape()), ", expected [..., ",
                                shape[1], "]"));
  }
  if (!training) return linear(x, constant_filter(weight, bias, cache));
  return linear(x, weight.on(tape, true), bias ? bias->on(tape, true) : Var<T>());
}

template <class T>
void Linear<T>::visit(ModuleVisitor<T>& v) {
  v.training(training);
  v("weight", weight);
  if (bias) v("bias", *bias);
}

}  // namespace posekit::inline POSEKIT_ISA::nn

#endif  // POSEKIT_DEFINES_NN
