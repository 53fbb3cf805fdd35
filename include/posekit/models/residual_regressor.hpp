#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/nn/dropout.hpp>
#include <posekit/nn/linear.hpp>
#include <posekit/nn/linear_norm.hpp>
#include <posekit/nn/module.hpp>
#include <posekit/nn/normalization.hpp>

namespace posekit::inline POSEKIT_ISA::models {

struct ResidualRegressorOptions {
  std::size_t in_features = 0, out_features = 0;
  std::size_t width = 1024;  ///< features of the hidden layers
  std::size_t blocks = 2;    ///< residual ones, of two layers each
  double dropout = 0.5;
};

/// Two dense layers around which the input passes: x + layer(layer(x)).
template <class T>
struct DenseBlock {
  using value_type = T;
  nn::Linear<T> w1, w2;
  nn::BatchNorm1d<T> batch_norm1, batch_norm2;
  nn::Dropout<T> dropout1, dropout2;

  DenseBlock(std::size_t width, double dropout);

  Var<T> operator()(const Var<T>& x) const;
  void visit(nn::ModuleVisitor<T>& v);
};

/// The regressor of Martinez, Hossain, Romero, Little, "A Simple Yet Effective Baseline for 3D
/// Human Pose Estimation" (ICCV 2017), Fig. 1: x [N, in] -> [N, out]. Every hidden layer is dense,
/// batch normalisation, ReLU, dropout; pairs of them are residual blocks. Parameters have the names
/// of weigq/3d_pose_baseline_pytorch: w1, batch_norm1, linear_stages.<i>.{w1, batch_norm1, w2,
/// batch_norm2}, w2.
template <class T>
struct ResidualRegressor {
  using value_type = T;
  nn::Linear<T> w1, w2;
  nn::BatchNorm1d<T> batch_norm1;
  nn::Dropout<T> dropout;
  std::vector<DenseBlock<T>> linear_stages;

  /// Throws ValueError for features or a width of 0 and a dropout outside [0, 1).
  explicit ResidualRegressor(const ResidualRegressorOptions& options);

  /// Throws ShapeError for other features, and in training for one row.
  Var<T> operator()(const Var<T>& x) const;
  void visit(nn::ModuleVisitor<T>& v);
};

/// The parameters of such a regressor, which is not made for it.
std::size_t parameter_count(const ResidualRegressorOptions& options);

/// The width with which regressors, of these options but for it, have `wanted` parameters together,
/// as nearly as there is one. Throws ValueError for no regressors.
std::size_t width_of_size(std::vector<ResidualRegressorOptions> regressors, std::size_t wanted);

}  // namespace posekit::inline POSEKIT_ISA::models

#if POSEKIT_DEFINES_MODELS

#include <posekit/autodiff/arithmetic.hpp>
#include <posekit/core/error.hpp>

namespace posekit::inline POSEKIT_ISA::internal {

/// dropout(relu(norm(layer(x)))).
template <class T>
Var<T> hidden_layer(const Var<T>& x, const nn::Linear<T>& layer, const nn::BatchNorm1d<T>& norm,
                    const nn::Dropout<T>& dropout) {
  const Var<T> y = nn::linear_norm(x, layer, norm, Activation::relu);
  return dropout.probability == 0 ? y : dropout(y);
}

}  // namespace posekit::inline POSEKIT_ISA::internal

namespace posekit::inline POSEKIT_ISA::models {

template <class T>
DenseBlock<T>::DenseBlock(std::size_t width, double dropout)
    : w1({.in_features = width, .out_features = width}),
      w2({.in_features = width, .out_features = width}),
      batch_norm1({.channels = width}),
      batch_norm2({.channels = width}),
      dropout1(dropout),
      dropout2(dropout) {}

template <class T>
Var<T> DenseBlock<T>::operator()(const Var<T>& x) const {
  const Var<T> y = internal::hidden_layer(x, w1, batch_norm1, dropout1);
  return x + internal::hidden_layer(y, w2, batch_norm2, dropout2);
}

template <class T>
void DenseBlock<T>::visit(nn::ModuleVisitor<T>& v) {
  v("w1", w1);
  v("batch_norm1", batch_norm1);
  v("dropout1", dropout1);
  v("w2", w2);
  v("batch_norm2", batch_norm2);
  v("dropout2", dropout2);
}

template <class T>
ResidualRegressor<T>::ResidualRegressor(const ResidualRegressorOptions& options)
    : w1({.in_features = options.in_features, .out_features = options.width}),
      w2({.in_features = options.width, .out_features = options.out_features}),
      batch_norm1({.channels = options.width}),
      dropout(options.dropout) {
  for (std::size_t i = 0; i < options.blocks; ++i)
    linear_stages.emplace_back(options.width, options.dropout);
}

template <class T>
Var<T> ResidualRegressor<T>::operator()(const Var<T>& x) const {
  Var<T> y = internal::hidden_layer(x, w1, batch_norm1, dropout);
  for (const DenseBlock<T>& block : linear_stages) y = block(y);
  return w2(y);
}

template <class T>
void ResidualRegressor<T>::visit(nn::ModuleVisitor<T>& v) {
  v("w1", w1);
  v("batch_norm1", batch_norm1);
  v("dropout", dropout);
  v("linear_stages", linear_stages);
  v("w2", w2);
}

POSEKIT_INLINE std::size_t parameter_count(const ResidualRegressorOptions& o) {
  const std::size_t w = o.width;
  return (o.in_features + 3) * w + 2 * o.blocks * (w + 3) * w + (w + 1) * o.out_features;
}

POSEKIT_INLINE std::size_t width_of_size(std::vector<ResidualRegressorOptions> regressors,
                                         std::size_t wanted) {
  if (regressors.empty()) throw ValueError("width_of_size: no regressors, expected some");
  const auto size = [&](std::size_t width) {
    std::size_t sum = 0;
    for (ResidualRegressorOptions& one : regressors) {
      one.width = width;
      sum += parameter_count(one);
    }
    return sum;
  };
  std::size_t low = 1, high = 2;
  while (size(high) < wanted) high *= 2;
  while (low + 1 < high) {
    const std::size_t middle = (low + high) / 2;
    (size(middle) < wanted ? low : high) = middle;
  }
  // size(high) is not below it.
  const std::size_t smaller = size(low);
  return smaller >= wanted || wanted - smaller < size(high) - wanted ? low : high;
}

}  // namespace posekit::inline POSEKIT_ISA::models

#endif  // POSEKIT_DEFINES_MODELS
