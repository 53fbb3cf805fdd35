#pragma once

#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/graph/network.hpp>
#include <posekit/models/pose_model.hpp>

namespace posekit::inline POSEKIT_ISA::models {

/// EfficientPose: confidence maps [N, S, S, 16] of the input's size, roughly in [0, 1]. Fully
/// convolutional for multiples of 32 from 288.
template <class T>
PoseModel<T> efficientpose(const Network<T>& network, double beta = 50.0);

}  // namespace posekit::inline POSEKIT_ISA::models

#if POSEKIT_DEFINES_MODELS

namespace posekit::inline POSEKIT_ISA::models {

template <class T>
PoseModel<T> efficientpose(const Network<T>& network, double beta) {
  const std::string node = "upscaled_confs/BiasAdd";
  const auto maps = [=](const Var<T>& image) {
    return network(models_internal::network_input(image, T(2), T(-1)), {node})[0];
  };
  auto model =
      models_internal::heatmap_model<T>(skeletons::efficientpose_16, 288, node, maps,
                                        {.beta = beta, .stride = 1, .offset = 0, .logits = false});
  model.size_step = 32;
  model.min_size = 288;
  return model;
}

}  // namespace posekit::inline POSEKIT_ISA::models

#endif  // POSEKIT_DEFINES_MODELS
