#pragma once

// Layer normalisation: of each row of the last axis by its own statistics.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include <posekit/autodiff/tape.hpp>
#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>

namespace posekit::inline POSEKIT_ISA {

struct LayerNormOptions {
  double epsilon = 1e-5;  ///< added to the variance
};

/// (x - mean) / sqrt(variance + epsilon) * weight + bias with mean and biased variance over the
/// last axis of x [..., C]; weight and bias are [C]. Throws ShapeError, and ValueError for an
/// epsilon that is negative, infinite or NaN.
template <class T>
Var<T> layer_norm(const Var<T>& x, const Var<T>& weight, const Var<T>& bias,
                  const LayerNormOptions& options = {});

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_AUTODIFF

#include <posekit/core/require.hpp>

namespace posekit::inline POSEKIT_ISA {

template <class T>
Var<T> layer_norm(const Var<T>& x, const Var<T>& weight, const Var<T>& bias,
                  const LayerNormOptions& options) {
  const Shape shape = x.shape();
  const std::size_t channels = shape.empty() ? 0 : shape.back();
  if (channels == 0) {
    throw ShapeError(
        error_text("layer_norm: x has shape ", to_string(shape), ", expected [..., C] with C > 0"));
  }
  require_shape(weight.value(), {channels}, "layer_norm", "weight");
  require_shape(bias.value(), {channels}, "layer_norm", "bias");
  require_positive("layer_norm", "epsilon", options.epsilon, true);
  Tape<T>& tape = x.tape();
  const std::size_t rows = x.size() / channels;
  const T* in = x.data();
  const auto normal = std::make_shared<Tensor<T>>(make_tensor<T>(shape));
  const auto inverse = std::make_shared<Tensor<T>>(make_tensor<T>({rows}));
  const auto factor = tape.elements(weight);
  const T* shift = bias.data();
  Tensor<T> value = tape.pool().take(shape);
  parallel_for(rows, tape.threads(), [&](std::size_t r) {
    const T* from = in + r * channels;
    double sum = 0, squares = 0;
    for (std::size_t c = 0; c < channels; ++c) sum += static_cast<double>(from[c]);
    const double mean = sum / static_cast<double>(channels);
    for (std::size_t c = 0; c < channels; ++c) {
      const double d = static_cast<double>(from[c]) - mean;
      squares += d * d;
    }
    const double deviation = std::sqrt(squares / static_cast<double>(channels) + options.epsilon);
    inverse->data()[r] = static_cast<T>(1.0 / deviation);
    T* normalised = normal->data() + r * channels;
    T* out = value.data() + r * channels;
    const auto middle = static_cast<T>(mean);
    for (std::size_t c = 0; c < channels; ++c) {
      normalised[c] = (from[c] - middle) * inverse->data()[r];
      out[c] = normalised[c] * factor->data()[c] + shift[c];
    }
  });
  return tape.record("layer_norm", std::move(value), {x, weight, bias}, [=](Pullback<T>& p) {
    // x's last, as it is written last: weight or bias may be the same variable.
    const auto to_bias = p.target(2), to_weight = p.target(1), to_x = p.target(0);
    for (std::size_t k = 0; k < p.count(); ++k) {
      const T* g = p.cotangent() + k * rows * channels;
      if (to_bias || to_weight) {
        std::vector<double> sums(channels), products(channels);
        for (std::size_t r = 0; r < rows; ++r) {
          for (std::size_t c = 0; c < channels; ++c) {
            const auto at = static_cast<double>(g[r * channels + c]);
            sums[c] += at;
            products[c] += at * static_cast<double>(normal->data()[r * channels + c]);
          }
        }
        for (std::size_t c = 0; c < channels; ++c) {
          if (to_bias) to_bias.put(k * channels + c, static_cast<T>(sums[c]));
          if (to_weight) to_weight.put(k * channels + c, static_cast<T>(products[c]));
        }
      }
      if (!to_x) continue;
      parallel_for(rows, p.threads(), [&](std::size_t r) {
        const T* n = normal->data() + r * channels;
        double sum = 0, product = 0;
        for (std::size_t c = 0; c < channels; ++c) {
          const double at = static_cast<double>(g[r * channels + c] * factor->data()[c]);
          sum += at;
          product += at * static_cast<double>(n[c]);
        }
        const auto mean = static_cast<T>(sum / static_cast<double>(channels));
        const auto slope = static_cast<T>(product / static_cast<double>(channels));
        for (std::size_t c = 0; c < channels; ++c) {
          const T at = g[r * channels + c] * factor->data()[c];
          to_x.put((k * rows + r) * channels + c, inverse->data()[r] * (at - mean - n[c] * slope));
        }
      });
    }
  });
}

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_AUTODIFF
