#pragma once

#include <string>

#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/graph/network.hpp>
#include <posekit/models/pose_model.hpp>

namespace posekit::inline POSEKIT_ISA::models {

/// BlazePose's heatmaps: [N, 64, 64, 39] in [0, 1] (behind the logistic function), a cell covers
/// 4 x 4 input pixels; the first 33 are joints.
template <class T>
PoseModel<T> blazepose_heatmaps(const Network<T>& network, double beta = 30.0);

/// BlazePose's landmarks: [N, 195] = 39 times (x, y, z in input pixels from the image's corner,
/// visibility logit, presence logit); the first 33 are joints.
template <class T>
PoseModel<T> blazepose_landmarks(const Network<T>& network);

}  // namespace posekit::inline POSEKIT_ISA::models

#if POSEKIT_DEFINES_MODELS

#include <posekit/autodiff/shaping.hpp>

namespace posekit::inline POSEKIT_ISA::models {

template <class T>
PoseModel<T> blazepose_heatmaps(const Network<T>& network, double beta) {
  const std::string node = "activation_heatmap";
  const auto maps = [=](const Var<T>& image) {
    return slice(network(models_internal::network_input(image, T(1), T(0)), {node})[0], 3, 0, 33);
  };
  return models_internal::heatmap_model<T>(
      skeletons::blazepose_33, 256, node, maps,
      {.beta = beta, .stride = 4, .offset = 1.5, .logits = false});
}

template <class T>
PoseModel<T> blazepose_landmarks(const Network<T>& network) {
  const std::string node = "ld_3d";
  const auto landmarks = [=](const Var<T>& image) {
    const Var<T> all = network(models_internal::network_input(image, T(1), T(0)), {node})[0];
    return slice(reshape(all, {image.shape()[0], 39, 5}), 1, 0, 33);
  };
  PoseModel<T> model;
  model.skeleton = &skeletons::blazepose_33;
  model.output = PoseOutput::coordinates;
  model.size = 256;
  model.reads = node;
  model.positions = [=](const Var<T>& image) { return slice(landmarks(image), 2, 0, 2) - T(0.5); };
  model.confidence = [=](const Var<T>& image) {
    const Tensor<T> values = landmarks(image).value();
    Tensor<T> result = make_tensor<T>({values.shape()[0], 33});
    for (std::size_t i = 0; i < result.size(); ++i) {
      result.data()[i] = T(1) / (T(1) + std::exp(-values.data()[5 * i + 3]));
    }
    return result;
  };
  return model;
}

}  // namespace posekit::inline POSEKIT_ISA::models

#endif  // POSEKIT_DEFINES_MODELS
