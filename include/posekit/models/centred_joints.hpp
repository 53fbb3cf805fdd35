#pragma once

#include <cstddef>

#include <posekit/autodiff/tape.hpp>
#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/core/tensor.hpp>

namespace posekit::inline POSEKIT_ISA {

/// Joints [N, J, 2], wherever they are and however large, as LiftingExamples has them: about the
/// middle of the upright rectangle around them, whose longer side is 2 / `crop`. What is left of a
/// crop's own position and scale is what a rounding of 1e-6 leaves; joints that are all in one
/// place are 0. Throws ShapeError, and ValueError for a crop that is not positive.
template <class T>
Var<T> centred_joints(const Var<T>& joints, double crop = 1.25);
template <class T>
Tensor<T> centred_joints(const Tensor<T>& joints, double crop = 1.25);

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_MODELS

#include <cstdint>
#include <utility>

#include <posekit/autodiff/arithmetic.hpp>
#include <posekit/autodiff/shaping.hpp>
#include <posekit/core/error.hpp>
#include <posekit/core/require.hpp>

namespace posekit::inline POSEKIT_ISA {

template <class T>
Var<T> centred_joints(const Var<T>& joints, double crop) {
  const Shape shape = joints.shape();
  if (shape.size() != 3 || shape[1] == 0 || shape[2] != 2) {
    throw ShapeError(
        error_text("centred_joints: joints has shape ", to_string(shape), ", expected [N, J, 2]"));
  }
  require_positive("centred_joints", "crop", crop);
  // Which joints are outermost is read from the values; where they are is differentiated.
  const Tensor<T>& at = joints.value();
  Tensor<std::int64_t> low = make_tensor<std::int64_t>({shape[0], 2, 3});
  Tensor<std::int64_t> high = make_tensor<std::int64_t>({shape[0], 2, 3});
  Tensor<std::int64_t> longer = make_tensor<std::int64_t>({shape[0], 2});
  for (std::size_t n = 0; n < shape[0]; ++n) {
    T extent[2];
    for (std::size_t axis = 0; axis < 2; ++axis) {
      std::size_t least = 0, most = 0;
      for (std::size_t j = 1; j < shape[1]; ++j) {
        if (at(n, j, axis) < at(n, least, axis)) least = j;
        if (at(n, j, axis) > at(n, most, axis)) most = j;
      }
      extent[axis] = at(n, most, axis) - at(n, least, axis);
      for (auto [index, joint] : {std::pair{&low, least}, std::pair{&high, most}}) {
        (*index)(n, axis, 0) = static_cast<std::int64_t>(n);
        (*index)(n, axis, 1) = static_cast<std::int64_t>(joint);
        (*index)(n, axis, 2) = static_cast<std::int64_t>(axis);
      }
    }
    longer(n, 0) = static_cast<std::int64_t>(n);
    longer(n, 1) = extent[1] > extent[0] ? 1 : 0;
  }
  const Var<T> first = gather_nd(joints, low), last = gather_nd(joints, high);
  const Var<T> middle = reshape((first + last) * T(0.5), {shape[0], 1, 2});
  const Var<T> side = reshape(gather_nd(last - first, longer), {shape[0], 1, 1});
  constexpr T smallest = T(1e-6);
  return (joints - middle) * static_cast<T>(2 / crop) / (side + smallest);
}

template <class T>
Tensor<T> centred_joints(const Tensor<T>& joints, double crop) {
  Tape<T> tape;
  return centred_joints(tape.constant(Tensor<T>(joints)), crop).value();
}

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_MODELS
