#pragma once

#include <string>

#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/graph/network.hpp>
#include <posekit/models/pose_network.hpp>

namespace posekit::inline POSEKIT_ISA::models {

/// MediaPipe's hand landmark networks: `Identity` [N, 63] = 21 times (x, y, z) in input pixels from
/// the image's corner, `Identity_1` the presence of a hand. handlandmark-lite and -full take
/// 224 x 224 pixels, handskeleton 256 x 256.
template <class T>
PoseNetwork<T> hand_landmark(const Network<T>& network, std::size_t size);

}  // namespace posekit::inline POSEKIT_ISA::models

#if POSEKIT_DEFINES_MODELS

#include <algorithm>
#include <utility>
#include <vector>

#include <posekit/autodiff/arithmetic.hpp>
#include <posekit/autodiff/shaping.hpp>

namespace posekit::inline POSEKIT_ISA::models {

template <class T>
PoseNetwork<T> hand_landmark(const Network<T>& network, std::size_t size) {
  const auto model = [=](const Var<T>& image) -> PoseOutput<T> {
    const std::size_t batch = image.shape()[0];
    const std::vector<Var<T>> outputs = network(image, {"Identity", "Identity_1"});
    const Tensor<T>& presence = outputs[1].value();
    Tensor<T> confidence = make_tensor<T>({batch, 21});
    for (std::size_t i = 0; i < confidence.size(); ++i) {
      confidence.data()[i] = std::clamp(presence.data()[i / 21], T(0), T(1));
    }
    const Var<T> all = reshape(outputs[0], {batch, 21, 3});
    return {.positions = slice(all, 2, 0, 2) - T(0.5), .confidence = std::move(confidence)};
  };
  return {{.name = "hand",
           .skeleton = &skeletons::hand_21,
           .input = {.size = size, .layout = ImageLayout::channels_last, .crop_margin = 1.6},
           .reads = "Identity"},
          model};
}

}  // namespace posekit::inline POSEKIT_ISA::models

#endif  // POSEKIT_DEFINES_MODELS
