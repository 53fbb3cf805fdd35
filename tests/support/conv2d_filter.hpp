#pragma once

#include <memory>
#include <optional>

#include <posekit/autodiff/conv2d_filter.hpp>
#include <posekit/testing/random_tensor.hpp>

/// A filter of random numbers, the same in float and double.
template <class T>
std::shared_ptr<const posekit::Conv2dFilter<T>> filter_of(const posekit::Shape& shape, bool bias,
                                                          bool slope, bool depthwise = false) {
  const std::size_t channels = depthwise ? shape[2] : shape[3];
  std::optional<posekit::Tensor<T>> b, s;
  if (bias) b = posekit::cast<T>(posekit::testing::random_tensor<double>({channels}, 21));
  if (slope) s = posekit::cast<T>(posekit::testing::random_tensor<double>({channels}, 22));
  return std::make_shared<const posekit::Conv2dFilter<T>>(
      posekit::cast<T>(posekit::testing::random_tensor<double>(shape, 20)), b, s);
}
