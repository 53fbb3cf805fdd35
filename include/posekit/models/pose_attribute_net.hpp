#pragma once

// The multi-task network of Wang et al. 2019, section 3.1: one image, heatmaps of its joints, and
// whether each limb joint is in front of the torso's plane, on it or behind it.

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <posekit/autodiff/var.hpp>
#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/models/hourglass.hpp>
#include <posekit/nn/linear.hpp>
#include <posekit/nn/sequential.hpp>

namespace posekit::inline POSEKIT_ISA::models {

struct PoseAttributeHeadOptions {
  std::size_t features = 256;                 ///< channels of what it sees
  std::array<std::size_t, 2> extent{64, 64};  ///< (height, width) of it, multiples of 16
  std::size_t outputs = 27;
};

/// Four times two residual bottlenecks and a halving maximum, then one linear map: the depth head
/// of xingyizhou/pytorch-pose-hg-3d (Zhou et al. 2017). Parts: levels.<0..3>.<0..1>, linear.
template <class T>
struct PoseAttributeHead {
  using value_type = T;
  std::vector<nn::Sequential<T>> levels;
  nn::Linear<T> linear;

  explicit PoseAttributeHead(const PoseAttributeHeadOptions& options);

  /// x [N, h, w, C] -> [N, C (h / 16) (w / 16)], channel by channel as PyTorch's view has it: what
  /// `linear` reads.
  Var<T> flat_features(const Var<T>& x) const;
  void visit(nn::ModuleVisitor<T>& v);
};

/// The defaults are the paper's joints and attributes, and the network of 2 stacks that many build
/// upon; the paper says neither how many stacks it has nor what the heads are made of.
struct PoseAttributeNetOptions {
  std::size_t joints = 16;
  std::size_t stacks = 2;
  std::size_t blocks = 1;      ///< residual blocks in each place of the hourglasses
  std::size_t features = 256;  ///< channels of the hourglasses
  std::size_t attributes = 9;  ///< limb joints that have one: head, elbows, wrists, knees, ankles
  std::size_t classes = 3;     ///< front, back, on the plane
  std::size_t domains = 2;     ///< sources of images
  std::size_t domain_features = 100;  ///< between the two layers of the classifier of domains
  std::array<std::size_t, 2> input{256, 256};  ///< (height, width) of images, multiples of 64
  std::uint64_t seed = 0;                      ///< of the initial weights
};

/// How a PoseAttributeNet is called.
struct PoseAttributeCall {
  /// lambda of section 3.1.2: the classifier of domains sends -lambda times its gradient to what
  /// made the features. Values do not depend on it.
  double reversal = 1.0;
};

/// What a PoseAttributeNet says of a batch of images.
template <class T>
struct PoseAttributeOutput {
  std::vector<Var<T>> heatmaps;  ///< [N, J, H/4, W/4] of each stack; the last one is `back()`
  Var<T> attributes;             ///< logits [N, attributes, classes]
  Var<T> domain;                 ///< logits [N, domains]
};

/// x [N, 3, H, W] -> PoseAttributeOutput, for images of the size that the options name.
///
/// A StackedHourglass, whose parts keep their names here; an `attribute_head` on the features of
/// its last heatmaps; and, where gradients are reversed (Ganin and Lempitsky 2015), a
/// `domain_classifier` (linear, ReLU, linear) of the features that the head's linear map reads.
///
/// With 16 joints, 2 stacks of 2 blocks, 256 features and 9 x 3 attributes the trunk and the head
/// have 14,564,539 parameters. pytorch-pose-hg-3d's network of these numbers has 14,474,171: its
/// stem widens to 256 channels one block later (160,512 fewer), and its last stack, too, adds
/// features and heatmaps to what came in (70,144 more), which is what its head sees.
///
///     models::PoseAttributeNet<float> net({.stacks = 2});
///     load_safetensors("hg_s2_b1.safetensors", net.trunk);
///     auto out = net(tape.constant(images), {.reversal = 0.1});
template <class T>
class PoseAttributeNet {
  PoseAttributeNetOptions options_;  // checked before the parts are made

 public:
  using value_type = T;

  StackedHourglass<T> trunk;
  PoseAttributeHead<T> attribute_head;
  nn::Sequential<T> domain_classifier;

  /// Throws ValueError for numbers that are 0, features that are not a multiple of 4 and an input
  /// that is not one of 64.
  explicit PoseAttributeNet(const PoseAttributeNetOptions& options = {});

  const PoseAttributeNetOptions& options() const { return options_; }

  /// Throws ShapeError.
  PoseAttributeOutput<T> operator()(const Var<T>& x, const PoseAttributeCall& call = {}) const;

  /// Statistics of the batch, and gradients of the parameters; or neither (see nn::set_training).
  void train(bool training = true) { nn::set_training(*this, training); }
  void eval() { train(false); }

  void visit(nn::ModuleVisitor<T>& v);
};

}  // namespace posekit::inline POSEKIT_ISA::models

#if POSEKIT_DEFINES_MODELS

#include <posekit/autodiff/gradient_flow.hpp>
#include <posekit/autodiff/pooling.hpp>
#include <posekit/autodiff/shaping.hpp>
#include <posekit/core/error.hpp>
#include <posekit/nn/activations.hpp>
#include <posekit/nn/initialization.hpp>

namespace posekit::inline POSEKIT_ISA {

namespace internal {

inline models::PoseAttributeNetOptions checked(const models::PoseAttributeNetOptions& o) {
  for (const std::size_t extent : o.input) {
    if (extent == 0 || extent % 64 != 0) {
      throw ValueError(error_text("PoseAttributeNet: images of ", o.input[0], " x ", o.input[1],
                                  ", expected multiples of 64"));
    }
  }
  if (o.attributes == 0 || o.classes == 0 || o.domains == 0 || o.domain_features == 0) {
    throw ValueError(error_text("PoseAttributeNet: ", o.attributes, " attributes, ", o.classes,
                                " classes, ", o.domains, " domains and ", o.domain_features,
                                " domain features, expected more than 0"));
  }
  return o;
}

}  // namespace internal

namespace models {

template <class T>
PoseAttributeHead<T>::PoseAttributeHead(const PoseAttributeHeadOptions& options)
    : linear({.in_features = options.features * (options.extent[0] / 16) * (options.extent[1] / 16),
              .out_features = options.outputs}) {
  for (std::size_t level = 0; level < 4; ++level)
    levels.push_back(preactivation_bottlenecks<T>(options.features, options.features / 2, 2));
}

template <class T>
Var<T> PoseAttributeHead<T>::flat_features(const Var<T>& x) const {
  Var<T> y = x;
  for (const auto& level : levels) y = max_pool2d(level(y));
  return reshape(to_channels_first(y), {y.shape()[0], y.shape()[1] * y.shape()[2] * y.shape()[3]});
}

template <class T>
void PoseAttributeHead<T>::visit(nn::ModuleVisitor<T>& v) {
  v("levels", levels);
  v("linear", linear);
}

template <class T>
PoseAttributeNet<T>::PoseAttributeNet(const PoseAttributeNetOptions& options)
    : options_(internal::checked(options)),
      trunk({.joints = options.joints,
             .stacks = options.stacks,
             .blocks = options.blocks,
             .features = options.features}),
      attribute_head({.features = options.features,
                      .extent = {options.input[0] / 4, options.input[1] / 4},
                      .outputs = options.attributes * options.classes}) {
  const std::size_t flat = options.features * (options.input[0] / 64) * (options.input[1] / 64);
  domain_classifier = nn::Sequential<T>(
      nn::Linear<T>({.in_features = flat, .out_features = options.domain_features}), nn::ReLU{},
      nn::Linear<T>({.in_features = options.domain_features, .out_features = options.domains}));
  nn::initialize(*this, {.scheme = nn::Initialization::kaiming_uniform_in, .seed = options.seed});
}

template <class T>
PoseAttributeOutput<T> PoseAttributeNet<T>::operator()(const Var<T>& x,
                                                       const PoseAttributeCall& call) const {
  const Shape shape = x.shape(),
              expected{shape.empty() ? 0 : shape[0], 3, options_.input[0], options_.input[1]};
  if (shape != expected) {
    throw ShapeError(error_text("PoseAttributeNet: x has shape ", posekit::to_string(shape),
                                ", expected [N, 3, ", options_.input[0], ", ", options_.input[1],
                                "]"));
  }
  HourglassOutput<T> seen = trunk(x);
  const Var<T> flat = attribute_head.flat_features(seen.features);
  const Var<T> attributes = attribute_head.linear(flat);
  return {.heatmaps = std::move(seen.heatmaps),
          .attributes = reshape(attributes, {shape[0], options_.attributes, options_.classes}),
          .domain = domain_classifier(reverse_gradient(flat, call.reversal))};
}

template <class T>
void PoseAttributeNet<T>::visit(nn::ModuleVisitor<T>& v) {
  trunk.visit(v);
  v("attribute_head", attribute_head);
  v("domain_classifier", domain_classifier);
}

}  // namespace models

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_MODELS
