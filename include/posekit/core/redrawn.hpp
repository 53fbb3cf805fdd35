#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include <posekit/core/isa.hpp>
#include <posekit/core/random.hpp>
#include <posekit/core/tensor.hpp>

namespace posekit::inline POSEKIT_ISA {

/// Normal numbers with a tensor's own shape, mean and standard deviation: weights that have
/// forgotten what they learnt. A function of the tensor, the seed and the stream.
template <class T>
Tensor<T> redrawn(const Tensor<T>& tensor, std::uint64_t seed, std::uint64_t stream) {
  double sum = 0, square = 0;
  for (const T value : tensor) {
    sum += static_cast<double>(value);
    square += static_cast<double>(value) * static_cast<double>(value);
  }
  const auto n = static_cast<double>(std::max<std::size_t>(1, tensor.size()));
  const double mean = sum / n, deviation = std::sqrt(std::max(0.0, square / n - mean * mean));
  Tensor<T> drawn = make_tensor<T>(shape_of(tensor));
  const CounterRandom random(seed, stream);
  for (std::size_t i = 0; i < drawn.size(); ++i) {
    drawn.data()[i] = static_cast<T>(mean + deviation * random.normal(i));
  }
  return drawn;
}

}  // namespace posekit::inline POSEKIT_ISA
