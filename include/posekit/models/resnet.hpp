#pragma once

// The blocks of residual networks (He et al. 2016), with the names of torchvision's.

#include <cstddef>
#include <optional>
#include <utility>

#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/nn/convolution.hpp>
#include <posekit/nn/normalization.hpp>
#include <posekit/nn/sequential.hpp>

namespace posekit::inline POSEKIT_ISA::models {

/// A convolution without bias, `kernel` x `kernel`, padded so that stride 1 keeps the extents.
template <class T>
nn::Conv2d<T> plain_conv(std::size_t in, std::size_t out, std::size_t kernel,
                         std::size_t stride = 1);

/// The projection of a block whose input and output differ: parts "0" and "1"; empty where they do
/// not.
template <class T>
nn::Sequential<T> projection(std::size_t in, std::size_t out, std::size_t stride);

/// Two convolutions of 3 x 3.
template <class T>
struct BasicBlock {
  using value_type = T;
  nn::Conv2d<T> conv1, conv2;
  nn::BatchNorm2d<T> bn1, bn2;
  nn::Sequential<T> downsample;

  BasicBlock(std::size_t in, std::size_t out, std::size_t stride);

  Var<T> operator()(const Var<T>& x) const;
  void visit(nn::ModuleVisitor<T>& v);
};

/// 1 x 1, 3 x 3 and 1 x 1; the output has four times as many channels as the middle.
template <class T>
struct Bottleneck {
  using value_type = T;
  nn::Conv2d<T> conv1, conv2, conv3;
  nn::BatchNorm2d<T> bn1, bn2, bn3;
  nn::Sequential<T> downsample;

  Bottleneck(std::size_t in, std::size_t middle, std::size_t stride);

  Var<T> operator()(const Var<T>& x) const;
  void visit(nn::ModuleVisitor<T>& v);
};

/// How many blocks a residual network has before 1/8 of the image's extents, and which.
struct ResnetTrunkOptions {
  std::size_t first_blocks = 2, second_blocks = 2;
  bool bottleneck = false;
  std::size_t width = 64;  ///< channels of the first convolution
};

/// torchvision's conv1, bn1, relu, maxpool, layer1 and layer2 as parts "0" to "5":
/// x [N, H, W, 3] -> [N, H/8, W/8, 2 width], or 8 width of bottlenecks.
template <class T>
nn::Sequential<T> resnet_trunk(const ResnetTrunkOptions& options);

}  // namespace posekit::inline POSEKIT_ISA::models

#if POSEKIT_DEFINES_MODELS

#include <posekit/autodiff/arithmetic.hpp>
#include <posekit/autodiff/functions.hpp>
#include <posekit/nn/activations.hpp>
#include <posekit/nn/conv_norm.hpp>
#include <posekit/nn/pooling.hpp>

namespace posekit::inline POSEKIT_ISA::models {

template <class T>
nn::Conv2d<T> plain_conv(std::size_t in, std::size_t out, std::size_t kernel, std::size_t stride) {
  return nn::Conv2d<T>({.in_channels = in,
                        .out_channels = out,
                        .kernel = {kernel, kernel},
                        .stride = {stride, stride},
                        .padding = {kernel / 2, kernel / 2},
                        .bias = false});
}

template <class T>
nn::Sequential<T> projection(std::size_t in, std::size_t out, std::size_t stride) {
  if (in == out && stride == 1) return {};
  return nn::Sequential<T>(plain_conv<T>(in, out, 1, stride),
                           nn::BatchNorm2d<T>({.channels = out}));
}

template <class T>
BasicBlock<T>::BasicBlock(std::size_t in, std::size_t out, std::size_t stride)
    : conv1(plain_conv<T>(in, out, 3, stride)),
      conv2(plain_conv<T>(out, out, 3)),
      bn1({.channels = out}),
      bn2({.channels = out}),
      downsample(projection<T>(in, out, stride)) {}

template <class T>
Var<T> BasicBlock<T>::operator()(const Var<T>& x) const {
  const Var<T> y = nn::conv_norm(x, conv1, bn1, Activation::relu);
  return relu(nn::conv_norm(y, conv2, bn2, Activation::none) + downsample(x));
}

template <class T>
void BasicBlock<T>::visit(nn::ModuleVisitor<T>& v) {
  v("conv1", conv1);
  v("bn1", bn1);
  v("conv2", conv2);
  v("bn2", bn2);
  v("downsample", downsample);
}

template <class T>
Bottleneck<T>::Bottleneck(std::size_t in, std::size_t middle, std::size_t stride)
    : conv1(plain_conv<T>(in, middle, 1)),
      conv2(plain_conv<T>(middle, middle, 3, stride)),
      conv3(plain_conv<T>(middle, 4 * middle, 1)),
      bn1({.channels = middle}),
      bn2({.channels = middle}),
      bn3({.channels = 4 * middle}),
      downsample(projection<T>(in, 4 * middle, stride)) {}

template <class T>
Var<T> Bottleneck<T>::operator()(const Var<T>& x) const {
  Var<T> y = nn::conv_norm(x, conv1, bn1, Activation::relu);
  y = nn::conv_norm(y, conv2, bn2, Activation::relu);
  return relu(nn::conv_norm(y, conv3, bn3, Activation::none) + downsample(x));
}

template <class T>
void Bottleneck<T>::visit(nn::ModuleVisitor<T>& v) {
  v("conv1", conv1);
  v("bn1", bn1);
  v("conv2", conv2);
  v("bn2", bn2);
  v("conv3", conv3);
  v("bn3", bn3);
  v("downsample", downsample);
}

template <class T>
nn::Sequential<T> resnet_trunk(const ResnetTrunkOptions& options) {
  const std::size_t w = options.width;
  const std::size_t expansion = options.bottleneck ? 4 : 1;
  const auto layer = [&](std::size_t in, std::size_t middle, std::size_t blocks,
                         std::size_t stride) {
    nn::Sequential<T> parts;
    for (std::size_t i = 0; i < blocks; ++i) {
      const std::size_t from = i == 0 ? in : middle * expansion, step = i == 0 ? stride : 1;
      if (options.bottleneck) {
        parts.add(Bottleneck<T>(from, middle, step));
      } else {
        parts.add(BasicBlock<T>(from, middle, step));
      }
    }
    return parts;
  };
  return nn::Sequential<T>(
      plain_conv<T>(3, w, 7, 2), nn::BatchNorm2d<T>({.channels = w}), nn::ReLU{},
      nn::MaxPool2d{{.window = {3, 3}, .stride = {2, 2}, .padding = Padding2d::of(1, 1, 1, 1)}},
      layer(w, w, options.first_blocks, 1), layer(w * expansion, 2 * w, options.second_blocks, 2));
}

}  // namespace posekit::inline POSEKIT_ISA::models

#endif  // POSEKIT_DEFINES_MODELS
