#pragma once

// A convolution and the batch normalisation that follows it, together.

#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/nn/convolution.hpp>
#include <posekit/nn/normalization.hpp>

namespace posekit::inline POSEKIT_ISA::nn {

/// act(norm(conv(x))), `activation` being none, relu or relu6. Outside training one convolution
/// does it all.
template <class T>
Var<T> conv_norm(const Var<T>& x, const Conv2d<T>& conv, const BatchNorm2d<T>& norm,
                 Activation activation);

struct ConvNormOptions {
  Conv2dOptions conv{.bias = false};
  double epsilon = 1e-5;
  double momentum = 0.1;                     ///< as BatchNorm2dOptions has it
  Activation activation = Activation::relu;  ///< none, relu or relu6
};

/// A convolution, its batch normalisation and an activation as one layer, which `conv_norm` runs:
/// outside training one convolution. Parts: conv, bn.
///
///     nn::ConvNorm<float> stem({.conv = {.in_channels = 3, .out_channels = 32, .bias = false}});
template <class T>
struct ConvNorm {
  using value_type = T;
  Conv2d<T> conv;
  BatchNorm2d<T> bn;
  Activation activation;

  /// Throws ValueError as its parts, and for another activation.
  explicit ConvNorm(const ConvNormOptions& options);

  Var<T> operator()(const Var<T>& x) const { return conv_norm(x, conv, bn, activation); }
  void visit(ModuleVisitor<T>& v);
};

}  // namespace posekit::inline POSEKIT_ISA::nn

#if POSEKIT_DEFINES_NN

#include <posekit/autodiff/convolution.hpp>
#include <posekit/nn/folding.hpp>

namespace posekit::inline POSEKIT_ISA::nn {

template <class T>
Var<T> conv_norm(const Var<T>& x, const Conv2d<T>& conv, const BatchNorm2d<T>& norm,
                 Activation activation) {
  if (norm.training || conv.training || conv.options.groups != 1) return norm(conv(x), activation);
  posekit::Conv2dOptions options = conv.geometry();
  options.activation = activation;
  return conv2d(x, internal::folded(conv, norm), options);
}

template <class T>
ConvNorm<T>::ConvNorm(const ConvNormOptions& options)
    : conv(options.conv),
      bn({.channels = options.conv.out_channels,
          .epsilon = options.epsilon,
          .momentum = options.momentum}),
      activation(options.activation) {
  if (activation != Activation::none && activation != Activation::relu &&
      activation != Activation::relu6) {
    throw ValueError("ConvNorm: the activation is neither none nor relu nor relu6");
  }
}

template <class T>
void ConvNorm<T>::visit(ModuleVisitor<T>& v) {
  v("conv", conv);
  v("bn", bn);
}

}  // namespace posekit::inline POSEKIT_ISA::nn

#endif  // POSEKIT_DEFINES_NN
