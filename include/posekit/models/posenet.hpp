#pragma once

#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/graph/network.hpp>
#include <posekit/models/heatmap_reading.hpp>

namespace posekit::inline POSEKIT_ISA::models {

/// PoseNet (MobileNetV1, output stride 16): heatmap logits [N, h, w, 17] whose cell (i, j) stands
/// on input pixel (16 i, 16 j). Fully convolutional; sizes 16 n + 1 fit without padding.
template <class T>
PoseNetwork<T> posenet(const Network<T>& network, double beta = 1.0);

}  // namespace posekit::inline POSEKIT_ISA::models

#if POSEKIT_DEFINES_MODELS

namespace posekit::inline POSEKIT_ISA::models {

template <class T>
PoseNetwork<T> posenet(const Network<T>& network, double beta) {
  const std::string node = "MobilenetV1/heatmap_2/BiasAdd";
  const auto model = [=](const Var<T>& image) {
    return read_heatmaps(network(image, {node})[0],
                         {.beta = beta, .stride = 16, .offset = 0, .logits = true});
  };
  return {{.name = "posenet",
           .skeleton = &skeletons::coco_17,
           .input = {.size = 257,
                     .size_step = 16,
                     .min_size = 65,
                     .mean = {0.5, 0.5, 0.5},
                     .deviation = {0.5, 0.5, 0.5},
                     .layout = ImageLayout::channels_last},
           .reads = node},
          model};
}

}  // namespace posekit::inline POSEKIT_ISA::models

#endif  // POSEKIT_DEFINES_MODELS
