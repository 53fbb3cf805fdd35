#pragma once

// Resampling of NHWC images, rows and columns each by a sparse matrix.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include <posekit/core/isa.hpp>
#include <posekit/core/threads.hpp>
#include <posekit/kernels/resize_corners.hpp>
#include <posekit/simd/batch.hpp>

namespace posekit::inline POSEKIT_ISA::kernels {

/// The weights of a linear resampling along one axis, as a sparse matrix with sorted rows.
struct ResampleAxis {
  struct Entry {
    std::size_t index;
    double weight;
  };
  std::vector<std::vector<Entry>> rows;
};

/// Row `o` lists the input pixels (one or two) that output pixel `o` reads.
inline ResampleAxis linear_axis(std::size_t in, std::size_t out, ResizeCorners corners) {
  ResampleAxis axis;
  axis.rows.resize(out);
  for (std::size_t o = 0; o < out; ++o) {
    const double scale = static_cast<double>(in) / static_cast<double>(out);
    double position = 0;
    switch (corners) {
      case ResizeCorners::half_pixel:
        position = (static_cast<double>(o) + 0.5) * scale - 0.5;
        break;
      case ResizeCorners::align_corners:
        position = out > 1 ? static_cast<double>(o) * static_cast<double>(in - 1) /
                                 static_cast<double>(out - 1)
                           : 0.0;
        break;
      case ResizeCorners::asymmetric:
        position = static_cast<double>(o) * scale;
        break;
    }
    position = std::clamp(position, 0.0, static_cast<double>(in - 1));
    const auto low = static_cast<std::size_t>(position);
    const double fraction = position - static_cast<double>(low);
    axis.rows[o].push_back({low, 1.0 - fraction});
    if (fraction > 0.0) axis.rows[o].push_back({low + 1, fraction});
  }
  return axis;
}

/// Row `o` lists the one input pixel that output pixel `o` copies.
inline ResampleAxis nearest_axis(std::size_t in, std::size_t out) {
  ResampleAxis axis;
  for (std::size_t o = 0; o < out; ++o) axis.rows.push_back({{o * in / out, 1.0}});
  return axis;
}

/// Row `o` lists the input pixels from floor(o in / out) to ceil((o + 1) in / out), with equal
/// weights.
inline ResampleAxis box_axis(std::size_t in, std::size_t out) {
  ResampleAxis axis;
  axis.rows.resize(out);
  for (std::size_t o = 0; o < out; ++o) {
    const std::size_t begin = o * in / out, end = ((o + 1) * in + out - 1) / out;
    for (std::size_t i = begin; i < end; ++i)
      axis.rows[o].push_back({i, 1.0 / static_cast<double>(end - begin)});
  }
  return axis;
}

/// The transposed matrix; `in` is the number of its rows.
inline ResampleAxis transposed(const ResampleAxis& axis, std::size_t in) {
  ResampleAxis result;
  result.rows.resize(in);
  for (std::size_t o = 0; o < axis.rows.size(); ++o) {
    for (const auto& [index, weight] : axis.rows[o]) result.rows[index].push_back({o, weight});
  }
  return result;
}

/// target[p, y, x, :] (+)= sum of rows.rows[y] x columns.rows[x] weights times source pixels.
/// source [planes, source_height, source_width, channels].
template <class T, class Arch = simd::DefaultArch>
void resample2d(std::size_t planes, std::size_t channels, std::size_t source_height,
                std::size_t source_width, const ResampleAxis& rows, const ResampleAxis& columns,
                const T* source, T* target, bool accumulate, int threads) {
  using Batch = simd::Batch<T, Arch>;
  constexpr std::size_t L = simd::lanes<T, Arch>;
  const std::size_t height = rows.rows.size();
  const std::size_t width = columns.rows.size();
  parallel_for(planes * height, threads, [&](std::size_t row) {
    const T* image = source + row / height * source_height * source_width * channels;
    const auto& entries_y = rows.rows[row % height];
    for (std::size_t x = 0; x < width; ++x) {
      T* out = target + (row * width + x) * channels;
      const auto& entries_x = columns.rows[x];
      std::size_t c = 0;
      for (; c + L <= channels; c += L) {
        Batch sum = accumulate ? simd::load<T, Arch>(out + c) : Batch(T(0));
        for (const auto& y_entry : entries_y) {
          const T* line = image + y_entry.index * source_width * channels + c;
          for (const auto& x_entry : entries_x) {
            sum = xsimd::fma(simd::load<T, Arch>(line + x_entry.index * channels),
                             Batch(static_cast<T>(y_entry.weight * x_entry.weight)), sum);
          }
        }
        simd::store<T, Arch>(out + c, sum);
      }
      for (; c < channels; ++c) {
        T sum = accumulate ? out[c] : T(0);
        for (const auto& y_entry : entries_y) {
          const T* line = image + y_entry.index * source_width * channels + c;
          for (const auto& x_entry : entries_x) {
            sum += line[x_entry.index * channels] * static_cast<T>(y_entry.weight * x_entry.weight);
          }
        }
        out[c] = sum;
      }
    }
  });
}

}  // namespace posekit::inline POSEKIT_ISA::kernels
