#pragma once

#include <cstddef>
#include <utility>

#include <posekit/autodiff/batch_norm.hpp>
#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/nn/module.hpp>

namespace posekit::inline POSEKIT_ISA::nn {

struct BatchNorm2dOptions {
  std::size_t channels = 0;
  double epsilon = 1e-5;
  double momentum = 0.1;  ///< the share of a batch in the running statistics
};

/// Of x [..., C], usually [N, H, W, C]: by the batch's mean and biased variance in training, by the
/// running ones (which average unbiased variances) otherwise. Parameters: weight [C], bias [C];
/// buffers: running_mean [C], running_var [C], num_batches_tracked [].
template <class T>
struct BatchNorm2d {
  using value_type = T;
  BatchNorm2dOptions options;
  Parameter<T> weight, bias;
  mutable Buffer<T> running_mean, running_var, num_batches_tracked;
  bool training = true;

  /// Throws ValueError for 0 channels, an epsilon that is negative, infinite or NaN and a momentum
  /// outside [0, 1].
  explicit BatchNorm2d(const BatchNorm2dOptions& given);

  /// `activation` (none, relu or relu6) is applied in the same pass.
  Var<T> operator()(const Var<T>& x, Activation activation = Activation::none) const;

  void visit(ModuleVisitor<T>& v);
};

/// PyTorch's name of the same for x [N, C].
template <class T>
using BatchNorm1d = BatchNorm2d<T>;

struct LayerNormOptions {
  std::size_t channels = 0;
  double epsilon = 1e-5;
};

/// Of each row of x [..., C]. Parameters: weight [C], bias [C].
template <class T>
struct LayerNorm {
  using value_type = T;
  LayerNormOptions options;
  Parameter<T> weight, bias;
  bool training = true;

  /// Throws ValueError for 0 channels.
  explicit LayerNorm(const LayerNormOptions& given);

  Var<T> operator()(const Var<T>& x) const;

  void visit(ModuleVisitor<T>& v);
};

}  // namespace posekit::inline POSEKIT_ISA::nn

#if POSEKIT_DEFINES_NN

#include <posekit/autodiff/layer_norm.hpp>
#include <posekit/core/require.hpp>

namespace posekit::inline POSEKIT_ISA::nn {

template <class T>
BatchNorm2d<T>::BatchNorm2d(const BatchNorm2dOptions& given) : options(given) {
  const Shape shape{options.channels};
  if (options.channels == 0) throw ValueError("BatchNorm2d: 0 channels, expected more");
  require_positive("BatchNorm2d", "epsilon", options.epsilon, true);
  require_between("BatchNorm2d", "momentum", options.momentum, 0, 1);
  weight = Parameter<T>(zeros<T>(shape) + T(1));
  bias = Parameter<T>(zeros<T>(shape));
  running_mean.value = zeros<T>(shape);
  running_var.value = zeros<T>(shape) + T(1);
  num_batches_tracked.value = zeros<T>({});
  num_batches_tracked.optional = true;
}

template <class T>
Var<T> BatchNorm2d<T>::operator()(const Var<T>& x, Activation activation) const {
  Tape<T>& tape = x.tape();
  const Var<T> scale = weight.on(tape, training), shift = bias.on(tape, training);
  const BatchNormOptions norm{.epsilon = options.epsilon, .activation = activation};
  if (!training) {
    return batch_norm(x, scale, shift, running_mean.value, running_var.value, norm);
  }
  ChannelStatistics batch;
  const Var<T> y = batch_norm(x, scale, shift, norm, &batch);
  if (batch.count < 2) {
    throw ShapeError(error_text("BatchNorm2d: x has shape ", to_string(x.shape()),
                                ", expected more than one value for each channel in training"));
  }
  const double unbiased = static_cast<double>(batch.count) / static_cast<double>(batch.count - 1);
  for (std::size_t c = 0; c < options.channels; ++c) {
    const auto mix = [&](T& running, double now) {
      running = static_cast<T>((1.0 - options.momentum) * static_cast<double>(running) +
                               options.momentum * now);
    };
    mix(running_mean.value.data()[c], batch.mean[c]);
    mix(running_var.value.data()[c], batch.variance[c] * unbiased);
  }
  num_batches_tracked.value.data()[0] += T(1);
  return y;
}

template <class T>
void BatchNorm2d<T>::visit(ModuleVisitor<T>& v) {
  v.training(training);
  v("weight", weight);
  v("bias", bias);
  v("running_mean", running_mean);
  v("running_var", running_var);
  v("num_batches_tracked", num_batches_tracked);
}

template <class T>
LayerNorm<T>::LayerNorm(const LayerNormOptions& given)
    : options(given), weight(zeros<T>({given.channels}) + T(1)), bias(zeros<T>({given.channels})) {
  if (given.channels == 0) throw ValueError("LayerNorm: 0 channels, expected more");
}

template <class T>
Var<T> LayerNorm<T>::operator()(const Var<T>& x) const {
  Tape<T>& tape = x.tape();
  return layer_norm(x, weight.on(tape, training), bias.on(tape, training),
                    {.epsilon = options.epsilon});
}

template <class T>
void LayerNorm<T>::visit(ModuleVisitor<T>& v) {
  v.training(training);
  v("weight", weight);
  v("bias", bias);
}

}  // namespace posekit::inline POSEKIT_ISA::nn

#endif  // POSEKIT_DEFINES_NN
