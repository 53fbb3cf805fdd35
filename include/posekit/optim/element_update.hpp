#pragma once

// What all update rules share: one pass over a parameter, its gradient and its state.

#include <array>
#include <cstddef>

#include <posekit/core/isa.hpp>
#include <posekit/simd/batch.hpp>

namespace posekit::inline POSEKIT_ISA::optim::internal {

/// Reads elements [begin, end) of a gradient and of `arrays`, and writes to the arrays what
/// `update(gradient, values)` makes of `values`, one vector of each array.
///
/// Square roots keep compilers from finding these vectors themselves, because of errno.
template <std::size_t Count, class T, class Update>
void update_elements(const T* gradient, const std::array<T*, Count>& arrays, std::size_t begin,
                     std::size_t end, const Update& update) {
  using Arch = simd::DefaultArch;
  using Vector = simd::Batch<T>;
  constexpr std::size_t lanes = simd::lanes<T>;
  std::array<Vector, Count> values;
  std::size_t i = begin;
  for (; i + lanes <= end; i += lanes) {
    for (std::size_t k = 0; k < Count; ++k) values[k] = simd::load<T, Arch>(arrays[k] + i);
    update(simd::load<T, Arch>(gradient + i), values);
    for (std::size_t k = 0; k < Count; ++k) simd::store<T, Arch>(arrays[k] + i, values[k]);
  }
  if (i == end) return;
  const std::size_t rest = end - i;
  for (std::size_t k = 0; k < Count; ++k) {
    values[k] = simd::load_partial<T, Arch>(arrays[k] + i, rest);
  }
  update(simd::load_partial<T, Arch>(gradient + i, rest), values);
  for (std::size_t k = 0; k < Count; ++k) {
    simd::store_partial<T, Arch>(arrays[k] + i, values[k], rest);
  }
}

}  // namespace posekit::inline POSEKIT_ISA::optim::internal
