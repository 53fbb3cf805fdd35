#pragma once

// Two-dimensional convolution of NHWC images, as a matrix product whose left-hand side is gathered
// tile by tile.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include <posekit/core/isa.hpp>
#include <posekit/core/threads.hpp>
#include <posekit/kernels/conv2d_geometry.hpp>
#include <posekit/kernels/gemm.hpp>

namespace posekit::inline POSEKIT_ISA::kernels {

namespace internal {

/// Rows of a gathered tile with rows of `depth` elements.
template <class T>
constexpr std::size_t tile_rows(std::size_t depth) {
  return std::clamp<std::size_t>(
      96 * 1024 / (sizeof(T) * std::max<std::size_t>(depth, 1)) / 36 * 36, 36, 360);
}

/// The receptive field of one output pixel as [kernel_height, kernel_width, in_channels], zero
/// outside the image.
template <class T>
inline void gather_patch(const Conv2dGeometry& g, const T* image, std::size_t oy, std::size_t ox,
                         T* patch) {
  const std::size_t c = g.in_channels;
  for (std::size_t ky = 0; ky < g.kernel_height; ++ky) {
    const std::size_t y = oy * g.stride_height + ky * g.dilation_height;  // + pad_top
    if (y < g.pad_top || y - g.pad_top >= g.in_height) {
      std::fill_n(patch, g.kernel_width * c, T(0));
      patch += g.kernel_width * c;
      continue;
    }
    const T* row = image + (y - g.pad_top) * g.in_width * c;
    const std::size_t x = ox * g.stride_width;  // + pad_left
    if (g.dilation_width == 1 && x >= g.pad_left && x - g.pad_left + g.kernel_width <= g.in_width) {
      std::copy_n(row + (x - g.pad_left) * c, g.kernel_width * c, patch);
      patch += g.kernel_width * c;
      continue;
    }
    for (std::size_t kx = 0; kx < g.kernel_width; ++kx, patch += c) {
      const std::size_t column = x + kx * g.dilation_width;
      if (column < g.pad_left || column - g.pad_left >= g.in_width) {
        std::fill_n(patch, c, T(0));
      } else {
        std::copy_n(row + (column - g.pad_left) * c, c, patch);
      }
    }
  }
}

}  // namespace internal

/// Elements of scratch that `conv2d` needs for each thread.
template <class T>
constexpr std::size_t conv2d_scratch(const Conv2dGeometry& g) {
  if (g.is_pointwise()) return 0;
  const std::size_t depth = g.kernel_height * g.kernel_width * g.in_channels;
  return internal::tile_rows<T>(depth) * depth;
}

/// output = act(bias + input * filter).
/// `packed` is the filter as a [kernel_height * kernel_width * in_channels, out_channels] matrix,
/// packed with PanelLayout(out_channels); `scratch` has conv2d_scratch(g) elements per thread.
template <class T, class Arch = simd::DefaultArch>
void conv2d(const Conv2dGeometry& g, const T* input, const T* packed, const Epilogue<T>& epilogue,
            T* output, T* scratch, int threads) {
  const PanelLayout layout(g.out_channels);
  const std::size_t depth = g.kernel_height * g.kernel_width * g.in_channels;
  const std::size_t mask_stride = mask_row_bytes(g.out_channels);
  const std::size_t pixels = g.batch * g.out_pixels();
  const auto run = [&](const T* a, std::size_t first, std::size_t rows) {
    Epilogue<T> part = epilogue;
    if (part.mask != nullptr) part.mask += first * mask_stride;
    gemm_rows<T, Arch>(rows, depth, a, depth, layout, packed, output + first * g.out_channels,
                       g.out_channels, part);
  };
  if (g.is_pointwise()) {
    parallel_ranges(pixels, threads, [&](std::size_t begin, std::size_t end, int) {
      run(input + begin * depth, begin, end - begin);
    });
    return;
  }
  const std::size_t tile = internal::tile_rows<T>(depth);
  const std::size_t tile_size = conv2d_scratch<T>(g);
  parallel_ranges(pixels, threads, [&](std::size_t begin, std::size_t end, int thread) {
    T* patches = scratch + static_cast<std::size_t>(thread) * tile_size;
    for (std::size_t first = begin; first < end; first += tile) {
      const std::size_t rows = std::min(tile, end - first);
      for (std::size_t r = 0; r < rows; ++r) {
        const std::size_t image = (first + r) / g.out_pixels();
        const std::size_t pixel = (first + r) % g.out_pixels();
        internal::gather_patch(g, input + image * g.in_pixels() * g.in_channels,
                               pixel / g.out_width, pixel % g.out_width, patches + r * depth);
      }
      run(patches, first, rows);
    }
  });
}

}  // namespace posekit::inline POSEKIT_ISA::kernels
