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

/// Named branches that see the same input; their outputs are joined along the channels.
template <class T>
struct InceptionBlock {
  using value_type = T;
  std::vector<std::pair<std::string, nn::Layer<T>>> branches;

  Var<T> operator()(const Var<T>& x) const;
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
Var<T> InceptionBlock<T>::operator()(const Var<T>& x) const {
  std::vector<Var<T>> parts;
  for (auto& [name, branch] : branches) parts.push_back(branch(x));
  return concatenate(parts, 3);
}

template <class T>
nn::Sequential<T> inception_v4_trunk() {
  const auto conv = [](std::size_t in, std::size_t out, std::array<std::size_t, 2> kernel,
                       std::size_t stride = 1) {
    return nn::ConvNorm<T>({.conv = {.in_channels = in,
                                     .out_channels = out,
                                     .kernel = kernel,
                                     .stride = {stride, stride},
                                     .padding = {kernel[0] / 2, kernel[1] / 2},
                                     .bias = false},
                            .epsilon = 1e-3});
  };
  const nn::MaxPool2d halve{
      {.window = {3, 3}, .stride = {2, 2}, .padding = Padding2d::of(1, 1, 1, 1)}};
  const nn::AvgPool2d average{
      {.window = {3, 3}, .stride = {1, 1}, .padding = Padding2d::of(1, 1, 1, 1)}};
  using Sequence = nn::Sequential<T>;
  InceptionBlock<T> mixed_3a{{{"maxpool", halve}, {"conv", conv(64, 96, {3, 3}, 2)}}};
  InceptionBlock<T> mixed_4a{{{"branch0", Sequence(conv(160, 64, {1, 1}), conv(64, 96, {3, 3}))},
                              {"branch1", Sequence(conv(160, 64, {1, 1}), conv(64, 64, {1, 7}),
                                                   conv(64, 64, {7, 1}), conv(64, 96, {3, 3}))}}};
  InceptionBlock<T> mixed_5a{{{"conv", conv(192, 192, {3, 3}, 2)}, {"maxpool", halve}}};
  InceptionBlock<T> inception_a{
      {{"branch0", conv(384, 96, {1, 1})},
       {"branch1", Sequence(conv(384, 64, {1, 1}), conv(64, 96, {3, 3}))},
       {"branch2", Sequence(conv(384, 64, {1, 1}), conv(64, 96, {3, 3}), conv(96, 96, {3, 3}))},
       {"branch3", Sequence(average, conv(384, 96, {1, 1}))}}};
  return Sequence(conv(3, 32, {3, 3}, 2), conv(32, 32, {3, 3}), conv(32, 64, {3, 3}),
                  std::move(mixed_3a), std::move(mixed_4a), std::move(mixed_5a),
                  std::move(inception_a));
}

}  // namespace posekit::inline POSEKIT_ISA::models

#endif  // POSEKIT_DEFINES_MODELS
