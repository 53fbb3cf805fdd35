#pragma once

// The beginning of Inception v4 (Szegedy et al. 2017) as MargiPose truncates and pads it.

#include <array>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/nn/conv_norm.hpp>
#include <posekit/nn/sequential.hpp>

namespace posekit::inline POSEKIT_ISA::models {

/// Convolution, batch normalisation and ReLU, padded by half the kernel.
template <class T>
struct BasicConv2d {
  using value_type = T;
  nn::Conv2d<T> conv;
  nn::BatchNorm2d<T> bn;

  BasicConv2d(std::size_t in, std::size_t out, std::array<std::size_t, 2> kernel,
              std::size_t stride = 1);

  Var<T> operator()(const Var<T>& x) { return nn::conv_norm(x, conv, bn, Activation::relu); }
  void visit(nn::ModuleVisitor<T>& v);
};

/// Named branches that see the same input; their outputs are joined along the channels.
template <class T>
struct InceptionBlock {
  using value_type = T;
  std::vector<std::pair<std::string, nn::Layer<T>>> branches;

  Var<T> operator()(const Var<T>& x);
  void visit(nn::ModuleVisitor<T>& v) {
    for (auto& [name, branch] : branches) v(name, branch);
  }
};

/// Parts "0" to "6" of Inception v4's features, up to the first Inception-A block, every
/// convolution and maximum padded by half its kernel: x [N, H, W, 3] -> [N, H/8, W/8, 384].
template <class T>
nn::Sequential<T> inception_v4_trunk();

}  // namespace posekit::inline POSEKIT_ISA::models

#if POSEKIT_DEFINES_MODELS

#include <posekit/autodiff/shaping.hpp>
#include <posekit/nn/pooling.hpp>

namespace posekit::inline POSEKIT_ISA::models {

template <class T>
BasicConv2d<T>::BasicConv2d(std::size_t in, std::size_t out, std::array<std::size_t, 2> kernel,
                            std::size_t stride)
    : conv({.in_channels = in,
            .out_channels = out,
            .kernel = kernel,
            .stride = {stride, stride},
            .padding = {kernel[0] / 2, kernel[1] / 2},
            .bias = false}),
      bn({.channels = out, .epsilon = 1e-3}) {}

template <class T>
void BasicConv2d<T>::visit(nn::ModuleVisitor<T>& v) {
  v("conv", conv);
  v("bn", bn);
}

template <class T>
Var<T> InceptionBlock<T>::operator()(const Var<T>& x) {
  std::vector<Var<T>> parts;
  for (auto& [name, branch] : branches) parts.push_back(branch(x));
  return concatenate(parts, 3);
}

template <class T>
nn::Sequential<T> inception_v4_trunk() {
  using Conv = BasicConv2d<T>;
  const nn::MaxPool2d halve{
      {.window = {3, 3}, .stride = {2, 2}, .padding = Padding2d::of(1, 1, 1, 1)}};
  const nn::AvgPool2d average{
      {.window = {3, 3}, .stride = {1, 1}, .padding = Padding2d::of(1, 1, 1, 1)}};
  using Sequence = nn::Sequential<T>;
  InceptionBlock<T> mixed_3a{{{"maxpool", halve}, {"conv", Conv(64, 96, {3, 3}, 2)}}};
  InceptionBlock<T> mixed_4a{{{"branch0", Sequence(Conv(160, 64, {1, 1}), Conv(64, 96, {3, 3}))},
                              {"branch1", Sequence(Conv(160, 64, {1, 1}), Conv(64, 64, {1, 7}),
                                                   Conv(64, 64, {7, 1}), Conv(64, 96, {3, 3}))}}};
  InceptionBlock<T> mixed_5a{{{"conv", Conv(192, 192, {3, 3}, 2)}, {"maxpool", halve}}};
  InceptionBlock<T> inception_a{
      {{"branch0", Conv(384, 96, {1, 1})},
       {"branch1", Sequence(Conv(384, 64, {1, 1}), Conv(64, 96, {3, 3}))},
       {"branch2", Sequence(Conv(384, 64, {1, 1}), Conv(64, 96, {3, 3}), Conv(96, 96, {3, 3}))},
       {"branch3", Sequence(average, Conv(384, 96, {1, 1}))}}};
  return Sequence(Conv(3, 32, {3, 3}, 2), Conv(32, 32, {3, 3}), Conv(32, 64, {3, 3}),
                  std::move(mixed_3a), std::move(mixed_4a), std::move(mixed_5a),
                  std::move(inception_a));
}

}  // namespace posekit::inline POSEKIT_ISA::models

#endif  // POSEKIT_DEFINES_MODELS
