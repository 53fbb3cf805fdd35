#pragma once

// Batch normalisation: by the statistics of the batch, or by given ones.

#include <cmath>
#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include <posekit/autodiff/tape.hpp>
#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/kernels/activation_kind.hpp>

namespace posekit::inline POSEKIT_ISA {

struct BatchNormOptions {
  double epsilon = 1e-5;                     ///< added to the variance
  Activation activation = Activation::none;  ///< none, relu or relu6, applied to the result
};

/// Mean and biased variance of each channel, and over how many values they were taken.
struct ChannelStatistics {
  std::vector<double> mean, variance;
  std::size_t count = 0;
};

/// act((x - mean) / sqrt(variance + epsilon) * weight + bias) with mean and biased variance of each
/// channel (the last axis) of x [..., C]; weight and bias are [C]. `statistics`, where given,
/// receives them. Throws ShapeError and ValueError.
template <class T>
Var<T> batch_norm(const Var<T>& x, const Var<T>& weight, const Var<T>& bias,
                  const BatchNormOptions& options = {}, ChannelStatistics* statistics = nullptr);

/// The same with mean and variance that do not depend on x: the running statistics of inference.
template <class T>
Var<T> batch_norm(const Var<T>& x, const Var<T>& weight, const Var<T>& bias, const Tensor<T>& mean,
                  const Tensor<T>& variance, const BatchNormOptions& options = {});

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_AUTODIFF

#include <posekit/core/require.hpp>
#include <posekit/kernels/activation.hpp>
#include <posekit/kernels/channel_norm.hpp>

namespace posekit::inline POSEKIT_ISA {

namespace internal {

template <class T>
std::size_t batch_norm_channels(const char* name, const Var<T>& x, const Var<T>& weight,
                                const Var<T>& bias, const BatchNormOptions& options) {
  if (x.dimension() == 0 || x.size() == 0) {
    throw ShapeError(error_text(name, ": x has shape ", to_string(x.shape()),
                                ", expected [..., C] with elements"));
  }
  const std::size_t channels = x.shape().back();
  for (const auto& [what, v] : {std::pair{"weight", &weight}, std::pair{"bias", &bias}}) {
    if (v->shape() != Shape{channels}) {
      throw ShapeError(error_text(name, ": ", what, " has shape ", to_string(v->shape()),
                                  ", expected [", channels, "], one for each channel of x ",
                                  to_string(x.shape())));
    }
  }
  const Activation a = options.activation;
  if (a != Activation::none && a != Activation::relu && a != Activation::relu6) {
    throw ValueError(error_text(name, ": the activation must be none, relu or relu6"));
  }
  require_positive(name, "epsilon", options.epsilon, true);
  return channels;
}

/// act((x - mean) / sqrt(variance + epsilon) weight + bias); `of_batch` where mean and variance are
/// those of x, so that they have a derivative.
template <class T>
Var<T> record_batch_norm(const char* name, const Var<T>& x, const Var<T>& weight,
                         const Var<T>& bias, const ChannelStatistics& statistics, bool of_batch,
                         const BatchNormOptions& options) {
  Tape<T>& tape = x.tape();
  const std::size_t channels = x.shape().back();
  const std::size_t rows = x.size() / channels;
  // mean, scale, shift, then 1 / standard deviation
  auto norm = std::make_shared<Tensor<T>>(make_tensor<T>({4, channels}));
  T* const mean = norm->data();
  T* const scale = mean + channels;
  T* const shift = scale + channels;
  T* const inverse = shift + channels;
  for (std::size_t c = 0; c < channels; ++c) {
    const double inverse_deviation = 1.0 / std::sqrt(statistics.variance[c] + options.epsilon);
    mean[c] = static_cast<T>(statistics.mean[c]);
    inverse[c] = static_cast<T>(inverse_deviation);
    scale[c] = static_cast<T>(static_cast<double>(weight.data()[c]) * inverse_deviation);
    shift[c] = bias.data()[c];
  }
  const bool rectifies = options.activation != Activation::none;
  const bool differentiate = x.requires_grad() || weight.requires_grad() || bias.requires_grad();
  const auto mask = rectifies && differentiate
                        ? tape.pool().bytes(rows * kernels::mask_row_bytes(channels))
                        : nullptr;
  Tensor<T> value = tape.pool().take(x.shape());
  kernels::channel_norm<T>(rows, channels, x.data(), {mean, scale, shift}, options.activation,
                           mask == nullptr ? nullptr : mask->data(), value.data(), tape.threads());
  const auto input = tape.elements(x);
  return tape.record(name, std::move(value), {x, weight, bias}, [=](Pullback<T>& p) {
    const T* middle = norm->data();
    const T* slope = middle + channels;
    const T* deviation = middle + 3 * channels;
    const std::uint8_t* bits = mask == nullptr ? nullptr : mask->data();
    const auto scratch = p.scratch(kernels::channel_norm_scratch(rows, channels));
    std::vector<double> sums(channels), products(channels);
    std::vector<T> offset(channels, T(0)), curve(channels, T(0));
    // x's last, as it is written last: weight or bias may be the same variable.
    const auto to_bias = p.target(2), to_weight = p.target(1), to_x = p.target(0);
    const bool wants_sums = (to_x && of_batch) || to_weight || to_bias;
    for (std::size_t k = 0; k < p.count(); ++k) {
      const T* g = p.cotangent() + k * rows * channels;
      if (wants_sums) {
        kernels::channel_norm_sums<T>(rows, channels, input->data(), middle, g, bits, sums.data(),
                                      products.data(), scratch.data(), p.threads());
      }
      for (std::size_t c = 0; c < channels; ++c) {
        const auto d = static_cast<double>(deviation[c]);
        if (to_bias) to_bias.put(k * channels + c, static_cast<T>(sums[c]));
        if (to_weight) to_weight.put(k * channels + c, static_cast<T>(products[c] * d));
        if (!of_batch) continue;
        const double share = static_cast<double>(slope[c]) / static_cast<double>(rows);
        offset[c] = static_cast<T>(share * sums[c]);
        curve[c] = static_cast<T>(share * products[c] * d * d);
      }
      if (to_x) {
        kernels::channel_norm_vjp<T>(rows, channels, input->data(), middle, g, bits, slope,
                                     offset.data(), curve.data(), to_x.data + k * rows * channels,
                                     to_x.accumulate, p.threads());
      }
    }
  });
}

}  // namespace internal

template <class T>
Var<T> batch_norm(const Var<T>& x, const Var<T>& weight, const Var<T>& bias,
                  const BatchNormOptions& options, ChannelStatistics* statistics) {
  const std::size_t channels =
      internal::batch_norm_channels("batch_norm", x, weight, bias, options);
  const std::size_t rows = x.size() / channels;
  Tape<T>& tape = x.tape();
  ChannelStatistics own{std::vector<double>(channels), std::vector<double>(channels), rows};
  {
    const PooledScratch<T> scratch(tape.pool(), kernels::channel_norm_scratch(rows, channels));
    kernels::channel_statistics<T>(rows, channels, x.data(), own.mean.data(), own.variance.data(),
                                   scratch.data(), tape.threads());
  }
  const Var<T> result =
      internal::record_batch_norm("batch_norm", x, weight, bias, own, true, options);
  if (statistics != nullptr) *statistics = std::move(own);
  return result;
}

template <class T>
Var<T> batch_norm(const Var<T>& x, const Var<T>& weight, const Var<T>& bias, const Tensor<T>& mean,
                  const Tensor<T>& variance, const BatchNormOptions& options) {
  const std::size_t channels =
      internal::batch_norm_channels("batch_norm", x, weight, bias, options);
  require_shape(mean, {channels}, "batch_norm", "mean");
  require_shape(variance, {channels}, "batch_norm", "variance");
  ChannelStatistics given{{mean.begin(), mean.end()}, {variance.begin(), variance.end()}, 0};
  return internal::record_batch_norm("batch_norm", x, weight, bias, given, false, options);
}

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_AUTODIFF
