#pragma once

// Stacked hourglasses (Newell, Yang and Deng 2016): residual networks that go down to small images
// and up again, one after the other, each with heatmaps of its own. Layers and names are those of
// bearpaw/pytorch-pose's hg.py, whose checkpoints load by name.

#include <cstddef>
#include <cstdint>
#include <vector>

#include <posekit/autodiff/var.hpp>
#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/nn/convolution.hpp>
#include <posekit/nn/module.hpp>
#include <posekit/nn/normalization.hpp>
#include <posekit/nn/sequential.hpp>

namespace posekit::inline POSEKIT_ISA::models {

/// 1 x 1, 3 x 3 and 1 x 1, each after its batch normalisation and ReLU (He et al. 2016b), beside
/// the identity or, where the channels change, a 1 x 1 convolution: x [N, H, W, in] ->
/// [N, H, W, 2 middle]. Outside training bn2 and bn3 are part of conv1 and conv2.
template <class T>
struct PreactivationBottleneck {
  using value_type = T;
  nn::BatchNorm2d<T> bn1, bn2, bn3;
  nn::Conv2d<T> conv1, conv2, conv3;
  nn::Sequential<T> downsample;

  PreactivationBottleneck(std::size_t in, std::size_t middle);

  Var<T> operator()(const Var<T>& x) const;
  void visit(nn::ModuleVisitor<T>& v);
};

/// `blocks` of them, the first of which may change the number of channels.
template <class T>
nn::Sequential<T> preactivation_bottlenecks(std::size_t in, std::size_t middle, std::size_t blocks);

/// One hourglass: at each of four extents, blocks that stay there beside blocks that go on at half
/// of it, added after nearest up-sampling: x [N, H, W, C] -> [N, H, W, C], H and W multiples of 16.
/// Parts: hg.<level>, of which 0 is the smallest; in it 0 (stays), 1 (down), 2 (up), and in level 0
/// the blocks 3 between.
template <class T>
struct Hourglass {
  using value_type = T;
  static constexpr std::size_t depth = 4;

  struct Level {
    nn::Sequential<T> stay, down, up, between;
    void visit(nn::ModuleVisitor<T>& v);
  };
  std::vector<Level> levels;

  Hourglass(std::size_t channels, std::size_t blocks);

  Var<T> operator()(const Var<T>& x) const { return at(depth - 1, x); }
  void visit(nn::ModuleVisitor<T>& v) { v("hg", levels); }

 private:
  Var<T> at(std::size_t level, const Var<T>& x) const;
};

struct StackedHourglassOptions {
  std::size_t joints = 16;
  std::size_t stacks = 2;
  std::size_t blocks = 1;      ///< residual blocks in each place
  std::size_t features = 256;  ///< channels of the hourglasses; the stem begins with a quarter
  std::uint64_t seed = 0;      ///< of the initial weights
};

/// What stacked hourglasses say of a batch of images.
template <class T>
struct HourglassOutput {
  std::vector<Var<T>> heatmaps;  ///< [N, J, H/4, W/4] of each stack; the last one is `back()`
  Var<T> features;               ///< [N, H/4, W/4, features], what the last heatmaps are made of
};

/// x [N, 3, H, W] -> HourglassOutput, H and W being multiples of 64. Heatmaps are neither logits
/// nor probabilities: they are trained to be Gaussians (see heatmap_mse) whose peaks are 1.
/// Published weights want RGB in [0, 1] less the mean of their training images. Weights start as
/// PyTorch's do, biases at 0.
///
///     models::StackedHourglass<float> net({.joints = 16, .stacks = 2});
///     load_safetensors("hg_s2_b1.safetensors", net);
///     net.eval();
///     auto maps = net(tape.constant(images)).heatmaps.back();
template <class T>
class StackedHourglass {
 public:
  using value_type = T;

  /// Throws ValueError for 0 joints, stacks or blocks and for features that are not a multiple of
  /// 4.
  explicit StackedHourglass(const StackedHourglassOptions& options = {});

  const StackedHourglassOptions& options() const { return options_; }

  /// Throws ShapeError.
  HourglassOutput<T> operator()(const Var<T>& x) const;

  /// Statistics of the batch, and gradients of the parameters; or neither (see nn::set_training).
  void train(bool training = true) { nn::set_training(*this, training); }
  void eval() { train(false); }

  void visit(nn::ModuleVisitor<T>& v);

 private:
  StackedHourglassOptions options_;
  nn::Conv2d<T> conv1_;
  nn::BatchNorm2d<T> bn1_;
  nn::Sequential<T> layer1_, layer2_, layer3_;
  std::vector<Hourglass<T>> hg_;
  std::vector<nn::Sequential<T>> res_, fc_;
  std::vector<nn::Conv2d<T>> score_;
  // From one stack to the next: called fc_ and score_ in checkpoints.
  std::vector<nn::Conv2d<T>> features_back_, score_back_;
};

}  // namespace posekit::inline POSEKIT_ISA::models

#if POSEKIT_DEFINES_MODELS

#include <posekit/autodiff/arithmetic.hpp>
#include <posekit/autodiff/pooling.hpp>
#include <posekit/autodiff/resizing.hpp>
#include <posekit/autodiff/shaping.hpp>
#include <posekit/core/error.hpp>
#include <posekit/nn/activations.hpp>
#include <posekit/nn/conv_norm.hpp>
#include <posekit/nn/initialization.hpp>

namespace posekit::inline POSEKIT_ISA {

namespace internal {

/// A convolution with bias, padded so that stride 1 keeps the extents.
template <class T>
nn::Conv2d<T> conv_with_bias(std::size_t in, std::size_t out, std::size_t kernel,
                             std::size_t stride = 1) {
  return nn::Conv2d<T>({.in_channels = in,
                        .out_channels = out,
                        .kernel = {kernel, kernel},
                        .stride = {stride, stride},
                        .padding = {kernel / 2, kernel / 2}});
}

inline models::StackedHourglassOptions checked(const models::StackedHourglassOptions& o) {
  if (o.joints == 0 || o.stacks == 0 || o.blocks == 0 || o.features == 0 || o.features % 4 != 0) {
    throw ValueError(error_text("StackedHourglass: ", o.joints, " joints, ", o.stacks, " stacks, ",
                                o.blocks, " blocks and ", o.features,
                                " features, expected more than 0, features a multiple of 4"));
  }
  return o;
}

}  // namespace internal

namespace models {

template <class T>
PreactivationBottleneck<T>::PreactivationBottleneck(std::size_t in, std::size_t middle)
    : bn1({.channels = in}),
      bn2({.channels = middle}),
      bn3({.channels = middle}),
      conv1(internal::conv_with_bias<T>(in, middle, 1)),
      conv2(internal::conv_with_bias<T>(middle, middle, 3)),
      conv3(internal::conv_with_bias<T>(middle, 2 * middle, 1)) {
  if (in != 2 * middle) downsample.add(internal::conv_with_bias<T>(in, 2 * middle, 1));
}

template <class T>
Var<T> PreactivationBottleneck<T>::operator()(const Var<T>& x) const {
  Var<T> y = nn::conv_norm(bn1(x, Activation::relu), conv1, bn2, Activation::relu);
  y = nn::conv_norm(y, conv2, bn3, Activation::relu);
  return conv3(y) + downsample(x);
}

template <class T>
void PreactivationBottleneck<T>::visit(nn::ModuleVisitor<T>& v) {
  v("bn1", bn1);
  v("conv1", conv1);
  v("bn2", bn2);
  v("conv2", conv2);
  v("bn3", bn3);
  v("conv3", conv3);
  v("downsample", downsample);
}

template <class T>
nn::Sequential<T> preactivation_bottlenecks(std::size_t in, std::size_t middle,
                                            std::size_t blocks) {
  nn::Sequential<T> parts;
  for (std::size_t i = 0; i < blocks; ++i)
    parts.add(PreactivationBottleneck<T>(i == 0 ? in : 2 * middle, middle));
  return parts;
}

template <class T>
void Hourglass<T>::Level::visit(nn::ModuleVisitor<T>& v) {
  v("0", stay);
  v("1", down);
  v("2", up);
  v("3", between);
}

template <class T>
Hourglass<T>::Hourglass(std::size_t channels, std::size_t blocks) {
  const auto part = [&] { return preactivation_bottlenecks<T>(channels, channels / 2, blocks); };
  for (std::size_t level = 0; level < depth; ++level)
    levels.push_back({part(), part(), part(), level == 0 ? part() : nn::Sequential<T>()});
}

template <class T>
Var<T> Hourglass<T>::at(std::size_t level, const Var<T>& x) const {
  const Level& here = levels[level];
  const Var<T> down = here.down(max_pool2d(x));
  const Var<T> low = here.up(level == 0 ? here.between(down) : at(level - 1, down));
  return here.stay(x) + resize_nearest(low, {x.shape()[1], x.shape()[2]});
}

template <class T>
StackedHourglass<T>::StackedHourglass(const StackedHourglassOptions& options)
    : options_(internal::checked(options)),
      conv1_(internal::conv_with_bias<T>(3, options.features / 4, 7, 2)),
      bn1_({.channels = options.features / 4}) {
  const std::size_t all = options.features, half = all / 2, quarter = all / 4;
  layer1_ = preactivation_bottlenecks<T>(quarter, quarter, 1);
  layer2_ = preactivation_bottlenecks<T>(half, half, 1);
  layer3_ = preactivation_bottlenecks<T>(all, half, 1);
  for (std::size_t stack = 0; stack < options.stacks; ++stack) {
    hg_.emplace_back(all, options.blocks);
    res_.push_back(preactivation_bottlenecks<T>(all, half, options.blocks));
    fc_.emplace_back(internal::conv_with_bias<T>(all, all, 1),
                     nn::BatchNorm2d<T>({.channels = all}), nn::ReLU{});
    score_.push_back(internal::conv_with_bias<T>(all, options.joints, 1));
    if (stack + 1 == options.stacks) break;
    features_back_.push_back(internal::conv_with_bias<T>(all, all, 1));
    score_back_.push_back(internal::conv_with_bias<T>(options.joints, all, 1));
  }
  nn::initialize(*this, {.scheme = nn::Initialization::kaiming_uniform_in, .seed = options.seed});
}

template <class T>
HourglassOutput<T> StackedHourglass<T>::operator()(const Var<T>& images) const {
  const Shape shape = images.shape();
  if (shape.size() != 4 || shape[1] != 3 || shape[2] == 0 || shape[2] % 64 != 0 || shape[3] == 0 ||
      shape[3] % 64 != 0) {
    throw ShapeError(error_text("StackedHourglass: x has shape ", posekit::to_string(shape),
                                ", expected [N, 3, H, W] with multiples of 64"));
  }
  Var<T> x = nn::conv_norm(to_channels_last(images), conv1_, bn1_, Activation::relu);
  x = layer3_(layer2_(max_pool2d(layer1_(x))));
  HourglassOutput<T> out;
  for (std::size_t stack = 0; stack < options_.stacks; ++stack) {
    out.features = fc_[stack](res_[stack](hg_[stack](x)));
    const Var<T> score = score_[stack](out.features);
    out.heatmaps.push_back(to_channels_first(score));
    if (stack + 1 == options_.stacks) break;
    x = x + features_back_[stack](out.features) + score_back_[stack](score);
  }
  return out;
}

template <class T>
void StackedHourglass<T>::visit(nn::ModuleVisitor<T>& v) {
  v("conv1", conv1_);
  v("bn1", bn1_);
  v("layer1", layer1_);
  v("layer2", layer2_);
  v("layer3", layer3_);
  v("hg", hg_);
  v("res", res_);
  v("fc", fc_);
  v("score", score_);
  v("fc_", features_back_);
  v("score_", score_back_);
}

}  // namespace models

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_MODELS
