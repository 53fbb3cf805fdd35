#pragma once

// The matrix product that packs both its operands block by block, as wide as the registers allow.

#include <algorithm>
#include <cstddef>
#include <type_traits>

#include <posekit/core/isa.hpp>
#include <posekit/core/threads.hpp>
#include <posekit/kernels/epilogue.hpp>
#include <posekit/simd/batch.hpp>

namespace posekit::inline POSEKIT_ISA::kernels {

/// A matrix whose element (r, c) is data[r * row_stride + c * column_stride]; one of the strides
/// is 1.
template <class T>
struct StridedMatrix {
  const T* data = nullptr;
  std::size_t row_stride = 0, column_stride = 1;

  const T* at(std::size_t r, std::size_t c) const {
    return data + r * row_stride + c * column_stride;
  }
};

/// Rows of `columns` elements one after the other.
template <class T>
constexpr StridedMatrix<T> matrix_rows(const T* data, std::size_t columns) {
  return {data, columns, 1};
}

/// The transpose of rows of `columns` elements one after the other.
template <class T>
constexpr StridedMatrix<T> transposed_rows(const T* data, std::size_t columns) {
  return {data, 1, columns};
}

/// The extents of a product: [rows, depth] times [depth, columns].
struct ProductExtents {
  std::size_t rows = 0, depth = 0, columns = 0;
};

namespace internal {

/// How a product is cut. A panel of B is `depth` rows of `panel` columns and stays in the
/// first-level cache while a block of A, which stays in the second-level one, goes over it.
template <class T, class Arch>
struct ProductBlocks {
  static constexpr std::size_t tile_vectors = 2;
  static constexpr std::size_t panel = tile_vectors * simd::lanes<T, Arch>;
  static constexpr std::size_t tile_rows = simd::has_32_registers<Arch> ? 14 : 6;
  static constexpr std::size_t depth = 1024 / sizeof(T);
  static constexpr std::size_t rows = 18 * tile_rows;
  static constexpr std::size_t columns = 512;
  /// So that the rows of a copied block do not meet in the same lines of the cache.
  static constexpr std::size_t gap = 64 / sizeof(T);
};

/// So many columns, rounded up to whole panels.
template <class T, class Arch>
constexpr std::size_t padded_to_panel(std::size_t columns) {
  constexpr std::size_t panel = ProductBlocks<T, Arch>::panel;
  return (columns + panel - 1) / panel * panel;
}

/// A block of a matrix in the layout that it has there, its lines `stride` elements apart.
template <class T>
inline void copy_block(const StridedMatrix<T>& from, std::size_t rows, std::size_t columns, T* to,
                       std::size_t stride) {
  const bool along_rows = from.column_stride == 1;
  const std::size_t lines = along_rows ? rows : columns, length = along_rows ? columns : rows;
  const std::size_t step = along_rows ? from.row_stride : from.column_stride;
  for (std::size_t i = 0; i < lines; ++i)
    std::copy_n(from.data + i * step, length, to + i * stride);
}

/// `depth` rows of `valid` columns as a panel, whose other columns are 0.
template <class T, class Arch>
inline void pack_product_panel(const StridedMatrix<T>& b, std::size_t depth, std::size_t valid,
                               T* packed) {
  constexpr std::size_t panel = ProductBlocks<T, Arch>::panel;
  if (b.column_stride == 1) {
    for (std::size_t k = 0; k < depth; ++k, packed += panel) {
      const T* from = b.data + k * b.row_stride;
      if (valid == panel) {
        std::copy_n(from, panel, packed);
      } else {
        std::fill_n(std::copy_n(from, valid, packed), panel - valid, T(0));
      }
    }
    return;
  }
  // A line of the cache of each column at a time.
  constexpr std::size_t step = 64 / sizeof(T);
  for (std::size_t first = 0; first < depth; first += step) {
    const std::size_t count = std::min(step, depth - first);
    T* to = packed + first * panel;
    for (std::size_t n = 0; n < valid; ++n) {
      const T* from = b.data + n * b.column_stride + first * b.row_stride;
      for (std::size_t k = 0; k < count; ++k) to[k * panel + n] = from[k * b.row_stride];
    }
    for (std::size_t k = 0; valid < panel && k < count; ++k)
      std::fill_n(to + k * panel + valid, panel - valid, T(0));
  }
}

/// How a tile's sums meet what is in memory.
template <class T>
struct ProductStore {
  const T* bias = nullptr;  ///< one per column of C, added
  bool accumulate = false;
};

/// The sums of `Rows` rows of A and a panel's columns. Element k of row r of A is
/// a[r * row_stride + k * depth_stride].
template <class T, class Arch, std::size_t Rows>
inline void product_tile(std::size_t depth, const T* a, std::size_t row_stride,
                         std::size_t depth_stride, const T* b, const TileTarget<T>& to,
                         const ProductStore<T>& how) {
  using Batch = simd::Batch<T, Arch>;
  using Blocks = ProductBlocks<T, Arch>;
  constexpr std::size_t V = Blocks::tile_vectors, L = simd::lanes<T, Arch>;
  Batch sum[Rows][V];
  for (auto& row : sum) {
    for (auto& vector : row) vector = Batch(T(0));
  }
  // Five bases reach fifteen rows with the address forms of x86: base, base + s, base + 2s.
  const T* base[(Rows + 2) / 3];
  simd::unroll<(Rows + 2) / 3>([&](auto i) { base[i] = a + 3 * i * row_stride; });
  for (std::size_t k = 0; k < depth; ++k) {
    Batch row[V];
    simd::unroll<V>([&](auto v) { row[v] = Batch::load_aligned(b + v * L); });
    simd::unroll<Rows>([&](auto r) {
      const Batch x(base[r / 3][(r % 3) * row_stride]);
      simd::unroll<V>([&](auto v) { sum[r][v] = xsimd::fma(x, row[v], sum[r][v]); });
    });
    b += Blocks::panel;
    simd::unroll<(Rows + 2) / 3>([&](auto i) { base[i] += depth_stride; });
  }
  if (how.bias != nullptr) {
    simd::unroll<V>([&](auto v) {
      if (v * L >= to.valid) return;
      const std::size_t count = std::min(L, to.valid - v * L);
      const T* from = how.bias + to.column + v * L;
      const Batch bias =
          count == L ? simd::load<T, Arch>(from) : simd::load_partial<T, Arch>(from, count);
      simd::unroll<Rows>([&](auto r) { sum[r][v] += bias; });
    });
  }
  if (how.accumulate && to.valid == Blocks::panel) {
    simd::unroll<V>([&](auto v) {
      simd::unroll<Rows>([&](auto r) {
        T* out = to.target + r * to.stride + v * L;
        simd::store<T, Arch>(out, simd::load<T, Arch>(out) + sum[r][v]);
      });
    });
    return;
  }
  Epilogue<T> epilogue;
  epilogue.accumulate = how.accumulate;
  store_tile<T, Arch>(sum, to, epilogue);
}

/// A block of rows of A times one panel.
template <class T, class Arch>
void product_panel(std::size_t rows, std::size_t depth, const StridedMatrix<T>& a, const T* panel,
                   const TileTarget<T>& to, const ProductStore<T>& how) {
  std::size_t m = 0;
  const auto tiles = [&](auto count) {
    for (; m + count <= rows; m += count) {
      product_tile<T, Arch, count>(depth, a.at(m, 0), a.row_stride, a.column_stride, panel,
                                   {to.target + m * to.stride, to.stride, to.column, to.valid, 0},
                                   how);
    }
  };
  tiles(std::integral_constant<std::size_t, ProductBlocks<T, Arch>::tile_rows>{});
  tiles(std::integral_constant<std::size_t, 4>{});
  tiles(std::integral_constant<std::size_t, 1>{});
}

/// True where the tiles read A as it lies: its rows are short and follow each other.
template <class T, class Arch>
constexpr bool reads_in_place(const ProductExtents& e, const StridedMatrix<T>& a) {
  return a.column_stride == 1 && a.row_stride == e.depth &&
         e.depth <= ProductBlocks<T, Arch>::depth;
}

}  // namespace internal

/// Elements of scratch that `blocked_product` needs for each thread.
template <class T, class Arch = simd::DefaultArch>
constexpr std::size_t blocked_product_scratch(const ProductExtents& e) {
  using Blocks = internal::ProductBlocks<T, Arch>;
  const std::size_t depth = std::min(e.depth, Blocks::depth);
  const std::size_t rows = std::min(e.rows, Blocks::rows);
  const std::size_t columns = std::min(e.columns, Blocks::columns);
  const std::size_t elements = depth * internal::padded_to_panel<T, Arch>(columns) +
                               std::max(rows * (depth + Blocks::gap), depth * (rows + Blocks::gap));
  return (elements + 15) / 16 * 16;  // so that every thread's part is aligned
}

/// C [rows, columns] (+)= A B (+ bias), C having rows of `c_stride` elements and `bias` one element
/// for each column. The sum over `depth` runs in its order, in blocks, whatever the number of
/// threads. `scratch` is aligned as a tensor and has blocked_product_scratch<T>(e) elements for
/// each thread.
template <class T, class Arch = simd::DefaultArch>
void blocked_product(const ProductExtents& e, const StridedMatrix<T>& a, const StridedMatrix<T>& b,
                     T* c, std::size_t c_stride, const T* bias, bool accumulate, T* scratch,
                     int threads) {
  using Blocks = internal::ProductBlocks<T, Arch>;
  const std::size_t panels = (e.columns + Blocks::panel - 1) / Blocks::panel;
  const std::size_t row_tiles = (e.rows + Blocks::tile_rows - 1) / Blocks::tile_rows;
  const std::size_t thread_scratch = blocked_product_scratch<T, Arch>(e);
  const auto part = [&](std::size_t row_begin, std::size_t row_end, std::size_t column_begin,
                        std::size_t column_end, int thread) {
    T* const packed = scratch + static_cast<std::size_t>(thread) * thread_scratch;
    for (std::size_t n0 = column_begin; n0 < column_end; n0 += Blocks::columns) {
      const std::size_t columns = std::min(Blocks::columns, column_end - n0);
      std::size_t k0 = 0;
      do {
        const std::size_t depth = std::min(Blocks::depth, e.depth - k0);
        const internal::ProductStore<T> how{k0 == 0 ? bias : nullptr, accumulate || k0 > 0};
        T* const copied = packed + depth * internal::padded_to_panel<T, Arch>(columns);
        for (std::size_t m0 = row_begin; m0 < row_end; m0 += Blocks::rows) {
          const std::size_t rows = std::min(Blocks::rows, row_end - m0);
          StridedMatrix<T> block{a.at(m0, k0), a.row_stride, a.column_stride};
          if (!internal::reads_in_place<T, Arch>(e, a)) {
            const std::size_t stride = (a.column_stride == 1 ? depth : rows) + Blocks::gap;
            internal::copy_block(block, rows, depth, copied, stride);
            block.data = copied;
            (a.column_stride == 1 ? block.row_stride : block.column_stride) = stride;
          }
          for (std::size_t n = 0; n < columns; n += Blocks::panel) {
            const std::size_t valid = std::min(Blocks::panel, columns - n);
            T* const panel = packed + n * depth;
            if (m0 == row_begin) {
              internal::pack_product_panel<T, Arch>(
                  {b.at(k0, n0 + n), b.row_stride, b.column_stride}, depth, valid, panel);
            }
            internal::product_panel<T, Arch>(
                rows, depth, block, panel, {c + m0 * c_stride + n0 + n, c_stride, n0 + n, valid, 0},
                how);
          }
        }
        k0 += depth;
      } while (k0 < e.depth);
    }
  };
  if (e.rows == 0 || e.columns == 0) return;
  if (panels >= row_tiles) {
    parallel_ranges(panels, threads, [&](std::size_t begin, std::size_t end, int thread) {
      part(0, e.rows, begin * Blocks::panel, std::min(end * Blocks::panel, e.columns), thread);
    });
  } else {
    parallel_ranges(row_tiles, threads, [&](std::size_t begin, std::size_t end, int thread) {
      part(begin * Blocks::tile_rows, std::min(end * Blocks::tile_rows, e.rows), 0, e.columns,
           thread);
    });
  }
}

}  // namespace posekit::inline POSEKIT_ISA::kernels
