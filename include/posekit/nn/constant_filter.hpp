#pragma once

// Weights in PyTorch's layout as the constant filters that kernels read outside training.

#include <cstddef>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include <posekit/autodiff/conv2d_filter.hpp>
#include <posekit/autodiff/parameter.hpp>
#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/nn/filter_cache.hpp>

namespace posekit::inline POSEKIT_ISA::nn {

/// A weight [out, in, height, width] as the filter [height, width, in, out]; one [out, in] as
/// [1, 1, in, out].
template <class T>
Tensor<T> filter_layout(const Tensor<T>& weight);

/// The filter of a layer with this weight and bias, from its cache where they are what they were.
template <class T>
std::shared_ptr<const Conv2dFilter<T>> constant_filter(const Parameter<T>& weight,
                                                       const std::optional<Parameter<T>>& bias,
                                                       const FilterCache<T>& cache);

}  // namespace posekit::inline POSEKIT_ISA::nn

#if POSEKIT_DEFINES_NN

namespace posekit::inline POSEKIT_ISA::nn {

template <class T>
Tensor<T> filter_layout(const Tensor<T>& weight) {
  const bool dense = weight.dimension() == 2;
  const std::size_t outer = weight.shape()[0], inner = weight.shape()[1];
  const std::size_t height = dense ? 1 : weight.shape()[2], width = dense ? 1 : weight.shape()[3];
  const std::size_t taps = height * width;
  Tensor<T> filter = make_tensor<T>({height, width, inner, outer});
  for (std::size_t o = 0; o < outer; ++o) {
    for (std::size_t i = 0; i < inner; ++i) {
      for (std::size_t k = 0; k < taps; ++k)
        filter.data()[(k * inner + i) * outer + o] = weight.data()[(o * inner + i) * taps + k];
    }
  }
  return filter;
}

template <class T>
std::shared_ptr<const Conv2dFilter<T>> constant_filter(const Parameter<T>& weight,
                                                       const std::optional<Parameter<T>>& bias,
                                                       const FilterCache<T>& cache) {
  std::vector<T> key;
  if (bias) key.assign(bias->value().begin(), bias->value().end());
  return cache.get(weight.fingerprint(), std::move(key), [&] {
    std::optional<Tensor<T>> shift;
    if (bias) shift = bias->value();
    return std::make_shared<const Conv2dFilter<T>>(filter_layout(weight.value()), std::move(shift));
  });
}

}  // namespace posekit::inline POSEKIT_ISA::nn

#endif  // POSEKIT_DEFINES_NN
