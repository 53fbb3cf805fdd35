#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include <posekit/autodiff.hpp>
#include <posekit/heatmap.hpp>

#include "support/convolution_reference.hpp"

/// Reads small numbers from bytes; 0 after their end.
class FuzzNumbers {
 public:
  explicit FuzzNumbers(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}

  std::uint8_t byte() { return at_ < bytes_.size() ? bytes_[at_++] : std::uint8_t{0}; }
  /// From `low` to `high`.
  std::size_t size(std::size_t low, std::size_t high) { return low + byte() % (high - low + 1); }
  /// Now and then a size that no memory has room for.
  std::size_t wild(std::size_t low, std::size_t high) {
    const std::uint8_t choice = byte();
    if (choice < 250) return low + choice % (high - low + 1);
    return ~std::size_t{0} >> (4 * (choice - 250));
  }
  float value() {
    const std::uint8_t choice = byte();
    if (choice == 255) return std::nanf("");
    if (choice == 254) return INFINITY;
    if (choice == 253) return 1e30f;
    return (static_cast<float>(choice) - 126.0f) / 32.0f;
  }
  posekit::Tensor<float> tensor(const posekit::Shape& shape) {
    posekit::Tensor<float> result = posekit::make_tensor<float>(shape);
    for (float& v : result) v = value();
    return result;
  }
  /// Of numbers only.
  posekit::Tensor<float> numbers(const posekit::Shape& shape) {
    posekit::Tensor<float> result = posekit::make_tensor<float>(shape);
    for (float& v : result) v = static_cast<float>(byte()) / 64.0f - 2.0f;
    return result;
  }

 private:
  std::span<const std::uint8_t> bytes_;
  std::size_t at_ = 0;
};

/// A sum in double, and that of its terms' absolute values: what float may get wrong is a part of
/// it.
struct FuzzSum {
  double value = 0, magnitude = 0;
  void add(double term) {
    value += term;
    magnitude += std::abs(term);
  }
};

/// Throws std::logic_error where a float is not the sum that it should be.
inline void require_equal(const posekit::Tensor<float>& found, const std::vector<FuzzSum>& expected,
                          const char* what) {
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const double difference = std::abs(static_cast<double>(found.data()[i]) - expected[i].value);
    if (!(difference <= 1e-5 * expected[i].magnitude + 1e-6)) {
      throw std::logic_error(posekit::error_text(what, " is ", found.data()[i], " at ", i,
                                                 ", expected ", expected[i].value));
    }
  }
}

/// A convolution, plain or depthwise, its gradients to the input, the filter and the bias, against
/// their definition.
inline void compare_convolution(FuzzNumbers& f, bool depthwise) {
  namespace pk = posekit;
  pk::Conv2dGeometry g;
  g.batch = f.size(1, 2);
  g.in_height = f.size(1, 10);
  g.in_width = f.size(1, 19);
  g.in_channels = f.size(1, 37);
  g.out_channels = depthwise ? g.in_channels : f.size(1, 35);
  g.kernel_height = f.size(1, 5);
  g.kernel_width = f.size(1, 5);
  g.stride_height = f.size(1, 3);
  g.stride_width = f.size(1, 3);
  g.dilation_height = f.size(1, 3);
  g.dilation_width = f.size(1, 3);
  g.pad_top = f.size(0, 4);
  g.pad_left = f.size(0, 4);
  const std::size_t bottom = f.size(0, 4), right = f.size(0, 4);
  pk::Tape<float> tape({.threads = static_cast<int>(f.size(1, 2))});
  const auto x = tape.variable(f.numbers({g.batch, g.in_height, g.in_width, g.in_channels}));
  const auto w = tape.variable(
      f.numbers({g.kernel_height, g.kernel_width, g.in_channels, depthwise ? 1 : g.out_channels}));
  const auto b = tape.variable(f.numbers({g.out_channels}));
  const pk::Conv2dOptions options{
      .stride = {g.stride_height, g.stride_width},
      .dilation = {g.dilation_height, g.dilation_width},
      .padding = pk::Padding2d::of(g.pad_top, bottom, g.pad_left, right)};
  const auto y = depthwise ? pk::depthwise_conv2d(x, w, b, options) : pk::conv2d(x, w, b, options);
  g.out_height = y.shape()[1];
  g.out_width = y.shape()[2];
  const auto cotangent = f.numbers(y.shape());
  tape.backward(y, cotangent);

  std::vector<FuzzSum> out(y.value().size()), to_x(x.value().size()), to_w(w.value().size()),
      to_b(g.out_channels);
  for (std::size_t i = 0; i < out.size(); ++i) {
    out[i].add(static_cast<double>(b.value().data()[i % g.out_channels]));
    to_b[i % g.out_channels].add(static_cast<double>(cotangent.data()[i]));
  }
  for_each_tap(g, [&](std::size_t n, std::size_t oy, std::size_t ox, std::size_t iy, std::size_t ix,
                      std::size_t ky, std::size_t kx) {
    for (std::size_t o = 0; o < g.out_channels; ++o) {
      const std::size_t at_y = ((n * g.out_height + oy) * g.out_width + ox) * g.out_channels + o;
      const double d = static_cast<double>(cotangent.data()[at_y]);
      for (std::size_t c = depthwise ? o : 0; c < (depthwise ? o + 1 : g.in_channels); ++c) {
        const std::size_t at_x = ((n * g.in_height + iy) * g.in_width + ix) * g.in_channels + c;
        const std::size_t at_w =
            depthwise ? (ky * g.kernel_width + kx) * g.in_channels + c
                      : ((ky * g.kernel_width + kx) * g.in_channels + c) * g.out_channels + o;
        const double in = static_cast<double>(x.value().data()[at_x]);
        const double weight = static_cast<double>(w.value().data()[at_w]);
        out[at_y].add(in * weight);
        to_x[at_x].add(d * weight);
        to_w[at_w].add(d * in);
      }
    }
  });
  require_equal(y.value(), out, "a convolution's result");
  require_equal(x.grad(), to_x, "a convolution's gradient to its input");
  require_equal(w.grad(), to_w, "a convolution's gradient to its filter");
  require_equal(b.grad(), to_b, "a convolution's gradient to its bias");
}

/// Kernels of all kinds through their operations, forward and backward: extents that leave every
/// rest of a vector, options of all sizes, values that are none. Under AddressSanitizer, tensors
/// are exactly as large as they are.
inline void fuzz_kernels(std::span<const std::uint8_t> bytes) {
  namespace pk = posekit;
  FuzzNumbers f(bytes);
  try {
    pk::Tape<float> tape({.threads = static_cast<int>(f.size(1, 2)), .seeds_per_pass = 3});
    // A result that no memory has room for is AddressSanitizer's end.
    const pk::ElementLimit<float> limit(tape.pool(), std::size_t{1} << 24, "the fuzzer's");
    const std::uint8_t operation = f.byte();
    if (operation >= 128) return compare_convolution(f, operation % 2 == 1);
    const auto finish = [&](const pk::Var<float>& y, const pk::Var<float>& x) {
      if (!y.requires_grad()) return;
      const std::size_t seeds = f.size(1, 5);
      pk::Shape shape = y.shape();
      shape.insert(shape.begin(), seeds);
      (void)tape.vjp(y, f.tensor(shape), x);
      tape.backward(y, f.tensor(y.shape()));
    };
    const std::size_t channels = f.size(1, 37), out = f.size(1, 35);
    const pk::Shape image{f.size(0, 2), f.size(0, 9), f.size(0, 11), channels};
    const auto padding = [&] {
      const std::uint8_t kind = f.byte();
      if (kind % 3 == 0) return pk::Padding2d::same();
      if (kind % 3 == 1) return pk::Padding2d::valid();
      return pk::Padding2d::of(f.wild(0, 5), f.wild(0, 5), f.wild(0, 5), f.wild(0, 5));
    };
    pk::Conv2dOptions options;
    options.stride = {f.wild(1, 4), f.wild(1, 4)};
    options.dilation = {f.wild(1, 3), f.wild(1, 3)};
    options.padding = padding();
    options.activation = f.byte() % 2 == 0 ? pk::Activation::none : pk::Activation::relu6;
    const auto x = tape.variable(f.tensor(image));
    const std::size_t height = f.size(1, 4), width = f.size(1, 4);
    switch (operation % 14) {
      case 0: {
        const auto filter = std::make_shared<const pk::Conv2dFilter<float>>(
            f.tensor({height, width, channels, out}), f.tensor({out}));
        return finish(pk::conv2d(x, filter, options), x);
      }
      case 1: {
        const auto w = tape.variable(f.tensor({height, width, channels, out}));
        return finish(pk::conv2d(x, w, tape.variable(f.tensor({out})), options), w);
      }
      case 2: {
        const auto filter = std::make_shared<const pk::Conv2dFilter<float>>(
            f.tensor({height, width, channels, 1}), f.tensor({channels}));
        return finish(pk::depthwise_conv2d(x, filter, options), x);
      }
      case 3: {
        options.activation = pk::Activation::none;
        const auto w = tape.variable(f.tensor({height, width, channels, 1}));
        return finish(pk::depthwise_conv2d(x, w, {}, options), w);
      }
      case 4:
        return finish(
            pk::max_pool2d(x, {{f.wild(1, 4), f.wild(1, 4)}, options.stride, options.padding}), x);
      case 5:
        return finish(
            pk::average_pool2d(x, {{f.wild(1, 4), f.wild(1, 4)}, options.stride, options.padding}),
            x);
      case 6:
        return finish(pk::resize_bilinear(x, {f.size(0, 13), f.size(0, 13)}), x);
      case 7:
        return finish(pk::pad(x, {{f.wild(0, 3), f.wild(0, 3)},
                                  {f.wild(0, 3), f.wild(0, 3)},
                                  {f.wild(0, 3), f.wild(0, 3)},
                                  {f.wild(0, 3), f.wild(0, 3)}}),
                      x);
      case 8:
        return finish(
            pk::sum(x * tape.variable(f.tensor({image[2], 1})), {f.size(0, 3) % 2 == 0 ? 0 : -1}),
            x);
      case 9:
        return finish(pk::gelu(pk::softmax(pk::transpose(x, {2, 0, 3, 1}))), x);
      case 10: {
        const auto maps = pk::to_channels_first(x);
        return finish(pk::soft_argmax(maps, {.beta = static_cast<double>(f.value())}), x);
      }
      case 11: {
        const auto maps = pk::to_channels_first(x);
        const auto means = f.tensor({image[0], channels, 2});
        const auto both = pk::regularized_soft_argmax(maps, means, {.sigma = 1 + f.byte() / 64.0});
        return finish(both.divergence, x);
      }
      case 12:
        return finish(
            pk::batch_norm(x, tape.variable(f.tensor({channels})),
                           tape.variable(f.tensor({channels})), {.activation = options.activation}),
            x);
      default:
        return finish(pk::layer_norm(x, tape.variable(f.tensor({channels})),
                                     tape.variable(f.tensor({channels}))),
                      x);
    }
  } catch (const pk::Error&) {
  }
}
