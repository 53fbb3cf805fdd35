#pragma once

#include <optional>

#include <posekit/autodiff/tape.hpp>
#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/core/tensor.hpp>
#include <posekit/models/progressive_pose.hpp>

namespace posekit::inline POSEKIT_ISA {

struct ProgressiveLossOptions {
  /// [N, J]: joints whose truth is known (1 or 0, or weights); empty: all.
  std::optional<Tensor<double>> visible{};
};

/// Eq. (6): the sum over the blocks of |Y_s - truth|, the mean over examples and joints of the sum
/// of their coordinates' distances, in mm. truth [N, J, 3]. Throws ShapeError.
template <class T>
Var<T> progressive_loss(const models::ProgressiveOutput<T>& out, const Tensor<T>& truth,
                        const ProgressiveLossOptions& options = {});

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_MODELS

#include <cstddef>
#include <utility>

#include <posekit/autodiff/arithmetic.hpp>
#include <posekit/autodiff/functions.hpp>
#include <posekit/autodiff/reductions.hpp>
#include <posekit/core/require.hpp>
#include <posekit/heatmap/masked_mean.hpp>

namespace posekit::inline POSEKIT_ISA {

template <class T>
Var<T> progressive_loss(const models::ProgressiveOutput<T>& out, const Tensor<T>& truth,
                        const ProgressiveLossOptions& options) {
  const Shape shape = out.positions.shape();
  require_shape(truth, shape, "progressive_loss", "truth");
  Tape<T>& tape = out.positions.tape();
  Tensor<T> visible = zeros<T>({shape[0], shape[1]}) + T(1);
  Tensor<T> known = truth;
  if (options.visible) {
    require_shape(*options.visible, {shape[0], shape[1]}, "progressive_loss", "visible");
    visible = cast<T>(*options.visible);
    // What nobody knows may be NaN, which no weight of 0 would silence.
    for (std::size_t i = 0; i < known.size(); ++i) {
      if (visible.data()[i / 3] == T(0)) known.data()[i] = T(0);
    }
  }
  const Var<T> expected = tape.constant(std::move(known));
  std::optional<Var<T>> loss;
  for (const Var<T>& block : out.blocks) {
    const Var<T> distance = masked_mean(sum(abs(block - expected), {2}), visible);
    loss = loss ? *loss + distance : distance;
  }
  return *loss;
}

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_MODELS
