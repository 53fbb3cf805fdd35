#pragma once

// Vector-Jacobian products of convolutions with respect to their filters.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <vector>

#include <posekit/core/isa.hpp>
#include <posekit/core/threads.hpp>
#include <posekit/kernels/conv2d.hpp>
#include <posekit/kernels/gemm.hpp>
#include <posekit/simd/batch.hpp>

namespace posekit::inline POSEKIT_ISA::kernels {

namespace internal {

/// Copies rows x columns pixels from (y0, x0) of an image with its padding, which is 0.
template <class T>
inline void copy_window(const Conv2dGeometry& g, const T* image, std::size_t y0, std::size_t x0,
                        std::size_t rows, std::size_t columns, T* window) {
  const std::size_t c = g.in_channels;
  const std::size_t left = x0 < g.pad_left ? std::min(g.pad_left - x0, columns) : 0;
  const std::size_t end = g.pad_left + g.in_width;
  const std::size_t inside = end > x0 + left ? std::min(end - x0 - left, columns - left) : 0;
  for (std::size_t y = y0; y < y0 + rows; ++y, window += columns * c) {
    if (y < g.pad_top || y - g.pad_top >= g.in_height) {
      std::fill_n(window, columns * c, T(0));
      continue;
    }
    std::fill_n(window, left * c, T(0));
    if (inside > 0) {
      std::copy_n(image + ((y - g.pad_top) * g.in_width + x0 + left - g.pad_left) * c, inside * c,
                  window + left * c);
    }
    std::fill_n(window + (left + inside) * c, (columns - left - inside) * c, T(0));
  }
}

/// Output pixels whose products are summed in registers before they are added to memory.
inline constexpr std::size_t filter_block_pixels = 128;

/// The pixels of one output image are cut into blocks of rows x columns.
struct FilterBlocks {
  std::size_t rows, columns;        ///< output pixels of a block
  std::size_t in_rows, in_columns;  ///< input pixels that a block sees

  explicit constexpr FilterBlocks(const Conv2dGeometry& g)
      : rows(1), columns(std::min(g.out_width, filter_block_pixels)), in_rows(0), in_columns(0) {
    rows = std::clamp<std::size_t>(filter_block_pixels / std::max<std::size_t>(columns, 1), 1,
                                   std::max<std::size_t>(g.out_height, 1));
    in_rows = (rows - 1) * g.stride_height + (g.kernel_height - 1) * g.dilation_height + 1;
    in_columns = (std::max<std::size_t>(columns, 1) - 1) * g.stride_width +
                 (g.kernel_width - 1) * g.dilation_width + 1;
  }
};

/// Rows of the filter's gradient that keep the accumulators in registers.
template <class Arch, std::size_t Vectors>
inline constexpr std::size_t outer_rows = simd::has_32_registers<Arch> || Vectors == 1 ? 8 : 4;

/// Sums over a block's pixels of a[0 ... Rows) times b[0 ... Vectors lanes), added to `target`.
template <class T, class Arch, std::size_t Rows, std::size_t Vectors>
inline void outer_tile(std::size_t rows, std::size_t columns, const T* a, std::size_t a_row,
                       std::size_t a_pixel, const T* b, std::size_t b_pixel, T* target,
                       std::size_t stride, std::size_t valid) {
  using Batch = simd::Batch<T, Arch>;
  constexpr std::size_t L = simd::lanes<T, Arch>;
  Batch sum[Rows][Vectors];
  for (auto& row : sum) {
    for (auto& vector : row) vector = Batch(T(0));
  }
  for (std::size_t y = 0; y < rows; ++y) {
    const T* x = a + y * a_row;
    for (std::size_t i = 0; i < columns; ++i) {
      Batch row[Vectors];
      simd::unroll<Vectors>([&](auto v) { row[v] = Batch::load_aligned(b + v * L); });
      simd::unroll<Rows>([&](auto r) {
        const Batch factor(x[r]);
        simd::unroll<Vectors>([&](auto v) { sum[r][v] = xsimd::fma(factor, row[v], sum[r][v]); });
      });
      x += a_pixel;
      b += b_pixel;
    }
  }
  Epilogue<T> add;
  add.accumulate = true;
  store_tile<T, Arch>(sum, {target, stride, 0, valid, 0}, add);
}

/// The `count` rows of the gradient that start at `a`'s element and one panel of its columns.
template <class T, class Arch, std::size_t Width>
void outer_panel(std::size_t count, std::size_t rows, std::size_t columns, const T* a,
                 std::size_t a_row, std::size_t a_pixel, const T* panel, T* target,
                 std::size_t stride, std::size_t valid) {
  constexpr std::size_t V = step_vectors<T, Arch, Width>;
  constexpr std::size_t step = V * simd::lanes<T, Arch>;
  std::size_t k = 0;
  const auto tiles = [&](auto together) {
    for (; k + together <= count; k += together) {
      for (std::size_t n = 0; n < valid; n += step) {
        outer_tile<T, Arch, together, V>(rows, columns, a + k, a_row, a_pixel, panel + n, Width,
                                         target + k * stride + n, stride,
                                         std::min(step, valid - n));
      }
    }
  };
  tiles(std::integral_constant<std::size_t, outer_rows<Arch, V>>{});
  tiles(std::integral_constant<std::size_t, 4>{});
  tiles(std::integral_constant<std::size_t, 1>{});
}

}  // namespace internal

namespace internal {

/// Blocks that are summed in T before they are added in double, so that a float's rounding does not
/// add up over millions of pixels.
inline constexpr std::size_t filter_run_blocks = 32;

/// True where a filter's gradient is summed in runs.
template <class T>
constexpr bool sums_filter_in_runs(const Conv2dGeometry& g) {
  return sizeof(T) < sizeof(double) &&
         g.batch * g.out_pixels() > filter_run_blocks * filter_block_pixels;
}

/// Elements of scratch for one thread of `conv2d_filter_vjp`.
inline std::size_t filter_thread_scratch(const Conv2dGeometry& g) {
  const FilterBlocks blocks(g);
  const std::size_t elements =
      blocks.rows * blocks.columns * 48 + blocks.in_rows * blocks.in_columns * g.in_channels;
  return (elements + 15) / 16 * 16;  // so that every thread's part is aligned
}

}  // namespace internal

/// Elements of scratch for `conv2d_filter_vjp` with so many threads.
template <class T>
std::size_t conv2d_filter_vjp_scratch(const Conv2dGeometry& g, int threads) {
  std::size_t sums = 0;  // a run's in T, all in double
  if (internal::sums_filter_in_runs<T>(g)) {
    sums = g.kernel_height * g.kernel_width * g.in_channels * g.out_channels *
           (1 + sizeof(double) / sizeof(T));
  }
  return static_cast<std::size_t>(std::max(threads, 1)) * internal::filter_thread_scratch(g) + sums;
}

/// result [kernel_height, kernel_width, in_channels, out_channels] += patches^T cotangent for one
/// cotangent [batch, out_height, out_width, out_channels]. The sum over pixels runs in their order
/// whatever the number of threads: these share the rows of the result. `scratch` is aligned as a
/// tensor and has conv2d_filter_vjp_scratch<T>(g, threads) elements.
template <class T, class Arch = simd::DefaultArch>
void conv2d_filter_vjp(const Conv2dGeometry& g, const T* input, const T* cotangent, T* result,
                       T* scratch, int threads) {
  const internal::FilterBlocks blocks(g);
  const PanelLayout layout(g.out_channels);
  const std::size_t c = g.in_channels;
  // Neighbouring taps of a row are neighbours in memory unless the kernel is dilated.
  const std::size_t taps = g.dilation_width == 1 ? g.kernel_width : 1;
  const std::size_t run = taps * c;
  const std::size_t depth = g.kernel_height * g.kernel_width * c;
  const bool padded =
      g.pad_top > 0 || g.pad_left > 0 ||
      (g.out_height - 1) * g.stride_height + (g.kernel_height - 1) * g.dilation_height >=
          g.in_height ||
      (g.out_width - 1) * g.stride_width + (g.kernel_width - 1) * g.dilation_width >= g.in_width;
  if (g.batch * g.out_pixels() == 0) return;
  const std::size_t thread_scratch = internal::filter_thread_scratch(g);
  const bool in_runs = internal::sums_filter_in_runs<T>(g);
  auto* const totals = reinterpret_cast<double*>(
      scratch + static_cast<std::size_t>(std::max(threads, 1)) * thread_scratch);
  T* const run_sums = in_runs ? reinterpret_cast<T*>(totals + depth * g.out_channels) : result;

  parallel_ranges(depth, threads, [&](std::size_t begin, std::size_t end, int thread) {
    T* panel = scratch + static_cast<std::size_t>(thread) * thread_scratch;
    T* window = panel + blocks.rows * blocks.columns * 48;
    const std::size_t first_sum = begin * g.out_channels, end_sum = end * g.out_channels;
    std::size_t blocks_in_run = 0;
    if (in_runs) {
      std::fill(totals + first_sum, totals + end_sum, 0.0);
      std::fill(run_sums + first_sum, run_sums + end_sum, T(0));
    }
    const auto end_run = [&] {
      for (std::size_t i = first_sum; i < end_sum; ++i) {
        totals[i] += static_cast<double>(run_sums[i]);
        run_sums[i] = T(0);
      }
      blocks_in_run = 0;
    };
    for (std::size_t image = 0; image < g.batch; ++image) {
      const T* pixels = input + image * g.in_pixels() * c;
      const T* outer = cotangent + image * g.out_pixels() * g.out_channels;
      for (std::size_t y0 = 0; y0 < g.out_height; y0 += blocks.rows) {
        const std::size_t rows = std::min(blocks.rows, g.out_height - y0);
        for (std::size_t x0 = 0; x0 < g.out_width; x0 += blocks.columns) {
          const std::size_t columns = std::min(blocks.columns, g.out_width - x0);
          // What the block sees, with zeros outside the image.
          const T* seen = pixels + (y0 * g.stride_height * g.in_width + x0 * g.stride_width) * c;
          std::size_t seen_row = g.in_width * c;
          if (padded) {
            seen = window;
            seen_row = blocks.in_columns * c;
            internal::copy_window(g, pixels, y0 * g.stride_height, x0 * g.stride_width,
                                  blocks.in_rows, blocks.in_columns, window);
          }
          for (std::size_t j = 0; j < layout.panels(); ++j) {
            const std::size_t width = layout.width(j), valid = layout.valid(j);
            T* to = panel;
            for (std::size_t y = y0; y < y0 + rows; ++y) {
              const T* from = outer + (y * g.out_width + x0) * g.out_channels + layout.first(j);
              for (std::size_t x = 0; x < columns; ++x, to += width, from += g.out_channels) {
                std::copy_n(from, valid, to);
                std::fill_n(to + valid, width - valid, T(0));
              }
            }
            internal::with_panel_width(width, [&](auto known_width) {
              for (std::size_t first = begin / run * run; first < end; first += run) {
                const std::size_t from = std::max(first, begin), until = std::min(first + run, end);
                const std::size_t tap = first / c;
                const std::size_t dy = tap / g.kernel_width * g.dilation_height;
                const std::size_t dx = tap % g.kernel_width * g.dilation_width;
                internal::outer_panel<T, Arch, known_width>(
                    until - from, rows, columns, seen + dy * seen_row + dx * c + (from - first),
                    g.stride_height * seen_row, g.stride_width * c, panel,
                    run_sums + from * g.out_channels + layout.first(j), g.out_channels, valid);
              }
            });
          }
          if (in_runs && ++blocks_in_run == internal::filter_run_blocks) end_run();
        }
      }
    }
    if (!in_runs) return;
    end_run();
    for (std::size_t i = first_sum; i < end_sum; ++i) result[i] += static_cast<T>(totals[i]);
  });
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
    std::vector<T> sum(c);
    std::vector<double> totals(c, 0.0);
    for (std::size_t row = 0; row < g.batch * g.out_height; ++row) {
      const std::size_t y = row % g.out_height * g.stride_height + ky;
      if (y < g.pad_top || y - g.pad_top >= g.in_height) continue;
      const T* in = input + (row / g.out_height * g.in_height + y - g.pad_top) * g.in_width * c;
      const T* out = cotangent + row * g.out_width * c;
      std::fill(sum.begin(), sum.end(), T(0));
      for (std::size_t ox = 0; ox < g.out_width; ++ox) {
        const std::size_t x = ox * g.stride_width + kx;
        if (x < g.pad_left || x - g.pad_left >= g.in_width) continue;
        const T* source = in + (x - g.pad_left) * c;
        for (std::size_t i = 0; i < c; ++i) sum[i] += source[i] * out[ox * c + i];
      }
      for (std::size_t i = 0; i < c; ++i) totals[i] += static_cast<double>(sum[i]);
    }
    for (std::size_t i = 0; i < c; ++i) result[tap * c + i] += static_cast<T>(totals[i]);
  });
}

}  // namespace posekit::inline POSEKIT_ISA::kernels
