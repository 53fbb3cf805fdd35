#pragma once

// From a picture to a 3D pose in one network: the multi-task network and the progressive regressor
// of Wang, Huang, Wang, Tao, "Not All Parts Are Created Equal: 3D Pose Estimation by Modeling
// Bi-directional Dependencies of Body Parts" (ICCV 2019), joined by soft-argmax (section 3).

#include <cstddef>

#include <posekit/autodiff/tape.hpp>
#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/models/pose_attribute_net.hpp>
#include <posekit/models/progressive_pose.hpp>

namespace posekit::inline POSEKIT_ISA::models {

struct ImageLifterOptions {
  PoseAttributeNetOptions image{};
  ProgressivePoseOptions lifter{};
  /// How heatmaps are read. They are trained to be 1 at the joint and 0 far from it, which is far
  /// too flat for a softmax of beta 1: its 4,096 cells would all count. Weights are therefore
  /// exp(beta h) - 1 of what is above 0, and next to nothing of the rest (`read_peaks`). The paper
  /// does not say how.
  double beta = 20;
  /// The lifter sees joints about the middle of their own rectangle, as it was trained
  /// (`centred_joints`, with LiftingOptions' crop), not where the picture happens to have them. 0:
  /// as the picture has them.
  double crop = 1.25;
};

/// What an ImageLifter says of N pictures.
template <class T>
struct ImageLifterOutput {
  PoseAttributeOutput<T> seen;  ///< of the multi-task network
  Var<T> joints;                ///< [N, J, 2] in the picture, whose sides are at -1 and 1; y down
  Var<T> attributes;            ///< [N, 9, 3], probabilities
  ProgressiveOutput<T> lifted;  ///< mm from the root, in the camera's axes
};

/// x [N, 3, H, W], normalised as the multi-task network wants it -> ImageLifterOutput. One backward
/// pass goes through all of it. Parts: image (PoseAttributeNet), lifter (ProgressivePose);
/// the seed of initial weights is the former's.
///
///     models::ImageLifter<float> net({.image = {.stacks = 1, .features = 32, .input = {64, 64}},
///                                     .lifter = {.width = 128}});
///     auto out = net(tape.constant(images));
///     out.lifted.positions;                             // [N, 16, 3], mm
template <class T>
class ImageLifter {
  ImageLifterOptions options_;  // checked before the parts are made

 public:
  using value_type = T;

  PoseAttributeNet<T> image;
  ProgressivePose<T> lifter;

  /// Throws as its parts, and ValueError where the joints or the attributes of one are not the
  /// other's, for a beta that is not positive and a crop that is negative.
  explicit ImageLifter(const ImageLifterOptions& options);

  const ImageLifterOptions& options() const { return options_; }

  /// Throws ShapeError.
  ImageLifterOutput<T> operator()(const Var<T>& x, const PoseAttributeCall& call = {}) const;

  void train(bool training = true) { nn::set_training(*this, training); }
  void eval() { train(false); }

  void visit(nn::ModuleVisitor<T>& v);
};

/// Heatmaps [N, J, h, w], trained to be 1 at their joints and 0 elsewhere -> [N, J, 2] in
/// Coordinates::normalized: compensated_soft_argmax of relu(heatmaps), so that no cell pulls that
/// holds nothing and the position is always within the map. A map without anything above 0 gives
/// its middle, and one with next to nothing about that: gradients stay bounded. Throws ShapeError,
/// and ValueError for a beta that is not positive.
template <class T>
Var<T> read_peaks(const Var<T>& heatmaps, double beta);

}  // namespace posekit::inline POSEKIT_ISA::models

#if POSEKIT_DEFINES_MODELS

#include <posekit/autodiff/functions.hpp>
#include <posekit/autodiff/softmax.hpp>
#include <posekit/core/error.hpp>
#include <posekit/core/require.hpp>
#include <posekit/heatmap/soft_argmax.hpp>
#include <posekit/models/centred_joints.hpp>
#include <posekit/nn/initialization.hpp>
#include <posekit/pose/pose_attributes.hpp>

namespace posekit::inline POSEKIT_ISA {

namespace internal {

inline models::ImageLifterOptions checked(const models::ImageLifterOptions& o) {
  require_positive("ImageLifter", "beta", o.beta);
  require_positive("ImageLifter", "crop", o.crop, true);
  if (o.image.joints != o.lifter.skeleton->size()) {
    throw ValueError(error_text("ImageLifter: the image network has ", o.image.joints,
                                " joints, the lifter's skeleton ", o.lifter.skeleton->name, " has ",
                                o.lifter.skeleton->size()));
  }
  if (o.image.attributes != pose_attribute_count || o.image.classes != pose_attribute_class_count) {
    throw ValueError(error_text("ImageLifter: the image network has ", o.image.attributes,
                                " attributes of ", o.image.classes, " classes, the lifter sees ",
                                pose_attribute_count, " of ", pose_attribute_class_count));
  }
  return o;
}

}  // namespace internal

namespace models {

template <class T>
ImageLifter<T>::ImageLifter(const ImageLifterOptions& options)
    : options_(internal::checked(options)), image(options.image), lifter(options.lifter) {
  nn::initialize(lifter,
                 {.scheme = nn::Initialization::kaiming_normal_in, .seed = options.image.seed});
}

template <class T>
Var<T> read_peaks(const Var<T>& heatmaps, double beta) {
  require_positive("read_peaks", "beta", beta);
  // A little less than nothing, so that weights do not sum to 0.
  return compensated_soft_argmax(relu(heatmaps), {.beta = beta, .background = -1e-4});
}

template <class T>
ImageLifterOutput<T> ImageLifter<T>::operator()(const Var<T>& x,
                                                const PoseAttributeCall& call) const {
  ImageLifterOutput<T> out;
  out.seen = image(x, call);
  out.joints = read_peaks(out.seen.heatmaps.back(), options_.beta);
  out.attributes = softmax(out.seen.attributes);
  const Var<T> pose = options_.crop > 0 ? centred_joints(out.joints, options_.crop) : out.joints;
  out.lifted = lifter(pose, options_.lifter.attributes ? out.attributes : Var<T>());
  return out;
}

template <class T>
void ImageLifter<T>::visit(nn::ModuleVisitor<T>& v) {
  v("image", image);
  v("lifter", lifter);
}

}  // namespace models

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_MODELS
