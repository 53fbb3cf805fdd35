#pragma once

// A convolution and the batch normalisation that follows it, together.

#include <cmath>
#include <cstddef>
#include <memory>
#include <utility>

#include <posekit/autodiff/conv2d_filter.hpp>
#include <posekit/autodiff/convolution.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/nn/convolution.hpp>
#include <posekit/nn/normalization.hpp>

namespace posekit::inline POSEKIT_ISA::nn {

/// The convolution that does what `conv` and then `norm` with its running statistics do.
template <class T>
std::shared_ptr<const Conv2dFilter<T>> fold(const Conv2d<T>& conv, const BatchNorm2d<T>& norm) {
  const Tensor<T>& weight = conv.weight.value();
  const std::size_t out = weight.shape()[0], in = weight.shape()[1], height = weight.shape()[2],
                    width = weight.shape()[3];
  if (norm.options.channels != out) {
    throw ShapeError(error_text("fold: the convolution has ", out, " output channels, the batch ",
                                "normalisation ", norm.options.channels));
  }
  Tensor<T> filter = make_tensor<T>({height, width, in, out});
  Tensor<T> bias = make_tensor<T>({out});
  for (std::size_t o = 0; o < out; ++o) {
    const auto of = [o](const Tensor<T>& t) { return static_cast<double>(t.data()[o]); };
    const double scale =
        of(norm.weight.value()) / std::sqrt(of(norm.running_var.value) + norm.options.epsilon);
    const double before = conv.bias ? of(conv.bias->value()) : 0.0;
    bias.data()[o] =
        static_cast<T>((before - of(norm.running_mean.value)) * scale + of(norm.bias.value()));
    const T* from = weight.data() + o * in * height * width;
    for (std::size_t i = 0; i < in; ++i) {
      for (std::size_t k = 0; k < height * width; ++k) {
        filter.data()[(k * in + i) * out + o] =
            static_cast<T>(static_cast<double>(from[i * height * width + k]) * scale);
      }
    }
  }
  return std::make_shared<const Conv2dFilter<T>>(std::move(filter), std::move(bias));
}

/// act(norm(conv(x))), `activation` being none, relu or relu6. Outside training one convolution
/// does it all.
template <class T>
Var<T> conv_norm(const Var<T>& x, Conv2d<T>& conv, BatchNorm2d<T>& norm, Activation activation) {
  if (norm.training || conv.training || conv.options.groups != 1) return norm(conv(x), activation);
  Conv2dOptions options = conv.geometry();
  options.activation = activation;
  return conv2d(x, fold(conv, norm), options);
}

}  // namespace posekit::inline POSEKIT_ISA::nn
