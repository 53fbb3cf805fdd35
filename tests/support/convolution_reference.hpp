#pragma once

// Convolutions by their definition, in double, one multiplication at a time.

#include <cstddef>
#include <cstdint>
#include <vector>

#include <posekit/core/error.hpp>
#include <posekit/core/random.hpp>
#include <posekit/kernels/conv2d.hpp>

/// Calls visit(image, oy, ox, iy, ix, ky, kx) for every tap inside the image.
template <class Visit>
void for_each_tap(const posekit::Conv2dGeometry& g, const Visit& visit) {
  for (std::size_t n = 0; n < g.batch; ++n) {
    for (std::size_t oy = 0; oy < g.out_height; ++oy) {
      for (std::size_t ox = 0; ox < g.out_width; ++ox) {
        for (std::size_t ky = 0; ky < g.kernel_height; ++ky) {
          for (std::size_t kx = 0; kx < g.kernel_width; ++kx) {
            const auto iy = static_cast<long>(oy * g.stride_height + ky * g.dilation_height) -
                            static_cast<long>(g.pad_top);
            const auto ix = static_cast<long>(ox * g.stride_width + kx * g.dilation_width) -
                            static_cast<long>(g.pad_left);
            if (iy < 0 || ix < 0 || iy >= static_cast<long>(g.in_height) ||
                ix >= static_cast<long>(g.in_width))
              continue;
            visit(n, oy, ox, static_cast<std::size_t>(iy), static_cast<std::size_t>(ix), ky, kx);
          }
        }
      }
    }
  }
}

/// Geometries with every extent different, and the ones networks have.
inline std::vector<posekit::Conv2dGeometry> interesting_geometries(bool depthwise) {
  std::vector<posekit::Conv2dGeometry> result;
  const auto add = [&](std::size_t batch, std::size_t h, std::size_t w, std::size_t cin,
                       std::size_t cout, std::size_t kh, std::size_t kw, std::size_t sh,
                       std::size_t sw, std::size_t dh, std::size_t dw, std::size_t top,
                       std::size_t left, std::size_t bottom, std::size_t right) {
    posekit::Conv2dGeometry g;
    g.batch = batch;
    g.in_height = h;
    g.in_width = w;
    g.in_channels = cin;
    g.out_channels = depthwise ? cin : cout;
    g.kernel_height = kh;
    g.kernel_width = kw;
    g.stride_height = sh;
    g.stride_width = sw;
    g.dilation_height = dh;
    g.dilation_width = dw;
    g.pad_top = top;
    g.pad_left = left;
    const std::size_t reach_h = (kh - 1) * dh + 1, reach_w = (kw - 1) * dw + 1;
    if (h + top + bottom < reach_h || w + left + right < reach_w) return;
    g.out_height = (h + top + bottom - reach_h) / sh + 1;
    g.out_width = (w + left + right - reach_w) / sw + 1;
    result.push_back(g);
  };
  add(1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0);
  add(2, 5, 7, 3, 4, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0);
  add(1, 19, 20, 3, 24, 3, 3, 2, 2, 1, 1, 0, 0, 1, 1);   // a stem with TensorFlow's padding
  add(1, 17, 17, 48, 33, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0);  // pointwise
  add(1, 12, 11, 17, 19, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1);
  add(2, 9, 13, 24, 16, 5, 5, 2, 2, 1, 1, 2, 2, 2, 2);
  add(1, 7, 8, 8, 50, 2, 2, 1, 1, 1, 1, 0, 0, 0, 0);
  add(1, 10, 9, 5, 6, 4, 4, 2, 2, 1, 1, 1, 1, 1, 1);  // a transposed convolution's
  add(1, 8, 9, 6, 5, 1, 1, 2, 2, 1, 1, 0, 0, 0, 0);
  add(1, 11, 14, 4, 7, 3, 2, 1, 3, 2, 2, 2, 1, 2, 1);
  const posekit::CounterRandom random(11);
  for (std::uint64_t i = 0; i < 40; ++i) {
    const auto pick = [&](std::uint64_t k, std::size_t low, std::size_t high) {
      return low + static_cast<std::size_t>(random.bits(i * 32 + k) % (high - low + 1));
    };
    add(pick(0, 1, 2), pick(1, 1, 12), pick(2, 1, 12), pick(3, 1, 20), pick(4, 1, 35),
        pick(5, 1, 5), pick(6, 1, 4), pick(7, 1, 3), pick(8, 1, 3), pick(9, 1, 2), pick(10, 1, 3),
        pick(11, 0, 3), pick(12, 0, 3), pick(13, 0, 3), pick(14, 0, 3));
  }
  return result;
}

inline std::string describe(const posekit::Conv2dGeometry& g) {
  return posekit::error_text(g.batch, " x ", g.in_height, " x ", g.in_width, " x ", g.in_channels,
                             " -> ", g.out_height, " x ", g.out_width, " x ", g.out_channels,
                             ", kernel ", g.kernel_height, " x ", g.kernel_width, ", stride ",
                             g.stride_height, " ", g.stride_width, ", dilation ", g.dilation_height,
                             " ", g.dilation_width, ", pad ", g.pad_top, " ", g.pad_left);
}
