#pragma once

// How the heatmaps of published networks become positions and confidences.

#include <cstddef>

#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/models/pose_network.hpp>

namespace posekit::inline POSEKIT_ISA {

/// How a network's heatmaps are read.
struct HeatmapReading {
  double beta = 1;    ///< inverse temperature of soft-argmax
  double stride = 1;  ///< pixel = stride * cell + offset
  double offset = 0;
  bool logits = true;  ///< of a logistic function; otherwise about 0 to 1
};

/// Heatmaps [N, h, w, J] -> positions by soft-argmax, and as confidences the maps' peaks.
template <class T>
PoseOutput<T> read_heatmaps(const Var<T>& maps, const HeatmapReading& reading);

/// The largest value of each map of [N, h, w, J] -> [N, J] in [0, 1], through the logistic function
/// where the maps are logits.
template <class T>
Tensor<T> peak_confidence(const Tensor<T>& maps, bool logits);

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_MODELS

#include <algorithm>
#include <cmath>

#include <posekit/autodiff/arithmetic.hpp>
#include <posekit/autodiff/shaping.hpp>
#include <posekit/heatmap/soft_argmax.hpp>

namespace posekit::inline POSEKIT_ISA {

template <class T>
Tensor<T> peak_confidence(const Tensor<T>& maps, bool logits) {
  if (maps.dimension() != 4 || maps.size() == 0) {
    throw ShapeError(error_text("peak_confidence: maps have shape ", to_string(maps.shape()),
                                ", expected [N, h, w, J]"));
  }
  const std::size_t joints = maps.shape()[3];
  const std::size_t pixels = maps.shape()[1] * maps.shape()[2];
  Tensor<T> result = make_tensor<T>({maps.shape()[0], joints});
  for (std::size_t n = 0; n < maps.shape()[0]; ++n) {
    const T* map = maps.data() + n * pixels * joints;
    T* top = result.data() + n * joints;
    std::copy_n(map, joints, top);
    for (std::size_t i = 1; i < pixels; ++i) {
      map += joints;
      for (std::size_t j = 0; j < joints; ++j) top[j] = std::max(top[j], map[j]);
    }
  }
  for (T& value : result) {
    value = logits ? T(1) / (T(1) + std::exp(-value)) : std::clamp(value, T(0), T(1));
  }
  return result;
}

template <class T>
PoseOutput<T> read_heatmaps(const Var<T>& maps, const HeatmapReading& reading) {
  const Var<T> heatmaps = to_channels_first(maps);
  const Var<T> cells =
      soft_argmax(heatmaps, {.beta = reading.beta, .coordinates = Coordinates::pixel});
  return {
      .positions = affine(cells, static_cast<T>(reading.stride), static_cast<T>(reading.offset)),
      .confidence = peak_confidence(maps.value(), reading.logits),
      .heatmaps = heatmaps};
}

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_MODELS
