#pragma once

#include <cstddef>

#include <posekit/core/isa.hpp>

namespace posekit::inline POSEKIT_ISA {

/// The extents of a two-dimensional convolution. Images are [batch, height, width, channels],
/// filters [kernel_height, kernel_width, in_channels, out_channels].
struct Conv2dGeometry {
  std::size_t batch = 1;
  std::size_t in_height = 0, in_width = 0, in_channels = 0;
  std::size_t out_height = 0, out_width = 0, out_channels = 0;
  std::size_t kernel_height = 1, kernel_width = 1;
  std::size_t stride_height = 1, stride_width = 1;
  std::size_t dilation_height = 1, dilation_width = 1;
  std::size_t pad_top = 0, pad_left = 0;

  constexpr std::size_t in_pixels() const { return in_height * in_width; }
  constexpr std::size_t out_pixels() const { return out_height * out_width; }
  constexpr std::size_t in_size() const { return batch * in_pixels() * in_channels; }
  constexpr std::size_t out_size() const { return batch * out_pixels() * out_channels; }

  /// True where every output pixel sees exactly the input pixel of the same index.
  constexpr bool is_pointwise() const {
    return kernel_height == 1 && kernel_width == 1 && stride_height == 1 && stride_width == 1 &&
           pad_top == 0 && pad_left == 0 && in_height == out_height && in_width == out_width;
  }
};

}  // namespace posekit::inline POSEKIT_ISA
