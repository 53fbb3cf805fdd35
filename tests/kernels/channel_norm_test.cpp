#include <catch2/catch.hpp>

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include <posekit/kernels/channel_norm.hpp>
#include <posekit/testing/random_tensor.hpp>

#include "support/architectures.hpp"
#include "support/close.hpp"

namespace pk = posekit;
namespace kernels = posekit::kernels;
using pk::testing::random_tensor;

namespace {

/// Rows around the chunks that are summed up together, channels around the widths of vectors.
const std::vector<std::pair<std::size_t, std::size_t>> row_and_channel_counts{
    {1, 1}, {7, 3}, {255, 8}, {256, 17}, {257, 33}, {700, 70}};

/// Bits of a rectifier for random cotangents, and the cotangents with zeros where they say so.
template <class T>
struct Masked {
  std::vector<std::uint8_t> bits;
  pk::Tensor<T> cotangent, silenced;

  Masked(std::size_t rows, std::size_t channels, std::uint64_t seed)
      : bits(rows * kernels::mask_row_bytes(channels)),
        cotangent(random_tensor<T>({rows, channels}, seed)),
        silenced(cotangent) {
    const pk::CounterRandom random(seed + 1);
    for (std::size_t r = 0; r < rows; ++r) {
      for (std::size_t c = 0; c < channels; ++c) {
        if ((random.bits(r * channels + c) & 1u) == 0) {
          silenced(r, c) = 0;
        } else {
          auto& byte = bits[r * kernels::mask_row_bytes(channels) + c / 8];
          byte = static_cast<std::uint8_t>(byte | (1u << (c % 8)));
        }
      }
    }
  }
};

}  // namespace

TEMPLATE_LIST_TEST_CASE("Channels' means and variances", "[kernels]", KernelCases) {
  using T = typename TestType::Value;
  using A = typename TestType::Arch;
  for (const auto& [rows, channels] : row_and_channel_counts) {
    auto x = random_tensor<T>({rows, channels}, 5);
    for (std::size_t c = 0; c < channels; ++c) {
      for (std::size_t r = 0; r < rows; ++r) x(r, c) += static_cast<T>(c);
    }
    pk::Tensor<double> mean = pk::zeros<double>({channels}), variance = mean;
    const auto n = static_cast<double>(rows);
    for (std::size_t i = 0; i < x.size(); ++i)
      mean(i % channels) += static_cast<double>(x.flat(i)) / n;
    for (std::size_t i = 0; i < x.size(); ++i) {
      const double d = static_cast<double>(x.flat(i)) - mean(i % channels);
      variance(i % channels) += d * d / n;
    }
    std::vector<T> scratch(kernels::channel_norm_scratch(rows, channels));
    pk::Tensor<double> m = pk::make_tensor<double>({channels}), v = m;
    for (const int threads : {1, 3}) {
      kernels::channel_statistics<T, A>(rows, channels, x.data(), m.data(), v.data(),
                                        scratch.data(), threads);
      CHECK(relative_difference(m, mean) < close_enough<T>());
      if (rows > 1) CHECK(relative_difference(v, variance) < 10 * close_enough<T>());
      for (const double value : v) CHECK(value >= 0);
    }
  }
}

TEMPLATE_LIST_TEST_CASE("Channels are normalised and rectified", "[kernels]", KernelCases) {
  using T = typename TestType::Value;
  using A = typename TestType::Arch;
  for (const auto& [rows, channels] : row_and_channel_counts) {
    const auto x = random_tensor<T>({rows, channels}, 5, -4, 8);
    const auto mean = random_tensor<T>({channels}, 6), scale = random_tensor<T>({channels}, 7),
               shift = random_tensor<T>({channels}, 8);
    for (const auto activation :
         {pk::Activation::none, pk::Activation::relu, pk::Activation::relu6}) {
      pk::Tensor<double> expected = pk::make_tensor<double>({rows, channels});
      const std::size_t mask_row = kernels::mask_row_bytes(channels);
      std::vector<std::uint8_t> mask(rows * mask_row);
      pk::Tensor<T> y = pk::zeros<T>({rows, channels}), unmasked = y;
      kernels::channel_norm<T, A>(rows, channels, x.data(),
                                  {mean.data(), scale.data(), shift.data()}, activation,
                                  mask.data(), y.data(), 2);
      kernels::channel_norm<T, A>(rows, channels, x.data(),
                                  {mean.data(), scale.data(), shift.data()}, activation, nullptr,
                                  unmasked.data(), 1);
      CHECK(identical(y, unmasked));
      std::size_t wrong = 0;
      for (std::size_t i = 0; i < x.size(); ++i) {
        const std::size_t c = i % channels;
        const auto of = [](T v) { return static_cast<double>(v); };
        double v = (of(x.flat(i)) - of(mean(c))) * of(scale(c)) + of(shift(c));
        if (activation != pk::Activation::none) v = std::max(v, 0.0);
        if (activation == pk::Activation::relu6) v = std::min(v, 6.0);
        expected.flat(i) = v;
        const bool passes = activation != pk::Activation::none && v > 0 && v < 6;
        const bool bit = ((mask[i / channels * mask_row + c / 8] >> (c % 8)) & 1u) != 0;
        wrong += activation == pk::Activation::relu ? bit != (v > 0) : bit != passes;
      }
      CHECK(wrong == 0);
      CHECK(relative_difference(y, expected) < close_enough<T>());
      // Bits beyond the channels are 0: what reads whole vectors relies on it.
      for (std::size_t r = 0; r < rows; ++r) {
        for (std::size_t c = channels; c < 8 * mask_row; ++c)
          if (((mask[r * mask_row + c / 8] >> (c % 8)) & 1u) != 0) FAIL("row " << r);
      }
    }
  }
}

TEMPLATE_LIST_TEST_CASE("Sums over a cotangent, masked or not, and what becomes of it", "[kernels]",
                        KernelCases) {
  using T = typename TestType::Value;
  using A = typename TestType::Arch;
  for (const auto& [rows, channels] : row_and_channel_counts) {
    const auto x = random_tensor<T>({rows, channels}, 5);
    const auto mean = random_tensor<T>({channels}, 6), scale = random_tensor<T>({channels}, 7),
               offset = random_tensor<T>({channels}, 8), slope = random_tensor<T>({channels}, 9);
    const Masked<T> masked(rows, channels, 10);
    for (const bool with_mask : {false, true}) {
      const auto& g = with_mask ? masked.silenced : masked.cotangent;
      const auto of = [](T v) { return static_cast<double>(v); };
      pk::Tensor<double> sums = pk::zeros<double>({channels}), products = sums;
      auto before = random_tensor<T>({rows, channels}, 11);
      pk::Tensor<double> expected = pk::make_tensor<double>({rows, channels}), added = expected;
      for (std::size_t i = 0; i < x.size(); ++i) {
        const std::size_t c = i % channels;
        const double d = of(x.flat(i)) - of(mean(c));
        sums(c) += of(g.flat(i));
        products(c) += of(g.flat(i)) * d;
        expected.flat(i) = of(scale(c)) * of(g.flat(i)) - of(offset(c)) - of(slope(c)) * d;
        added.flat(i) = expected.flat(i) + of(before.flat(i));
      }
      const std::uint8_t* bits = with_mask ? masked.bits.data() : nullptr;
      std::vector<T> scratch(kernels::channel_norm_scratch(rows, channels));
      for (const int threads : {1, 3}) {
        pk::Tensor<double> s = pk::make_tensor<double>({channels}), p = s;
        kernels::channel_norm_sums<T, A>(rows, channels, x.data(), mean.data(),
                                         masked.cotangent.data(), bits, s.data(), p.data(),
                                         scratch.data(), threads);
        CHECK(relative_difference(s, sums) < 10 * close_enough<T>());
        CHECK(relative_difference(p, products) < 10 * close_enough<T>());
        pk::Tensor<T> y = pk::make_tensor<T>({rows, channels}), sum = before;
        kernels::channel_norm_vjp<T, A>(rows, channels, x.data(), mean.data(),
                                        masked.cotangent.data(), bits, scale.data(), offset.data(),
                                        slope.data(), y.data(), false, threads);
        kernels::channel_norm_vjp<T, A>(rows, channels, x.data(), mean.data(),
                                        masked.cotangent.data(), bits, scale.data(), offset.data(),
                                        slope.data(), sum.data(), true, threads);
        CHECK(relative_difference(y, expected) < close_enough<T>());
        CHECK(relative_difference(sum, added) < close_enough<T>());
      }
    }
  }
}

TEST_CASE("Channels' sums do not depend on threads", "[kernels]") {
  const std::size_t rows = 1500, channels = 21;
  const auto x = random_tensor<float>({rows, channels}, 5),
             g = random_tensor<float>({rows, channels}, 6);
  const auto middle = random_tensor<float>({channels}, 7);
  std::vector<float> scratch(kernels::channel_norm_scratch(rows, channels));
  std::vector<double> first;
  for (const int threads : {1, 2, 3, 7}) {
    std::vector<double> results(4 * channels);
    double* to = results.data();
    kernels::channel_statistics<float>(rows, channels, x.data(), to, to + channels, scratch.data(),
                                       threads);
    kernels::channel_norm_sums<float>(rows, channels, x.data(), middle.data(), g.data(), nullptr,
                                      to + 2 * channels, to + 3 * channels, scratch.data(),
                                      threads);
    if (first.empty()) first = results;
    CHECK(results == first);
  }
}
