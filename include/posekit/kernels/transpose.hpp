#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#include <posekit/core/isa.hpp>
#include <posekit/core/shape.hpp>
#include <posekit/core/threads.hpp>

namespace posekit::inline POSEKIT_ISA::kernels {

/// out[i_perm[0], i_perm[1], ...] (+)= in[i_0, i_1, ...]: axis `a` of the result is axis
/// `permutation[a]` of the input. Both are contiguous.
template <class T>
void transpose(const Shape& shape, const std::vector<std::size_t>& permutation, const T* in, T* out,
               bool accumulate, int threads) {
  // Merge axes that stay neighbours, so that what is left is a true permutation.
  std::vector<std::size_t> extents;     // of the result
  std::vector<std::size_t> in_strides;  // along them
  Shape strides(shape.size(), 1);
  for (std::size_t i = shape.size(); i-- > 1;) strides[i - 1] = strides[i] * shape[i];
  for (const std::size_t axis : permutation) {
    if (shape[axis] == 1) continue;
    if (!extents.empty() && in_strides.back() == strides[axis] * shape[axis]) {
      extents.back() *= shape[axis];
      in_strides.back() = strides[axis];
    } else {
      extents.push_back(shape[axis]);
      in_strides.push_back(strides[axis]);
    }
  }
  const std::size_t total = element_count(shape);
  if (total == 0) return;
  if (extents.empty()) {
    extents.push_back(1);
    in_strides.push_back(1);
  }
  // The last two axes of the result are copied in blocks, which keeps both sides in the cache.
  if (extents.size() == 1) {
    extents.insert(extents.begin(), 1);
    in_strides.insert(in_strides.begin(), 0);
  }
  const std::size_t rank = extents.size();
  const std::size_t rows = extents[rank - 2];
  const std::size_t columns = extents[rank - 1];
  const std::size_t row_stride = in_strides[rank - 2];
  const std::size_t column_stride = in_strides[rank - 1];
  constexpr std::size_t block = 64;
  const std::size_t planes = total / (rows * columns);
  const std::size_t row_blocks = (rows + block - 1) / block;
  parallel_for(planes * row_blocks, threads_for(total, threads), [&](std::size_t task) {
    const std::size_t plane = task / row_blocks;
    std::size_t offset = 0;
    for (std::size_t axis = rank - 2, rest = plane; axis-- > 0;) {
      offset += rest % extents[axis] * in_strides[axis];
      rest /= extents[axis];
    }
    const T* source = in + offset;
    T* target = out + plane * rows * columns;
    const std::size_t row_begin = task % row_blocks * block;
    const std::size_t row_end = std::min(rows, row_begin + block);
    for (std::size_t column_begin = 0; column_begin < columns; column_begin += block) {
      const std::size_t column_end = std::min(columns, column_begin + block);
      for (std::size_t r = row_begin; r < row_end; ++r) {
        const T* from = source + r * row_stride;
        T* to = target + r * columns;
        if (accumulate) {
          for (std::size_t c = column_begin; c < column_end; ++c) to[c] += from[c * column_stride];
        } else {
          for (std::size_t c = column_begin; c < column_end; ++c) to[c] = from[c * column_stride];
        }
      }
    }
  });
}

}  // namespace posekit::inline POSEKIT_ISA::kernels
