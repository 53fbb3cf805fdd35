#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <limits>

#include <posekit/core/tensor.hpp>

/// The largest difference of two tensors relative to the largest magnitude of the second.
template <class A, class B>
double relative_difference(const posekit::Tensor<A>& a, const posekit::Tensor<B>& b) {
  if (a.size() != b.size()) return std::numeric_limits<double>::infinity();
  double scale = 1e-300, difference = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double x = static_cast<double>(a.data()[i]), y = static_cast<double>(b.data()[i]);
    if (std::isnan(x) || std::isnan(y)) return std::numeric_limits<double>::infinity();
    scale = std::max(scale, std::abs(y));
    difference = std::max(difference, std::abs(x - y));
  }
  return difference / scale;
}

/// What a type can be expected to agree to after a few hundred operations.
template <class T>
constexpr double close_enough() {
  return sizeof(T) == 4 ? 3e-6 : 1e-13;
}

/// True where two tensors have the same shape and the same bits.
template <class T>
bool identical(const posekit::Tensor<T>& a, const posekit::Tensor<T>& b) {
  return a.shape() == b.shape() &&
         (a.size() == 0 || std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0);
}
