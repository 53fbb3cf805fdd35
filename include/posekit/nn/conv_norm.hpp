#pragma once

// A convolution and the batch normalisation that follows it, together.

#include <cmath>
#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include <posekit/autodiff/conv2d_filter.hpp>
#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/nn/convolution.hpp>
#include <posekit/nn/normalization.hpp>

namespace posekit::inline POSEKIT_ISA::nn {

/// The convolution that does what `conv` and then `norm` with its running statistics do.
template <class T>
std::shared_ptr<const Conv2dFilter<T>> fold(const Conv2d<T>& conv, const BatchNorm2d<T>& norm);

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

namespace posekit::inline POSEKIT_ISA::nn {

template <class T>
std::shared_ptr<const Conv2dFilter<T>> fold(const Conv2d<T>& conv, const BatchNorm2d<T>& norm) {
  const Tensor<T>& weight = conv.weight.value();
  const std::size_t out = weight.shape()[0];
  if (norm.options.channels != out) {
    throw ShapeError(error_text("fold: the convolution has ", out, " output channels, the batch ",
                                "normalisation ", norm.options.channels));
  }
  Tensor<T> filter = internal::filter_layout(weight);
  Tensor<T> bias = make_tensor<T>({out});
  std::vector<T> scales(out);
  for (std::size_t o = 0; o < out; ++o) {
    const auto of = [o](const Tensor<T>& t) { return static_cast<double>(t.data()[o]); };
    const double scale =
        of(norm.weight.value()) / std::sqrt(of(norm.running_var.value) + norm.options.epsilon);
    const double before = conv.bias ? of(conv.bias->value()) : 0.0;
    scales[o] = static_cast<T>(scale);
    bias.data()[o] =
        static_cast<T>((before - of(norm.running_mean.value)) * scale + of(norm.bias.value()));
  }
  for (std::size_t i = 0; i < filter.size(); ++i) filter.data()[i] *= scales[i % out];
  return std::make_shared<const Conv2dFilter<T>>(std::move(filter), std::move(bias));
}

template <class T>
Var<T> conv_norm(const Var<T>& x, const Conv2d<T>& conv, const BatchNorm2d<T>& norm,
                 Activation activation) {
  if (norm.training || conv.training || conv.options.groups != 1) return norm(conv(x), activation);
  // What the filter is made from besides the weights is small enough to be compared.
  std::vector<T> key{static_cast<T>(norm.options.epsilon)};
  const auto add = [&](const Tensor<T>& t) { key.insert(key.end(), t.begin(), t.end()); };
  add(norm.weight.value());
  add(norm.bias.value());
  add(norm.running_mean.value);
  add(norm.running_var.value);
  if (conv.bias) add(conv.bias->value());
  posekit::Conv2dOptions options = conv.geometry();
  options.activation = activation;
  const auto filter =
      conv.cache.get(conv.weight.fingerprint(), std::move(key), [&] { return fold(conv, norm); });
  return conv2d(x, filter, options);
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
