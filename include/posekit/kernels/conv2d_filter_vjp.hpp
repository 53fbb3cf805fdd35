#pragma once

// Vector-Jacobian products of convolutions with respect to their filters and biases.

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include <posekit/core/isa.hpp>
#include <posekit/core/threads.hpp>
#include <posekit/kernels/conv2d.hpp>
#include <posekit/kernels/gemm.hpp>
#include <posekit/simd/batch.hpp>

namespace posekit::inline POSEKIT_ISA::kernels {

namespace detail {

/// Pixels whose patches are worked on together.
inline constexpr std::size_t filter_tile = 64;

}  // namespace detail

/// Elements of scratch for `conv2d_filter_vjp`.
inline std::size_t conv2d_filter_vjp_scratch(const Conv2dGeometry& g) {
  const std::size_t depth = g.kernel_height * g.kernel_width * g.in_channels;
  return detail::filter_tile * (2 * depth + PanelLayout(g.out_channels).padded_columns()) + 64;
}

/// result [kernel_height, kernel_width, in_channels, out_channels] += patches^T cotangent for one
/// cotangent [batch, out_height, out_width, out_channels]. The sum over pixels runs in their order
/// whatever the number of threads.
template <class T, class Arch = simd::DefaultArch>
void conv2d_filter_vjp(const Conv2dGeometry& g, const T* input, const T* cotangent, T* result,
                       T* scratch, int threads) {
  const std::size_t depth = g.kernel_height * g.kernel_width * g.in_channels;
  const PanelLayout layout(g.out_channels);
  const std::size_t pixels = g.batch * g.out_pixels();
  // The packed panels are read with aligned loads.
  T* packed = scratch;
  T* patch = packed + detail::filter_tile * layout.padded_columns();
  T* transposed = patch + detail::filter_tile * depth;
  for (std::size_t first = 0; first < pixels; first += detail::filter_tile) {
    const std::size_t count = std::min(detail::filter_tile, pixels - first);
    const T* rows = cotangent + first * g.out_channels;
    pack_panels(
        layout, count, [&](std::size_t k, std::size_t n) { return rows[k * g.out_channels + n]; },
        packed);
    for (std::size_t r = 0; r < count; ++r) {
      const std::size_t image = (first + r) / g.out_pixels();
      const std::size_t pixel = (first + r) % g.out_pixels();
      detail::gather_patch(g, input + image * g.in_pixels() * g.in_channels, pixel / g.out_width,
                           pixel % g.out_width, patch);
      for (std::size_t k = 0; k < depth; ++k) transposed[k * count + r] = patch[k];
    }
    parallel_ranges(depth, threads, [&](std::size_t begin, std::size_t end, int) {
      Epilogue<T> epilogue;
      epilogue.accumulate = true;
      gemm_rows<T, Arch>(end - begin, count, transposed + begin * count, count, layout, packed,
                         result + begin * g.out_channels, g.out_channels, epilogue);
    });
  }
}

/// result [kernel_height, kernel_width, channels] += sum over pixels of input * cotangent, for one
/// cotangent of a depthwise convolution.
template <class T>
void depthwise_filter_vjp(const Conv2dGeometry& g, const T* input, const T* cotangent, T* result,
                          int threads) {
  const std::size_t c = g.in_channels;
  parallel_for(g.kernel_height * g.kernel_width, threads, [&](std::size_t tap) {
    const std::size_t ky = tap / g.kernel_width * g.dilation_height;
    const std::size_t kx = tap % g.kernel_width * g.dilation_width;
    T* sum = result + tap * c;
    for (std::size_t row = 0; row < g.batch * g.out_height; ++row) {
      const std::size_t y = row % g.out_height * g.stride_height + ky;
      if (y < g.pad_top || y - g.pad_top >= g.in_height) continue;
      const T* in = input + (row / g.out_height * g.in_height + y - g.pad_top) * g.in_width * c;
      const T* out = cotangent + row * g.out_width * c;
      for (std::size_t ox = 0; ox < g.out_width; ++ox) {
        const std::size_t x = ox * g.stride_width + kx;
        if (x < g.pad_left || x - g.pad_left >= g.in_width) continue;
        const T* source = in + (x - g.pad_left) * c;
        for (std::size_t i = 0; i < c; ++i) sum[i] += source[i] * out[ox * c + i];
      }
    }
  });
}

/// result [channels] += sum of the rows of `cotangent` [rows, channels].
template <class T>
void bias_vjp(std::size_t rows, std::size_t channels, const T* cotangent, T* result) {
  for (std::size_t r = 0; r < rows; ++r) {
    for (std::size_t c = 0; c < channels; ++c) result[c] += cotangent[r * channels + c];
  }
}

}  // namespace posekit::inline POSEKIT_ISA::kernels
