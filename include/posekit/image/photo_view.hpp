#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>

#include <posekit/core/bitmap.hpp>
#include <posekit/core/error.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/core/require.hpp>
#include <posekit/core/shape.hpp>
#include <posekit/core/tensor.hpp>

namespace posekit::inline POSEKIT_ISA {

/// A photo of either kind, which it refers to and must not outlive: planar [C, H, W] with values in
/// [0, 1], or 8-bit samples as decoders give them, which need no copy of four times their size.
/// Functions that take a PhotoView take both.
template <class T>
class PhotoView {
 public:
  /// Throws ShapeError for another rank. Nothing is converted: what a conversion makes is gone when
  /// the view is used.
  template <std::same_as<Tensor<T>> E>
  PhotoView(const E& planar) : planar_(planar.data()) {  // NOLINT: both kinds convert
    require_rank(planar, 3, "PhotoView", "photo", "[C, H, W]");
    channels_ = planar.shape()[0], height_ = planar.shape()[1], width_ = planar.shape()[2];
  }
  /// Throws ShapeError where the samples are not as many as it says.
  PhotoView(const Bitmap& bitmap)  // NOLINT
      : samples_(bitmap.samples.data()),
        channels_(bitmap.channels),
        height_(bitmap.height),
        width_(bitmap.width) {
    const std::size_t samples = element_count(Shape{height_, width_, channels_});
    if (bitmap.samples.size() != samples) {
      throw ShapeError(error_text("PhotoView: a bitmap of ", width_, " x ", height_, " pixels and ",
                                  channels_, " channels has ", bitmap.samples.size(),
                                  " samples, expected ", samples));
    }
  }

  std::size_t channels() const { return channels_; }
  std::size_t height() const { return height_; }
  std::size_t width() const { return width_; }
  bool empty() const { return channels_ * height_ * width_ == 0; }

  /// Copies columns [x0, x1) of a line, a value every `stride` of `out`.
  void copy_line(std::size_t channel, std::size_t y, std::size_t x0, std::size_t x1, T* out,
                 std::size_t stride) const {
    if (planar_ != nullptr) {
      const T* from = planar_ + (channel * height_ + y) * width_;
      for (std::size_t x = x0; x < x1; ++x, out += stride) *out = from[x];
      return;
    }
    const std::uint8_t* from = samples_ + (y * width_ + x0) * channels_ + channel;
    for (std::size_t x = x0; x < x1; ++x, out += stride, from += channels_)
      *out = static_cast<T>(*from) / T(255);
  }

 private:
  const T* planar_ = nullptr;
  const std::uint8_t* samples_ = nullptr;
  std::size_t channels_ = 0, height_ = 0, width_ = 0;
};

}  // namespace posekit::inline POSEKIT_ISA
