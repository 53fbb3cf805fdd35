#pragma once

// Separable convolution of planar images with symmetric kernels, reflected at the border.

#include <algorithm>
#include <cstddef>
#include <vector>

#include <posekit/core/isa.hpp>
#include <posekit/simd/batch.hpp>

namespace posekit::inline POSEKIT_ISA::kernels {

/// The index that a position outside [0, extent) stands for when the image is mirrored at its
/// outermost pixels, which are not repeated (PyTorch's `reflect`), as often as it takes.
constexpr std::size_t reflect_index(std::ptrdiff_t position, std::size_t extent) {
  if (extent == 1) return 0;
  const auto period = static_cast<std::ptrdiff_t>(2 * (extent - 1));
  std::ptrdiff_t i = position % period;
  if (i < 0) i += period;
  return static_cast<std::size_t>(i < static_cast<std::ptrdiff_t>(extent) ? i : period - i);
}

namespace internal {

/// out0 = sum_j w0[|j|] line[x + j], out1 likewise with w1, for x in [0, width). `line` points at
/// pixel 0 of a row that is padded by `radius` pixels on each side, and by a vector on the right.
template <class T, class Arch, bool Second>
void blur_line(std::size_t width, std::size_t radius, const T* line, const T* w0, const T* w1,
               T* out0, T* out1) {
  using Batch = simd::Batch<T, Arch>;
  constexpr std::size_t L = simd::lanes<T, Arch>;
  constexpr std::size_t N = 4;
  std::size_t x = 0;
  const auto tile = [&](auto vectors) {
    constexpr std::size_t V = vectors;
    Batch a[V], b[V];
    simd::unroll<V>([&](auto v) {
      const Batch centre = simd::load<T, Arch>(line + x + v * L);
      a[v] = centre * Batch(w0[0]);
      if constexpr (Second) b[v] = centre * Batch(w1[0]);
    });
    for (std::size_t j = 1; j <= radius; ++j) {
      const Batch k0(w0[j]);
      const Batch k1(Second ? w1[j] : T(0));
      simd::unroll<V>([&](auto v) {
        const T* p = line + x + v * L;
        const Batch pair = simd::load<T, Arch>(p - j) + simd::load<T, Arch>(p + j);
        a[v] = xsimd::fma(pair, k0, a[v]);
        if constexpr (Second) b[v] = xsimd::fma(pair, k1, b[v]);
      });
    }
    simd::unroll<V>([&](auto v) {
      const std::size_t at = x + v * L;
      if (at + L <= width) {
        simd::store<T, Arch>(out0 + at, a[v]);
        if constexpr (Second) simd::store<T, Arch>(out1 + at, b[v]);
      } else {
        simd::store_partial<T, Arch>(out0 + at, a[v], width - at);
        if constexpr (Second) simd::store_partial<T, Arch>(out1 + at, b[v], width - at);
      }
    });
    x += V * L;
  };
  while (x + N * L <= width) tile(std::integral_constant<std::size_t, N>{});
  while (x < width) tile(std::integral_constant<std::size_t, 1>{});
}

/// One row of the vertical pass: out0 = sum_j w0[|j|] in0[y + j, :], and, where `Second`,
/// out1 = sum_j (w1[|j|] in0[y + j, :] + w0[|j|] in1[y + j, :]). rows[radius + j] is row y + j.
template <class T, class Arch, bool Second>
void blur_column(std::size_t width, std::size_t radius, const std::size_t* rows, const T* in0,
                 const T* in1, const T* w0, const T* w1, T* out0, T* out1) {
  using Batch = simd::Batch<T, Arch>;
  constexpr std::size_t L = simd::lanes<T, Arch>;
  constexpr std::size_t N = 4;
  std::size_t x = 0;
  const auto tile = [&](auto vectors, std::size_t count) {
    constexpr std::size_t V = vectors;
    const auto read = [&](const T* p) {
      return count == V * L ? simd::load<T, Arch>(p) : simd::load_partial<T, Arch>(p, count);
    };
    Batch a[V], b[V];
    simd::unroll<V>([&](auto v) {
      const std::size_t at = rows[radius] * width + x + v * L;
      const Batch centre = read(in0 + at);
      a[v] = centre * Batch(w0[0]);
      if constexpr (Second) b[v] = xsimd::fma(read(in1 + at), Batch(w0[0]), centre * Batch(w1[0]));
    });
    for (std::size_t j = 1; j <= radius; ++j) {
      const Batch k0(w0[j]);
      const Batch k1(Second ? w1[j] : T(0));
      const std::size_t above = rows[radius - j] * width + x;
      const std::size_t below = rows[radius + j] * width + x;
      simd::unroll<V>([&](auto v) {
        const Batch pair = read(in0 + above + v * L) + read(in0 + below + v * L);
        a[v] = xsimd::fma(pair, k0, a[v]);
        if constexpr (Second) {
          b[v] = xsimd::fma(pair, k1, b[v]);
          b[v] = xsimd::fma(read(in1 + above + v * L) + read(in1 + below + v * L), k0, b[v]);
        }
      });
    }
    simd::unroll<V>([&](auto v) {
      if (count == V * L) {
        simd::store<T, Arch>(out0 + x + v * L, a[v]);
        if constexpr (Second) simd::store<T, Arch>(out1 + x + v * L, b[v]);
      } else {
        simd::store_partial<T, Arch>(out0 + x, a[v], count);
        if constexpr (Second) simd::store_partial<T, Arch>(out1 + x, b[v], count);
      }
    });
    x += V * L;
  };
  while (x + N * L <= width) tile(std::integral_constant<std::size_t, N>{}, N * L);
  while (x + L <= width) tile(std::integral_constant<std::size_t, 1>{}, L);
  if (x < width) tile(std::integral_constant<std::size_t, 1>{}, width - x);
}

}  // namespace internal

/// Elements of scratch for `blur` of one plane.
template <class T>
constexpr std::size_t blur_scratch(std::size_t height, std::size_t width, std::size_t radius) {
  return 2 * height * width + width + 2 * radius + 128;
}

/// Convolves planes [planes, height, width] with the symmetric kernel weights[|j|], j = -radius ...
/// radius, along both axes, into `out`. Where `slopes` is given (the derivatives of the weights
/// with respect to a parameter), `slope_out` receives the derivative of `out` with respect to it.
template <class T, class Arch = simd::DefaultArch>
void blur(std::size_t planes, std::size_t height, std::size_t width, const T* in,
          std::size_t radius, const T* weights, const T* slopes, T* out, T* slope_out, T* scratch) {
  T* across0 = scratch;
  T* across1 = across0 + height * width;
  T* line = across1 + height * width;
  std::vector<std::size_t> columns(width + 2 * radius);
  for (std::size_t i = 0; i < columns.size(); ++i) {
    columns[i] =
        reflect_index(static_cast<std::ptrdiff_t>(i) - static_cast<std::ptrdiff_t>(radius), width);
  }
  std::vector<std::size_t> rows(height + 2 * radius);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    rows[i] =
        reflect_index(static_cast<std::ptrdiff_t>(i) - static_cast<std::ptrdiff_t>(radius), height);
  }
  const auto run = [&](auto second) {
    for (std::size_t p = 0; p < planes; ++p) {
      const T* plane = in + p * height * width;
      for (std::size_t y = 0; y < height; ++y) {
        const T* row = plane + y * width;
        for (std::size_t i = 0; i < radius; ++i) {
          line[i] = row[columns[i]];
          line[radius + width + i] = row[columns[radius + width + i]];
        }
        std::copy_n(row, width, line + radius);
        // The last vector of a line reads past its end.
        std::fill_n(line + width + 2 * radius, simd::lanes<T, Arch>, T(0));
        internal::blur_line<T, Arch, second>(width, radius, line + radius, weights, slopes,
                                             across0 + y * width, across1 + y * width);
      }
      for (std::size_t y = 0; y < height; ++y) {
        const std::size_t at = (p * height + y) * width;
        internal::blur_column<T, Arch, second>(width, radius, rows.data() + y, across0, across1,
                                               weights, slopes, out + at,
                                               second ? slope_out + at : nullptr);
      }
    }
  };
  if (slopes != nullptr) {
    run(std::bool_constant<true>{});
  } else {
    run(std::bool_constant<false>{});
  }
}

}  // namespace posekit::inline POSEKIT_ISA::kernels
