#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include <posekit/core/isa.hpp>
#include <posekit/core/random.hpp>
#include <posekit/core/tensor.hpp>

namespace posekit::inline POSEKIT_ISA::testing {

/// Uniform values in [low, high), the same for the same seed everywhere.
template <class T>
Tensor<T> random_tensor(const Shape& shape, std::uint64_t seed, double low = -1.0,
                        double high = 1.0) {
  const CounterRandom random(seed);
  Tensor<T> result = make_tensor<T>(shape);
  for (std::size_t i = 0; i < result.size(); ++i) {
    result.data()[i] = static_cast<T>(low + (high - low) * random.uniform(i));
  }
  return result;
}

/// `rank` extents in [least, most], no two of them equal where the range allows it, so that a
/// mixed-up axis cannot go unnoticed.
inline Shape random_shape(std::size_t rank, std::uint64_t seed, std::size_t least = 1,
                          std::size_t most = 9) {
  const CounterRandom random(seed, 1);
  Shape shape;
  for (std::uint64_t i = 0; shape.size() < rank; ++i) {
    const std::size_t extent =
        least + static_cast<std::size_t>(random.bits(i) % (most - least + 1));
    const bool taken = std::find(shape.begin(), shape.end(), extent) != shape.end();
    if (!taken || most - least + 1 <= shape.size()) shape.push_back(extent);
  }
  return shape;
}

}  // namespace posekit::inline POSEKIT_ISA::testing
