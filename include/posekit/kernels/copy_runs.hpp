#pragma once

#include <algorithm>
#include <cstddef>

#include <posekit/core/isa.hpp>

namespace posekit::inline POSEKIT_ISA::kernels {

/// Copies (or adds) `rows` runs of `run` elements between two arrays with different distances
/// between the runs.
template <class T>
void copy_runs(std::size_t rows, std::size_t run, const T* from, std::size_t from_stride, T* to,
               std::size_t to_stride, bool accumulate) {
  for (std::size_t r = 0; r < rows; ++r) {
    const T* source = from + r * from_stride;
    T* target = to + r * to_stride;
    if (accumulate) {
      for (std::size_t i = 0; i < run; ++i) target[i] += source[i];
    } else {
      std::copy_n(source, run, target);
    }
  }
}

}  // namespace posekit::inline POSEKIT_ISA::kernels
