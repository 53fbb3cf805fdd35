#pragma once

#include <array>
#include <cstddef>
#include <utility>

#include <posekit/autodiff/tape.hpp>
#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/kernels/resize_corners.hpp>

namespace posekit::inline POSEKIT_ISA {

/// Bilinear resizing: x [N, H, W, C] -> [N, size[0], size[1], C]. Without antialiasing, as networks
/// do it.
template <class T>
Var<T> resize_bilinear(const Var<T>& x, std::array<std::size_t, 2> size,
                       ResizeCorners corners = ResizeCorners::half_pixel);

/// Each output pixel is a copy of input pixel floor(index in / out): x [N, H, W, C] ->
/// [N, size[0], size[1], C].
template <class T>
Var<T> resize_nearest(const Var<T>& x, std::array<std::size_t, 2> size);

/// The mean over size[0] x size[1] windows that cover the image: x [N, H, W, C] ->
/// [N, size[0], size[1], C]. Window i of n begins at floor(i in / n) and ends before
/// ceil((i + 1) in / n).
template <class T>
Var<T> adaptive_average_pool2d(const Var<T>& x, std::array<std::size_t, 2> size = {1, 1});

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_AUTODIFF

#include <posekit/kernels/resize2d.hpp>

namespace posekit::inline POSEKIT_ISA {

namespace internal {

/// x [N, H, W, C] resampled by `rows` and `columns`, which are made from the image's extents.
template <class T, class MakeAxis>
Var<T> resample(const char* name, const Var<T>& x, std::array<std::size_t, 2> size,
                const MakeAxis& make_axis) {
  const Shape shape = x.shape();
  if (shape.size() != 4 || shape[1] == 0 || shape[2] == 0) {
    throw ShapeError(error_text(name, ": x has shape ", to_string(shape),
                                ", expected rank 4 [N, H, W, C] with pixels"));
  }
  Tape<T>& tape = x.tape();
  // First, as it throws where the size is impossible.
  Tensor<T> value = tape.pool().take({shape[0], size[0], size[1], shape[3]});
  const auto rows = make_axis(shape[1], size[0]);
  const auto columns = make_axis(shape[2], size[1]);
  kernels::resample2d(shape[0], shape[3], shape[1], shape[2], rows, columns, x.data(), value.data(),
                      false, tape.threads());
  return tape.record(name, std::move(value), {x}, [=](Pullback<T>& p) {
    const auto target = p.target(0);
    if (!target) return;
    kernels::resample2d(p.count() * shape[0], shape[3], size[0], size[1],
                        kernels::transposed(rows, shape[1]), kernels::transposed(columns, shape[2]),
                        p.cotangent(), target.data, target.accumulate, p.threads());
  });
}

}  // namespace internal

template <class T>
Var<T> resize_bilinear(const Var<T>& x, std::array<std::size_t, 2> size, ResizeCorners corners) {
  return internal::resample("resize_bilinear", x, size, [corners](std::size_t in, std::size_t out) {
    return kernels::linear_axis(in, out, corners);
  });
}

template <class T>
Var<T> resize_nearest(const Var<T>& x, std::array<std::size_t, 2> size) {
  return internal::resample("resize_nearest", x, size, kernels::nearest_axis);
}

template <class T>
Var<T> adaptive_average_pool2d(const Var<T>& x, std::array<std::size_t, 2> size) {
  return internal::resample("adaptive_average_pool2d", x, size, kernels::box_axis);
}

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_AUTODIFF
