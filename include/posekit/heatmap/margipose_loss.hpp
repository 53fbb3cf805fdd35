#pragma once

// The losses of MargiPose, for one stage's marginal heatmaps or, added up, for all of them.

#include <cstddef>
#include <vector>

#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/core/tensor.hpp>
#include <posekit/heatmap/divergence.hpp>
#include <posekit/heatmap/marginals.hpp>

namespace posekit::inline POSEKIT_ISA {

/// What regularises the shape of the heatmaps.
enum class PixelwiseLoss {
  none,  ///< nothing: Eq. (5)
  jsd,   ///< the Jensen-Shannon divergence from a Gaussian: Eq. (6)
};

struct MargiPoseLossOptions {
  double sigma = 1.0;  ///< pixels, of the target Gaussians
  Coordinates coordinates = Coordinates::normalized;
  PixelwiseLoss pixelwise = PixelwiseLoss::jsd;
  int threads = 0;  ///< of the overloads for tensors (0: all); a Var has its tape's
};

namespace internal {

/// Two coordinates of positions [N, J, 3] -> [N, J, 2].
template <class T>
Tensor<T> take_axes(const Tensor<T>& positions, std::size_t first, std::size_t second);

/// Eq. (6), and Eq. (7) in the examples where `three_dimensional` is 0.
template <class T>
Var<T> margipose_loss(const Marginals<Var<T>>& maps, const Tensor<T>& truth,
                      const Tensor<T>& three_dimensional, const MargiPoseLossOptions& options);

}  // namespace internal

/// L_3D, Eq. (6) of MargiPose: the distance to the truth [N, J, 3] plus the JSD of each marginal
/// heatmap from the Gaussian around it. -> [N, J]. Throws ShapeError and ValueError.
template <class T>
Var<T> margipose_loss_3d(const Marginals<Var<T>>& maps, const Tensor<T>& truth,
                         const MargiPoseLossOptions& options = {});

/// L_2D, Eq. (7) of MargiPose: distance and JSD in the image only; truth is [N, J, 2]. -> [N, J].
template <class T>
Var<T> margipose_loss_2d(const Var<T>& xy, const Tensor<T>& truth,
                         const MargiPoseLossOptions& options = {});

/// Both in one batch: Eq. (6) for the examples n where `three_dimensional` [N] is not 0, Eq. (7)
/// for the others, whose z in `truth` [N, J, 3] is not looked at. -> [N, J].
template <class T>
Var<T> margipose_loss(const Marginals<Var<T>>& maps, const Tensor<T>& truth,
                      const Tensor<T>& three_dimensional, const MargiPoseLossOptions& options = {});

// Of several stages: the sum of their losses, which is the paper's intermediate supervision.

template <class T>
Var<T> margipose_loss_3d(const std::vector<Marginals<Var<T>>>& stages, const Tensor<T>& truth,
                         const MargiPoseLossOptions& options = {});
template <class T>
Var<T> margipose_loss_2d(const std::vector<Marginals<Var<T>>>& stages, const Tensor<T>& truth,
                         const MargiPoseLossOptions& options = {});
template <class T>
Var<T> margipose_loss(const std::vector<Marginals<Var<T>>>& stages, const Tensor<T>& truth,
                      const Tensor<T>& three_dimensional, const MargiPoseLossOptions& options = {});

// The same of tensors.

template <class T>
Tensor<T> margipose_loss(const Marginals<Tensor<T>>& maps, const Tensor<T>& truth,
                         const Tensor<T>& three_dimensional,
                         const MargiPoseLossOptions& options = {});
template <class T>
Tensor<T> margipose_loss_3d(const Marginals<Tensor<T>>& maps, const Tensor<T>& truth,
                            const MargiPoseLossOptions& options = {});
template <TensorExpression E>
auto margipose_loss_2d(const E& xy, const Tensor<typename E::value_type>& truth,
                       const MargiPoseLossOptions& options = {}) {
  return internal::off_tape(xy, options.threads, [&](const auto& maps) {
    return margipose_loss_2d(maps, truth, options);
  });
}

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_HEATMAP

#include <posekit/autodiff/arithmetic.hpp>
#include <posekit/autodiff/shaping.hpp>
#include <posekit/autodiff/tape.hpp>
#include <posekit/heatmap/losses.hpp>

namespace posekit::inline POSEKIT_ISA {

namespace internal {

template <class T>
Tensor<T> take_axes(const Tensor<T>& positions, std::size_t first, std::size_t second) {
  Tensor<T> result = make_tensor<T>({positions.shape()[0], positions.shape()[1], 2});
  for (std::size_t i = 0; i < result.size() / 2; ++i) {
    result.data()[2 * i] = positions.data()[3 * i + first];
    result.data()[2 * i + 1] = positions.data()[3 * i + second];
  }
  return result;
}

template <class T>
void require_truth_3d(const char* function, const Marginals<Var<T>>& maps, const Tensor<T>& truth) {
  require_marginals(maps.xy.shape(), maps.zy.shape(), maps.xz.shape());
  require_shape(truth, {maps.xy.shape()[0], maps.xy.shape()[1], 3}, function, "truth");
}

template <class T>
Var<T> margipose_loss(const Marginals<Var<T>>& maps, const Tensor<T>& truth,
                      const Tensor<T>& three_dimensional, const MargiPoseLossOptions& options) {
  Tape<T>& tape = maps.xy.tape();
  const GaussianOptions gaussian{.sigma = options.sigma, .coordinates = options.coordinates};
  const ExpectationOptions expected{.coordinates = options.coordinates};
  // Without its z weighed in, the distance is that in the image.
  Tensor<T> depth_weight = make_tensor<T>({truth.shape()[0], truth.shape()[1], 1});
  Tensor<T> example_weight = make_tensor<T>({truth.shape()[0], truth.shape()[1]});
  Tensor<T> known = truth;
  for (std::size_t i = 0; i < example_weight.size(); ++i) {
    const T on = three_dimensional.data()[i / truth.shape()[1]] != T(0) ? T(1) : T(0);
    depth_weight.data()[i] = example_weight.data()[i] = on;
    if (on == T(0)) known.data()[3 * i + 2] = T(0);  // may be anything, NaN included
  }
  const Var<T> position = marginal_coordinates(maps, expected);
  const Var<T> z = slice(position, 2, 2, 3) * tape.constant(depth_weight);
  const Var<T> weighed = concatenate({slice(position, 2, 0, 2), z}, 2);
  const Var<T> distance = euclidean_loss(weighed, known);
  if (options.pixelwise == PixelwiseLoss::none) return distance;
  const Var<T> xy = js_divergence(maps.xy, take_axes(known, 0, 1), gaussian);
  const Var<T> zy = js_divergence(maps.zy, take_axes(known, 2, 1), gaussian);
  const Var<T> xz = js_divergence(maps.xz, take_axes(known, 0, 2), gaussian);
  return distance + xy + tape.constant(example_weight) * (zy + xz);
}

}  // namespace internal

template <class T>
Var<T> margipose_loss_3d(const Marginals<Var<T>>& maps, const Tensor<T>& truth,
                         const MargiPoseLossOptions& options) {
  internal::require_truth_3d("margipose_loss_3d", maps, truth);
  Tensor<T> all = make_tensor<T>({truth.shape()[0]});
  all.fill(T(1));
  return internal::margipose_loss(maps, truth, all, options);
}

template <class T>
Var<T> margipose_loss_2d(const Var<T>& xy, const Tensor<T>& truth,
                         const MargiPoseLossOptions& options) {
  const GaussianOptions gaussian{.sigma = options.sigma, .coordinates = options.coordinates};
  const Var<T> distance =
      euclidean_loss(expectation(xy, {.coordinates = options.coordinates}), truth);
  return options.pixelwise == PixelwiseLoss::none ? distance
                                                  : distance + js_divergence(xy, truth, gaussian);
}

template <class T>
Var<T> margipose_loss(const Marginals<Var<T>>& maps, const Tensor<T>& truth,
                      const Tensor<T>& three_dimensional, const MargiPoseLossOptions& options) {
  internal::require_truth_3d("margipose_loss", maps, truth);
  require_shape(three_dimensional, {truth.shape()[0]}, "margipose_loss", "three_dimensional");
  return internal::margipose_loss(maps, truth, three_dimensional, options);
}

namespace internal {

/// The sum of `loss(stage)` over all stages. Throws ValueError where there is none.
template <class Stages, class Loss>
auto sum_over_stages(const char* function, const Stages& stages, const Loss& loss) {
  if (stages.empty()) throw ValueError(error_text(function, ": there are no stages"));
  auto total = loss(stages.front());
  for (std::size_t i = 1; i < stages.size(); ++i) total = total + loss(stages[i]);
  return total;
}

}  // namespace internal

template <class T>
Var<T> margipose_loss_3d(const std::vector<Marginals<Var<T>>>& stages, const Tensor<T>& truth,
                         const MargiPoseLossOptions& options) {
  return internal::sum_over_stages("margipose_loss_3d", stages, [&](const auto& maps) {
    return margipose_loss_3d(maps, truth, options);
  });
}

template <class T>
Var<T> margipose_loss_2d(const std::vector<Marginals<Var<T>>>& stages, const Tensor<T>& truth,
                         const MargiPoseLossOptions& options) {
  return internal::sum_over_stages("margipose_loss_2d", stages, [&](const auto& maps) {
    return margipose_loss_2d(maps.xy, truth, options);
  });
}

template <class T>
Var<T> margipose_loss(const std::vector<Marginals<Var<T>>>& stages, const Tensor<T>& truth,
                      const Tensor<T>& three_dimensional, const MargiPoseLossOptions& options) {
  return internal::sum_over_stages("margipose_loss", stages, [&](const auto& maps) {
    return margipose_loss(maps, truth, three_dimensional, options);
  });
}

template <class T>
Tensor<T> margipose_loss(const Marginals<Tensor<T>>& maps, const Tensor<T>& truth,
                         const Tensor<T>& three_dimensional, const MargiPoseLossOptions& options) {
  Tape<T> tape({.threads = options.threads});
  const Marginals<Var<T>> constants{tape.constant(maps.xy), tape.constant(maps.zy),
                                    tape.constant(maps.xz)};
  return margipose_loss(constants, truth, three_dimensional, options).value();
}

template <class T>
Tensor<T> margipose_loss_3d(const Marginals<Tensor<T>>& maps, const Tensor<T>& truth,
                            const MargiPoseLossOptions& options) {
  Tape<T> tape({.threads = options.threads});
  const Marginals<Var<T>> constants{tape.constant(maps.xy), tape.constant(maps.zy),
                                    tape.constant(maps.xz)};
  return margipose_loss_3d(constants, truth, options).value();
}

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_HEATMAP
