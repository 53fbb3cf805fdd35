#pragma once

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include <posekit/autodiff/tape.hpp>
#include <posekit/core/coordinates.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/core/tensor.hpp>
#include <posekit/core/threads.hpp>
#include <posekit/kernels/soft_argmax.hpp>

namespace posekit {

struct SoftArgmaxOptions {
  double beta = 1.0;  ///< inverse temperature: p is proportional to exp(beta * logit)
  Coordinates coordinates = Coordinates::normalized;
};

}  // namespace posekit

namespace posekit::inline POSEKIT_ISA {

namespace internal {

template <class T>
std::vector<kernels::SoftArgmaxState<T>> soft_argmax_states(const Shape& shape, const T* logits,
                                                            const SoftArgmaxOptions& options,
                                                            T* coordinates, int threads) {
  if (shape.size() != 4 || shape[2] == 0 || shape[3] == 0) {
    throw ShapeError(error_text("soft_argmax: logits has shape ", to_string(shape),
                                ", expected rank 4 [N, J, H, W] with pixels"));
  }
  const std::size_t maps = shape[0] * shape[1];
  const std::size_t pixels = shape[2] * shape[3];
  const AxisCoordinates x_axis = axis_coordinates(options.coordinates, shape[3]);
  const AxisCoordinates y_axis = axis_coordinates(options.coordinates, shape[2]);
  std::vector<kernels::SoftArgmaxState<T>> states(maps);
  parallel_for(maps, maps * pixels > 4096 ? threads : 1, [&](std::size_t map) {
    states[map] = kernels::soft_argmax<T>(shape[2], shape[3], logits + map * pixels,
                                          static_cast<T>(options.beta));
    coordinates[2 * map] =
        static_cast<T>(x_axis.scale * static_cast<double>(states[map].x) + x_axis.offset);
    coordinates[2 * map + 1] =
        static_cast<T>(y_axis.scale * static_cast<double>(states[map].y) + y_axis.offset);
  });
  return states;
}

}  // namespace internal

/// The expected coordinates under a softmax over each heatmap, Eq. (3) of PoseIG:
///     J = sum_p exp(beta h_p) / (sum_p' exp(beta h_p')) p
/// logits [N, J, H, W] -> [N, J, 2], last axis (x, y) in the convention of the options. NaN in a
/// map makes its coordinates NaN. Throws ShapeError.
template <class T>
Tensor<T> soft_argmax(const Tensor<T>& logits, const SoftArgmaxOptions& options = {}) {
  const Shape shape = shape_of(logits);
  Tensor<T> result =
      make_tensor<T>({shape.size() == 4 ? shape[0] : 0, shape.size() == 4 ? shape[1] : 0, 2});
  internal::soft_argmax_states(shape, logits.data(), options, result.data(), resolve_threads(0));
  return result;
}

/// The same on the tape, differentiable with respect to the logits.
template <class T>
Var<T> soft_argmax(const Var<T>& logits, const SoftArgmaxOptions& options = {}) {
  Tape<T>& tape = logits.tape();
  const Shape shape = logits.shape();
  const auto input = tape.shared_value(logits);
  Tensor<T> value =
      tape.pool().take({shape.size() == 4 ? shape[0] : 0, shape.size() == 4 ? shape[1] : 0, 2});
  auto states =
      internal::soft_argmax_states(shape, input->data(), options, value.data(), tape.threads());
  return tape.record(
      "soft_argmax", std::move(value), {logits}, [=, states = std::move(states)](Pullback<T>& p) {
        const auto target = p.target(0);
        if (!target) return;
        const std::size_t maps = states.size();
        const std::size_t pixels = shape[2] * shape[3];
        const auto scale_x = static_cast<T>(axis_coordinates(options.coordinates, shape[3]).scale);
        const auto scale_y = static_cast<T>(axis_coordinates(options.coordinates, shape[2]).scale);
        parallel_for(p.count() * maps, p.threads(), [&](std::size_t i) {
          const T gx = p.cotangent()[2 * i] * scale_x;
          const T gy = p.cotangent()[2 * i + 1] * scale_y;
          T* out = target.data + i * pixels;
          if (gx == T(0) && gy == T(0)) {
            if (!target.accumulate) std::fill_n(out, pixels, T(0));
            return;
          }
          const std::size_t map = i % maps;
          kernels::soft_argmax_vjp<T>(shape[2], shape[3], input->data() + map * pixels,
                                      static_cast<T>(options.beta), states[map], gx, gy, out,
                                      target.accumulate);
        });
      });
}

}  // namespace posekit::inline POSEKIT_ISA
