#pragma once

// The vector-Jacobian product of a convolution with respect to its input, for several cotangents
// at once; it is also the forward pass of the transposed convolution.
//
// With stride S the input pixels fall into S x S phases. All pixels of a phase see the same taps
// of the filter, and a block of S x S input pixels sees the output pixels (block + t) for a few
// offsets t, so that each group of phases is one matrix product with a fixed right-hand side:
// [taps * out_channels, phases * in_channels].

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <posekit/core/isa.hpp>
#include <posekit/core/threads.hpp>
#include <posekit/kernels/conv2d.hpp>
#include <posekit/kernels/gemm.hpp>

namespace posekit::inline POSEKIT_ISA::kernels {

/// Phases of the input that are computed by one product, and the taps they see.
struct Conv2dVjpGroup {
  std::size_t phase_y = 0, phases_y = 1;  ///< input rows S * block + [phase_y, phase_y + phases_y)
  std::size_t phase_x = 0, phases_x = 1;
  std::vector<std::ptrdiff_t> taps_y;  ///< output row - block row
  std::vector<std::ptrdiff_t> taps_x;
  std::size_t packed_offset = 0;  ///< where its packed matrix begins

  std::size_t taps() const { return taps_y.size() * taps_x.size(); }
  std::size_t phases() const { return phases_y * phases_x; }
};

/// How the product is cut into groups. Depends on the geometry's kernel, stride, dilation, padding
/// and channels, and on the image's size where that is less than the stride.
struct Conv2dVjpPlan {
  std::vector<Conv2dVjpGroup> groups;
  std::size_t packed_size = 0;
  std::size_t max_depth = 0;
  std::size_t max_columns = 0;
};

namespace internal {

/// The tap of the filter through which output offset `t` reaches phase `phase`; -1 if there is
/// none.
constexpr std::ptrdiff_t vjp_tap(std::size_t phase, std::ptrdiff_t t, std::size_t kernel,
                                 std::size_t stride, std::size_t dilation, std::size_t pad) {
  const std::ptrdiff_t reach =
      static_cast<std::ptrdiff_t>(phase + pad) - t * static_cast<std::ptrdiff_t>(stride);
  if (reach < 0 || reach % static_cast<std::ptrdiff_t>(dilation) != 0) return -1;
  const std::ptrdiff_t k = reach / static_cast<std::ptrdiff_t>(dilation);
  return k < static_cast<std::ptrdiff_t>(kernel) ? k : -1;
}

/// The output offsets that reach some of the phases, in ascending order.
inline std::vector<std::ptrdiff_t> vjp_taps(std::size_t phase, std::size_t phases,
                                            std::size_t kernel, std::size_t stride,
                                            std::size_t dilation, std::size_t pad) {
  std::vector<std::ptrdiff_t> taps;
  const auto step = static_cast<std::ptrdiff_t>(stride);
  for (std::size_t a = phase; a < phase + phases; ++a) {
    for (std::size_t k = 0; k < kernel; ++k) {
      const std::ptrdiff_t reach =
          static_cast<std::ptrdiff_t>(a + pad) - static_cast<std::ptrdiff_t>(k * dilation);
      if (reach % step == 0) taps.push_back(reach / step);
    }
  }
  std::sort(taps.begin(), taps.end());
  taps.erase(std::unique(taps.begin(), taps.end()), taps.end());
  return taps;
}

}  // namespace internal

inline Conv2dVjpPlan conv2d_vjp_plan(const Conv2dGeometry& g) {
  Conv2dVjpPlan plan;
  // One product for all phases wastes the taps that not all of them see, but fills the lanes where
  // the input has few channels (an RGB image: 12 of 16 lanes instead of 3).
  const bool together = g.stride_height <= 16 && g.stride_width <= 16 &&
                        g.stride_height * g.stride_width > 1 &&
                        g.stride_height * g.stride_width * g.in_channels <= 16;
  const std::size_t phases_y = together ? g.stride_height : 1;
  const std::size_t phases_x = together ? g.stride_width : 1;
  for (std::size_t y = 0; y < std::min(g.stride_height, g.in_height); y += phases_y) {
    for (std::size_t x = 0; x < std::min(g.stride_width, g.in_width); x += phases_x) {
      Conv2dVjpGroup group;
      group.phase_y = y;
      group.phases_y = phases_y;
      group.phase_x = x;
      group.phases_x = phases_x;
      group.taps_y = internal::vjp_taps(y, phases_y, g.kernel_height, g.stride_height,
                                        g.dilation_height, g.pad_top);
      group.taps_x = internal::vjp_taps(x, phases_x, g.kernel_width, g.stride_width,
                                        g.dilation_width, g.pad_left);
      group.packed_offset = plan.packed_size;
      const std::size_t depth = group.taps() * g.out_channels;
      const std::size_t columns = group.phases() * g.in_channels;
      plan.packed_size += PanelLayout(columns).packed_size(depth);
      plan.max_depth = std::max(plan.max_depth, depth);
      plan.max_columns = std::max(plan.max_columns, columns);
      plan.groups.push_back(std::move(group));
    }
  }
  return plan;
}

/// Packs `filter` [kernel_height, kernel_width, in_channels, out_channels] into
/// `plan.packed_size` elements.
template <class T>
void conv2d_vjp_pack(const Conv2dGeometry& g, const Conv2dVjpPlan& plan, const T* filter,
                     T* packed) {
  for (const Conv2dVjpGroup& group : plan.groups) {
    const PanelLayout layout(group.phases() * g.in_channels);
    T* out = packed + group.packed_offset;
    for (std::size_t j = 0; j < layout.panels(); ++j) {
      for (std::size_t tap = 0; tap < group.taps(); ++tap) {
        // Of each column the filter's run over the output channels, where the tap has one.
        std::array<const T*, 48> runs{};
        for (std::size_t n = 0; n < layout.valid(j); ++n) {
          const std::size_t column = layout.first(j) + n;
          const std::size_t phase = column / g.in_channels;
          const std::ptrdiff_t ky = internal::vjp_tap(
              group.phase_y + phase / group.phases_x, group.taps_y[tap / group.taps_x.size()],
              g.kernel_height, g.stride_height, g.dilation_height, g.pad_top);
          const std::ptrdiff_t kx = internal::vjp_tap(
              group.phase_x + phase % group.phases_x, group.taps_x[tap % group.taps_x.size()],
              g.kernel_width, g.stride_width, g.dilation_width, g.pad_left);
          if (ky < 0 || kx < 0) continue;
          const std::size_t k =
              static_cast<std::size_t>(ky) * g.kernel_width + static_cast<std::size_t>(kx);
          runs[n] = filter + (k * g.in_channels + column % g.in_channels) * g.out_channels;
        }
        for (std::size_t o = 0; o < g.out_channels; ++o, out += layout.width(j)) {
          for (std::size_t n = 0; n < layout.width(j); ++n)
            out[n] = runs[n] == nullptr ? T(0) : runs[n][o];
        }
      }
    }
  }
}

/// Scratch that `conv2d_vjp` needs for each thread.
struct Conv2dVjpScratch {
  std::size_t elements = 0;  ///< of T
  std::size_t indices = 0;   ///< of std::uint32_t
};

template <class T>
Conv2dVjpScratch conv2d_vjp_scratch(const Conv2dVjpPlan& plan, std::size_t seeds) {
  const std::size_t rows = std::max(seeds, internal::tile_rows<T>(plan.max_depth));
  // Rounded up so that no two threads share a cache line.
  const std::size_t elements = rows * (plan.max_depth + plan.max_columns);
  return {(elements + 15) / 16 * 16, (plan.max_depth + 16 + 15) / 16 * 16};
}

namespace internal {

/// Lists the channels of one pixel whose bit is set. `units` has room for 16 more than `channels`.
template <class Arch>
inline std::size_t list_units(std::size_t channels, const std::uint8_t* mask,
                              std::uint32_t* units) {
  std::size_t count = 0;
  for (std::size_t c = 0; c < channels; c += 16) {
    count += simd::write_set_bits<Arch>(mask_bits<16>(mask, c), static_cast<std::uint32_t>(c),
                                        units + count);
  }
  return count;
}

/// Copies `channels` elements, with 0 where the mask's bit is clear.
template <class T, class Arch>
inline void copy_masked(const T* source, const std::uint8_t* mask, std::size_t channels,
                        T* target) {
  constexpr std::size_t L = simd::lanes<T, Arch>;
  std::size_t c = 0;
  for (; c + L <= channels; c += L) {
    simd::store<T, Arch>(target + c, simd::zero_unless<T, Arch>(mask_bits<L>(mask, c),
                                                                simd::load<T, Arch>(source + c)));
  }
  for (; c < channels; ++c) target[c] = ((mask[c / 8] >> (c % 8)) & 1u) != 0 ? source[c] : T(0);
}

/// Adds or copies a row of results [phases_y, phases_x, in_channels] to the input pixels of a
/// block.
template <class T>
inline void scatter_block(const Conv2dGeometry& g, const Conv2dVjpGroup& group, std::size_t by,
                          std::size_t bx, const T* values, T* image, bool accumulate) {
  for (std::size_t a = 0; a < group.phases_y; ++a) {
    const std::size_t y = by * g.stride_height + group.phase_y + a;
    if (y >= g.in_height) break;
    for (std::size_t b = 0; b < group.phases_x; ++b) {
      const std::size_t x = bx * g.stride_width + group.phase_x + b;
      if (x >= g.in_width) break;
      const T* source = values + (a * group.phases_x + b) * g.in_channels;
      T* target = image + (y * g.in_width + x) * g.in_channels;
      for (std::size_t c = 0; c < g.in_channels; ++c) {
        target[c] = accumulate ? target[c] + source[c] : source[c];
      }
    }
  }
}

/// Rows (columns) of blocks whose first phase lies inside the image.
constexpr std::size_t blocks(std::size_t extent, std::size_t stride, std::size_t phase) {
  return extent > phase ? (extent - phase + stride - 1) / stride : 0;
}

}  // namespace internal

/// input_cotangent (+)= output_cotangent * filter^T for `seeds` cotangents.
/// `cotangent` is [seeds, batch, out_height, out_width, out_channels], `result`
/// [seeds, batch, in_height, in_width, in_channels]. `mask`, where given, holds the bits of the
/// rectifier that followed the convolution ([batch * out_pixels] rows, the same for all seeds);
/// `keep`, where given, those of the rectifier that came before it ([batch * in_pixels] rows),
/// behind which the result is then 0. `keep` needs stride 1.
template <class T, class Arch = simd::DefaultArch>
void conv2d_vjp(const Conv2dGeometry& g, const Conv2dVjpPlan& plan, const T* packed,
                std::size_t seeds, const T* cotangent, const std::uint8_t* mask, T* result,
                bool accumulate, const std::uint8_t* keep, T* scratch, std::uint32_t* indices,
                int threads) {
  const std::size_t out_plane = g.out_pixels() * g.out_channels;
  const std::size_t in_plane = g.in_pixels() * g.in_channels;
  const std::size_t mask_stride = mask_row_bytes(g.out_channels);
  const std::size_t keep_stride = mask_row_bytes(g.in_channels);
  const Conv2dVjpScratch sizes = conv2d_vjp_scratch<T>(plan, seeds);

  for (const Conv2dVjpGroup& group : plan.groups) {
    const std::size_t depth = group.taps() * g.out_channels;
    const std::size_t columns = group.phases() * g.in_channels;
    const PanelLayout layout(columns);
    const T* matrix = packed + group.packed_offset;
    const std::size_t blocks_y = internal::blocks(g.in_height, g.stride_height, group.phase_y);
    const std::size_t blocks_x = internal::blocks(g.in_width, g.stride_width, group.phase_x);
    const std::size_t blocks = blocks_y * blocks_x;
    const bool direct = group.phases() == 1;

    // Output pixel a tap reaches from a block; false outside the output.
    const auto reach = [&](std::size_t by, std::size_t bx, std::size_t tap, std::size_t& pixel) {
      const auto y = static_cast<std::ptrdiff_t>(by) + group.taps_y[tap / group.taps_x.size()];
      const auto x = static_cast<std::ptrdiff_t>(bx) + group.taps_x[tap % group.taps_x.size()];
      if (y < 0 || x < 0 || y >= static_cast<std::ptrdiff_t>(g.out_height) ||
          x >= static_cast<std::ptrdiff_t>(g.out_width)) {
        return false;
      }
      pixel = static_cast<std::size_t>(y) * g.out_width + static_cast<std::size_t>(x);
      return true;
    };
    const auto in_pixel = [&](std::size_t by, std::size_t bx) {
      return (by * g.stride_height + group.phase_y) * g.in_width + bx * g.stride_width +
             group.phase_x;
    };

    if (seeds >= 3) {
      // The seeds of one pixel share the rectifier's pattern: they are the rows of a product over
      // the units that are alive.
      const GatherGemm<T, Arch> product(seeds, depth, layout, matrix);
      parallel_ranges(
          g.batch * blocks, threads, [&](std::size_t begin, std::size_t end, int thread) {
            T* rows = scratch + static_cast<std::size_t>(thread) * sizes.elements;
            std::uint32_t* units = indices + static_cast<std::size_t>(thread) * sizes.indices;
            std::vector<GatherSegment> segments(group.taps());
            if (mask == nullptr) {
              for (std::size_t c = 0; c < g.out_channels; ++c)
                units[c] = static_cast<std::uint32_t>(c);
            }
            for (std::size_t i = begin; i < end; ++i) {
              const std::size_t image = i / blocks;
              const std::size_t by = i % blocks / blocks_x;
              const std::size_t bx = i % blocks_x;
              std::size_t used = 0;
              std::uint32_t* list = units;
              for (std::size_t tap = 0; tap < group.taps(); ++tap) {
                std::size_t pixel = 0;
                if (!reach(by, bx, tap, pixel)) continue;
                std::size_t count = g.out_channels;
                if (mask != nullptr) {
                  count = internal::list_units<Arch>(
                      g.out_channels, mask + (image * g.out_pixels() + pixel) * mask_stride, list);
                }
                segments[used++] = {pixel * g.out_channels, tap * g.out_channels, list, count};
                if (mask != nullptr) list += count;
              }
              const std::size_t pixel = in_pixel(by, bx);
              product(
                  segments.data(), used, cotangent + image * out_plane, g.batch * out_plane,
                  direct ? result + image * in_plane + pixel * g.in_channels : rows,
                  direct ? g.batch * in_plane : columns, direct && accumulate,
                  keep == nullptr ? nullptr : keep + (image * g.in_pixels() + pixel) * keep_stride);
              if (direct) continue;
              for (std::size_t seed = 0; seed < seeds; ++seed) {
                internal::scatter_block(g, group, by, bx, rows + seed * columns,
                                        result + (seed * g.batch + image) * in_plane, accumulate);
              }
            }
          });
      continue;
    }

    // With stride 1 blocks are pixels, and consecutive rows of a product are neighbours.
    const bool contiguous = g.stride_height == 1 && g.stride_width == 1;
    const std::size_t tile = internal::tile_rows<T>(plan.max_depth);
    for (std::size_t seed = 0; seed < seeds; ++seed) {
      const T* from = cotangent + seed * g.batch * out_plane;
      T* to = result + seed * g.batch * in_plane;
      const auto multiply = [&](std::size_t first, std::size_t rows, const T* a, T* values) {
        Epilogue<T> epilogue;
        epilogue.accumulate = contiguous && accumulate;
        if (contiguous && keep != nullptr) epilogue.keep = keep + first * keep_stride;
        gemm_rows<T, Arch>(rows, depth, a, depth, layout, matrix,
                           contiguous ? to + first * columns : values, columns, epilogue);
      };
      if (g.is_pointwise() && mask == nullptr) {
        parallel_ranges(g.batch * blocks, threads, [&](std::size_t begin, std::size_t end, int) {
          multiply(begin, end - begin, from + begin * depth, nullptr);
        });
        continue;
      }
      parallel_ranges(
          g.batch * blocks, threads, [&](std::size_t begin, std::size_t end, int thread) {
            T* gathered = scratch + static_cast<std::size_t>(thread) * sizes.elements;
            T* values = gathered + tile * plan.max_depth;
            for (std::size_t first = begin; first < end; first += tile) {
              const std::size_t rows = std::min(tile, end - first);
              for (std::size_t r = 0; r < rows; ++r) {
                const std::size_t image = (first + r) / blocks;
                const std::size_t block = (first + r) % blocks;
                for (std::size_t tap = 0; tap < group.taps(); ++tap) {
                  T* part = gathered + r * depth + tap * g.out_channels;
                  std::size_t pixel = 0;
                  if (!reach(block / blocks_x, block % blocks_x, tap, pixel)) {
                    std::fill_n(part, g.out_channels, T(0));
                    continue;
                  }
                  const T* source = from + image * out_plane + pixel * g.out_channels;
                  if (mask == nullptr) {
                    std::copy_n(source, g.out_channels, part);
                  } else {
                    internal::copy_masked<T, Arch>(
                        source, mask + (image * g.out_pixels() + pixel) * mask_stride,
                        g.out_channels, part);
                  }
                }
              }
              multiply(first, rows, gathered, values);
              if (contiguous) continue;
              for (std::size_t r = 0; r < rows; ++r) {
                const std::size_t block = (first + r) % blocks;
                internal::scatter_block(g, group, block / blocks_x, block % blocks_x,
                                        values + r * columns, to + (first + r) / blocks * in_plane,
                                        accumulate);
              }
            }
          });
    }
  }
}

}  // namespace posekit::inline POSEKIT_ISA::kernels
