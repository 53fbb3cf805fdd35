#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>

#include <posekit/autodiff/tape.hpp>
#include <posekit/autodiff/window_geometry.hpp>
#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>

namespace posekit::inline POSEKIT_ISA {

struct Pool2dOptions {
  std::array<std::size_t, 2> window{2, 2};  ///< (height, width)
  std::array<std::size_t, 2> stride{2, 2};
  Padding2d padding{};
};

/// The largest value of each window: x [N, H, W, C] -> [N, H', W', C]. Of equal values the first,
/// row by row, receives the cotangent.
template <class T>
Var<T> max_pool2d(const Var<T>& x, const Pool2dOptions& options = {});

/// The mean of each window over its pixels inside the image: x [N, H, W, C] -> [N, H', W', C].
template <class T>
Var<T> average_pool2d(const Var<T>& x, const Pool2dOptions& options = {});

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_AUTODIFF

#include <posekit/kernels/pool2d.hpp>

namespace posekit::inline POSEKIT_ISA {

namespace internal {

inline Conv2dGeometry pool2d_geometry(const char* name, const Shape& shape,
                                      const Pool2dOptions& options) {
  const Conv2dGeometry g = conv2d_geometry(
      name, shape, options.window[0], options.window[1], shape.size() == 4 ? shape[3] : 0,
      {options.stride, {1, 1}, options.padding, Activation::none});
  if (g.in_pixels() > std::numeric_limits<std::uint32_t>::max()) {
    throw ShapeError(
        error_text(name, ": an image of ", g.in_height, " x ", g.in_width, " is too large"));
  }
  const Padding2d& p = options.padding;
  if (p.kind == Padding2d::Kind::explicit_ &&
      (p.top >= options.window[0] || p.bottom >= options.window[0] || p.left >= options.window[1] ||
       p.right >= options.window[1])) {
    throw ShapeError(error_text(name,
                                ": the padding must be smaller than the window, or a window "
                                "would see no pixel"));
  }
  if (g.in_pixels() == 0) {
    throw ShapeError(error_text(name, ": x has shape ", to_string(shape), ", an empty image"));
  }
  return g;
}

}  // namespace internal

template <class T>
Var<T> max_pool2d(const Var<T>& x, const Pool2dOptions& options) {
  Tape<T>& tape = x.tape();
  const Conv2dGeometry g = internal::pool2d_geometry("max_pool2d", x.shape(), options);
  Tensor<T> value = tape.pool().take({g.batch, g.out_height, g.out_width, g.in_channels});
  std::shared_ptr<ByteBuffer> source;
  std::uint32_t* indices = nullptr;
  if (x.requires_grad()) {
    source = tape.pool().bytes(value.size() * sizeof(std::uint32_t));
    indices = reinterpret_cast<std::uint32_t*>(source->data());
  }
  kernels::max_pool2d(g, x.data(), value.data(), indices, tape.threads());
  return tape.record("max_pool2d", std::move(value), {x}, [=](Pullback<T>& p) {
    if (const auto target = p.target(0)) {
      kernels::max_pool2d_vjp(g, p.count(), p.cotangent(),
                              reinterpret_cast<const std::uint32_t*>(source->data()), target.data,
                              target.accumulate, p.threads());
    }
  });
}

template <class T>
Var<T> average_pool2d(const Var<T>& x, const Pool2dOptions& options) {
  Tape<T>& tape = x.tape();
  const Conv2dGeometry g = internal::pool2d_geometry("average_pool2d", x.shape(), options);
  Tensor<T> value = tape.pool().take({g.batch, g.out_height, g.out_width, g.in_channels});
  kernels::average_pool2d(g, x.data(), value.data(), tape.threads());
  return tape.record("average_pool2d", std::move(value), {x}, [=](Pullback<T>& p) {
    if (const auto target = p.target(0)) {
      kernels::average_pool2d_vjp(g, p.count(), p.cotangent(), target.data, target.accumulate,
                                  p.threads());
    }
  });
}

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_AUTODIFF
