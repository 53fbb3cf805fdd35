#pragma once

#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/graph/network.hpp>
#include <posekit/models/heatmap_reading.hpp>

namespace posekit::inline POSEKIT_ISA::models {

/// EfficientPose: confidence maps [N, S, S, 16] of the input's size, roughly in [0, 1]. Fully
/// convolutional for multiples of 32 from 288.
template <class T>
PoseNetwork<T> efficientpose(const Network<T>& network, double beta = 50.0);

}  // namespace posekit::inline POSEKIT_ISA::models

#if POSEKIT_DEFINES_MODELS

namespace posekit::inline POSEKIT_ISA::models {

template <class T>
PoseNetwork<T> efficientpose(const Network<T>& network, double beta) {
  const std::string node = "upscaled_confs/BiasAdd";
  const auto model = [=](const Var<T>& image) {
    return read_heatmaps(network(image, {node})[0],
                         {.beta = beta, .stride = 1, .offset = 0, .logits = false});
  };
  return {{.name = "efficientpose",
           .skeleton = &skeletons::efficientpose_16,
           .input = {.size = 288,
                     .size_step = 32,
                     .min_size = 288,
                     .mean = {0.5, 0.5, 0.5},
                     .deviation = {0.5, 0.5, 0.5},
                     .layout = ImageLayout::channels_last},
           .reads = node},
          model};
}

}  // namespace posekit::inline POSEKIT_ISA::models

#endif  // POSEKIT_DEFINES_MODELS
