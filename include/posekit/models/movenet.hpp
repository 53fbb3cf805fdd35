#pragma once

#include <map>
#include <string>

#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/graph/network.hpp>
#include <posekit/models/heatmap_reading.hpp>

namespace posekit::inline POSEKIT_ISA::models {

/// MoveNet (single pose): heatmap logits [N, S/4, S/4, 17], a cell covers 4 x 4 input pixels. The
/// published output takes the maximum near the person in the centre and has no derivative; the
/// positions come from the heatmap itself. Float images enter behind the cast from integers.
template <class T>
PoseNetwork<T> movenet(const Network<T>& network, std::size_t size, double beta = 3.0);

}  // namespace posekit::inline POSEKIT_ISA::models

#if POSEKIT_DEFINES_MODELS

namespace posekit::inline POSEKIT_ISA::models {

template <class T>
PoseNetwork<T> movenet(const Network<T>& network, std::size_t size, double beta) {
  const std::string node = "StatefulPartitionedCall/kpt_heatmap_0/conv2d_5/BiasAdd";
  const auto model = [=](const Var<T>& image) {
    const std::map<std::string, Var<T>> feeds{{"StatefulPartitionedCall/stack", image}};
    return read_heatmaps(network(feeds, {node})[0],
                         {.beta = beta, .stride = 4, .offset = 1.5, .logits = true});
  };
  constexpr double byte = 1.0 / 255;
  return {{.name = "movenet",
           .skeleton = &skeletons::coco_17,
           .input = {.size = size,
                     .deviation = {byte, byte, byte},
                     .layout = ImageLayout::channels_last},
           .reads = node},
          model};
}

}  // namespace posekit::inline POSEKIT_ISA::models

#endif  // POSEKIT_DEFINES_MODELS
