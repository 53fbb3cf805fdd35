#pragma once

#include <array>
#include <cstddef>
#include <utility>

#include <posekit/autodiff/tape.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/kernels/resize2d.hpp>

namespace posekit::inline POSEKIT_ISA {

/// Bilinear resizing: x [N, H, W, C] -> [N, size[0], size[1], C]. Without antialiasing, as networks
/// do it.
template <class T>
Var<T> resize_bilinear(const Var<T>& x, std::array<std::size_t, 2> size,
                       ResizeCorners corners = ResizeCorners::half_pixel) {
  const Shape shape = x.shape();
  if (shape.size() != 4 || shape[1] == 0 || shape[2] == 0) {
    throw ShapeError(error_text("resize_bilinear: x has shape ", to_string(shape),
                                ", expected rank 4 [N, H, W, C] with pixels"));
  }
  Tape<T>& tape = x.tape();
  const auto rows = kernels::linear_axis(shape[1], size[0], corners);
  const auto columns = kernels::linear_axis(shape[2], size[1], corners);
  Tensor<T> value = tape.pool().take({shape[0], size[0], size[1], shape[3]});
  kernels::resample2d(shape[0], shape[3], shape[1], shape[2], rows, columns, x.value().data(),
                      value.data(), false, tape.threads());
  return tape.record("resize_bilinear", std::move(value), {x}, [=](Pullback<T>& p) {
    const auto target = p.target(0);
    if (!target) return;
    kernels::resample2d(p.count() * shape[0], shape[3], size[0], size[1],
                        kernels::transposed(rows, shape[1]), kernels::transposed(columns, shape[2]),
                        p.cotangent(), target.data, target.accumulate, p.threads());
  });
}

}  // namespace posekit::inline POSEKIT_ISA
