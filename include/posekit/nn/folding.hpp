#pragma once

// Layers and the batch normalisation that follows them as one constant filter.

#include <cmath>
#include <cstddef>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include <posekit/autodiff/conv2d_filter.hpp>
#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/nn/convolution.hpp>
#include <posekit/nn/linear.hpp>
#include <posekit/nn/normalization.hpp>

namespace posekit::inline POSEKIT_ISA::nn {

/// The convolution that does what `layer` and then `norm` with its running statistics do. Throws
/// ShapeError where their channels differ.
template <class T>
std::shared_ptr<const Conv2dFilter<T>> fold(const Conv2d<T>& layer, const BatchNorm2d<T>& norm);

/// The same of a dense layer, as a filter [1, 1, in, out].
template <class T>
std::shared_ptr<const Conv2dFilter<T>> fold(const Linear<T>& layer, const BatchNorm2d<T>& norm);

namespace internal {

/// `fold(layer, norm)`, from the layer's cache where nothing of the two has changed.
template <class T, class Layer>
std::shared_ptr<const Conv2dFilter<T>> folded(const Layer& layer, const BatchNorm2d<T>& norm) {
  // What the filter is made from besides the weights is small enough to be compared.
  std::vector<T> key{static_cast<T>(norm.options.epsilon)};
  const auto add = [&](const Tensor<T>& t) { key.insert(key.end(), t.begin(), t.end()); };
  add(norm.weight.value());
  add(norm.bias.value());
  add(norm.running_mean.value);
  add(norm.running_var.value);
  if (layer.bias) add(layer.bias->value());
  return layer.cache.get(layer.weight.fingerprint(), std::move(key),
                         [&] { return fold(layer, norm); });
}

}  // namespace internal

}  // namespace posekit::inline POSEKIT_ISA::nn

#if POSEKIT_DEFINES_NN

#include <posekit/nn/constant_filter.hpp>

namespace posekit::inline POSEKIT_ISA::nn {

namespace internal {

template <class T>
std::shared_ptr<const Conv2dFilter<T>> fold_norm(const Parameter<T>& weight,
                                                 const std::optional<Parameter<T>>& bias,
                                                 const BatchNorm2d<T>& norm) {
  const std::size_t out = weight.value().shape()[0];
  if (norm.options.channels != out) {
    throw ShapeError(error_text("fold: the layer has ", out, " output channels, the batch ",
                                "normalisation ", norm.options.channels));
  }
  Tensor<T> filter = filter_layout(weight.value());
  Tensor<T> shift = make_tensor<T>({out});
  std::vector<T> scales(out);
  for (std::size_t o = 0; o < out; ++o) {
    const auto of = [o](const Tensor<T>& t) { return static_cast<double>(t.data()[o]); };
    const double scale =
        of(norm.weight.value()) / std::sqrt(of(norm.running_var.value) + norm.options.epsilon);
    const double before = bias ? of(bias->value()) : 0.0;
    scales[o] = static_cast<T>(scale);
    shift.data()[o] =
        static_cast<T>((before - of(norm.running_mean.value)) * scale + of(norm.bias.value()));
  }
  for (std::size_t i = 0; i < filter.size(); ++i) filter.data()[i] *= scales[i % out];
  return std::make_shared<const Conv2dFilter<T>>(std::move(filter), std::move(shift));
}

}  // namespace internal

template <class T>
std::shared_ptr<const Conv2dFilter<T>> fold(const Conv2d<T>& layer, const BatchNorm2d<T>& norm) {
  return internal::fold_norm(layer.weight, layer.bias, norm);
}

template <class T>
std::shared_ptr<const Conv2dFilter<T>> fold(const Linear<T>& layer, const BatchNorm2d<T>& norm) {
  return internal::fold_norm(layer.weight, layer.bias, norm);
}

}  // namespace posekit::inline POSEKIT_ISA::nn

#endif  // POSEKIT_DEFINES_NN
