#pragma once

#include <string>

#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/graph/network.hpp>
#include <posekit/models/heatmap_reading.hpp>

namespace posekit::inline POSEKIT_ISA::models {

/// BlazePose's heatmaps: [N, 64, 64, 39] in [0, 1] (behind the logistic function), a cell covers
/// 4 x 4 input pixels; the first 33 are joints.
template <class T>
PoseNetwork<T> blazepose_heatmaps(const Network<T>& network, double beta = 30.0);

/// BlazePose's landmarks: [N, 195] = 39 times (x, y, z in input pixels from the image's corner,
/// visibility logit, presence logit); the first 33 are joints.
template <class T>
PoseNetwork<T> blazepose_landmarks(const Network<T>& network);

}  // namespace posekit::inline POSEKIT_ISA::models

#if POSEKIT_DEFINES_MODELS

#include <cmath>
#include <utility>

#include <posekit/autodiff/arithmetic.hpp>
#include <posekit/autodiff/shaping.hpp>

namespace posekit::inline POSEKIT_ISA::models {

template <class T>
PoseNetwork<T> blazepose_heatmaps(const Network<T>& network, double beta) {
  const std::string node = "activation_heatmap";
  const auto model = [=](const Var<T>& image) {
    return read_heatmaps(slice(network(image, {node})[0], 3, 0, 33),
                         {.beta = beta, .stride = 4, .offset = 1.5, .logits = false});
  };
  return {{.name = "blazepose-heatmaps",
           .skeleton = &skeletons::blazepose_33,
           .input = {.size = 256, .layout = ImageLayout::channels_last},
           .reads = node},
          model};
}

template <class T>
PoseNetwork<T> blazepose_landmarks(const Network<T>& network) {
  const std::string node = "ld_3d";
  const auto model = [=](const Var<T>& image) -> PoseOutput<T> {
    const std::size_t batch = image.shape()[0];
    const Var<T> all = reshape(network(image, {node})[0], {batch, 39, 5});
    const Var<T> landmarks = slice(all, 1, 0, 33);
    const Tensor<T>& values = landmarks.value();
    Tensor<T> confidence = make_tensor<T>({batch, 33});
    for (std::size_t i = 0; i < confidence.size(); ++i) {
      confidence.data()[i] = T(1) / (T(1) + std::exp(-values.data()[5 * i + 3]));
    }
    return {.positions = slice(landmarks, 2, 0, 2) - T(0.5), .confidence = std::move(confidence)};
  };
  return {{.name = "blazepose",
           .skeleton = &skeletons::blazepose_33,
           .input = {.size = 256, .layout = ImageLayout::channels_last},
           .reads = node},
          model};
}

}  // namespace posekit::inline POSEKIT_ISA::models

#endif  // POSEKIT_DEFINES_MODELS
