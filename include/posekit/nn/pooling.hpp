#pragma once

// Pooling and up-sampling of NHWC images, as layers.

#include <array>
#include <cstddef>

#include <posekit/autodiff/pooling.hpp>
#include <posekit/autodiff/resizing.hpp>
#include <posekit/core/isa.hpp>

namespace posekit::inline POSEKIT_ISA::nn {

struct MaxPool2d {
  Pool2dOptions options;
  template <class T>
  Var<T> operator()(const Var<T>& x) const {
    return max_pool2d(x, options);
  }
};

/// Over the pixels inside the image (PyTorch's count_include_pad = False).
struct AvgPool2d {
  Pool2dOptions options;
  template <class T>
  Var<T> operator()(const Var<T>& x) const {
    return average_pool2d(x, options);
  }
};

struct AdaptiveAvgPool2d {
  std::array<std::size_t, 2> size{1, 1};  ///< (height, width)
  template <class T>
  Var<T> operator()(const Var<T>& x) const {
    return adaptive_average_pool2d(x, size);
  }
};

enum class UpsampleMode { nearest, bilinear };

/// Makes images `scale` times as high and wide.
struct Upsample {
  std::size_t scale = 2;
  UpsampleMode mode = UpsampleMode::nearest;
  ResizeCorners corners = ResizeCorners::half_pixel;  ///< of bilinear
  template <class T>
  Var<T> operator()(const Var<T>& x) const {
    if (x.dimension() != 4) {
      throw ShapeError(error_text("Upsample: x has shape ", to_string(x.shape()),
                                  ", expected rank 4 [N, H, W, C]"));
    }
    const std::array<std::size_t, 2> size{x.shape()[1] * scale, x.shape()[2] * scale};
    return mode == UpsampleMode::nearest ? resize_nearest(x, size)
                                         : resize_bilinear(x, size, corners);
  }
};

}  // namespace posekit::inline POSEKIT_ISA::nn
