#pragma once

#include <posekit/core/isa.hpp>
#include <posekit/graph/network.hpp>
#include <posekit/models/pose_model.hpp>

namespace posekit::inline POSEKIT_ISA::models {

/// PoseNet (MobileNetV1, output stride 16): heatmap logits [N, h, w, 17] whose cell (i, j) stands on
/// input pixel (16 i, 16 j). Fully convolutional; sizes 16 n + 1 fit without padding.
template <class T>
PoseModel<T> posenet(const Network<T>& network, double beta = 1.0) {
  const std::string node = "MobilenetV1/heatmap_2/BiasAdd";
  const auto maps = [=](const Var<T>& image) {
    return network(models_internal::network_input(image, T(2), T(-1)), {node})[0];
  };
  PoseModel<T> model;
  model.skeleton = &skeletons::coco_17;
  model.size = 257;
  model.any_size = true;
  model.reads = node;
  model.positions = [=](const Var<T>& image) {
    return models_internal::heatmap_positions(maps(image), beta, T(16), T(0));
  };
  model.confidence = [=](const Var<T>& image) {
    return models_internal::peak_confidence(maps(image).value(), true);
  };
  return model;
}

}  // namespace posekit::inline POSEKIT_ISA::models
