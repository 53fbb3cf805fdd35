#pragma once

// Depthwise convolution of NHWC images and its vector-Jacobian product. Both are the same sum over
// taps: target pixel (first + step * t) reads source pixel (source_step * t + offset) for each tap.
// Forward there is one phase with source_step = stride; backward there are `stride` phases with
// source_step = 1.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <type_traits>
#include <vector>

#include <posekit/core/isa.hpp>
#include <posekit/core/threads.hpp>
#include <posekit/kernels/activation.hpp>
#include <posekit/kernels/conv2d.hpp>
#include <posekit/kernels/epilogue.hpp>
#include <posekit/simd/batch.hpp>

namespace posekit::inline POSEKIT_ISA::kernels {

/// Targets first, first + step, ... (count of them) along one axis, and the taps they see.
struct AxisPhase {
  struct Tap {
    std::size_t index;      ///< in the filter
    std::ptrdiff_t offset;  ///< source = source_step * t + offset
  };
  /// Consecutive t that see the same taps: [begin, end) of t and of `taps`' index list.
  struct Segment {
    std::size_t begin, end;
    std::vector<Tap> taps;
  };

  std::size_t first = 0, step = 1, count = 0, source_step = 1;
  std::vector<Segment> segments;
};

namespace internal {

inline void build_segments(AxisPhase& phase, const std::vector<AxisPhase::Tap>& taps,
                           std::size_t source_extent) {
  const auto valid = [&](const AxisPhase::Tap& tap, std::size_t t) {
    const std::ptrdiff_t source = static_cast<std::ptrdiff_t>(phase.source_step * t) + tap.offset;
    return source >= 0 && source < static_cast<std::ptrdiff_t>(source_extent);
  };
  for (std::size_t t = 0; t < phase.count; ++t) {
    const bool same = t > 0 && std::all_of(taps.begin(), taps.end(), [&](const auto& tap) {
                        return valid(tap, t) == valid(tap, t - 1);
                      });
    if (same) {
      phase.segments.back().end = t + 1;
      continue;
    }
    AxisPhase::Segment segment{t, t + 1, {}};
    std::copy_if(taps.begin(), taps.end(), std::back_inserter(segment.taps),
                 [&](const auto& tap) { return valid(tap, t); });
    phase.segments.push_back(std::move(segment));
  }
}

}  // namespace internal

/// The one phase of a forward pass along an axis.
inline std::vector<AxisPhase> forward_phases(std::size_t in_extent, std::size_t out_extent,
                                             std::size_t kernel, std::size_t stride,
                                             std::size_t dilation, std::size_t pad) {
  AxisPhase phase;
  phase.count = out_extent;
  phase.source_step = stride;
  std::vector<AxisPhase::Tap> taps;
  for (std::size_t k = 0; k < kernel; ++k) {
    taps.push_back(
        {k, static_cast<std::ptrdiff_t>(k * dilation) - static_cast<std::ptrdiff_t>(pad)});
  }
  internal::build_segments(phase, taps, in_extent);
  return {phase};
}

/// The phases of a backward pass along an axis: targets are input pixels, sources output pixels.
inline std::vector<AxisPhase> backward_phases(std::size_t in_extent, std::size_t out_extent,
                                              std::size_t kernel, std::size_t stride,
                                              std::size_t dilation, std::size_t pad) {
  std::vector<AxisPhase> phases;
  for (std::size_t first = 0; first < std::min(stride, in_extent); ++first) {
    AxisPhase phase;
    phase.first = first;
    phase.step = stride;
    phase.count = (in_extent - first + stride - 1) / stride;
    std::vector<AxisPhase::Tap> taps;
    for (std::size_t k = 0; k < kernel; ++k) {
      // stride * output = input + pad - dilation * k
      const std::ptrdiff_t reach =
          static_cast<std::ptrdiff_t>(first + pad) - static_cast<std::ptrdiff_t>(k * dilation);
      const auto s = static_cast<std::ptrdiff_t>(stride);
      if (reach % s == 0) taps.push_back({k, reach / s});
    }
    internal::build_segments(phase, taps, out_extent);
    phases.push_back(std::move(phase));
  }
  return phases;
}

namespace internal {

/// One tap of a run of targets, relative to the run's first source pixel, its row of mask bits, and
/// the filter.
struct RowTap {
  std::ptrdiff_t source, mask;
  std::size_t weight;
};

/// Consecutive targets of a row that see the same taps.
struct RowRun {
  std::size_t first = 0, count = 0;  ///< targets, in pixels from the row's start
  std::ptrdiff_t source = 0;         ///< of the first target, in pixels from the source row's start
  std::vector<RowTap> taps;
};

/// Strides between consecutive targets of a run, in elements (bytes for masks).
struct RowSteps {
  std::size_t source, target, source_mask, target_mask;
};

/// What a run reads and writes: its first target's source pixel and mask bits, the filter, the
/// target.
template <class T>
struct RowPointers {
  const T* source;
  const std::uint8_t* mask;
  const T* filter;
  T* target;
};

/// `Pixels` targets from `t` on, in `Vectors` vectors of channels from `channel` on; of a partial
/// vector (then `Vectors` is 1) `count` channels.
template <class T, class Arch, std::size_t Pixels, std::size_t Vectors, bool Partial, bool Masked>
[[gnu::flatten]] inline void tap_tile(const std::vector<RowTap>& taps, const RowSteps& steps,
                                      std::size_t t, std::size_t channel, std::size_t count,
                                      const RowPointers<T>& at, const Epilogue<T>& epilogue) {
  using Batch = simd::Batch<T, Arch>;
  constexpr std::size_t L = simd::lanes<T, Arch>;
  const auto read = [&](const T* p) {
    if constexpr (Partial) {
      return simd::load_partial<T, Arch>(p, count);
    } else {
      return simd::load<T, Arch>(p);
    }
  };
  Batch sum[Pixels][Vectors];
  simd::unroll<Vectors>([&](auto v) {
    const Batch start =
        epilogue.bias != nullptr ? read(epilogue.bias + channel + v * L) : Batch(T(0));
    simd::unroll<Pixels>([&](auto i) { sum[i][v] = start; });
  });
  const T* first = at.source + t * steps.source + channel;
  for (const RowTap& tap : taps) {
    Batch weight[Vectors];
    simd::unroll<Vectors>(
        [&](auto v) { weight[v] = read(at.filter + tap.weight + channel + v * L); });
    const T* source = first + tap.source;
    simd::unroll<Pixels>([&](auto i) {
      simd::unroll<Vectors>([&](auto v) {
        Batch x = read(source + i * steps.source + v * L);
        if constexpr (Masked) {
          const std::uint8_t* mask = at.mask + tap.mask + (t + i) * steps.source_mask;
          x = simd::zero_unless<T, Arch>(mask_bits<L>(mask, channel + v * L), x);
        }
        sum[i][v] = xsimd::fma(x, weight[v], sum[i][v]);
      });
    });
  }
  Epilogue<T> part = epilogue;
  if (part.mask != nullptr) part.mask += t * steps.target_mask;
  store_tile<T, Arch>(sum,
                      TileTarget<T>{at.target + t * steps.target + channel, steps.target, channel,
                                    Partial ? count : Vectors * L, steps.target_mask},
                      part);
}

/// `Pixels` targets from `t` on in channels [begin, end). Eight sums at a time, of fewer pixels in
/// more channels where a run is short, hide the latency of the multiply-adds.
template <class T, class Arch, std::size_t Pixels, bool Masked>
inline void tap_pixels(const RowRun& run, const RowSteps& steps, std::size_t t, std::size_t begin,
                       std::size_t end, const RowPointers<T>& at, const Epilogue<T>& epilogue) {
  constexpr std::size_t L = simd::lanes<T, Arch>;
  constexpr std::size_t V = 8 / Pixels;
  std::size_t c = begin;
  for (; c + V * L <= end; c += V * L) {
    tap_tile<T, Arch, Pixels, V, false, Masked>(run.taps, steps, t, c, L, at, epilogue);
  }
  if constexpr (V > 1) {
    for (; c + L <= end; c += L) {
      tap_tile<T, Arch, Pixels, 1, false, Masked>(run.taps, steps, t, c, L, at, epilogue);
    }
  }
  if (c < end) {
    tap_tile<T, Arch, Pixels, 1, true, Masked>(run.taps, steps, t, c, end - c, at, epilogue);
  }
}

template <class T, class Arch, bool Masked>
inline void tap_run(const RowRun& run, const RowSteps& steps, std::size_t begin, std::size_t end,
                    const RowPointers<T>& at, const Epilogue<T>& epilogue) {
  std::size_t t = 0;
  const auto tiles = [&](auto pixels) {
    for (; t + pixels <= run.count; t += pixels) {
      tap_pixels<T, Arch, pixels, Masked>(run, steps, t, begin, end, at, epilogue);
    }
  };
  tiles(std::integral_constant<std::size_t, 8>{});
  tiles(std::integral_constant<std::size_t, 4>{});
  tiles(std::integral_constant<std::size_t, 2>{});
  tiles(std::integral_constant<std::size_t, 1>{});
}

/// Channels whose rows stay in the first-level cache while the target's rows pass by.
template <class T>
inline constexpr std::size_t depthwise_block = 512 / sizeof(T);

/// target[plane, y, x, :] = epilogue(sum over taps of filter[ky, kx, :] * source[plane, ...]).
template <class T, class Arch, bool Masked>
void depthwise_planes(std::size_t planes, std::size_t channels, const std::vector<AxisPhase>& rows,
                      const std::vector<AxisPhase>& columns, std::size_t kernel_width,
                      const T* filter, const T* source, std::size_t source_height,
                      std::size_t source_width, const std::uint8_t* source_mask,
                      std::size_t mask_planes, T* target, std::size_t target_height,
                      std::size_t target_width, const Epilogue<T>& epilogue, int threads) {
  const std::size_t mask_stride = mask_row_bytes(channels);
  if (rows.empty() || columns.empty() || target_height == 0 || target_width == 0) return;

  // The runs of a row, for every phase of rows and every segment of it.
  std::vector<std::vector<std::vector<RowRun>>> runs(rows.size());
  for (std::size_t phase = 0; phase < rows.size(); ++phase) {
    for (const AxisPhase::Segment& segment_y : rows[phase].segments) {
      auto& row = runs[phase].emplace_back();
      for (const AxisPhase& column : columns) {
        for (const AxisPhase::Segment& segment : column.segments) {
          RowRun run;
          run.first = column.first + column.step * segment.begin;
          run.count = segment.end - segment.begin;
          run.source = static_cast<std::ptrdiff_t>(column.source_step * segment.begin);
          for (const AxisPhase::Tap& tap_y : segment_y.taps) {
            for (const AxisPhase::Tap& tap_x : segment.taps) {
              const std::ptrdiff_t pixel =
                  tap_y.offset * static_cast<std::ptrdiff_t>(source_width) + tap_x.offset +
                  run.source;
              run.taps.push_back({pixel * static_cast<std::ptrdiff_t>(channels),
                                  pixel * static_cast<std::ptrdiff_t>(mask_stride),
                                  (tap_y.index * kernel_width + tap_x.index) * channels});
            }
          }
          row.push_back(std::move(run));
        }
      }
    }
  }
  const RowSteps steps{columns[0].source_step * channels, columns[0].step * channels,
                       columns[0].source_step * mask_stride, columns[0].step * mask_stride};
  const std::size_t blocks = (channels + depthwise_block<T> - 1) / depthwise_block<T>;
  parallel_ranges(
      planes * blocks * target_height, threads, [&](std::size_t begin, std::size_t end, int) {
        for (std::size_t i = begin; i < end; ++i) {
          const std::size_t y = i % target_height;
          const std::size_t block = i / target_height % blocks;
          const std::size_t plane = i / target_height / blocks;
          const std::size_t phase = y % rows.size();
          const AxisPhase& row = rows[phase];
          const std::size_t ty = y / rows.size();
          std::size_t segment = 0;
          while (ty >= row.segments[segment].end) ++segment;
          // Taps lead from here to pixels of the image, even where this row lies outside it.
          const auto source_row = static_cast<std::ptrdiff_t>(row.source_step * ty * source_width);
          const auto plane_pixel =
              static_cast<std::ptrdiff_t>(plane * source_height * source_width);
          const auto mask_pixel =
              static_cast<std::ptrdiff_t>(plane % mask_planes * source_height * source_width);
          for (const RowRun& run : runs[phase][segment]) {
            const std::size_t first = (plane * target_height + y) * target_width + run.first;
            Epilogue<T> part = epilogue;
            if (part.mask != nullptr) part.mask += first * mask_stride;
            const RowPointers<T> at{
                source + (plane_pixel + source_row) * static_cast<std::ptrdiff_t>(channels),
                Masked ? source_mask +
                             (mask_pixel + source_row) * static_cast<std::ptrdiff_t>(mask_stride)
                       : nullptr,
                filter, target + first * channels};
            tap_run<T, Arch, Masked>(run, steps, block * depthwise_block<T>,
                                     std::min(channels, (block + 1) * depthwise_block<T>), at,
                                     part);
          }
        }
      });
}

}  // namespace internal

/// output = act(bias + depthwise(input, filter)); out_channels = in_channels, and `filter` is
/// [kernel_height, kernel_width, in_channels].
template <class T, class Arch = simd::DefaultArch>
void depthwise_conv2d(const Conv2dGeometry& g, const T* input, const T* filter,
                      const Epilogue<T>& epilogue, T* output, int threads) {
  const auto rows = forward_phases(g.in_height, g.out_height, g.kernel_height, g.stride_height,
                                   g.dilation_height, g.pad_top);
  const auto columns = forward_phases(g.in_width, g.out_width, g.kernel_width, g.stride_width,
                                      g.dilation_width, g.pad_left);
  internal::depthwise_planes<T, Arch, false>(g.batch, g.in_channels, rows, columns, g.kernel_width,
                                             filter, input, g.in_height, g.in_width, nullptr, 1,
                                             output, g.out_height, g.out_width, epilogue, threads);
}

/// input_cotangent (+)= depthwise^T(output_cotangent) for `seeds` cotangents; `mask`, where given,
/// holds the bits of the rectifier that followed ([batch * out_pixels] rows).
template <class T, class Arch = simd::DefaultArch>
void depthwise_conv2d_vjp(const Conv2dGeometry& g, const T* filter, std::size_t seeds,
                          const T* cotangent, const std::uint8_t* mask, T* result, bool accumulate,
                          int threads) {
  const auto rows = backward_phases(g.in_height, g.out_height, g.kernel_height, g.stride_height,
                                    g.dilation_height, g.pad_top);
  const auto columns = backward_phases(g.in_width, g.out_width, g.kernel_width, g.stride_width,
                                       g.dilation_width, g.pad_left);
  Epilogue<T> epilogue;
  epilogue.accumulate = accumulate;
  const auto run = [&](auto masked) {
    internal::depthwise_planes<T, Arch, masked>(seeds * g.batch, g.in_channels, rows, columns,
                                                g.kernel_width, filter, cotangent, g.out_height,
                                                g.out_width, mask, g.batch, result, g.in_height,
                                                g.in_width, epilogue, threads);
  };
  if (mask != nullptr) {
    run(std::bool_constant<true>{});
  } else {
    run(std::bool_constant<false>{});
  }
}

}  // namespace posekit::inline POSEKIT_ISA::kernels
