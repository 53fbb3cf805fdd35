#pragma once

// What a PoseAttributeNet is trained with: Wang et al. 2019, Eq. 1 to 3, and their weighted sum.

#include <cstddef>
#include <cstdint>
#include <vector>

#include <posekit/autodiff/var.hpp>
#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/core/tensor.hpp>
#include <posekit/heatmap/gaussian_heatmaps.hpp>
#include <posekit/models/pose_attribute_net.hpp>

namespace posekit::inline POSEKIT_ISA {

/// What is known of a batch of N images. Of pictures with positions in the image alone the
/// attributes are -1.
template <class T>
struct PoseAttributeTargets {
  Tensor<T> positions;              ///< [N, J, 2], (x, y) in the convention of the Gaussians
  Tensor<T> visible;                ///< [N, J]; 0: unknown, not looked at
  Tensor<std::int32_t> attributes;  ///< [N, attributes], classes from 0 on; -1: unknown
  Tensor<std::int32_t> domains;     ///< [N], from 0 on; -1: unknown
};

/// The paper gives neither the weights of the losses nor the Gaussians; pytorch-pose-hg-3d trains
/// with sigma 1 on maps of 64 x 64.
struct PoseAttributeLossOptions {
  double heatmap_weight = 1;    ///< of Eq. 1
  double attribute_weight = 1;  ///< of Eq. 2
  double domain_weight = 1;     ///< of Eq. 3; the reversal is the network's (PoseAttributeCall)
  GaussianOptions gaussian{.sigma = 1.0, .normalised = false};  ///< what heatmaps are to be
};

/// Scalars. The parts are not weighted.
template <class T>
struct PoseAttributeLoss {
  Var<T> total;      ///< the weighted sum
  Var<T> heatmap;    ///< Eq. 1
  Var<T> attribute;  ///< Eq. 2
  Var<T> domain;     ///< Eq. 3
};

/// Eq. 1 for each stack, summed over stacks: the mean over visible joints of the mean squared
/// difference of heatmaps [N, J, h, w] from Gaussians around `positions` [N, J, 2], `visible` being
/// [N, J]. A scalar; 0 where nothing is visible. Throws ShapeError, and ValueError for no stacks.
template <class T>
Var<T> stacked_heatmap_loss(const std::vector<Var<T>>& heatmaps, const Tensor<T>& positions,
                            const Tensor<T>& visible, const GaussianOptions& gaussian);

/// Eq. 1 as above; Eq. 2, the mean cross-entropy over all attributes that are known; Eq. 3, that
/// over images whose domain is known. What nobody knows leaves 0, with a gradient of 0. Throws
/// ShapeError, and ValueError for classes that there are not and weights that are negative,
/// infinite or NaN.
template <class T>
PoseAttributeLoss<T> pose_attribute_loss(const models::PoseAttributeOutput<T>& out,
                                         const PoseAttributeTargets<T>& targets,
                                         const PoseAttributeLossOptions& options = {});

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_MODELS

#include <posekit/autodiff/arithmetic.hpp>
#include <posekit/autodiff/cross_entropy.hpp>
#include <posekit/core/error.hpp>
#include <posekit/core/require.hpp>
#include <posekit/heatmap/losses.hpp>
#include <posekit/heatmap/masked_mean.hpp>

namespace posekit::inline POSEKIT_ISA {

template <class T>
Var<T> stacked_heatmap_loss(const std::vector<Var<T>>& heatmaps, const Tensor<T>& positions,
                            const Tensor<T>& visible, const GaussianOptions& gaussian) {
  if (heatmaps.empty()) throw ValueError("stacked_heatmap_loss: no heatmaps, expected some");
  Var<T> sum;
  for (std::size_t stack = 0; stack < heatmaps.size(); ++stack) {
    const Var<T> loss = masked_mean(heatmap_mse(heatmaps[stack], positions, gaussian), visible);
    sum = stack == 0 ? loss : sum + loss;
  }
  return sum;
}

template <class T>
PoseAttributeLoss<T> pose_attribute_loss(const models::PoseAttributeOutput<T>& out,
                                         const PoseAttributeTargets<T>& targets,
                                         const PoseAttributeLossOptions& options) {
  constexpr const char* name = "pose_attribute_loss";
  require_positive(name, "heatmap_weight", options.heatmap_weight, true);
  require_positive(name, "attribute_weight", options.attribute_weight, true);
  require_positive(name, "domain_weight", options.domain_weight, true);
  PoseAttributeLoss<T> loss;
  loss.heatmap =
      stacked_heatmap_loss(out.heatmaps, targets.positions, targets.visible, options.gaussian);
  loss.attribute = mean_cross_entropy(out.attributes, targets.attributes);
  loss.domain = mean_cross_entropy(out.domain, targets.domains);
  const auto weighted = [](const Var<T>& part, double weight) {
    return affine(part, static_cast<T>(weight), T(0));
  };
  loss.total = weighted(loss.heatmap, options.heatmap_weight) +
               weighted(loss.attribute, options.attribute_weight) +
               weighted(loss.domain, options.domain_weight);
  return loss;
}

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_MODELS
