#pragma once

// The networks of tests/golden/make_nn.py.

#include <array>
#include <cstddef>

#include <posekit/nn/activations.hpp>
#include <posekit/nn/convolution.hpp>
#include <posekit/nn/normalization.hpp>
#include <posekit/nn/residual.hpp>
#include <posekit/nn/sequential.hpp>

#include "nn/module_case.hpp"

template <class T>
posekit::nn::Conv2d<T> conv(std::size_t in, std::size_t out, std::size_t kernel, bool bias = true,
                            std::size_t stride = 1, std::size_t groups = 1) {
  return posekit::nn::Conv2d<T>({.in_channels = in,
                                 .out_channels = out,
                                 .kernel = {kernel, kernel},
                                 .stride = {stride, stride},
                                 .padding = {kernel / 2, kernel / 2},
                                 .groups = groups,
                                 .bias = bias});
}

/// A residual block with ResNet's option C.
template <class T>
posekit::nn::Residual<T> projected() {
  namespace nn = posekit::nn;
  const nn::BatchNorm2d<T> norm({.channels = 4});
  return {nn::Sequential<T>(conv<T>(3, 4, 3, false, 2), norm, nn::ReLU{}, conv<T>(4, 4, 3, false),
                            norm),
          nn::Sequential<T>(conv<T>(3, 4, 1, false, 2), norm)};
}

/// x [N, H, W, 2] -> [N, H, W, 3] for even H and W.
template <class T>
posekit::nn::Sequential<T> network() {
  namespace nn = posekit::nn;
  const nn::BatchNorm2d<T> norm({.channels = 4});
  return nn::Sequential<T>(
      conv<T>(2, 3, 3), nn::BatchNorm2d<T>({.channels = 3, .epsilon = 0.01, .momentum = 0.3}),
      nn::ReLU{}, projected<T>(),
      nn::ConvTranspose2d<T>({.in_channels = 4,
                              .out_channels = 4,
                              .stride = {2, 2},
                              .padding = {1, 1},
                              .output_padding = {1, 1}}),
      norm, nn::ReLU{}, conv<T>(4, 4, 3, true, 1, 2), norm, nn::ReLU{},
      nn::Residual<T>{nn::Sequential<T>(nn::PReLU<T>({.channels = 4}), conv<T>(4, 4, 1)),
                      nn::Sequential<T>()},
      norm,
      nn::Sequential<T>(conv<T>(4, 3, 1, false), nn::BatchNorm2d<T>({.channels = 3}),
                        nn::Sigmoid{}));
}

/// The network with the weights that tests/golden/make_nn.py gave it.
template <class T>
posekit::nn::Sequential<T> golden_network() {
  auto net = network<T>();
  set_state(net, nn_golden("network"));
  return net;
}
