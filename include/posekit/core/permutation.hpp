#pragma once

#include <cstddef>
#include <cstdint>
#include <numeric>
#include <utility>
#include <vector>

#include <posekit/core/isa.hpp>
#include <posekit/core/random.hpp>

namespace posekit::inline POSEKIT_ISA {

/// 0, 1, ..., count - 1 in an order that is a function of (seed, stream), each as likely as any
/// other (Fisher and Yates).
inline std::vector<std::size_t> random_permutation(std::size_t count, std::uint64_t seed,
                                                   std::uint64_t stream = 0) {
  std::vector<std::size_t> order(count);
  std::iota(order.begin(), order.end(), std::size_t{0});
  const CounterRandom random(seed, stream);
  for (std::size_t i = count; i > 1; --i) {
    const auto other = static_cast<std::size_t>(random.uniform(i) * static_cast<double>(i));
    std::swap(order[i - 1], order[other]);
  }
  return order;
}

}  // namespace posekit::inline POSEKIT_ISA
