#pragma once

// Max and average pooling of NHWC images. Pixels outside the image take no part: they are never the
// maximum, and an average divides by the number of pixels inside.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <posekit/core/isa.hpp>
#include <posekit/core/threads.hpp>
#include <posekit/kernels/conv2d.hpp>
#include <posekit/simd/batch.hpp>

namespace posekit::inline POSEKIT_ISA::kernels {

namespace internal {

/// The part of a window that lies inside the image: input pixels [begin, end) with step `dilation`.
struct WindowRange {
  std::size_t begin = 0, end = 0;
};

constexpr WindowRange window_range(std::size_t out, std::size_t stride, std::size_t kernel,
                                   std::size_t pad, std::size_t extent) {
  const std::size_t first = out * stride;
  const std::size_t last = first + kernel;
  return {first > pad ? first - pad : 0, std::min(extent, last > pad ? last - pad : 0)};
}

/// Calls `visit(ox, ys, xs)` for the windows of output row `oy`.
template <class Visit>
void for_each_window(const Conv2dGeometry& g, std::size_t oy, const Visit& visit) {
  const auto ys = window_range(oy, g.stride_height, g.kernel_height, g.pad_top, g.in_height);
  for (std::size_t ox = 0; ox < g.out_width; ++ox) {
    visit(ox, ys, window_range(ox, g.stride_width, g.kernel_width, g.pad_left, g.in_width));
  }
}

}  // namespace internal

/// output = max over each window; `source`, where given, receives the input pixel (y * in_width +
/// x) of each maximum, the first of equals.
template <class T>
void max_pool2d(const Conv2dGeometry& g, const T* input, T* output, std::uint32_t* source,
                int threads) {
  const std::size_t c = g.in_channels;
  parallel_for(g.batch * g.out_height, threads, [&](std::size_t row) {
    const T* image = input + row / g.out_height * g.in_pixels() * c;
    internal::for_each_window(
        g, row % g.out_height, [&](std::size_t ox, const auto& ys, const auto& xs) {
          T* out = output + (row * g.out_width + ox) * c;
          std::uint32_t* from = source == nullptr ? nullptr : source + (row * g.out_width + ox) * c;
          bool first = true;
          for (std::size_t y = ys.begin; y < ys.end; ++y) {
            for (std::size_t x = xs.begin; x < xs.end; ++x) {
              const auto pixel = static_cast<std::uint32_t>(y * g.in_width + x);
              const T* in = image + std::size_t{pixel} * c;
              if (first) {
                std::copy_n(in, c, out);
                if (from != nullptr) std::fill_n(from, c, pixel);
                first = false;
              } else if (from == nullptr) {
                for (std::size_t i = 0; i < c; ++i)
                  out[i] = in[i] > out[i] || in[i] != in[i] ? in[i] : out[i];
              } else {
                for (std::size_t i = 0; i < c; ++i) {
                  const bool larger = in[i] > out[i] || in[i] != in[i];  // NaN stays
                  out[i] = larger ? in[i] : out[i];
                  from[i] = larger ? pixel : from[i];
                }
              }
            }
          }
        });
  });
}

/// result (+)= the cotangents at the pixels they came from, for `seeds` cotangents.
template <class T>
void max_pool2d_vjp(const Conv2dGeometry& g, std::size_t seeds, const T* cotangent,
                    const std::uint32_t* source, T* result, bool accumulate, int threads) {
  const std::size_t c = g.in_channels;
  const std::size_t in_plane = g.in_pixels() * c;
  const std::size_t out_plane = g.out_pixels() * c;
  parallel_for(seeds * g.batch, threads, [&](std::size_t plane) {
    T* target = result + plane * in_plane;
    if (!accumulate) std::fill_n(target, in_plane, T(0));
    const T* from = cotangent + plane * out_plane;
    const std::uint32_t* pixel = source + plane % g.batch * out_plane;
    for (std::size_t p = 0; p < g.out_pixels(); ++p) {
      for (std::size_t i = 0; i < c; ++i) {
        target[std::size_t{pixel[p * c + i]} * c + i] += from[p * c + i];
      }
    }
  });
}

/// output = mean over the pixels of each window that lie inside the image.
template <class T>
void average_pool2d(const Conv2dGeometry& g, const T* input, T* output, int threads) {
  const std::size_t c = g.in_channels;
  parallel_for(g.batch * g.out_height, threads, [&](std::size_t row) {
    const T* image = input + row / g.out_height * g.in_pixels() * c;
    std::vector<double> sums(c);
    internal::for_each_window(
        g, row % g.out_height, [&](std::size_t ox, const auto& ys, const auto& xs) {
          T* out = output + (row * g.out_width + ox) * c;
          const std::size_t pixels = (ys.end - ys.begin) * (xs.end - xs.begin);
          std::fill_n(out, c, T(0));
          std::fill(sums.begin(), sums.end(), 0.0);
          std::size_t in_run = 0;  // pixels that are added in T, so few that rounding stays small
          const auto end_run = [&] {
            for (std::size_t i = 0; i < c; ++i) {
              sums[i] += static_cast<double>(out[i]);
              out[i] = T(0);
            }
            in_run = 0;
          };
          for (std::size_t y = ys.begin; y < ys.end; ++y) {
            for (std::size_t x = xs.begin; x < xs.end; ++x) {
              const T* in = image + (y * g.in_width + x) * c;
              for (std::size_t i = 0; i < c; ++i) out[i] += in[i];
              if (++in_run == 64) end_run();
            }
          }
          const double scale = 1.0 / static_cast<double>(pixels);
          for (std::size_t i = 0; i < c; ++i)
            out[i] = static_cast<T>((sums[i] + static_cast<double>(out[i])) * scale);
        });
  });
}

/// result (+)= each cotangent spread over its window, for `seeds` cotangents.
template <class T>
void average_pool2d_vjp(const Conv2dGeometry& g, std::size_t seeds, const T* cotangent, T* result,
                        bool accumulate, int threads) {
  const std::size_t c = g.in_channels;
  const std::size_t in_plane = g.in_pixels() * c;
  parallel_for(seeds * g.batch, threads, [&](std::size_t plane) {
    T* target = result + plane * in_plane;
    if (!accumulate) std::fill_n(target, in_plane, T(0));
    for (std::size_t oy = 0; oy < g.out_height; ++oy) {
      internal::for_each_window(g, oy, [&](std::size_t ox, const auto& ys, const auto& xs) {
        const T scale = T(1) / static_cast<T>((ys.end - ys.begin) * (xs.end - xs.begin));
        const T* from = cotangent + (plane * g.out_pixels() + oy * g.out_width + ox) * c;
        for (std::size_t y = ys.begin; y < ys.end; ++y) {
          for (std::size_t x = xs.begin; x < xs.end; ++x) {
            T* to = target + (y * g.in_width + x) * c;
            for (std::size_t i = 0; i < c; ++i) to[i] += scale * from[i];
          }
        }
      });
    }
  });
}

}  // namespace posekit::inline POSEKIT_ISA::kernels
