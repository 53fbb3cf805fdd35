#pragma once

// Sliding windows over NHWC images: borders, strides, and the extents that come of them.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>

#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/core/shape.hpp>
#include <posekit/kernels/activation_kind.hpp>
#include <posekit/kernels/conv2d_geometry.hpp>

namespace posekit::inline POSEKIT_ISA {

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

}  // namespace posekit::inline POSEKIT_ISA

namespace posekit::inline POSEKIT_ISA::internal {

struct WindowAxis {
  std::size_t out = 0;
  std::size_t before = 0;
  std::size_t padded = 0;    ///< the input's extent with its border
  std::size_t stride = 1;    ///< no more than `padded`
  std::size_t dilation = 1;  ///< 1 where there is one tap, or no window
};

/// Output extent and leading padding of a sliding window along one axis. Throws ValueError and
/// ShapeError.
WindowAxis window_axis(const char* name, std::size_t in, std::size_t kernel, std::size_t stride,
                       std::size_t dilation, Padding2d::Kind kind, std::size_t before,
                       std::size_t after);

Conv2dGeometry conv2d_geometry(const char* name, const Shape& image, std::size_t kernel_height,
                               std::size_t kernel_width, std::size_t out_channels,
                               const Conv2dOptions& options);

}  // namespace posekit::inline POSEKIT_ISA::internal

#if POSEKIT_DEFINES_AUTODIFF

#include <posekit/core/error.hpp>
#include <posekit/kernels/conv2d.hpp>

namespace posekit::inline POSEKIT_ISA::internal {

POSEKIT_INLINE WindowAxis window_axis(const char* name, std::size_t in, std::size_t kernel,
                                      std::size_t stride, std::size_t dilation,
                                      Padding2d::Kind kind, std::size_t before, std::size_t after) {
  if (stride == 0 || dilation == 0 || kernel == 0) {
    throw ValueError(error_text(name, ": kernel ", kernel, ", stride ", stride, " and dilation ",
                                dilation, " must be positive"));
  }
  const std::size_t reach = add_sizes(name, {multiply_sizes(name, kernel - 1, dilation), 1});
  WindowAxis axis;
  if (kind == Padding2d::Kind::same) {
    axis.out = in / stride + (in % stride != 0 ? 1 : 0);
    const std::size_t needed =
        axis.out == 0 ? 0 : add_sizes(name, {(axis.out - 1) * stride, reach});
    axis.before = needed > in ? (needed - in) / 2 : 0;
    axis.padded = std::max(in, needed);
  } else {
    if (kind == Padding2d::Kind::valid) before = after = 0;
    axis.before = before;
    axis.padded = add_sizes(name, {in, before, after});
    if (axis.padded < reach) {
      throw ShapeError(error_text(name, ": a window of ", reach,
                                  " pixels does not fit an image of ", axis.padded,
                                  " (padding included)"));
    }
    axis.out = (axis.padded - reach) / stride + 1;
  }
  if (in == 0 && axis.out > 0) {
    throw ShapeError(error_text(name,
                                ": there are windows over padding alone, as the image has an "
                                "extent of 0"));
  }
  // Where they mean nothing, they might still be large.
  axis.stride = std::min(stride, std::max<std::size_t>(axis.padded, 1));
  if (kernel > 1 && axis.out > 0) axis.dilation = dilation;
  return axis;
}

POSEKIT_INLINE Conv2dGeometry conv2d_geometry(const char* name, const Shape& image,
                                              std::size_t kernel_height, std::size_t kernel_width,
                                              std::size_t out_channels,
                                              const Conv2dOptions& options) {
  if (image.size() != 4) {
    throw ShapeError(
        error_text(name, ": x has shape ", to_string(image), ", expected rank 4 [N, H, W, C]"));
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
  g.stride_height = y.stride;
  g.stride_width = x.stride;
  g.dilation_height = y.dilation;
  g.dilation_width = x.dilation;
  g.pad_top = y.before;
  g.pad_left = x.before;
  // Kernels make patches of the padded image, be one of its extents 0.
  const auto extent = [](std::size_t size) { return std::max<std::size_t>(size, 1); };
  if (element_count(Shape{extent(y.padded), extent(x.padded), extent(image[3])}) > std::size_t{1}
                                                                                       << 38) {
    throw ShapeError(error_text(name, ": an image of ", y.padded, " x ", x.padded, " x ", image[3],
                                " (padding included) is too large"));
  }
  element_count(Shape{kernel_height, kernel_width, image[3], out_channels});
  if (element_count(Shape{g.out_height, g.out_width, out_channels}) >
      std::numeric_limits<std::uint32_t>::max()) {
    throw ShapeError(error_text(name, ": an output of ", g.out_height, " x ", g.out_width, " x ",
                                out_channels, " is too large"));
  }
  return g;
}

}  // namespace posekit::inline POSEKIT_ISA::internal

#endif  // POSEKIT_DEFINES_AUTODIFF
