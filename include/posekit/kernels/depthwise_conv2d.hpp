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

namespace detail {

inline void build_segments(AxisPhase& phase, const std::vector<AxisPhase::Tap>& taps,
                           std::size_t source_extent) {
  const auto valid = [&](const AxisPhase::Tap& tap, std::size_t t) {
    const std::ptrdiff_t source =
        static_cast<std::ptrdiff_t>(phase.source_step * t) + tap.offset;
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

}  // namespace detail

/// The one phase of a forward pass along an axis.
inline std::vector<AxisPhase> forward_phases(std::size_t in_extent, std::size_t out_extent,
                                             std::size_t kernel, std::size_t stride,
                                             std::size_t dilation, std::size_t pad) {
  AxisPhase phase;
  phase.count = out_extent;
  phase.source_step = stride;
  std::vector<AxisPhase::Tap> taps;
  for (std::size_t k = 0; k < kernel; ++k) {
    taps.push_back({k, static_cast<std::ptrdiff_t>(k * dilation) - static_cast<std::ptrdiff_t>(pad)});
  }
  detail::build_segments(phase, taps, in_extent);
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
    detail::build_segments(phase, taps, out_extent);
    phases.push_back(std::move(phase));
  }
  return phases;
}

namespace detail {

/// A sum that is known not to be negative.
constexpr std::size_t offset_by(std::size_t base, std::ptrdiff_t offset) {
  return static_cast<std::size_t>(static_cast<std::ptrdiff_t>(base) + offset);
}

/// One tap of a run of targets: the source pixel of the first target, its rectifier bits, and the
/// filter's channels.
template <class T>
struct RowTap {
  const T* source;
  const std::uint8_t* mask;
  const T* weight;
};

/// Strides between consecutive t, in elements (bytes for masks).
struct RowSteps {
  std::size_t source, target, source_mask, target_mask;
};

template <class T, class Arch, std::size_t Tile, bool Partial, bool Masked>
inline void tap_tile(const std::vector<RowTap<T>>& taps, const RowSteps& steps, std::size_t t,
                     std::size_t channel, std::size_t count, T* target,
                     const Epilogue<T>& epilogue) {
  using Batch = simd::Batch<T, Arch>;
  constexpr std::size_t L = simd::lanes<T, Arch>;
  const auto read = [&](const T* p) {
    if constexpr (Partial) {
      return simd::load_partial<T, Arch>(p, count);
    } else {
      return simd::load<T, Arch>(p);
    }
  };
  const Batch start = epilogue.bias != nullptr ? read(epilogue.bias + channel) : Batch(T(0));
  Batch sum[Tile];
  simd::unroll<Tile>([&](auto i) { sum[i] = start; });
  for (const RowTap<T>& tap : taps) {
    const Batch weight = read(tap.weight + channel);
    const T* source = tap.source + t * steps.source + channel;
    if constexpr (Masked) {
      const std::uint8_t* mask = tap.mask + t * steps.source_mask;
      simd::unroll<Tile>([&](auto i) {
        const std::uint32_t bits = mask_bits<L>(mask + i * steps.source_mask, channel);
        sum[i] = xsimd::fma(
            simd::zero_unless<T, Arch>(bits, read(source + i * steps.source)), weight, sum[i]);
      });
    } else {
      simd::unroll<Tile>([&](auto i) {
        sum[i] = xsimd::fma(read(source + i * steps.source), weight, sum[i]);
      });
    }
  }
  Batch slope(T(0));
  if (epilogue.activation == Activation::prelu) slope = read(epilogue.slope + channel);
  for (std::size_t i = 0; i < Tile; ++i) {
    Batch value = sum[i];
    if (epilogue.activation != Activation::none) {
      std::uint32_t bits = 0;
      value = activate<T, Arch>(value, epilogue.activation, slope, bits);
      if (epilogue.mask != nullptr) {
        if constexpr (Partial) bits &= (1u << count) - 1u;
        set_mask_bits<L>(epilogue.mask + (t + i) * steps.target_mask, channel, bits);
      }
    }
    T* out = target + (t + i) * steps.target + channel;
    if (epilogue.accumulate) value += read(out);
    if constexpr (Partial) {
      simd::store_partial<T, Arch>(out, value, count);
    } else {
      simd::store<T, Arch>(out, value);
    }
  }
}

template <class T, class Arch, bool Partial, bool Masked>
inline void tap_run(const std::vector<RowTap<T>>& taps, const RowSteps& steps, std::size_t end,
                    std::size_t channel, std::size_t count, T* target,
                    const Epilogue<T>& epilogue) {
  std::size_t t = 0;
  for (; t + 8 <= end; t += 8) {
    tap_tile<T, Arch, 8, Partial, Masked>(taps, steps, t, channel, count, target, epilogue);
  }
  for (; t + 4 <= end; t += 4) {
    tap_tile<T, Arch, 4, Partial, Masked>(taps, steps, t, channel, count, target, epilogue);
  }
  for (; t < end; ++t) {
    tap_tile<T, Arch, 1, Partial, Masked>(taps, steps, t, channel, count, target, epilogue);
  }
}

template <class T, class Arch, bool Masked>
inline void tap_channels(const std::vector<RowTap<T>>& taps, const RowSteps& steps,
                         std::size_t count, std::size_t channels, T* target,
                         const Epilogue<T>& epilogue) {
  constexpr std::size_t L = simd::lanes<T, Arch>;
  std::size_t c = 0;
  for (; c + L <= channels; c += L) {
    tap_run<T, Arch, false, Masked>(taps, steps, count, c, L, target, epilogue);
  }
  if (c < channels) {
    tap_run<T, Arch, true, Masked>(taps, steps, count, c, channels - c, target, epilogue);
  }
}

/// target[plane, y, x, :] = epilogue(sum over taps of filter[ky, kx, :] * source[plane, ...]).
template <class T, class Arch, bool Masked>
void depthwise_planes(std::size_t planes, std::size_t channels, const std::vector<AxisPhase>& rows,
                      const std::vector<AxisPhase>& columns, std::size_t kernel_width,
                      const T* filter, const T* source, std::size_t source_height,
                      std::size_t source_width, const std::uint8_t* source_mask,
                      std::size_t mask_planes, T* target, std::size_t target_height,
                      std::size_t target_width, const Epilogue<T>& epilogue, int threads) {
  const std::size_t mask_stride = mask_row_bytes(channels);
  const std::size_t source_plane = source_height * source_width;
  const std::size_t target_plane = target_height * target_width;
  parallel_ranges(planes * target_height, threads, [&](std::size_t begin, std::size_t end, int) {
    std::vector<RowTap<T>> taps;
    for (std::size_t i = begin; i < end; ++i) {
      const std::size_t plane = i / target_height;
      const std::size_t y = i % target_height;
      const AxisPhase& row = rows[y % rows.size()];
      const std::size_t ty = y / rows.size();
      const auto segment_y =
          std::find_if(row.segments.begin(), row.segments.end(),
                       [&](const auto& segment) { return ty < segment.end; });
      for (const AxisPhase& column : columns) {
        const RowSteps steps{column.source_step * channels, column.step * channels,
                             column.source_step * mask_stride, column.step * mask_stride};
        for (const AxisPhase::Segment& segment : column.segments) {
          taps.clear();
          for (const AxisPhase::Tap& tap_y : segment_y->taps) {
            const std::size_t source_y = offset_by(row.source_step * ty, tap_y.offset);
            for (const AxisPhase::Tap& tap_x : segment.taps) {
              const std::size_t pixel =
                  source_y * source_width +
                  offset_by(column.source_step * segment.begin, tap_x.offset);
              taps.push_back(
                  {source + (plane * source_plane + pixel) * channels,
                   Masked ? source_mask + (plane % mask_planes * source_plane + pixel) * mask_stride
                          : nullptr,
                   filter + (tap_y.index * kernel_width + tap_x.index) * channels});
            }
          }
          const std::size_t first = plane * target_plane + y * target_width + column.first +
                                    column.step * segment.begin;
          Epilogue<T> part = epilogue;
          if (part.mask != nullptr) part.mask += first * mask_stride;
          tap_channels<T, Arch, Masked>(taps, steps, segment.end - segment.begin, channels,
                                        target + first * channels, part);
        }
      }
    }
  });
}

}  // namespace detail

/// output = act(bias + depthwise(input, filter)); out_channels = in_channels, and `filter` is
/// [kernel_height, kernel_width, in_channels].
template <class T, class Arch = simd::DefaultArch>
void depthwise_conv2d(const Conv2dGeometry& g, const T* input, const T* filter,
                      const Epilogue<T>& epilogue, T* output, int threads) {
  const auto rows = forward_phases(g.in_height, g.out_height, g.kernel_height, g.stride_height,
                                   g.dilation_height, g.pad_top);
  const auto columns = forward_phases(g.in_width, g.out_width, g.kernel_width, g.stride_width,
                                      g.dilation_width, g.pad_left);
  detail::depthwise_planes<T, Arch, false>(g.batch, g.in_channels, rows, columns, g.kernel_width,
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
    detail::depthwise_planes<T, Arch, masked>(
        seeds * g.batch, g.in_channels, rows, columns, g.kernel_width, filter, cotangent,
        g.out_height, g.out_width, mask, g.batch, result, g.in_height, g.in_width, epilogue,
        threads);
  };
  if (mask != nullptr) {
    run(std::bool_constant<true>{});
  } else {
    run(std::bool_constant<false>{});
  }
}

}  // namespace posekit::inline POSEKIT_ISA::kernels
