#pragma once

// Convolutions of NHWC images with weights in PyTorch's layout.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include <posekit/autodiff/window_geometry.hpp>
#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/nn/filter_cache.hpp>
#include <posekit/nn/module.hpp>

namespace posekit::inline POSEKIT_ISA::nn {

/// Pairs are (height, width).
struct Conv2dOptions {
  std::size_t in_channels = 0, out_channels = 0;
  std::array<std::size_t, 2> kernel{3, 3};
  std::array<std::size_t, 2> stride{1, 1};
  std::array<std::size_t, 2> padding{0, 0};  ///< on both sides
  std::array<std::size_t, 2> dilation{1, 1};
  std::size_t groups = 1;  ///< of channels that do not see each other
  bool bias = true;
  std::uint64_t seed = 0;
};

/// x [N, H, W, in] -> [N, H', W', out]. Parameters: weight [out, in / groups, kernel height, kernel
/// width], bias [out].
template <class T>
struct Conv2d {
  using value_type = T;
  Conv2dOptions options;
  Parameter<T> weight;
  std::optional<Parameter<T>> bias;
  bool training = true;
  FilterCache<T> cache;  ///< outside training

  /// Throws ValueError where channels and groups do not fit.
  explicit Conv2d(const Conv2dOptions& given);

  posekit::Conv2dOptions geometry() const;

  Var<T> operator()(const Var<T>& x) const;

  void visit(ModuleVisitor<T>& v);
};

/// Pairs are (height, width).
struct ConvTranspose2dOptions {
  std::size_t in_channels = 0, out_channels = 0;
  std::array<std::size_t, 2> kernel{3, 3};
  std::array<std::size_t, 2> stride{1, 1};
  std::array<std::size_t, 2> padding{0, 0};         ///< of the convolution it is the transpose of
  std::array<std::size_t, 2> output_padding{0, 0};  ///< added to the output's extents
  std::array<std::size_t, 2> dilation{1, 1};
  std::size_t groups = 1;
  bool bias = true;
  std::uint64_t seed = 0;
};

/// x [N, h, w, in] -> [N, (h - 1) stride - 2 padding + (kernel - 1) dilation + output padding + 1,
/// ..., out]. Parameters: weight [in, out / groups, kernel height, kernel width], bias [out].
template <class T>
struct ConvTranspose2d {
  using value_type = T;
  ConvTranspose2dOptions options;
  Parameter<T> weight;
  std::optional<Parameter<T>> bias;
  bool training = true;
  FilterCache<T> cache;  ///< outside training

  /// Throws ValueError where channels and groups do not fit, and where an output padding is as
  /// large as the stride and the dilation, or as stride and padding together.
  explicit ConvTranspose2d(const ConvTranspose2dOptions& given);

  /// (height, width) of the output. Throws ShapeError where there is none.
  std::array<std::size_t, 2> output_size(const Shape& x) const;

  Var<T> operator()(const Var<T>& x) const;

  void visit(ModuleVisitor<T>& v);
};

}  // namespace posekit::inline POSEKIT_ISA::nn

#if POSEKIT_DEFINES_NN

#include <posekit/autodiff/arithmetic.hpp>
#include <posekit/autodiff/convolution.hpp>
#include <posekit/autodiff/depthwise_convolution.hpp>
#include <posekit/autodiff/shaping.hpp>
#include <posekit/nn/constant_filter.hpp>
#include <posekit/nn/initialization.hpp>

namespace posekit::inline POSEKIT_ISA::nn {

namespace internal {

inline void require_channels_and_groups(const char* name, std::size_t in, std::size_t out,
                                        std::size_t groups) {
  if (in == 0 || out == 0 || groups == 0 || in % groups != 0 || out % groups != 0) {
    throw ValueError(error_text(name, ": ", in, " input and ", out, " output channels in ", groups,
                                " groups, expected multiples of the groups, all more than 0"));
  }
}

inline Padding2d both_sides(const std::array<std::size_t, 2>& padding) {
  return Padding2d::of(padding[0], padding[0], padding[1], padding[1]);
}

/// `layer(x's channels, weight's rows)` for each group, joined.
template <class T, class Apply>
Var<T> in_groups(const Var<T>& x, const Var<T>& weight, std::size_t groups, const Apply& apply) {
  if (groups == 1) return apply(x, weight);
  const std::size_t channels = x.shape().back() / groups, rows = weight.shape()[0] / groups;
  std::vector<Var<T>> parts;
  for (std::size_t i = 0; i < groups; ++i) {
    parts.push_back(apply(slice(x, -1, i * channels, (i + 1) * channels),
                          slice(weight, 0, i * rows, (i + 1) * rows)));
  }
  return concatenate(parts, -1);
}

}  // namespace internal

template <class T>
Conv2d<T>::Conv2d(const Conv2dOptions& given) : options(given) {
  internal::require_channels_and_groups("Conv2d", options.in_channels, options.out_channels,
                                        options.groups);
  weight = usual_weight<T>({options.out_channels, options.in_channels / options.groups,
                            options.kernel[0], options.kernel[1]},
                           options.seed);
  if (options.bias) bias = Parameter<T>(zeros<T>({options.out_channels}));
}

template <class T>
posekit::Conv2dOptions Conv2d<T>::geometry() const {
  return {options.stride, options.dilation, internal::both_sides(options.padding),
          Activation::none};
}

template <class T>
Var<T> Conv2d<T>::operator()(const Var<T>& x) const {
  Tape<T>& tape = x.tape();
  if (x.dimension() != 4 || x.shape()[3] != options.in_channels) {
    throw ShapeError(error_text("Conv2d: x has shape ", to_string(x.shape()),
                                ", expected [N, H, W, ", options.in_channels, "]"));
  }
  if (!training && options.groups == 1)
    return conv2d(x, constant_filter(weight, bias, cache), geometry());
  const Var<T> w = weight.on(tape, training);
  const Var<T> shift = bias ? bias->on(tape, training) : Var<T>();
  const std::size_t groups = options.groups;
  if (groups == 1) return conv2d(x, transpose(w, {2, 3, 1, 0}), shift, geometry());
  if (groups == options.in_channels && groups == options.out_channels)
    return depthwise_conv2d(x, transpose(w, {2, 3, 0, 1}), shift, geometry());
  const Var<T> y = internal::in_groups(x, w, groups, [&](const Var<T>& part, const Var<T>& rows) {
    return conv2d(part, transpose(rows, {2, 3, 1, 0}), Var<T>(), geometry());
  });
  return bias ? y + shift : y;
}

template <class T>
void Conv2d<T>::visit(ModuleVisitor<T>& v) {
  v.training(training);
  v("weight", weight);
  if (bias) v("bias", *bias);
}

template <class T>
ConvTranspose2d<T>::ConvTranspose2d(const ConvTranspose2dOptions& given) : options(given) {
  internal::require_channels_and_groups("ConvTranspose2d", options.in_channels,
                                        options.out_channels, options.groups);
  for (std::size_t a = 0; a < 2; ++a) {
    if (options.output_padding[a] >= std::max(options.stride[a], options.dilation[a])) {
      throw ValueError(error_text("ConvTranspose2d: output_padding ", options.output_padding[a],
                                  " is not smaller than stride ", options.stride[a],
                                  " or dilation ", options.dilation[a]));
    }
    if (options.output_padding[a] >= options.stride[a] + options.padding[a]) {
      throw ValueError(error_text("ConvTranspose2d: output_padding ", options.output_padding[a],
                                  " is not smaller than stride ", options.stride[a],
                                  " and padding ", options.padding[a], " together"));
    }
  }
  weight = usual_weight<T>({options.in_channels, options.out_channels / options.groups,
                            options.kernel[0], options.kernel[1]},
                           options.seed);
  if (options.bias) bias = Parameter<T>(zeros<T>({options.out_channels}));
}

template <class T>
std::array<std::size_t, 2> ConvTranspose2d<T>::output_size(const Shape& x) const {
  if (x.size() != 4 || x[3] != options.in_channels) {
    throw ShapeError(error_text("ConvTranspose2d: x has shape ", to_string(x),
                                ", expected [N, H, W, ", options.in_channels, "]"));
  }
  std::array<std::size_t, 2> size{};
  for (std::size_t a = 0; a < 2; ++a) {
    const std::size_t full = (x[1 + a] == 0 ? 0 : x[1 + a] - 1) * options.stride[a] +
                             (options.kernel[a] - 1) * options.dilation[a] +
                             options.output_padding[a] + 1;
    if (x[1 + a] == 0 || full <= 2 * options.padding[a]) {
      throw ShapeError(error_text("ConvTranspose2d: nothing is left of x with shape ", to_string(x),
                                  " after a padding of ", options.padding[a]));
    }
    size[a] = full - 2 * options.padding[a];
  }
  return size;
}

template <class T>
Var<T> ConvTranspose2d<T>::operator()(const Var<T>& x) const {
  Tape<T>& tape = x.tape();
  const auto size = output_size(x.shape());
  Conv2dTransposeOptions geometry{options.stride, options.dilation,
                                  internal::both_sides(options.padding)};
  // The output's padding is where the convolution's was: after the image that is so much less.
  geometry.padding.bottom -= std::min(options.output_padding[0], options.padding[0]);
  geometry.padding.right -= std::min(options.output_padding[1], options.padding[1]);
  if (!training && options.groups == 1) {
    const auto filter = cache.get(weight.fingerprint(), {}, [&] {
      return std::make_shared<const Conv2dFilter<T>>(filter_layout(weight.value()));
    });
    const Var<T> y = conv2d_transpose(x, filter, size, geometry);
    return bias ? y + bias->on(tape, false) : y;
  }
  const Var<T> y = internal::in_groups(
      x, weight.on(tape, training), options.groups, [&](const Var<T>& part, const Var<T>& rows) {
        return conv2d_transpose(part, transpose(rows, {2, 3, 1, 0}), size, geometry);
      });
  return bias ? y + bias->on(tape, training) : y;
}

template <class T>
void ConvTranspose2d<T>::visit(ModuleVisitor<T>& v) {
  v.training(training);
  v("weight", weight);
  if (bias) v("bias", *bias);
}

}  // namespace posekit::inline POSEKIT_ISA::nn

#endif  // POSEKIT_DEFINES_NN
