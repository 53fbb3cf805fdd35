#pragma once

#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/graph/network.hpp>
#include <posekit/models/pose_model.hpp>

namespace posekit::inline POSEKIT_ISA::models {

/// PoseNet (MobileNetV1, output stride 16): heatmap logits [N, h, w, 17] whose cell (i, j) stands
/// on input pixel (16 i, 16 j). Fully convolutional; sizes 16 n + 1 fit without padding.
template <class T>
PoseModel<T> posenet(const Network<T>& network, double beta = 1.0);

}  // namespace posekit::inline POSEKIT_ISA::models

#if POSEKIT_DEFINES_MODELS

namespace posekit::inline POSEKIT_ISA::models {

template <class T>
PoseModel<T> posenet(const Network<T>& network, double beta) {
  const std::string node = "MobilenetV1/heatmap_2/BiasAdd";
  const auto maps = [=](const Var<T>& image) {
    return network(models_internal::network_input(image, T(2), T(-1)), {node})[0];
  };
  auto model =
      models_internal::heatmap_model<T>(skeletons::coco_17, 257, node, maps,
                                        {.beta = beta, .stride = 16, .offset = 0, .logits = true});
  model.size_step = 16;
  model.min_size = 65;
  return model;
}

}  // namespace posekit::inline POSEKIT_ISA::models

#endif  // POSEKIT_DEFINES_MODELS
