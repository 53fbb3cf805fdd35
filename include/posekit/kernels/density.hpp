#pragma once

// The sum of a full-covariance Gaussian around every pixel of a weighted grid.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

#include <posekit/core/isa.hpp>
#include <posekit/core/threads.hpp>
#include <posekit/simd/batch.hpp>

namespace posekit::inline POSEKIT_ISA::kernels {

/// exp(-(a dx^2 + 2 b dx dy + c dy^2) / 2) with a positive definite matrix.
struct GaussianForm {
  double a = 1, b = 0, c = 1;
};

namespace internal {

/// A grid of weights with zeros around it, and the values of the Gaussian at whole-pixel distances.
struct DensityProblem {
  std::size_t height = 0, width = 0;
  GaussianForm form;
  std::size_t stride = 0, margin = 0;  // of `padded`: rows of `stride`, pixel 0 at `margin`
  std::vector<double> padded;
  std::vector<std::size_t> first, last;  // weights other than 0 of each row: [first, last)
  std::vector<double> table;             // [2 height - 1][2 width - 1]

  double gaussian(std::ptrdiff_t dx, std::ptrdiff_t dy) const {
    return table[static_cast<std::size_t>(dy + static_cast<std::ptrdiff_t>(height) - 1) *
                     (2 * width - 1) +
                 static_cast<std::size_t>(dx + static_cast<std::ptrdiff_t>(width) - 1)];
  }
};

inline constexpr std::size_t density_rows = 4;

/// Columns of a tile.
template <class Arch>
inline constexpr std::size_t density_columns =
    (simd::has_32_registers<Arch> ? 4 : 2) * simd::lanes<double, Arch>;

/// The sums of one tile of `density_rows` x `density_columns` pixels over the weights at a squared
/// Mahalanobis distance up to `cut` (some more are included).
template <class Arch>
void density_tile(const DensityProblem& p, std::size_t y0, std::size_t x0, double cut,
                  double* sums) {
  using Batch = simd::Batch<double, Arch>;
  constexpr std::size_t L = simd::lanes<double, Arch>;
  constexpr std::size_t R = density_rows;
  constexpr std::size_t V = density_columns<Arch> / L;
  Batch acc[R][V];
  for (auto& row : acc) {
    for (auto& v : row) v = Batch(0.0);
  }
  const GaussianForm& f = p.form;
  const double det = f.a * f.c - f.b * f.b;
  const double reach_y = std::sqrt(cut * f.a / det);
  const auto columns = static_cast<std::ptrdiff_t>(V * L);
  for (std::size_t source = 0; source < p.height; ++source) {
    if (p.first[source] >= p.last[source]) continue;
    // dx = target - source over all rows of the tile.
    double low = std::numeric_limits<double>::infinity(), high = -low;
    for (std::size_t r = 0; r < R; ++r) {
      const double dy = static_cast<double>(y0 + r) - static_cast<double>(source);
      if (std::abs(dy) > reach_y) continue;
      const double centre = -f.b / f.a * dy;
      const double half = std::sqrt(std::max(0.0, (cut - det / f.a * dy * dy) / f.a));
      low = std::min(low, centre - half);
      high = std::max(high, centre + half);
    }
    if (!(low <= high)) continue;
    const auto width = static_cast<double>(p.width);
    auto dx_low = static_cast<std::ptrdiff_t>(std::floor(std::clamp(low, -width, width)));
    auto dx_high = static_cast<std::ptrdiff_t>(std::ceil(std::clamp(high, -width, width)));
    // Only distances between this tile's columns and the row's weights.
    const auto x = static_cast<std::ptrdiff_t>(x0);
    dx_low = std::max(dx_low, x - static_cast<std::ptrdiff_t>(p.last[source]) + 1);
    dx_high = std::min(dx_high, x + columns - 1 - static_cast<std::ptrdiff_t>(p.first[source]));
    const auto limit = static_cast<std::ptrdiff_t>(p.width) - 1;
    dx_low = std::max(dx_low, -limit);
    dx_high = std::min(dx_high, limit);
    const double* weights = p.padded.data() + source * p.stride + p.margin + x0;
    const double* tables[R];
    for (std::size_t r = 0; r < R; ++r) {
      // Rows below the image repeat its last row and are thrown away.
      const std::size_t y = std::min(y0 + r, p.height - 1);
      tables[r] = p.table.data() + (y + p.height - 1 - source) * (2 * p.width - 1) + p.width - 1;
    }
    for (std::ptrdiff_t dx = dx_low; dx <= dx_high; ++dx) {
      Batch w[V];
      simd::unroll<V>([&](auto v) { w[v] = simd::load<double, Arch>(weights - dx + v * L); });
      simd::unroll<R>([&](auto r) {
        const Batch g(tables[r][dx]);
        simd::unroll<V>([&](auto v) { acc[r][v] = xsimd::fma(w[v], g, acc[r][v]); });
      });
    }
  }
  for (std::size_t r = 0; r < R; ++r) {
    for (std::size_t v = 0; v < V; ++v)
      simd::store<double, Arch>(sums + (r * V + v) * L, acc[r][v]);
  }
}

}  // namespace internal

/// result[y, x] = sum over pixels (v, u) of weights[v, u] g(x - u, y - v), in double. Weights that
/// are too far to change a sum by a part in 10^8 are left out of it.
template <class Arch = simd::DefaultArch>
void gaussian_density(std::size_t height, std::size_t width, const double* weights,
                      const GaussianForm& form, double* result, int threads) {
  constexpr std::size_t C = internal::density_columns<Arch>;
  constexpr std::size_t R = internal::density_rows;
  internal::DensityProblem p;
  p.height = height;
  p.width = width;
  p.form = form;
  p.margin = width + C;
  p.stride = 3 * width + 3 * C;
  p.padded.assign(height * p.stride, 0.0);
  p.first.assign(height, width);
  p.last.assign(height, 0);
  double total = 0;
  for (std::size_t y = 0; y < height; ++y) {
    for (std::size_t x = 0; x < width; ++x) {
      const double w = weights[y * width + x];
      if (w == 0) continue;
      p.padded[y * p.stride + p.margin + x] = w;
      p.first[y] = std::min(p.first[y], x);
      p.last[y] = x + 1;
      total += w;
    }
  }
  p.table.resize((2 * height - 1) * (2 * width - 1));
  parallel_for(2 * height - 1, threads, [&](std::size_t row) {
    const double dy = static_cast<double>(row) - static_cast<double>(height - 1);
    for (std::size_t column = 0; column < 2 * width - 1; ++column) {
      const double dx = static_cast<double>(column) - static_cast<double>(width - 1);
      p.table[row * (2 * width - 1) + column] =
          std::exp(-0.5 * (form.a * dx * dx + 2.0 * form.b * dx * dy + form.c * dy * dy));
    }
  });

  // A first cut leaves out less than exp(-cut / 2) of all weight. Where the sum is not far above
  // that, the tile is done again without a cut.
  constexpr double cut = 90.0;
  const double left_out = std::exp(-0.5 * cut) * total;
  const std::size_t tile_rows = (height + R - 1) / R;
  const std::size_t tile_columns = (width + C - 1) / C;
  parallel_for(tile_rows * tile_columns, threads, [&](std::size_t tile) {
    const std::size_t y0 = tile / tile_columns * R;
    const std::size_t x0 = tile % tile_columns * C;
    alignas(64) double sums[R * C];
    internal::density_tile<Arch>(p, y0, x0, cut, sums);
    const std::size_t rows = std::min(R, height - y0);
    const std::size_t columns = std::min(C, width - x0);
    bool precise = true;
    for (std::size_t r = 0; r < rows; ++r) {
      for (std::size_t c = 0; c < columns; ++c)
        precise = precise && sums[r * C + c] * 1e-8 >= left_out;
    }
    if (!precise) {
      internal::density_tile<Arch>(p, y0, x0, std::numeric_limits<double>::max(), sums);
    }
    for (std::size_t r = 0; r < rows; ++r) {
      std::copy_n(sums + r * C, columns, result + (y0 + r) * width + x0);
    }
  });
}

}  // namespace posekit::inline POSEKIT_ISA::kernels
