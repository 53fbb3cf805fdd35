#pragma once

// Statistics over the rows of [rows, channels], per channel, and what normalising by them does to
// cotangents: batch normalisation of NHWC images.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <posekit/core/isa.hpp>
#include <posekit/core/threads.hpp>
#include <posekit/kernels/activation.hpp>
#include <posekit/simd/batch.hpp>

namespace posekit::inline POSEKIT_ISA::kernels {

/// Rows that are summed up together. The partial sums are added in their order, so that results do
/// not depend on the number of threads.
inline constexpr std::size_t norm_chunk_rows = 256;

/// Elements of scratch for `channel_statistics` and `channel_norm_sums`.
constexpr std::size_t channel_norm_scratch(std::size_t rows, std::size_t channels) {
  return (rows + norm_chunk_rows - 1) / norm_chunk_rows * 2 * channels;
}

namespace internal {

/// Calls `body(first channel, integral constant of vectors, channels of the last vector)` for
/// blocks of channels.
template <class T, class Arch, class Body>
[[gnu::always_inline]] inline void for_channel_blocks(std::size_t channels, const Body& body) {
  constexpr std::size_t L = simd::lanes<T, Arch>;
  std::size_t c = 0;
  for (; c + 4 * L <= channels; c += 4 * L) body(c, std::integral_constant<std::size_t, 4>{}, L);
  for (; c < channels; c += L)
    body(c, std::integral_constant<std::size_t, 1>{}, std::min(L, channels - c));
}

template <class T, class Arch>
[[gnu::always_inline]] inline simd::Batch<T, Arch> load_some(const T* p, std::size_t count) {
  return count == simd::lanes<T, Arch> ? simd::load<T, Arch>(p)
                                       : simd::load_partial<T, Arch>(p, count);
}
template <class T, class Arch>
[[gnu::always_inline]] inline void store_some(T* p, const simd::Batch<T, Arch>& v,
                                              std::size_t count) {
  if (count == simd::lanes<T, Arch>) {
    simd::store<T, Arch>(p, v);
  } else {
    simd::store_partial<T, Arch>(p, v, count);
  }
}

}  // namespace internal

/// Mean and biased variance of each channel of x [rows, channels].
template <class T, class Arch = simd::DefaultArch>
void channel_statistics(std::size_t rows, std::size_t channels, const T* x, double* mean,
                        double* variance, T* scratch, int threads) {
  using Batch = simd::Batch<T, Arch>;
  constexpr std::size_t L = simd::lanes<T, Arch>;
  const std::size_t chunks = (rows + norm_chunk_rows - 1) / norm_chunk_rows;
  // Of each chunk its mean and the squares around it, while it is in the cache.
  parallel_for(chunks, threads, [&](std::size_t chunk) {
    const std::size_t first = chunk * norm_chunk_rows;
    const std::size_t count = std::min(norm_chunk_rows, rows - first);
    const T* from = x + first * channels;
    T* means = scratch + chunk * 2 * channels;
    T* squares = means + channels;
    internal::for_channel_blocks<T, Arch>(
        channels, [&](std::size_t c, auto vectors, std::size_t valid) {
          Batch sum[vectors], square[vectors], middle[vectors];
          for (auto& s : sum) s = Batch(T(0));
          for (auto& s : square) s = Batch(T(0));
          for (std::size_t r = 0; r < count; ++r) {
            simd::unroll<vectors>([&](auto v) {
              sum[v] += internal::load_some<T, Arch>(from + r * channels + c + v * L, valid);
            });
          }
          simd::unroll<vectors>([&](auto v) { middle[v] = sum[v] / Batch(static_cast<T>(count)); });
          for (std::size_t r = 0; r < count; ++r) {
            simd::unroll<vectors>([&](auto v) {
              const Batch d =
                  internal::load_some<T, Arch>(from + r * channels + c + v * L, valid) - middle[v];
              square[v] = xsimd::fma(d, d, square[v]);
            });
          }
          simd::unroll<vectors>([&](auto v) {
            internal::store_some<T, Arch>(means + c + v * L, middle[v], valid);
            internal::store_some<T, Arch>(squares + c + v * L, square[v], valid);
          });
        });
  });
  // Chan, Golub and LeVeque's rule for joining the moments of two parts.
  std::fill_n(mean, channels, 0.0);
  std::fill_n(variance, channels, 0.0);
  double before = 0;
  for (std::size_t chunk = 0; chunk < chunks; ++chunk) {
    const auto count =
        static_cast<double>(std::min(norm_chunk_rows, rows - chunk * norm_chunk_rows));
    const T* means = scratch + chunk * 2 * channels;
    const T* squares = means + channels;
    const double share = count / (before + count);
    for (std::size_t c = 0; c < channels; ++c) {
      const double delta = static_cast<double>(means[c]) - mean[c];
      mean[c] += delta * share;
      variance[c] += static_cast<double>(squares[c]) + delta * delta * before * share;
    }
    before += count;
  }
  for (std::size_t c = 0; c < channels; ++c) variance[c] /= static_cast<double>(rows);
}

/// What a channel is normalised by.
template <class T>
struct ChannelNorm {
  const T* mean;   ///< [channels]
  const T* scale;  ///< [channels]: weight / standard deviation
  const T* shift;  ///< [channels]: bias
};

/// y = act((x - mean) scale + shift) of [rows, channels]; `mask`, where given, receives a
/// rectifier's bits.
template <class T, class Arch = simd::DefaultArch>
void channel_norm(std::size_t rows, std::size_t channels, const T* x, const ChannelNorm<T>& norm,
                  Activation activation, std::uint8_t* mask, T* y, int threads) {
  using Batch = simd::Batch<T, Arch>;
  constexpr std::size_t L = simd::lanes<T, Arch>;
  const std::size_t mask_stride = mask_row_bytes(channels);
  parallel_ranges(rows, threads, [&](std::size_t begin, std::size_t end, int) {
    for (std::size_t r = begin; r < end; ++r) {
      const T* in = x + r * channels;
      T* out = y + r * channels;
      std::uint8_t* bits_out = mask == nullptr ? nullptr : mask + r * mask_stride;
      for (std::size_t c = 0; c < channels; c += L) {
        const std::size_t valid = std::min(L, channels - c);
        const auto at = [&](const T* p) { return internal::load_some<T, Arch>(p + c, valid); };
        Batch v = xsimd::fma(at(in) - at(norm.mean), at(norm.scale), at(norm.shift));
        if (activation != Activation::none) {
          std::uint32_t bits = 0;
          v = activate<T, Arch>(v, activation, Batch(T(0)), bits);
          if (bits_out != nullptr) {
            if (valid < L) bits &= (1u << valid) - 1u;
            set_mask_bits<L>(bits_out, c, bits);
          }
        }
        internal::store_some<T, Arch>(out + c, v, valid);
      }
    }
  });
}

/// Of a cotangent g [rows, channels] (0 where `mask`, if given, says so), for each channel the sums
/// of g and of g (x - mean).
template <class T, class Arch = simd::DefaultArch>
void channel_norm_sums(std::size_t rows, std::size_t channels, const T* x, const T* mean,
                       const T* cotangent, const std::uint8_t* mask, double* sums, double* products,
                       T* scratch, int threads) {
  using Batch = simd::Batch<T, Arch>;
  constexpr std::size_t L = simd::lanes<T, Arch>;
  const std::size_t chunks = (rows + norm_chunk_rows - 1) / norm_chunk_rows;
  const std::size_t mask_stride = mask_row_bytes(channels);
  parallel_for(chunks, threads, [&](std::size_t chunk) {
    const std::size_t first = chunk * norm_chunk_rows;
    const std::size_t count = std::min(norm_chunk_rows, rows - first);
    T* sum_out = scratch + chunk * 2 * channels;
    T* product_out = sum_out + channels;
    internal::for_channel_blocks<T, Arch>(channels, [&](std::size_t c, auto vectors,
                                                        std::size_t valid) {
      Batch sum[vectors], product[vectors], middle[vectors];
      simd::unroll<vectors>([&](auto v) {
        sum[v] = product[v] = Batch(T(0));
        middle[v] = internal::load_some<T, Arch>(mean + c + v * L, valid);
      });
      for (std::size_t r = first; r < first + count; ++r) {
        simd::unroll<vectors>([&](auto v) {
          const std::size_t at = c + v * L;
          Batch g = internal::load_some<T, Arch>(cotangent + r * channels + at, valid);
          if (mask != nullptr)
            g = simd::zero_unless<T, Arch>(mask_bits<L>(mask + r * mask_stride, at), g);
          const Batch d = internal::load_some<T, Arch>(x + r * channels + at, valid) - middle[v];
          sum[v] += g;
          product[v] = xsimd::fma(g, d, product[v]);
        });
      }
      simd::unroll<vectors>([&](auto v) {
        internal::store_some<T, Arch>(sum_out + c + v * L, sum[v], valid);
        internal::store_some<T, Arch>(product_out + c + v * L, product[v], valid);
      });
    });
  });
  std::fill_n(sums, channels, 0.0);
  std::fill_n(products, channels, 0.0);
  for (std::size_t chunk = 0; chunk < chunks; ++chunk) {
    const T* part = scratch + chunk * 2 * channels;
    for (std::size_t c = 0; c < channels; ++c) {
      sums[c] += static_cast<double>(part[c]);
      products[c] += static_cast<double>(part[channels + c]);
    }
  }
}

/// result (+)= scale g - offset - slope (x - mean), g being 0 where `mask`, if given, says so.
template <class T, class Arch = simd::DefaultArch>
void channel_norm_vjp(std::size_t rows, std::size_t channels, const T* x, const T* mean,
                      const T* cotangent, const std::uint8_t* mask, const T* scale, const T* offset,
                      const T* slope, T* result, bool accumulate, int threads) {
  using Batch = simd::Batch<T, Arch>;
  constexpr std::size_t L = simd::lanes<T, Arch>;
  const std::size_t mask_stride = mask_row_bytes(channels);
  parallel_ranges(rows, threads, [&](std::size_t begin, std::size_t end, int) {
    for (std::size_t r = begin; r < end; ++r) {
      for (std::size_t c = 0; c < channels; c += L) {
        const std::size_t valid = std::min(L, channels - c);
        const auto at = [&](const T* p) { return internal::load_some<T, Arch>(p + c, valid); };
        Batch g = at(cotangent + r * channels);
        if (mask != nullptr)
          g = simd::zero_unless<T, Arch>(mask_bits<L>(mask + r * mask_stride, c), g);
        Batch v = xsimd::fms(g, at(scale), at(offset));
        v = xsimd::fnma(at(x + r * channels) - at(mean), at(slope), v);
        T* out = result + r * channels + c;
        if (accumulate) v += at(result + r * channels);
        internal::store_some<T, Arch>(out, v, valid);
      }
    }
  });
}

}  // namespace posekit::inline POSEKIT_ISA::kernels
