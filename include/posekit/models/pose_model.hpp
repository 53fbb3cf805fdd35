#pragma once

#include <algorithm>
#include <cstddef>
#include <functional>
#include <string>
#include <utility>

#include <posekit/autodiff/arithmetic.hpp>
#include <posekit/autodiff/shaping.hpp>
#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/heatmap/soft_argmax.hpp>
#include <posekit/pose/skeletons.hpp>

namespace posekit::inline POSEKIT_ISA {

/// How a network says where a joint is.
enum class PoseOutput {
  heatmap,      ///< a map per joint, read by soft-argmax
  coordinates,  ///< numbers
};

/// A pretrained network together with what has to be done before and after it: a callable from RGB
/// images [N, 3, S, S] with values in [0, 1] to joint positions [N, J, 2], last axis (x, y), in
/// pixels of those images (centres at whole numbers), differentiable all the way.
template <class T>
struct PoseModel {
  std::string name;
  const Skeleton* skeleton = nullptr;
  PoseOutput output = PoseOutput::heatmap;
  std::size_t size = 0;  ///< S that the network was made for
  /// Other sizes that fit: size + k * size_step (k may be negative) from min_size on; 0: none.
  std::size_t size_step = 0;
  std::size_t min_size = 0;
  double crop_margin =
      1.25;           ///< side of the square to show the network, relative to a person's box
  std::string reads;  ///< the network's output that the positions come from
  std::function<Var<T>(const Var<T>&)> positions;
  /// [N, J], how sure the network is of each joint, in [0, 1]; not differentiated.
  std::function<Tensor<T>(const Var<T>&)> confidence;

  bool accepts(std::size_t pixels) const;
  /// Throws ShapeError where the network's grid would not lie on pixels as `positions` assumes.
  void require_size(std::size_t pixels) const;

  Var<T> operator()(const Var<T>& image) const;
};

namespace models_internal {

/// [N, 3, H, W] in [0, 1] -> [N, H, W, 3] in [offset, scale + offset].
template <class T>
Var<T> network_input(const Var<T>& image, T scale, T offset);

/// The largest value of each map of [N, h, w, J], through the logistic function where the maps are
/// logits.
template <class T>
Tensor<T> peak_confidence(const Tensor<T>& maps, bool logits);

/// How a network's heatmaps are read.
struct HeatmapReading {
  double beta;            ///< inverse temperature of soft-argmax
  double stride, offset;  ///< pixel = stride * cell + offset
  bool logits;            ///< of a logistic function; otherwise about 0 to 1
};

/// The model of a network whose `maps(image)`, its output `reads`, are heatmaps [N, h, w, J].
template <class T, class Maps>
PoseModel<T> heatmap_model(const Skeleton& skeleton, std::size_t size, std::string reads, Maps maps,
                           const HeatmapReading& reading) {
  PoseModel<T> model;
  model.skeleton = &skeleton;
  model.size = size;
  model.reads = std::move(reads);
  model.positions = [=](const Var<T>& image) {
    const Var<T> cells = soft_argmax(to_channels_first(maps(image)),
                                     {.beta = reading.beta, .coordinates = Coordinates::pixel});
    return affine(cells, static_cast<T>(reading.stride), static_cast<T>(reading.offset));
  };
  model.confidence = [=](const Var<T>& image) {
    return peak_confidence(maps(image).value(), reading.logits);
  };
  return model;
}

}  // namespace models_internal

/// Positions of some of a pose's joints: [N, J, D] -> [N, K, D].
template <class T>
Var<T> select_joints(const Var<T>& pose, const std::vector<std::size_t>& joints);

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_MODELS

#include <posekit/autodiff/tape.hpp>
#include <posekit/graph/network.hpp>

namespace posekit::inline POSEKIT_ISA {

template <class T>
bool PoseModel<T>::accepts(std::size_t pixels) const {
  if (size_step == 0) return pixels == size;
  return pixels >= min_size && pixels % size_step == size % size_step;
}

template <class T>
void PoseModel<T>::require_size(std::size_t pixels) const {
  if (accepts(pixels)) return;
  if (size_step == 0) {
    throw ShapeError(error_text(name, " takes images of ", size, " pixels, not of ", pixels));
  }
  std::size_t below = std::max(pixels, min_size);
  while (!accepts(below)) --below;
  throw ShapeError(error_text(name, " takes images of ", min_size, ", ", min_size + size_step,
                              ", ... pixels, not of ", pixels, "; the nearest are ", below, " and ",
                              below + size_step));
}

template <class T>
Var<T> PoseModel<T>::operator()(const Var<T>& image) const {
  if (image.dimension() == 4) {
    require_size(image.shape()[2]);
    require_size(image.shape()[3]);
  }
  return positions(image);
}

namespace models_internal {

template <class T>
Var<T> network_input(const Var<T>& image, T scale, T offset) {
  if (image.dimension() != 4 || image.shape()[1] != 3) {
    throw ShapeError(error_text("a pose model's image has shape ", to_string(image.shape()),
                                ", expected [N, 3, H, W]"));
  }
  const Var<T> x = to_channels_last(image);
  return scale == T(1) && offset == T(0) ? x : affine(x, scale, offset);
}

template <class T>
Tensor<T> peak_confidence(const Tensor<T>& maps, bool logits) {
  const std::size_t joints = maps.shape()[3];
  const std::size_t pixels = maps.shape()[1] * maps.shape()[2];
  Tensor<T> result = make_tensor<T>({maps.shape()[0], joints});
  for (std::size_t n = 0; n < maps.shape()[0]; ++n) {
    for (std::size_t j = 0; j < joints; ++j) {
      const T* map = maps.data() + n * pixels * joints + j;
      T top = map[0];
      for (std::size_t i = 1; i < pixels; ++i) top = std::max(top, map[i * joints]);
      result.data()[n * joints + j] =
          logits ? T(1) / (T(1) + std::exp(-top)) : std::clamp(top, T(0), T(1));
    }
  }
  return result;
}

}  // namespace models_internal

template <class T>
Var<T> select_joints(const Var<T>& pose, const std::vector<std::size_t>& joints) {
  if (pose.dimension() != 3) {
    throw ShapeError(error_text("select_joints: pose has shape ", to_string(pose.shape()),
                                ", expected rank 3 [N, J, D]"));
  }
  const std::size_t batch = pose.shape()[0];
  Tensor<std::int64_t> indices = make_tensor<std::int64_t>({batch, joints.size(), 2});
  for (std::size_t n = 0; n < batch; ++n) {
    for (std::size_t k = 0; k < joints.size(); ++k) {
      indices(n, k, 0) = static_cast<std::int64_t>(n);
      indices(n, k, 1) = static_cast<std::int64_t>(joints[k]);
    }
  }
  return gather_nd(pose, indices);
}

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_MODELS
