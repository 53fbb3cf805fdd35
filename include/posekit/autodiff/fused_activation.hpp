#pragma once

// Convolutions with a bias and an activation fused in, on the tape.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include <posekit/autodiff/conv2d_filter.hpp>
#include <posekit/autodiff/tape.hpp>
#include <posekit/autodiff/window_geometry.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/kernels/activation.hpp>
#include <posekit/kernels/epilogue.hpp>

namespace posekit::inline POSEKIT_ISA::internal {

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
      throw ShapeError(error_text(name, ": ", what, " has ", size,
                                  " elements, expected one for each of ", out_channels,
                                  " output channels"));
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

/// Records a convolution of x with a constant filter, whose product `value` went through `fused`.
/// `vjp(pullback, target, cotangent, mask)` computes x's cotangent from the product's: that is
/// `cotangent`, silenced where `mask` says so unless it is null.
template <class T, class Vjp>
Var<T> record_fused(const char* name, const Var<T>& x, Tensor<T> value, FusedActivation<T> fused,
                    Vjp vjp) {
  Tape<T>& tape = x.tape();
  auto output = tape.pool().share(std::move(value));
  if (fused.activation == Activation::sigmoid && x.requires_grad()) fused.output = output;
  const auto rectifier = fused.is_mask() ? fused.mask : nullptr;
  const Var<T> result =
      tape.record(name, std::move(output), {x},
                  [fused = std::move(fused), vjp = std::move(vjp)](Pullback<T>& p) {
                    const auto target = p.target(0);
                    if (!target) return;
                    if (fused.is_pointwise_map()) {
                      const auto before = p.scratch(p.count() * fused.rows * fused.channels);
                      fused.map(p.count(), p.cotangent(), before.data(), p.threads());
                      vjp(p, target, before.data(), static_cast<const std::uint8_t*>(nullptr));
                    } else {
                      vjp(p, target, p.cotangent(),
                          fused.is_mask() && !p.is_rectified() ? fused.mask_data() : nullptr);
                    }
                  });
  if (rectifier != nullptr) tape.declare_rectifier(result, rectifier);
  return result;
}

}  // namespace posekit::inline POSEKIT_ISA::internal
