#pragma once

// Matrix products with the right-hand side packed once and used many times, as a network's weights
// are. Two products share the packed form:
//   gemm_rows    C[m, :] = act(bias + A[m, :] B), every element of A used (forward passes)
//   GatherGemm   C[m, :] = sum over a list of columns of A times rows of B, the same list for all
//   rows
//                m (backward passes: the list names the units that a rectifier let through, and the
//                rows are the cotangents of several outputs at one pixel)

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <vector>

#include <posekit/core/isa.hpp>
#include <posekit/kernels/epilogue.hpp>
#include <posekit/simd/batch.hpp>

namespace posekit::inline POSEKIT_ISA::kernels {

/// How the N columns of a packed matrix are cut into panels of 48, 32 or 16 columns. A panel is
/// stored row by row, padded with zeros; the cut depends on neither the type nor the instruction
/// set.
class PanelLayout {
 public:
  explicit constexpr PanelLayout(std::size_t columns) : columns_(columns) {
    const std::size_t units = (columns + 15) / 16;
    wide_ = units / 3;
    narrow_ = units % 3 == 0 ? 0 : 1;
    narrow_units_ = 2;
    if (units % 3 == 1) {
      if (wide_ > 0) {
        --wide_;
        narrow_ = 2;
      } else {
        narrow_units_ = 1;
      }
    }
  }

  constexpr std::size_t columns() const { return columns_; }
  constexpr std::size_t padded_columns() const { return 48 * wide_ + 16 * narrow_units_ * narrow_; }
  constexpr std::size_t panels() const { return wide_ + narrow_; }
  /// Columns of panel `j`, padding included.
  constexpr std::size_t width(std::size_t j) const { return j < wide_ ? 48 : 16 * narrow_units_; }
  /// The first column of panel `j`.
  constexpr std::size_t first(std::size_t j) const {
    return j <= wide_ ? 48 * j : 48 * wide_ + 16 * narrow_units_ * (j - wide_);
  }
  /// Columns of panel `j` that exist.
  constexpr std::size_t valid(std::size_t j) const {
    return std::min(width(j), columns_ - first(j));
  }
  /// Elements of a packed matrix with `rows` rows.
  constexpr std::size_t packed_size(std::size_t rows) const { return rows * padded_columns(); }

 private:
  std::size_t columns_;
  std::size_t wide_ = 0;
  std::size_t narrow_ = 0;
  std::size_t narrow_units_ = 0;
};

/// Packs a matrix given as `element(row, column)` into `packed` (`layout.packed_size(rows)`
/// elements).
template <class T, class Element>
void pack_panels(const PanelLayout& layout, std::size_t rows, const Element& element, T* packed) {
  for (std::size_t j = 0; j < layout.panels(); ++j) {
    for (std::size_t k = 0; k < rows; ++k) {
      for (std::size_t n = 0; n < layout.width(j); ++n) {
        *packed++ = n < layout.valid(j) ? element(k, layout.first(j) + n) : T(0);
      }
    }
  }
}

namespace internal {

/// Vectors per step along the columns of a panel of `width` columns.
template <class T, class Arch, std::size_t Width>
inline constexpr std::size_t step_vectors = (Width / simd::lanes<T, Arch>) % 3 == 0
                                                ? 3
                                                : (Width / simd::lanes<T, Arch> == 1 ? 1 : 2);

/// Rows that keep the accumulators, one step of B and one broadcast in registers.
template <class Arch, std::size_t Vectors>
inline constexpr std::size_t step_rows = simd::has_32_registers<Arch>
                                             ? (Vectors == 3 ? 9 : (Vectors == 2 ? 12 : 14))
                                             : (Vectors == 3 ? 4 : (Vectors == 2 ? 6 : 8));

/// Rows handled at once by a gathered product.
template <class Arch>
inline constexpr std::size_t gather_rows = simd::has_32_registers<Arch> ? 9 : 4;

/// The sums of `Rows` rows of A and `Vectors` vectors of columns of a panel.
template <class T, class Arch, std::size_t Rows, std::size_t Vectors>
inline void dense_tile(std::size_t depth, const T* a, std::size_t a_stride, const T* b,
                       std::size_t b_stride, const TileTarget<T>& to, const Epilogue<T>& epilogue) {
  using Batch = simd::Batch<T, Arch>;
  constexpr std::size_t L = simd::lanes<T, Arch>;
  Batch sum[Rows][Vectors];
  simd::unroll<Vectors>([&](auto v) {
    Batch start(T(0));
    if (epilogue.bias != nullptr && v * L < to.valid) {
      const T* bias = epilogue.bias + to.column + v * L;
      const std::size_t count = to.valid - v * L;
      start = count >= L ? simd::load<T, Arch>(bias) : simd::load_partial<T, Arch>(bias, count);
    }
    simd::unroll<Rows>([&](auto r) { sum[r][v] = start; });
  });
  for (std::size_t k = 0; k < depth; ++k) {
    Batch row[Vectors];
    simd::unroll<Vectors>([&](auto v) { row[v] = Batch::load_aligned(b + v * L); });
    simd::unroll<Rows>([&](auto r) {
      const Batch x(a[r * a_stride + k]);
      simd::unroll<Vectors>([&](auto v) { sum[r][v] = xsimd::fma(x, row[v], sum[r][v]); });
    });
    b += b_stride;
  }
  store_tile<T, Arch>(sum, to, epilogue);
}

/// `rows` rows of A times one panel; `to` is where the panel's part of row 0 goes.
template <class T, class Arch, std::size_t Width>
void dense_panel(std::size_t rows, std::size_t depth, const T* a, std::size_t a_stride,
                 const T* panel, const TileTarget<T>& to, const Epilogue<T>& epilogue) {
  constexpr std::size_t V = step_vectors<T, Arch, Width>;
  constexpr std::size_t step = V * simd::lanes<T, Arch>;
  std::size_t m = 0;
  const auto tiles = [&](auto count) {
    for (; m + count <= rows; m += count) {
      Epilogue<T> part = epilogue;
      if (part.mask != nullptr) part.mask += m * to.mask_stride;
      if (part.keep != nullptr) part.keep += m * to.mask_stride;
      for (std::size_t n = 0; n < to.valid; n += step) {
        const T* columns = depth == 0 ? panel : panel + n;  // which may be null
        dense_tile<T, Arch, count, V>(depth, a + m * a_stride, a_stride, columns, Width,
                                      {to.target + m * to.stride + n, to.stride, to.column + n,
                                       std::min(step, to.valid - n), to.mask_stride},
                                      part);
      }
    }
  };
  tiles(std::integral_constant<std::size_t, step_rows<Arch, V>>{});
  tiles(std::integral_constant<std::size_t, 4>{});
  tiles(std::integral_constant<std::size_t, 1>{});
}

/// Calls `body` with the compile-time constant equal to `value` in [1, Limit].
template <std::size_t Limit, class Body>
inline void with_constant(std::size_t value, const Body& body) {
  if constexpr (Limit > 1) {
    if (value < Limit) return with_constant<Limit - 1>(value, body);
  }
  body(std::integral_constant<std::size_t, Limit>{});
}

template <class Body>
inline void with_panel_width(std::size_t width, const Body& body) {
  if (width == 48) {
    body(std::integral_constant<std::size_t, 48>{});
  } else if (width == 32) {
    body(std::integral_constant<std::size_t, 32>{});
  } else {
    body(std::integral_constant<std::size_t, 16>{});
  }
}

}  // namespace internal

/// Rows of A that are worked on between two passes over B, so that they stay in the second-level
/// cache.
template <class T>
constexpr std::size_t gemm_block_rows(std::size_t depth) {
  constexpr std::size_t bytes = 96 * 1024;
  const std::size_t rows = bytes / (sizeof(T) * std::max<std::size_t>(depth, 1));
  return std::clamp<std::size_t>(rows / 36 * 36, 36, 4608);
}

/// C[m, :] = act(bias + A[m, :] B) for m in [0, rows).
/// A is [rows, depth] with row stride `a_stride`; B is [depth, layout.columns()], packed; C has the
/// row stride `c_stride`. `epilogue.mask`, where given, has one row per row of A.
template <class T, class Arch = simd::DefaultArch>
void gemm_rows(std::size_t rows, std::size_t depth, const T* a, std::size_t a_stride,
               const PanelLayout& layout, const T* packed, T* c, std::size_t c_stride,
               const Epilogue<T>& epilogue) {
  const std::size_t block = gemm_block_rows<T>(depth);
  const std::size_t mask_stride = mask_row_bytes(layout.columns());
  for (std::size_t m = 0; m < rows; m += block) {
    const std::size_t count = std::min(block, rows - m);
    Epilogue<T> part = epilogue;
    if (part.mask != nullptr) part.mask += m * mask_stride;
    if (part.keep != nullptr) part.keep += m * mask_stride;
    for (std::size_t j = 0; j < layout.panels(); ++j) {
      internal::with_panel_width(layout.width(j), [&](auto width) {
        internal::dense_panel<T, Arch, width>(count, depth, a + m * a_stride, a_stride,
                                              packed + depth * layout.first(j),
                                              {c + m * c_stride + layout.first(j), c_stride,
                                               layout.first(j), layout.valid(j), mask_stride},
                                              part);
      });
    }
  }
}

/// Columns of A and the rows of B they meet: a_offset + units[i] and b_row + units[i].
struct GatherSegment {
  std::size_t a_offset = 0;
  std::size_t b_row = 0;
  const std::uint32_t* units = nullptr;
  std::size_t count = 0;
};

/// C[m, :] (+)= sum over segments and their units of A[m, a_offset + unit] B[b_row + unit, :] for m
/// in [0, rows). The shape is fixed when it is made; the lists, and what they are applied to,
/// change from call to call.
template <class T, class Arch = simd::DefaultArch>
class GatherGemm {
 public:
  /// `packed` has `depth` rows.
  GatherGemm(std::size_t rows, std::size_t depth, const PanelLayout& layout, const T* packed) {
    constexpr std::size_t limit = internal::gather_rows<Arch>;
    for (std::size_t j = 0; j < layout.panels(); ++j) {
      internal::with_panel_width(layout.width(j), [&](auto width) {
        constexpr std::size_t step = internal::step_vectors<T, Arch, width> * simd::lanes<T, Arch>;
        for (std::size_t n = 0; n < layout.valid(j); n += step) {
          for (std::size_t m = 0; m < rows; m += limit) {
            internal::with_constant<limit>(std::min(limit, rows - m), [&](auto part) {
              steps_.push_back({&tile<width, part>, m, layout.first(j) + n,
                                std::min(step, layout.valid(j) - n),
                                packed + depth * layout.first(j) + n});
            });
          }
        }
      });
    }
  }

  /// `keep`, where given, holds the bits of the columns of C that are stored, the same for all
  /// rows; the others become 0.
  void operator()(const GatherSegment* segments, std::size_t count, const T* a,
                  std::size_t a_stride, T* c, std::size_t c_stride, bool accumulate,
                  const std::uint8_t* keep) const {
    Epilogue<T> epilogue;
    epilogue.accumulate = accumulate;
    epilogue.keep = keep;
    for (const Step& s : steps_) {
      s.tile(segments, count, a + s.row * a_stride, a_stride, s.b,
             {c + s.row * c_stride + s.column, c_stride, s.column, s.valid, 0}, epilogue);
    }
  }

 private:
  using Tile = void (*)(const GatherSegment*, std::size_t, const T*, std::size_t, const T*,
                        const TileTarget<T>&, const Epilogue<T>&);
  struct Step {
    Tile tile;
    std::size_t row, column, valid;
    const T* b;
  };

  template <std::size_t Width, std::size_t Rows>
  static void tile(const GatherSegment* segments, std::size_t segment_count, const T* a,
                   std::size_t a_stride, const T* b, const TileTarget<T>& to,
                   const Epilogue<T>& epilogue) {
    using Batch = simd::Batch<T, Arch>;
    constexpr std::size_t V = internal::step_vectors<T, Arch, Width>;
    constexpr std::size_t L = simd::lanes<T, Arch>;
    Batch sum[Rows][V];
    for (auto& row : sum) {
      for (auto& vector : row) vector = Batch(T(0));
    }
    for (const GatherSegment* segment = segments; segment < segments + segment_count; ++segment) {
      // Three bases reach nine rows with the address forms of x86: base, base + s, base + 2s.
      const T* start = a + segment->a_offset;
      const T* base[3] = {start, start + 3 * a_stride, start + 6 * a_stride};
      const T* matrix = b + segment->b_row * Width;
      for (std::size_t i = 0; i < segment->count; ++i) {
        const std::size_t unit = segment->units[i];
        const T* source = matrix + unit * Width;
        Batch row[V];
        simd::unroll<V>([&](auto v) { row[v] = Batch::load_aligned(source + v * L); });
        simd::unroll<Rows>([&](auto r) {
          const Batch x(base[r / 3][(r % 3) * a_stride + unit]);
          simd::unroll<V>([&](auto v) { sum[r][v] = xsimd::fma(x, row[v], sum[r][v]); });
        });
      }
    }
    store_tile<T, Arch>(sum, to, epilogue);
  }

  std::vector<Step> steps_;
};

}  // namespace posekit::inline POSEKIT_ISA::kernels
