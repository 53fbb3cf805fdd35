#pragma once

// Two-dimensional convolutions of NHWC images, with what usually follows them fused in.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include <posekit/autodiff/conv2d_filter.hpp>
#include <posekit/autodiff/tape.hpp>
#include <posekit/autodiff/window_geometry.hpp>
#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>

namespace posekit::inline POSEKIT_ISA {

/// act(x * filter + bias): x [N, H, W, C_in] -> [N, H', W', C_out]. The filter is a constant.
template <class T>
Var<T> conv2d(const Var<T>& x, const std::shared_ptr<const Conv2dFilter<T>>& filter,
              const Conv2dOptions& options = {});

/// x * filter + bias with a filter [kernel_height, kernel_width, C_in, C_out] and a bias [C_out]
/// (an empty handle for none) that are differentiated too. `options.activation` is none, relu or
/// relu6.
template <class T>
Var<T> conv2d(const Var<T>& x, const Var<T>& filter, const Var<T>& bias = {},
              const Conv2dOptions& options = {});

/// The transpose of a convolution: x [N, h, w, C_in] -> [N, H, W, C_out] where a convolution with
/// `filter` [kernel_height, kernel_width, C_out, C_in] takes [N, H, W, C_out] to x's shape.
/// `output_size` is (H, W).
template <class T>
Var<T> conv2d_transpose(const Var<T>& x, const std::shared_ptr<const Conv2dFilter<T>>& filter,
                        std::array<std::size_t, 2> output_size,
                        const Conv2dTransposeOptions& options = {});

/// The same with a filter that is differentiated too.
template <class T>
Var<T> conv2d_transpose(const Var<T>& x, const Var<T>& filter,
                        std::array<std::size_t, 2> output_size,
                        const Conv2dTransposeOptions& options = {});

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_AUTODIFF

#include <posekit/autodiff/buffer_pool.hpp>
#include <posekit/autodiff/fused_activation.hpp>
#include <posekit/kernels/conv2d.hpp>
#include <posekit/kernels/conv2d_filter_vjp.hpp>
#include <posekit/kernels/conv2d_vjp.hpp>
#include <posekit/kernels/strided_reduce.hpp>

namespace posekit::inline POSEKIT_ISA {

namespace internal {

/// Runs conv2d_vjp with scratch from the tape's pool.
template <class T>
void run_conv2d_vjp(BufferPool<T>& pool, int threads, const Conv2dGeometry& g,
                    const typename Conv2dFilter<T>::Vjp& vjp, std::size_t seeds, const T* cotangent,
                    const std::uint8_t* mask, T* result, bool accumulate,
                    const std::uint8_t* keep = nullptr);

template <class T>
void run_conv2d(BufferPool<T>& pool, int threads, const Conv2dGeometry& g,
                const Conv2dFilter<T>& filter, const T* input, const kernels::Epilogue<T>& epilogue,
                T* output);

}  // namespace internal

namespace internal {

template <class T>
void run_conv2d_vjp(BufferPool<T>& pool, int threads, const Conv2dGeometry& g,
                    const typename Conv2dFilter<T>::Vjp& vjp, std::size_t seeds, const T* cotangent,
                    const std::uint8_t* mask, T* result, bool accumulate,
                    const std::uint8_t* keep) {
  const auto sizes = kernels::conv2d_vjp_scratch<T>(vjp.plan, seeds);
  const auto parts = static_cast<std::size_t>(std::max(threads, 1));
  const PooledScratch<T> scratch(pool, sizes.elements * parts);
  std::vector<std::uint32_t> indices(sizes.indices * parts);
  kernels::conv2d_vjp<T>(g, vjp.plan, vjp.packed.data(), seeds, cotangent, mask, result, accumulate,
                         keep, scratch.data(), indices.data(), threads);
}

template <class T>
void run_conv2d(BufferPool<T>& pool, int threads, const Conv2dGeometry& g,
                const Conv2dFilter<T>& filter, const T* input, const kernels::Epilogue<T>& epilogue,
                T* output) {
  const auto parts = static_cast<std::size_t>(std::max(threads, 1));
  const PooledScratch<T> scratch(pool, kernels::conv2d_scratch<T>(g) * parts);
  kernels::conv2d<T>(g, input, filter.packed(), epilogue, output, scratch.data(), threads);
}

/// The filter's gradient for `count` pairs of an image and a cotangent of the convolution's output,
/// `image_step` and `cotangent_step` elements apart.
template <class T>
void run_conv2d_filter_vjp(Pullback<T>& p, std::size_t operand, const Conv2dGeometry& g,
                           const T* image, std::size_t image_step, const T* cotangent,
                           std::size_t cotangent_step) {
  const auto target = p.target(operand);
  if (!target) return;
  const std::size_t size = g.kernel_height * g.kernel_width * g.in_channels * g.out_channels;
  target.put_nothing(0, p.count() * size);
  const auto scratch = p.scratch(kernels::conv2d_filter_vjp_scratch<T>(g, p.threads()));
  for (std::size_t k = 0; k < p.count(); ++k) {
    kernels::conv2d_filter_vjp<T>(g, image + k * image_step, cotangent + k * cotangent_step,
                                  target.data + k * size, scratch.data(), p.threads());
  }
}

}  // namespace internal

template <class T>
Var<T> conv2d(const Var<T>& x, const std::shared_ptr<const Conv2dFilter<T>>& filter,
              const Conv2dOptions& options) {
  Tape<T>& tape = x.tape();
  const Conv2dGeometry g =
      internal::conv2d_geometry("conv2d", x.shape(), filter->kernel_height(),
                                filter->kernel_width(), filter->out_channels(), options);
  internal::require_channels("conv2d", *filter, filter->in_channels(), filter->out_channels(),
                             g.in_channels);
  internal::FusedActivation<T> fused(tape, options.activation, g.batch * g.out_pixels(),
                                     g.out_channels, filter, x.requires_grad());
  Tensor<T> value = tape.pool().take({g.batch, g.out_height, g.out_width, g.out_channels});
  internal::run_conv2d(tape.pool(), tape.threads(), g, *filter, x.data(),
                       internal::epilogue_of(*filter, options.activation, fused.mask_data()),
                       value.data());
  return internal::record_fused(
      "conv2d", x, std::move(value), std::move(fused),
      [=](Pullback<T>& p, const auto& target, const T* cotangent, const std::uint8_t* mask) {
        // A depthwise layer before this one reads its cotangent many times: silence it here, once.
        const std::uint8_t* keep =
            g.stride_height == 1 && g.stride_width == 1 ? p.rectifier(0) : nullptr;
        if (keep != nullptr) p.rectified(0);
        internal::run_conv2d_vjp(p.pool(), p.threads(), g, *filter->vjp(g), p.count(), cotangent,
                                 mask, target.data, target.accumulate, keep);
      });
}

template <class T>
Var<T> conv2d(const Var<T>& x, const Var<T>& filter, const Var<T>& bias,
              const Conv2dOptions& options) {
  Tape<T>& tape = x.tape();
  if (options.activation != Activation::none && options.activation != Activation::relu &&
      options.activation != Activation::relu6) {
    throw ValueError(
        "conv2d: with a differentiable filter the activation must be none, relu or relu6");
  }
  std::optional<Tensor<T>> bias_value;
  if (bias.valid()) bias_value = bias.value();
  const auto constant =
      std::make_shared<const Conv2dFilter<T>>(tape.shared_value(filter), bias_value);
  const Conv2dGeometry g =
      internal::conv2d_geometry("conv2d", x.shape(), constant->kernel_height(),
                                constant->kernel_width(), constant->out_channels(), options);
  internal::require_channels("conv2d", *constant, constant->in_channels(), constant->out_channels(),
                             g.in_channels);
  const bool differentiate =
      x.requires_grad() || filter.requires_grad() || (bias.valid() && bias.requires_grad());
  internal::FusedActivation<T> fused(tape, options.activation, g.batch * g.out_pixels(),
                                     g.out_channels, constant, differentiate);
  Tensor<T> value = tape.pool().take({g.batch, g.out_height, g.out_width, g.out_channels});
  internal::run_conv2d(tape.pool(), tape.threads(), g, *constant, x.data(),
                       internal::epilogue_of(*constant, options.activation, fused.mask_data()),
                       value.data());
  constant->drop_packed();  // the pullback packs it in another form
  const auto image = filter.requires_grad() ? tape.elements(x) : nullptr;
  std::vector<Var<T>> operands{x, filter};
  if (bias.valid()) operands.push_back(bias);
  return tape.record(
      "conv2d", std::move(value), operands,
      [=, has_bias = bias.valid(), fused = std::move(fused)](Pullback<T>& p) {
        if (const auto target = p.target(0)) {
          internal::run_conv2d_vjp(p.pool(), p.threads(), g, *constant->vjp(g), p.count(),
                                   p.cotangent(), fused.is_mask() ? fused.mask_data() : nullptr,
                                   target.data, target.accumulate);
          constant->drop_packed();
        }
        const bool wants_bias = has_bias && p.wants(2);
        if (!p.wants(1) && !wants_bias) return;
        const auto masked = p.scratch(fused.is_mask() ? p.count() * g.out_size() : 0);
        const T* cotangent = p.cotangent();
        if (fused.is_mask()) {
          fused.map(p.count(), p.cotangent(), masked.data(), p.threads());
          cotangent = masked.data();
        }
        if (p.wants(1)) {
          internal::run_conv2d_filter_vjp(p, 1, g, image->data(), 0, cotangent, g.out_size());
        }
        if (!wants_bias) return;
        const auto target = p.target(2);
        target.put_nothing(0, p.count() * g.out_channels);
        for (std::size_t k = 0; k < p.count(); ++k) {
          kernels::sum_rows(g.batch * g.out_pixels(), g.out_channels, cotangent + k * g.out_size(),
                            target.data + k * g.out_channels, p.threads());
        }
      });
}

namespace internal {

/// The convolution that takes [N, H, W, C_out] to x's shape, `output_size` being (H, W). Throws
/// ShapeError where there is none.
template <class T>
Conv2dGeometry transposed_geometry(const Shape& in, const Conv2dFilter<T>& filter,
                                   std::array<std::size_t, 2> output_size,
                                   const Conv2dTransposeOptions& options) {
  if (in.size() != 4) {
    throw ShapeError(error_text("conv2d_transpose: x has shape ", to_string(in),
                                ", expected rank 4 [N, H, W, C]"));
  }
  const Conv2dGeometry g = conv2d_geometry(
      "conv2d_transpose", {in[0], output_size[0], output_size[1], filter.in_channels()},
      filter.kernel_height(), filter.kernel_width(), filter.out_channels(),
      {options.stride, options.dilation, options.padding, Activation::none});
  if (g.out_height != in[1] || g.out_width != in[2] || g.out_channels != in[3]) {
    throw ShapeError(error_text("conv2d_transpose: x has shape ", to_string(in),
                                ", but an output of ", output_size[0], " x ", output_size[1],
                                " belongs to [", in[0], ", ", g.out_height, ", ", g.out_width, ", ",
                                g.out_channels, "]"));
  }
  return g;
}

/// The vector-Jacobian product of a transposed convolution with respect to x: the convolution.
template <class T>
void conv2d_transpose_vjp(Pullback<T>& p, const Conv2dGeometry& g, const Conv2dFilter<T>& filter) {
  const auto target = p.target(0);
  if (!target) return;
  Conv2dGeometry stacked = g;
  stacked.batch *= p.count();
  kernels::Epilogue<T> epilogue;
  epilogue.accumulate = target.accumulate;
  run_conv2d(p.pool(), p.threads(), stacked, filter, p.cotangent(), epilogue, target.data);
}

}  // namespace internal

template <class T>
Var<T> conv2d_transpose(const Var<T>& x, const std::shared_ptr<const Conv2dFilter<T>>& filter,
                        std::array<std::size_t, 2> output_size,
                        const Conv2dTransposeOptions& options) {
  Tape<T>& tape = x.tape();
  const Conv2dGeometry g = internal::transposed_geometry(x.shape(), *filter, output_size, options);
  Tensor<T> value = tape.pool().take({g.batch, g.in_height, g.in_width, g.in_channels});
  internal::run_conv2d_vjp(tape.pool(), tape.threads(), g, *filter->vjp(g), 1, x.data(), nullptr,
                           value.data(), false);
  return tape.record("conv2d_transpose", std::move(value), {x},
                     [=](Pullback<T>& p) { internal::conv2d_transpose_vjp(p, g, *filter); });
}

template <class T>
Var<T> conv2d_transpose(const Var<T>& x, const Var<T>& filter,
                        std::array<std::size_t, 2> output_size,
                        const Conv2dTransposeOptions& options) {
  Tape<T>& tape = x.tape();
  const auto constant = std::make_shared<const Conv2dFilter<T>>(tape.shared_value(filter));
  const Conv2dGeometry g =
      internal::transposed_geometry(x.shape(), *constant, output_size, options);
  Tensor<T> value = tape.pool().take({g.batch, g.in_height, g.in_width, g.in_channels});
  internal::run_conv2d_vjp(tape.pool(), tape.threads(), g, *constant->vjp(g), 1, x.data(), nullptr,
                           value.data(), false);
  constant->drop_packed();
  const auto input = filter.requires_grad() ? tape.elements(x) : nullptr;
  return tape.record("conv2d_transpose", std::move(value), {x, filter}, [=](Pullback<T>& p) {
    internal::conv2d_transpose_vjp(p, g, *constant);
    constant->drop_packed();
    // Image and output change places: the cotangent is what the convolution reads.
    if (p.wants(1)) {
      internal::run_conv2d_filter_vjp(p, 1, g, p.cotangent(), g.in_size(), input->data(), 0);
    }
  });
}

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_AUTODIFF
