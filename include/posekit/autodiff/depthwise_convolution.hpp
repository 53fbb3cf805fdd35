#pragma once

// Convolutions of NHWC images in which each channel has its own kernel.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include <posekit/autodiff/conv2d_filter.hpp>
#include <posekit/autodiff/tape.hpp>
#include <posekit/autodiff/window_geometry.hpp>
#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>

namespace posekit::inline POSEKIT_ISA {

/// act(depthwise(x, filter) + bias): each channel has its own kernel. x [N, H, W, C], filter
/// [kernel_height, kernel_width, C, 1] -> [N, H', W', C]. The filter is a constant.
template <class T>
Var<T> depthwise_conv2d(const Var<T>& x, const std::shared_ptr<const Conv2dFilter<T>>& filter,
                        const Conv2dOptions& options = {});

/// depthwise(x, filter) + bias with a filter [kernel_height, kernel_width, C, 1] and a bias [C] (an
/// empty handle for none) that are differentiated too.
template <class T>
Var<T> depthwise_conv2d(const Var<T>& x, const Var<T>& filter, const Var<T>& bias = {},
                        const Conv2dOptions& options = {});

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_AUTODIFF

#include <posekit/autodiff/arithmetic.hpp>
#include <posekit/autodiff/fused_activation.hpp>
#include <posekit/kernels/conv2d_filter_vjp.hpp>
#include <posekit/kernels/depthwise_conv2d.hpp>

namespace posekit::inline POSEKIT_ISA {

template <class T>
Var<T> depthwise_conv2d(const Var<T>& x, const std::shared_ptr<const Conv2dFilter<T>>& filter,
                        const Conv2dOptions& options) {
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
      g, x.data(), filter->filter().data(),
      internal::epilogue_of(*filter, options.activation, fused.mask_data()), value.data(),
      tape.threads());
  return internal::record_fused(
      "depthwise_conv2d", x, std::move(value), std::move(fused),
      [=](Pullback<T>& p, const auto& target, const T* cotangent, const std::uint8_t* mask) {
        kernels::depthwise_conv2d_vjp<T>(g, filter->filter().data(), p.count(), cotangent, mask,
                                         target.data, target.accumulate, p.threads());
      });
}

template <class T>
Var<T> depthwise_conv2d(const Var<T>& x, const Var<T>& filter, const Var<T>& bias,
                        const Conv2dOptions& options) {
  if (options.activation != Activation::none) {
    throw ValueError("depthwise_conv2d: with a differentiable filter there is no fused activation");
  }
  Tape<T>& tape = x.tape();
  const auto constant = std::make_shared<const Conv2dFilter<T>>(tape.shared_value(filter));
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
  kernels::depthwise_conv2d<T>(g, x.data(), constant->filter().data(), {}, value.data(),
                               tape.threads());
  const auto image = filter.requires_grad() ? tape.elements(x) : nullptr;
  const Var<T> product =
      tape.record("depthwise_conv2d", std::move(value), {x, filter}, [=](Pullback<T>& p) {
        if (const auto target = p.target(0)) {
          kernels::depthwise_conv2d_vjp<T>(g, constant->filter().data(), p.count(), p.cotangent(),
                                           nullptr, target.data, target.accumulate, p.threads());
        }
        if (const auto target = p.target(1)) {
          const std::size_t size = constant->filter().size();
          target.put_nothing(0, p.count() * size);
          for (std::size_t k = 0; k < p.count(); ++k) {
            kernels::depthwise_filter_vjp(g, image->data(), p.cotangent() + k * g.out_size(),
                                          target.data + k * size, p.threads());
          }
        }
      });
  return bias.valid() ? product + bias : product;
}

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_AUTODIFF
