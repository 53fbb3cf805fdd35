#pragma once

#include <cstddef>

#include <posekit/autodiff/tape.hpp>
#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/models/residual_regressor.hpp>
#include <posekit/pose/skeletons.hpp>

namespace posekit::inline POSEKIT_ISA::models {

struct PoseLifterOptions {
  const Skeleton* skeleton = &skeletons::pose_16;
  bool attributes = false;   ///< also sees the nine pose attributes
  std::size_t width = 1024;  ///< features of the hidden layers
  std::size_t blocks = 2;    ///< residual ones, of two layers each
  double dropout = 0.5;
  double unit = 100;  ///< mm of a unit of what the network's last layer says
};

/// Those of the network's layers.
ResidualRegressorOptions regressor_options(const PoseLifterOptions& options);

/// A 2D pose lifted to 3D (Martinez et al. 2017): joints [N, J, 2], normalised by the crop, as
/// LiftingExamples has them, to positions [N, J, 3] in mm from the root. With 16 joints, width 1024
/// and two blocks it has 4,291,632 parameters, named as ResidualRegressor has them.
///
///     models::PoseLifter<float> net({.skeleton = &skeletons::pose_16});
///     Tensor<float> positions = net.lift(joints);
template <class T>
class PoseLifter {
 public:
  using value_type = T;

  /// Throws as ResidualRegressor, and ValueError for a unit that is not positive.
  explicit PoseLifter(const PoseLifterOptions& options);

  /// `attributes` [N, 9, 3] (probabilities, or one for the class and zeros) where the network sees
  /// them. Throws ShapeError for other shapes.
  Var<T> operator()(const Var<T>& joints, const Var<T>& attributes = {}) const;

  /// The positions of joints, outside training. Throws ShapeError, and Error in training.
  Tensor<T> lift(const Tensor<T>& joints, const Tensor<T>& attributes = {}) const;

  const PoseLifterOptions& options() const { return options_; }
  void visit(nn::ModuleVisitor<T>& v) { regressor_.visit(v); }
  void train() { nn::set_training(*this, true); }
  void eval() { nn::set_training(*this, false); }

 private:
  PoseLifterOptions options_;
  ResidualRegressor<T> regressor_;
};

}  // namespace posekit::inline POSEKIT_ISA::models

#if POSEKIT_DEFINES_MODELS

#include <posekit/autodiff/arithmetic.hpp>
#include <posekit/autodiff/shaping.hpp>
#include <posekit/core/require.hpp>
#include <posekit/models/lifting_features.hpp>

namespace posekit::inline POSEKIT_ISA::models {

POSEKIT_INLINE ResidualRegressorOptions regressor_options(const PoseLifterOptions& o) {
  return {.in_features = lifting_feature_count(o.skeleton->size(), o.attributes),
          .out_features = 3 * o.skeleton->size(),
          .width = o.width,
          .blocks = o.blocks,
          .dropout = o.dropout};
}

template <class T>
PoseLifter<T>::PoseLifter(const PoseLifterOptions& options)
    : options_(options), regressor_(regressor_options(options)) {
  require_positive("PoseLifter", "unit", options.unit);
}

template <class T>
Var<T> PoseLifter<T>::operator()(const Var<T>& joints, const Var<T>& attributes) const {
  const std::size_t count = options_.skeleton->size();
  const Var<T> features =
      lifting_features("PoseLifter", joints, count, attributes, options_.attributes);
  const Var<T> positions = regressor_(features) * static_cast<T>(options_.unit);
  return reshape(positions, {joints.shape()[0], count, 3});
}

template <class T>
Tensor<T> PoseLifter<T>::lift(const Tensor<T>& joints, const Tensor<T>& attributes) const {
  if (regressor_.w1.training) throw Error("PoseLifter: lift was called in training, call eval()");
  Tape<T> tape;
  return (*this)(tape.constant(joints), options_.attributes ? tape.constant(attributes) : Var<T>())
      .value();
}

}  // namespace posekit::inline POSEKIT_ISA::models

#endif  // POSEKIT_DEFINES_MODELS
