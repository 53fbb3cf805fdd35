#pragma once

#include <string>

#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/graph/network.hpp>
#include <posekit/models/pose_model.hpp>

namespace posekit::inline POSEKIT_ISA::models {

/// MediaPipe's hand landmark networks: `Identity` [N, 63] = 21 times (x, y, z) in input pixels from
/// the image's corner, `Identity_1` the presence of a hand. handlandmark-lite and -full take
/// 224 x 224 pixels, handskeleton 256 x 256.
template <class T>
PoseModel<T> hand_landmark(const Network<T>& network, std::size_t size);

}  // namespace posekit::inline POSEKIT_ISA::models

#if POSEKIT_DEFINES_MODELS

#include <posekit/autodiff/shaping.hpp>

namespace posekit::inline POSEKIT_ISA::models {

template <class T>
PoseModel<T> hand_landmark(const Network<T>& network, std::size_t size) {
  const auto run = [=](const Var<T>& image, const std::string& node) {
    return network(models_internal::network_input(image, T(1), T(0)), {node})[0];
  };
  PoseModel<T> model;
  model.skeleton = &skeletons::hand_21;
  model.output = PoseOutput::coordinates;
  model.size = size;
  model.crop_margin = 1.6;
  model.reads = "Identity";
  model.positions = [=](const Var<T>& image) {
    const Var<T> all = reshape(run(image, "Identity"), {image.shape()[0], 21, 3});
    return slice(all, 2, 0, 2) - T(0.5);
  };
  model.confidence = [=](const Var<T>& image) {
    const Tensor<T> presence = run(image, "Identity_1").value();
    Tensor<T> result = make_tensor<T>({image.shape()[0], 21});
    for (std::size_t i = 0; i < result.size(); ++i) {
      result.data()[i] = std::clamp(presence.data()[i / 21], T(0), T(1));
    }
    return result;
  };
  return model;
}

}  // namespace posekit::inline POSEKIT_ISA::models

#endif  // POSEKIT_DEFINES_MODELS
