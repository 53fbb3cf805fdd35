#pragma once

// Two-dimensional convolutions of NHWC images, with what usually follows them fused in.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include <posekit/autodiff/arithmetic.hpp>
#include <posekit/autodiff/conv2d_filter.hpp>
#include <posekit/autodiff/tape.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/kernels/conv2d.hpp>
#include <posekit/kernels/conv2d_filter_vjp.hpp>
#include <posekit/kernels/conv2d_vjp.hpp>
#include <posekit/kernels/depthwise_conv2d.hpp>

namespace posekit {

/// The border around an image.
struct Padding2d {
  enum class Kind {
    valid,     ///< none
    same,      ///< TensorFlow's: output = ceil(input / stride), the odd pixel after
    explicit_  ///< the four numbers below
  };
  Kind kind = Kind::valid;
  std::size_t top = 0, bottom = 0, left = 0, right = 0;

  static constexpr Padding2d valid() { return {}; }
  static constexpr Padding2d same() { return {Kind::same, 0, 0, 0, 0}; }
  static constexpr Padding2d of(std::size_t top, std::size_t bottom, std::size_t left,
                                std::size_t right) {
    return {Kind::explicit_, top, bottom, left, right};
  }
};

struct Conv2dOptions {
  std::array<std::size_t, 2> stride{1, 1};  ///< (height, width)
  std::array<std::size_t, 2> dilation{1, 1};
  Padding2d padding{};
  Activation activation = Activation::none;
};

struct Conv2dTransposeOptions {
  std::array<std::size_t, 2> stride{1, 1};  ///< (height, width)
  std::array<std::size_t, 2> dilation{1, 1};
  Padding2d padding{};  ///< of the convolution that this is the transpose of
};

}  // namespace posekit

namespace posekit::inline POSEKIT_ISA {

namespace internal {

struct WindowAxis {
  std::size_t out = 0;
  std::size_t before = 0;
};

/// Output extent and leading padding of a sliding window along one axis.
inline WindowAxis window_axis(const char* name, std::size_t in, std::size_t kernel,
                              std::size_t stride, std::size_t dilation, Padding2d::Kind kind,
                              std::size_t before, std::size_t after) {
  if (stride == 0 || dilation == 0 || kernel == 0) {
    throw ValueError(error_text(name, ": kernel ", kernel, ", stride ", stride, " and dilation ",
                                dilation, " must be positive"));
  }
  const std::size_t reach = (kernel - 1) * dilation + 1;
  if (kind == Padding2d::Kind::same) {
    const std::size_t out = (in + stride - 1) / stride;
    const std::size_t needed = out == 0 ? 0 : (out - 1) * stride + reach;
    return {out, needed > in ? (needed - in) / 2 : 0};
  }
  if (kind == Padding2d::Kind::valid) before = after = 0;
  const std::size_t padded = in + before + after;
  if (padded < reach) {
    throw ShapeError(error_text(name, ": a window of ", reach, " pixels does not fit an image of ",
                                padded, " (padding included)"));
  }
  return {(padded - reach) / stride + 1, before};
}

inline Conv2dGeometry conv2d_geometry(const char* name, const Shape& image, std::size_t kernel_height,
                                      std::size_t kernel_width, std::size_t out_channels,
                                      const Conv2dOptions& options) {
  if (image.size() != 4) {
    throw ShapeError(error_text(name, ": x has shape ", to_string(image),
                                ", expected rank 4 [N, H, W, C]"));
  }
  const Padding2d& p = options.padding;
  const WindowAxis y = window_axis(name, image[1], kernel_height, options.stride[0],
                                   options.dilation[0], p.kind, p.top, p.bottom);
  const WindowAxis x = window_axis(name, image[2], kernel_width, options.stride[1],
                                   options.dilation[1], p.kind, p.left, p.right);
  Conv2dGeometry g;
  g.batch = image[0];
  g.in_height = image[1];
  g.in_width = image[2];
  g.in_channels = image[3];
  g.out_height = y.out;
  g.out_width = x.out;
  g.out_channels = out_channels;
  g.kernel_height = kernel_height;
  g.kernel_width = kernel_width;
  g.stride_height = options.stride[0];
  g.stride_width = options.stride[1];
  g.dilation_height = options.dilation[0];
  g.dilation_width = options.dilation[1];
  g.pad_top = y.before;
  g.pad_left = x.before;
  if (g.out_pixels() * out_channels > std::numeric_limits<std::uint32_t>::max()) {
    throw ShapeError(error_text(name, ": an output of ", g.out_height, " x ", g.out_width, " x ",
                                out_channels, " is too large"));
  }
  return g;
}

template <class T>
void require_channels(const char* name, const Conv2dFilter<T>& filter, std::size_t in_channels,
                      std::size_t out_channels, std::size_t x_channels) {
  if (in_channels != x_channels) {
    throw ShapeError(error_text(name, ": x has ", x_channels, " channels, the filter ",
                                to_string(filter.filter().shape()), " expects ", in_channels));
  }
  for (const auto& [what, size] : {std::pair<const char*, std::size_t>{"bias", filter.bias_size()},
                                   {"slope", filter.slope_size()}}) {
    if (size != 0 && size != out_channels) {
      throw ShapeError(error_text(name, ": ", what, " has ", size, " elements, expected one for each of ",
                                  out_channels, " output channels"));
    }
  }
}

/// What the derivative of a fused activation needs to know of the forward pass.
template <class T>
struct FusedActivation {
  Activation activation = Activation::none;
  std::size_t rows = 0, channels = 0;
  std::shared_ptr<ByteBuffer> mask;               // rectifiers
  std::shared_ptr<const Tensor<T>> output;        // sigmoid
  std::shared_ptr<const Conv2dFilter<T>> filter;  // prelu

  FusedActivation(Tape<T>& tape, Activation a, std::size_t rows_, std::size_t channels_,
                  std::shared_ptr<const Conv2dFilter<T>> filter_, bool differentiate)
      : activation(a), rows(rows_), channels(channels_), filter(std::move(filter_)) {
    if (!differentiate) return;
    if (a == Activation::relu || a == Activation::relu6 || a == Activation::prelu) {
      mask = tape.pool().bytes(rows * kernels::mask_row_bytes(channels));
    }
  }

  std::uint8_t* mask_data() const { return mask == nullptr ? nullptr : mask->data(); }

  /// True where the product's cotangent is the output's with some units silenced: the kernels do
  /// that as they read.
  bool is_mask() const { return activation == Activation::relu || activation == Activation::relu6; }
  bool is_pointwise_map() const {
    return activation == Activation::prelu || activation == Activation::sigmoid;
  }

  /// The cotangent before the activation, into `before` [count, rows, channels].
  void map(std::size_t count, const T* cotangent, T* before, int threads) const {
    const std::size_t stride = kernels::mask_row_bytes(channels);
    parallel_for(count * rows, threads, [&](std::size_t i) {
      const std::size_t row = i % rows;
      const T* g = cotangent + i * channels;
      T* out = before + i * channels;
      if (activation == Activation::sigmoid) {
        const T* y = output->data() + row * channels;
        for (std::size_t c = 0; c < channels; ++c) out[c] = g[c] * y[c] * (T(1) - y[c]);
        return;
      }
      const std::uint8_t* bits = mask->data() + row * stride;
      const T* slope = activation == Activation::prelu ? filter->slope() : nullptr;
      for (std::size_t c = 0; c < channels; ++c) {
        const bool on = ((bits[c / 8] >> (c % 8)) & 1u) != 0;
        out[c] = on ? g[c] : (slope != nullptr ? g[c] * slope[c] : T(0));
      }
    });
  }
};

template <class T>
kernels::Epilogue<T> epilogue_of(const Conv2dFilter<T>& filter, Activation activation,
                                 std::uint8_t* mask) {
  kernels::Epilogue<T> epilogue;
  epilogue.bias = filter.bias();
  epilogue.slope = filter.slope();
  epilogue.activation = activation;
  epilogue.mask = mask;
  if (activation == Activation::prelu && filter.slope() == nullptr) {
    throw ValueError("conv2d: the activation prelu needs a slope for each channel");
  }
  return epilogue;
}

/// Runs conv2d_vjp with scratch from the tape's pool.
template <class T>
void run_conv2d_vjp(BufferPool<T>& pool, int threads, const Conv2dGeometry& g,
                    const typename Conv2dFilter<T>::Vjp& vjp, std::size_t seeds, const T* cotangent,
                    const std::uint8_t* mask, T* result, bool accumulate,
                    const std::uint8_t* keep = nullptr) {
  const auto sizes = kernels::conv2d_vjp_scratch<T>(vjp.plan, seeds);
  const auto parts = static_cast<std::size_t>(std::max(threads, 1));
  const PooledScratch<T> scratch(pool, sizes.elements * parts);
  std::vector<std::uint32_t> indices(sizes.indices * parts);
  kernels::conv2d_vjp<T>(g, vjp.plan, vjp.packed.data(), seeds, cotangent, mask, result, accumulate,
                         keep, scratch.data(), indices.data(), threads);
}

template <class T>
void run_conv2d(BufferPool<T>& pool, int threads, const Conv2dGeometry& g,
                const Conv2dFilter<T>& filter, const T* input,
                const kernels::Epilogue<T>& epilogue, T* output) {
  const auto parts = static_cast<std::size_t>(std::max(threads, 1));
  const PooledScratch<T> scratch(pool, kernels::conv2d_scratch<T>(g) * parts);
  kernels::conv2d<T>(g, input, filter.packed(), epilogue, output, scratch.data(), threads);
}

}  // namespace internal

/// act(x * filter + bias): x [N, H, W, C_in] -> [N, H', W', C_out]. The filter is a constant.
template <class T>
Var<T> conv2d(const Var<T>& x, const std::shared_ptr<const Conv2dFilter<T>>& filter,
              const Conv2dOptions& options = {}) {
  Tape<T>& tape = x.tape();
  const Conv2dGeometry g =
      internal::conv2d_geometry("conv2d", x.shape(), filter->kernel_height(),
                                filter->kernel_width(), filter->out_channels(), options);
  internal::require_channels("conv2d", *filter, filter->in_channels(), filter->out_channels(),
                             g.in_channels);
  internal::FusedActivation<T> fused(tape, options.activation, g.batch * g.out_pixels(),
                                     g.out_channels, filter, x.requires_grad());
  Tensor<T> value = tape.pool().take({g.batch, g.out_height, g.out_width, g.out_channels});
  internal::run_conv2d(tape.pool(), tape.threads(), g, *filter, x.value().data(),
                       internal::epilogue_of(*filter, options.activation, fused.mask_data()),
                       value.data());
  auto output = tape.pool().share(std::move(value));
  if (options.activation == Activation::sigmoid && x.requires_grad()) fused.output = output;
  const auto rectifier = fused.is_mask() ? fused.mask : nullptr;
  const Var<T> result = tape.record(
      "conv2d", std::move(output), {x}, [=, fused = std::move(fused)](Pullback<T>& p) {
        const auto target = p.target(0);
        if (!target) return;
        const auto vjp = filter->vjp(g);
        // A depthwise layer before this one reads its cotangent many times: silence it here, once.
        const std::uint8_t* keep =
            g.stride_height == 1 && g.stride_width == 1 ? p.rectifier(0) : nullptr;
        if (keep != nullptr) p.rectified(0);
        const auto run = [&](const T* cotangent, const std::uint8_t* mask) {
          internal::run_conv2d_vjp(p.pool(), p.threads(), g, *vjp, p.count(), cotangent, mask,
                                   target.data, target.accumulate, keep);
        };
        if (fused.is_pointwise_map()) {
          const auto before = p.scratch(p.count() * g.out_size());
          fused.map(p.count(), p.cotangent(), before.data(), p.threads());
          run(before.data(), nullptr);
        } else {
          run(p.cotangent(), fused.is_mask() ? fused.mask_data() : nullptr);
        }
      });
  if (rectifier != nullptr) tape.declare_rectifier(result, rectifier);
  return result;
}

/// x * filter + bias with a filter [kernel_height, kernel_width, C_in, C_out] and a bias [C_out]
/// (an empty handle for none) that are differentiated too. `options.activation` is none, relu or
/// relu6.
template <class T>
Var<T> conv2d(const Var<T>& x, const Var<T>& filter, const Var<T>& bias = {},
              const Conv2dOptions& options = {}) {
  Tape<T>& tape = x.tape();
  if (options.activation != Activation::none && options.activation != Activation::relu &&
      options.activation != Activation::relu6) {
    throw ValueError("conv2d: with a differentiable filter the activation must be none, relu or relu6");
  }
  std::optional<Tensor<T>> bias_value;
  if (bias.valid()) bias_value = bias.value();
  const auto constant = std::make_shared<const Conv2dFilter<T>>(filter.value(), bias_value);
  const Conv2dGeometry g =
      internal::conv2d_geometry("conv2d", x.shape(), constant->kernel_height(),
                                constant->kernel_width(), constant->out_channels(), options);
  internal::require_channels("conv2d", *constant, constant->in_channels(),
                             constant->out_channels(), g.in_channels);
  const bool differentiate =
      x.requires_grad() || filter.requires_grad() || (bias.valid() && bias.requires_grad());
  internal::FusedActivation<T> fused(tape, options.activation, g.batch * g.out_pixels(),
                                     g.out_channels, constant, differentiate);
  Tensor<T> value = tape.pool().take({g.batch, g.out_height, g.out_width, g.out_channels});
  internal::run_conv2d(tape.pool(), tape.threads(), g, *constant, x.value().data(),
                       internal::epilogue_of(*constant, options.activation, fused.mask_data()),
                       value.data());
  const auto image = filter.requires_grad() ? tape.shared_value(x) : nullptr;
  std::vector<Var<T>> operands{x, filter};
  if (bias.valid()) operands.push_back(bias);
  return tape.record(
      "conv2d", std::move(value), operands,
      [=, has_bias = bias.valid(), fused = std::move(fused)](Pullback<T>& p) {
        if (const auto target = p.target(0)) {
          internal::run_conv2d_vjp(p.pool(), p.threads(), g, *constant->vjp(g), p.count(),
                                   p.cotangent(), fused.is_mask() ? fused.mask_data() : nullptr,
                                   target.data, target.accumulate);
        }
        const bool wants_bias = has_bias && p.wants(2);
        if (!p.wants(1) && !wants_bias) return;
        const auto masked = p.scratch(fused.is_mask() ? p.count() * g.out_size() : 0);
        const T* cotangent = p.cotangent();
        if (fused.is_mask()) {
          fused.map(p.count(), p.cotangent(), masked.data(), p.threads());
          cotangent = masked.data();
        }
        if (const auto target = p.target(1)) {
          const std::size_t size = constant->filter().size();
          if (!target.accumulate) std::fill_n(target.data, p.count() * size, T(0));
          const auto scratch = p.scratch(kernels::conv2d_filter_vjp_scratch(g));
          for (std::size_t k = 0; k < p.count(); ++k) {
            kernels::conv2d_filter_vjp<T>(g, image->data(), cotangent + k * g.out_size(),
                                          target.data + k * size, scratch.data(), p.threads());
          }
        }
        if (!wants_bias) return;
        const auto target = p.target(2);
        if (!target.accumulate) std::fill_n(target.data, p.count() * g.out_channels, T(0));
        for (std::size_t k = 0; k < p.count(); ++k) {
          kernels::bias_vjp(g.batch * g.out_pixels(), g.out_channels, cotangent + k * g.out_size(),
                            target.data + k * g.out_channels);
        }
      });
}

/// act(depthwise(x, filter) + bias): each channel has its own kernel. x [N, H, W, C], filter
/// [kernel_height, kernel_width, C, 1] -> [N, H', W', C]. The filter is a constant.
template <class T>
Var<T> depthwise_conv2d(const Var<T>& x, const std::shared_ptr<const Conv2dFilter<T>>& filter,
                        const Conv2dOptions& options = {}) {
  Tape<T>& tape = x.tape();
  if (filter->out_channels() != 1) {
    throw ShapeError(error_text("depthwise_conv2d: filter has shape ",
                                to_string(filter->filter().shape()),
                                ", expected a channel multiplier (last axis) of 1"));
  }
  const Conv2dGeometry g =
      internal::conv2d_geometry("depthwise_conv2d", x.shape(), filter->kernel_height(),
                                filter->kernel_width(), filter->in_channels(), options);
  internal::require_channels("depthwise_conv2d", *filter, filter->in_channels(),
                             filter->in_channels(), g.in_channels);
  internal::FusedActivation<T> fused(tape, options.activation, g.batch * g.out_pixels(),
                                     g.out_channels, filter, x.requires_grad());
  Tensor<T> value = tape.pool().take({g.batch, g.out_height, g.out_width, g.out_channels});
  kernels::depthwise_conv2d<T>(
      g, x.value().data(), filter->filter().data(),
      internal::epilogue_of(*filter, options.activation, fused.mask_data()), value.data(),
      tape.threads());
  auto output = tape.pool().share(std::move(value));
  if (options.activation == Activation::sigmoid && x.requires_grad()) fused.output = output;
  const auto rectifier = fused.is_mask() ? fused.mask : nullptr;
  const Var<T> result = tape.record(
      "depthwise_conv2d", std::move(output), {x}, [=, fused = std::move(fused)](Pullback<T>& p) {
        const auto target = p.target(0);
        if (!target) return;
        const auto run = [&](const T* cotangent, const std::uint8_t* mask) {
          kernels::depthwise_conv2d_vjp<T>(g, filter->filter().data(), p.count(), cotangent, mask,
                                           target.data, target.accumulate, p.threads());
        };
        if (fused.is_pointwise_map()) {
          const auto before = p.scratch(p.count() * g.out_size());
          fused.map(p.count(), p.cotangent(), before.data(), p.threads());
          run(before.data(), nullptr);
        } else {
          run(p.cotangent(), fused.is_mask() && !p.is_rectified() ? fused.mask_data() : nullptr);
        }
      });
  if (rectifier != nullptr) tape.declare_rectifier(result, rectifier);
  return result;
}

/// depthwise(x, filter) + bias with a filter [kernel_height, kernel_width, C, 1] and a bias [C] (an
/// empty handle for none) that are differentiated too.
template <class T>
Var<T> depthwise_conv2d(const Var<T>& x, const Var<T>& filter, const Var<T>& bias = {},
                        const Conv2dOptions& options = {}) {
  if (options.activation != Activation::none) {
    throw ValueError("depthwise_conv2d: with a differentiable filter there is no fused activation");
  }
  Tape<T>& tape = x.tape();
  const auto constant = std::make_shared<const Conv2dFilter<T>>(filter.value());
  if (constant->out_channels() != 1) {
    throw ShapeError(error_text("depthwise_conv2d: filter has shape ", to_string(filter.shape()),
                                ", expected a channel multiplier (last axis) of 1"));
  }
  const Conv2dGeometry g =
      internal::conv2d_geometry("depthwise_conv2d", x.shape(), constant->kernel_height(),
                                constant->kernel_width(), constant->in_channels(), options);
  internal::require_channels("depthwise_conv2d", *constant, constant->in_channels(),
                             constant->in_channels(), g.in_channels);
  Tensor<T> value = tape.pool().take({g.batch, g.out_height, g.out_width, g.out_channels});
  kernels::depthwise_conv2d<T>(g, x.value().data(), constant->filter().data(), {}, value.data(),
                               tape.threads());
  const auto image = filter.requires_grad() ? tape.shared_value(x) : nullptr;
  const Var<T> product = tape.record(
      "depthwise_conv2d", std::move(value), {x, filter}, [=](Pullback<T>& p) {
        if (const auto target = p.target(0)) {
          kernels::depthwise_conv2d_vjp<T>(g, constant->filter().data(), p.count(), p.cotangent(),
                                           nullptr, target.data, target.accumulate, p.threads());
        }
        if (const auto target = p.target(1)) {
          const std::size_t size = constant->filter().size();
          if (!target.accumulate) std::fill_n(target.data, p.count() * size, T(0));
          for (std::size_t k = 0; k < p.count(); ++k) {
            kernels::depthwise_filter_vjp(g, image->data(), p.cotangent() + k * g.out_size(),
                                          target.data + k * size, p.threads());
          }
        }
      });
  return bias.valid() ? product + bias : product;
}

/// The transpose of a convolution: x [N, h, w, C_in] -> [N, H, W, C_out] where a convolution with
/// `filter` [kernel_height, kernel_width, C_out, C_in] takes [N, H, W, C_out] to x's shape.
/// `output_size` is (H, W).
template <class T>
Var<T> conv2d_transpose(const Var<T>& x, const std::shared_ptr<const Conv2dFilter<T>>& filter,
                        std::array<std::size_t, 2> output_size,
                        const Conv2dTransposeOptions& options = {}) {
  Tape<T>& tape = x.tape();
  const Shape in = x.shape();
  if (in.size() != 4) {
    throw ShapeError(error_text("conv2d_transpose: x has shape ", to_string(in),
                                ", expected rank 4 [N, H, W, C]"));
  }
  const Conv2dGeometry g = internal::conv2d_geometry(
      "conv2d_transpose", {in[0], output_size[0], output_size[1], filter->in_channels()},
      filter->kernel_height(), filter->kernel_width(), filter->out_channels(),
      {options.stride, options.dilation, options.padding, Activation::none});
  if (g.out_height != in[1] || g.out_width != in[2] || g.out_channels != in[3]) {
    throw ShapeError(error_text("conv2d_transpose: x has shape ", to_string(in),
                                ", but an output of ", output_size[0], " x ", output_size[1],
                                " belongs to [", in[0], ", ", g.out_height, ", ", g.out_width, ", ",
                                g.out_channels, "]"));
  }
  Tensor<T> value = tape.pool().take({g.batch, g.in_height, g.in_width, g.in_channels});
  internal::run_conv2d_vjp(tape.pool(), tape.threads(), g, *filter->vjp(g), 1, x.value().data(),
                           nullptr, value.data(), false);
  return tape.record("conv2d_transpose", std::move(value), {x}, [=](Pullback<T>& p) {
    const auto target = p.target(0);
    if (!target) return;
    Conv2dGeometry stacked = g;
    stacked.batch *= p.count();
    kernels::Epilogue<T> epilogue;
    epilogue.accumulate = target.accumulate;
    internal::run_conv2d(p.pool(), p.threads(), stacked, *filter, p.cotangent(), epilogue,
                         target.data);
  });
}

}  // namespace posekit::inline POSEKIT_ISA
