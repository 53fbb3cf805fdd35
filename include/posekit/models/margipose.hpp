#pragma once

// MargiPose: Nibali, He, Morgan, Prendergast, "3D Human Pose Estimation with 2D Marginal Heatmaps"
// (WACV 2019). An image to three marginal heatmaps per joint and stage, and from those to
// coordinates. Parameters have the names of the authors' implementation.

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include <posekit/autodiff/shaping.hpp>
#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/heatmap/marginals.hpp>
#include <posekit/heatmap/margipose_loss.hpp>
#include <posekit/models/resnet.hpp>
#include <posekit/nn/activations.hpp>
#include <posekit/nn/convolution.hpp>
#include <posekit/nn/initialization.hpp>
#include <posekit/nn/normalization.hpp>
#include <posekit/nn/residual.hpp>

namespace posekit::inline POSEKIT_ISA::models {

enum class FeatureExtractor { inception_v4, resnet18, resnet34, resnet50 };

struct MargiPoseOptions {
  std::size_t joints = 17;
  std::size_t stages = 4;
  FeatureExtractor feature_extractor = FeatureExtractor::inception_v4;
  /// Whether the zy and xz columns exchange an axis of the image with the channels halfway.
  bool axis_permutation = true;
  PixelwiseLoss pixelwise_loss = PixelwiseLoss::jsd;
  /// Channels of the features and of the columns, which have half as many more in the middle; the
  /// residual extractors are narrowed with it. The paper's networks have 128.
  std::size_t width = 128;
  std::uint64_t seed = 0;  ///< of the initial weights
};

/// What a heatmap column's image axes become.
enum class HeatmapSpace { xy, zy, xz };

/// Exchanges an axis of x [N, S, S, C] with the positions within each run of S channels, so that
/// what were channels are pixels along z: "axis permutation" of §4 of the paper. Throws ShapeError
/// where the image is not square or its extent does not divide the channels.
template <class T>
Var<T> permute_axes(const Var<T>& x, HeatmapSpace space);

/// One column of a stage (Fig. 6): features [N, h, w, width] -> logits [N, h, w, joints].
template <class T>
struct HeatmapColumn {
  using value_type = T;
  HeatmapSpace space = HeatmapSpace::xy;
  nn::Sequential<T> down_layers, up_layers;

  HeatmapColumn(std::size_t joints, std::size_t width, HeatmapSpace heatmap_space);

  Var<T> operator()(const Var<T>& features) const {
    return up_layers(permute_axes(down_layers(features), space));
  }
  void visit(nn::ModuleVisitor<T>& v);

 private:
  template <class Main, class Shortcut>
  static nn::Residual<T> block_of(std::size_t out, Main main, Shortcut shortcut) {
    const nn::BatchNorm2d<T> norm({.channels = out});
    return {nn::Sequential<T>(std::move(main), norm, nn::ReLU{}, plain_conv<T>(out, out, 3), norm,
                              nn::ReLU{}),
            nn::Sequential<T>(std::move(shortcut), norm)};
  }
  static nn::Residual<T> block(std::size_t in, std::size_t out, std::size_t stride = 1) {
    return block_of(out, plain_conv<T>(in, out, 3, stride), plain_conv<T>(in, out, 1, stride));
  }
  static nn::Residual<T> up_block(std::size_t in, std::size_t out);
};

/// The 1 x 1 convolution from one stage's heatmaps to the next one's features.
template <class T>
struct HeatmapCombiner {
  using value_type = T;
  nn::Conv2d<T> conv;

  HeatmapCombiner(std::size_t joints, std::size_t width)
      : conv(plain_conv<T>(3 * joints, width, 1)) {}

  Var<T> operator()(const Marginals<Var<T>>& maps) const {
    return conv(to_channels_last(concatenate({maps.xy, maps.zy, maps.xz}, 1)));
  }
  void visit(nn::ModuleVisitor<T>& v) { v("conv", conv); }
};

/// What MargiPose says of a batch of images.
template <class T>
struct MargiPoseOutput {
  Var<T> xyz;                             ///< [N, J, 3] in [-1, 1], of the last stage, Eq. (3)
  std::vector<Marginals<Var<T>>> stages;  ///< [N, J, H/8, W/8] each; the last one is `back()`
};

/// x [N, 3, H, W] -> MargiPoseOutput. x is RGB normalised by ImageNet's mean (0.485, 0.456, 0.406)
/// and standard deviation (0.229, 0.224, 0.225). H = W is a multiple of 32, and with axis
/// permutation one whose sixteenth divides 3/2 of the width.
///
///     models::MargiPose<float> net({.joints = 17, .stages = 2});
///     load_safetensors("margipose.safetensors", net);
///     net.eval();
///     auto out = net(tape.constant(images));
template <class T>
class MargiPose {
 public:
  using value_type = T;

  /// Throws ValueError for 0 joints or stages and for a width that is not a multiple of 4.
  explicit MargiPose(const MargiPoseOptions& options = {});

  const MargiPoseOptions& options() const { return options_; }

  /// Throws ShapeError.
  MargiPoseOutput<T> operator()(const Var<T>& x) const;

  /// Statistics of the batch, and gradients of the parameters; or neither (see nn::set_training).
  void train(bool training = true) { nn::set_training(*this, training); }
  void eval() { train(false); }

  void visit(nn::ModuleVisitor<T>& v);

 private:
  /// The authors' checkpoints have everything below this name.
  struct Inner {
    MargiPose& net;
    void visit(nn::ModuleVisitor<T>& v) {
      v("in_cnn", net.in_cnn_);
      v("xy_hm_cnns", net.xy_hm_cnns_);
      v("zy_hm_cnns", net.zy_hm_cnns_);
      v("xz_hm_cnns", net.xz_hm_cnns_);
      v("hm_combiners", net.hm_combiners_);
    }
  };
  void make_extractor();

  MargiPoseOptions options_;
  nn::Sequential<T> in_cnn_;
  std::vector<HeatmapColumn<T>> xy_hm_cnns_, zy_hm_cnns_, xz_hm_cnns_;
  std::vector<HeatmapCombiner<T>> hm_combiners_;
};

}  // namespace posekit::inline POSEKIT_ISA::models

namespace posekit::inline POSEKIT_ISA {

/// L_3D, Eq. (6), summed over all stages -> [N, J].
template <class T>
Var<T> margipose_loss_3d(const models::MargiPoseOutput<T>& out, const Tensor<T>& truth,
                         const MargiPoseLossOptions& options = {});

/// L_2D, Eq. (7), summed over all stages; truth is [N, J, 2]. -> [N, J].
template <class T>
Var<T> margipose_loss_2d(const models::MargiPoseOutput<T>& out, const Tensor<T>& truth,
                         const MargiPoseLossOptions& options = {});

/// Either, by example (see margipose_loss), summed over all stages -> [N, J].
template <class T>
Var<T> margipose_loss(const models::MargiPoseOutput<T>& out, const Tensor<T>& truth,
                      const Tensor<T>& three_dimensional, const MargiPoseLossOptions& options = {});

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_MODELS

#include <posekit/autodiff/arithmetic.hpp>
#include <posekit/heatmap/flat_softmax.hpp>
#include <posekit/models/inception_v4.hpp>

namespace posekit::inline POSEKIT_ISA {

namespace models {

template <class T>
Var<T> permute_axes(const Var<T>& x, HeatmapSpace space) {
  if (space == HeatmapSpace::xy) return x;
  const Shape shape = x.shape();
  if (shape.size() != 4 || shape[1] != shape[2] || shape[1] == 0 || shape[3] % shape[1] != 0) {
    throw ShapeError(error_text("permute_axes: x has shape ", to_string(shape),
                                ", expected [N, S, S, C] with S dividing C; the input image must "
                                "be square, 16 S pixels wide"));
  }
  const std::size_t size = shape[1];
  const Var<T> runs = reshape(x, {shape[0], size, size, shape[3] / size, size});
  return reshape(
      transpose(runs, space == HeatmapSpace::zy ? std::vector<std::size_t>{0, 1, 4, 3, 2}
                                                : std::vector<std::size_t>{0, 4, 2, 3, 1}),
      shape);
}

template <class T>
HeatmapColumn<T>::HeatmapColumn(std::size_t joints, std::size_t width, HeatmapSpace heatmap_space)
    : space(heatmap_space) {
  const std::size_t middle = width + width / 2;
  down_layers = nn::Sequential<T>(block(width, width), block(width, width), block(width, middle, 2),
                                  block(middle, middle), block(middle, middle));
  up_layers = nn::Sequential<T>(block(middle, middle), block(middle, middle),
                                up_block(middle, width), block(width, width), block(width, joints));
}

template <class T>
void HeatmapColumn<T>::visit(nn::ModuleVisitor<T>& v) {
  v("down_layers", down_layers);
  v("up_layers", up_layers);
}

template <class T>
nn::Residual<T> HeatmapColumn<T>::up_block(std::size_t in, std::size_t out) {
  const auto up = [&](std::size_t kernel) {
    return nn::ConvTranspose2d<T>({.in_channels = in,
                                   .out_channels = out,
                                   .kernel = {kernel, kernel},
                                   .stride = {2, 2},
                                   .padding = {kernel / 2, kernel / 2},
                                   .output_padding = {1, 1},
                                   .bias = false});
  };
  return block_of(out, up(3), up(1));
}

template <class T>
MargiPose<T>::MargiPose(const MargiPoseOptions& options) : options_(options) {
  if (options.joints == 0 || options.stages == 0 || options.width == 0 || options.width % 4 != 0) {
    throw ValueError(error_text("MargiPose: ", options.joints, " joints, ", options.stages,
                                " stages and a width of ", options.width,
                                ", expected joints and stages, and a multiple of 4"));
  }
  make_extractor();
  for (std::size_t stage = 0; stage < options.stages; ++stage) {
    const auto add = [&](std::vector<HeatmapColumn<T>>& columns, HeatmapSpace space) {
      columns.emplace_back(options.joints, options.width,
                           options.axis_permutation ? space : HeatmapSpace::xy);
    };
    add(xy_hm_cnns_, HeatmapSpace::xy);
    add(zy_hm_cnns_, HeatmapSpace::zy);
    add(xz_hm_cnns_, HeatmapSpace::xz);
    if (stage > 0) hm_combiners_.emplace_back(options.joints, options.width);
  }
  nn::initialize(*this, {.seed = options.seed});
}

template <class T>
MargiPoseOutput<T> MargiPose<T>::operator()(const Var<T>& x) const {
  const Shape shape = x.shape();
  if (shape.size() != 4 || shape[1] != 3 || shape[2] == 0 || shape[2] % 32 != 0 || shape[3] == 0 ||
      shape[3] % 32 != 0) {
    throw ShapeError(error_text("MargiPose: x has shape ", to_string(shape),
                                ", expected [N, 3, H, W] with multiples of 32"));
  }
  MargiPoseOutput<T> out;
  Var<T> features = in_cnn_(to_channels_last(x));
  for (std::size_t stage = 0; stage < options_.stages; ++stage) {
    if (stage > 0) features = features + hm_combiners_[stage - 1](out.stages.back());
    const auto maps = [&](const HeatmapColumn<T>& column) {
      return flat_softmax(to_channels_first(column(features)));
    };
    out.stages.push_back(
        {maps(xy_hm_cnns_[stage]), maps(zy_hm_cnns_[stage]), maps(xz_hm_cnns_[stage])});
  }
  out.xyz = marginal_coordinates(out.stages.back());
  return out;
}

template <class T>
void MargiPose<T>::visit(nn::ModuleVisitor<T>& v) {
  Inner inner{*this};
  v("inner", inner);
}

template <class T>
void MargiPose<T>::make_extractor() {
  const std::size_t width = options_.width;
  std::size_t channels = width;
  switch (options_.feature_extractor) {
    case FeatureExtractor::inception_v4:
      in_cnn_ = inception_v4_trunk<T>();
      channels = 384;
      break;
    case FeatureExtractor::resnet18:
      in_cnn_ = resnet_trunk<T>({.width = width / 2});
      break;
    case FeatureExtractor::resnet34:
      in_cnn_ = resnet_trunk<T>({.first_blocks = 3, .second_blocks = 4, .width = width / 2});
      break;
    case FeatureExtractor::resnet50:
      in_cnn_ = resnet_trunk<T>(
          {.first_blocks = 3, .second_blocks = 4, .bottleneck = true, .width = width / 2});
      channels = 4 * width;
      break;
  }
  if (channels == width) return;
  in_cnn_.add(nn::Conv2d<T>({.in_channels = channels, .out_channels = width, .kernel = {1, 1}}));
  in_cnn_.add(nn::BatchNorm2d<T>({.channels = width}));
  in_cnn_.add(nn::ReLU{});
}

}  // namespace models

template <class T>
Var<T> margipose_loss_3d(const models::MargiPoseOutput<T>& out, const Tensor<T>& truth,
                         const MargiPoseLossOptions& options) {
  return margipose_loss_3d(out.stages, truth, options);
}

template <class T>
Var<T> margipose_loss_2d(const models::MargiPoseOutput<T>& out, const Tensor<T>& truth,
                         const MargiPoseLossOptions& options) {
  return margipose_loss_2d(out.stages, truth, options);
}

template <class T>
Var<T> margipose_loss(const models::MargiPoseOutput<T>& out, const Tensor<T>& truth,
                      const Tensor<T>& three_dimensional, const MargiPoseLossOptions& options) {
  return margipose_loss(out.stages, truth, three_dimensional, options);
}

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_MODELS
