#pragma once

// From a photo and a person's box to the pose in the photo.

#include <cstddef>
#include <optional>
#include <type_traits>

#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/core/tensor.hpp>
#include <posekit/image/crop.hpp>
#include <posekit/image/photo_view.hpp>
#include <posekit/models/pose_network.hpp>

namespace posekit::inline POSEKIT_ISA {

/// What a network says of one person. J joints, D coordinates (2 or 3).
template <class T>
struct PosePrediction {
  Tensor<T> positions;                  ///< [J, D], (x, y) or (x, y, z), pixels of the photo
  Tensor<T> confidence;                 ///< [J] in [0, 1]; 1 where the network does not say
  std::optional<Tensor<T>> heatmaps{};  ///< [J, h, w], of what the network saw
  Crop crop{};                          ///< what the network saw of the photo
};

struct PredictOptions {
  std::optional<std::size_t> size{};  ///< of the image to show the network; its own by default
  /// Side of that image relative to the box's longer side; the network's own by default.
  std::optional<double> margin{};
  int threads = 0;  ///< 0: as many as OpenMP would use
};

/// What a network is shown of a person. Throws ShapeError where the network does not take the size
/// and ValueError for an empty box.
template <class T>
Crop network_crop(const PoseNetwork<T>& network, const Box& person,
                  const PredictOptions& options = {});

/// Runs a network once on an image [3, S, S] that it takes as it is: RGB in [0, 1]. Positions are
/// in this image's pixels. Throws ShapeError.
template <class T>
PosePrediction<T> predict(const PoseNetwork<T>& network, const Tensor<T>& image, int threads = 0);

/// Runs a network once on a person in a photo: a tensor [3, H, W], RGB in [0, 1], or a Bitmap. z is
/// in photo pixels too. Throws ShapeError and ValueError.
template <class T>
PosePrediction<T> predict(const PoseNetwork<T>& network,
                          const PhotoView<std::type_identity_t<T>>& photo, const Box& person,
                          const PredictOptions& options = {});

/// (x, y) of positions [J, 2 or 3] -> [J, 2].
template <class T>
Tensor<T> plane_positions(const Tensor<T>& positions);

struct FindPersonOptions {
  std::optional<std::size_t> size{};  ///< as PredictOptions has it
  std::size_t passes = 2;             ///< of the network: the first sees the whole photo
  double sure = 0.25;                 ///< the least confidence of joints that count
  int threads = 0;
};

/// All of a photo: [3, H, W], or a Bitmap.
template <class T>
Box photo_box(const PhotoView<T>& photo) {
  return {0, 0, static_cast<double>(photo.width()), static_cast<double>(photo.height())};
}
template <class T>
Box photo_box(const Tensor<T>& photo) {
  return photo_box(PhotoView<T>(photo));
}
inline Box photo_box(const Bitmap& photo) { return photo_box(PhotoView<float>(photo)); }

/// Finds a person with the network itself, without a detector: first in the whole photo, then once
/// more around the joints it was sure of. Throws ValueError where it is sure of fewer than three,
/// or of none that lie apart.
template <class T>
Box find_person(const PoseNetwork<T>& network, const PhotoView<std::type_identity_t<T>>& photo,
                const FindPersonOptions& options = {});

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_MODELS

#include <algorithm>
#include <utility>

#include <posekit/core/error.hpp>
#include <posekit/core/require.hpp>

namespace posekit::inline POSEKIT_ISA {

template <class T>
Crop network_crop(const PoseNetwork<T>& network, const Box& person, const PredictOptions& options) {
  const std::size_t size = options.size.value_or(network.input().size);
  network.require_size(size);
  return square_crop(person, size, options.margin.value_or(network.input().crop_margin));
}

template <class T>
PosePrediction<T> predict(const PoseNetwork<T>& network, const Tensor<T>& image, int threads) {
  require_rank(image, 3, "predict", "image", "[3, S, S]");
  Tape<T> tape({.threads = threads});
  const std::size_t joints = network.skeleton().size();
  const Shape batch{1, image.shape()[0], image.shape()[1], image.shape()[2]};
  PoseOutput<T> output = network.run(tape.constant(reshaped(Tensor<T>(image), batch)));
  const std::size_t axes = output.positions.shape()[2];
  PosePrediction<T> prediction{
      .positions = reshaped(Tensor<T>(output.positions.value()), {joints, axes}),
      .confidence = make_tensor<T>({joints})};
  prediction.confidence.fill(T(1));
  if (output.confidence) prediction.confidence = reshaped(std::move(*output.confidence), {joints});
  if (output.heatmaps) {
    const Shape maps = output.heatmaps->shape();
    prediction.heatmaps = reshaped(Tensor<T>(output.heatmaps->value()), {joints, maps[2], maps[3]});
  }
  prediction.crop.width = image.shape()[2];
  prediction.crop.height = image.shape()[1];
  prediction.crop.to_photo.leftCols(2).setIdentity();
  return prediction;
}

template <class T>
PosePrediction<T> predict(const PoseNetwork<T>& network,
                          const PhotoView<std::type_identity_t<T>>& photo, const Box& person,
                          const PredictOptions& options) {
  const Crop crop = network_crop(network, person, options);
  PosePrediction<T> prediction = predict(network, crop_image(photo, crop), options.threads);
  prediction.crop = crop;
  Tensor<T>& positions = prediction.positions;
  for (std::size_t j = 0; j < positions.shape()[0]; ++j) {
    const Eigen::Vector2d at = crop.photo_point(
        {static_cast<double>(positions(j, 0)), static_cast<double>(positions(j, 1))});
    positions(j, 0) = static_cast<T>(at.x());
    positions(j, 1) = static_cast<T>(at.y());
    if (positions.shape()[1] == 3) positions(j, 2) *= static_cast<T>(crop.scale());
  }
  return prediction;
}

template <class T>
Tensor<T> plane_positions(const Tensor<T>& positions) {
  require_rank(positions, 2, "plane_positions", "positions", "[J, 2 or 3]");
  Tensor<T> plane = make_tensor<T>({positions.shape()[0], 2});
  for (std::size_t j = 0; j < positions.shape()[0]; ++j) {
    for (std::size_t d = 0; d < 2; ++d) plane(j, d) = positions(j, d);
  }
  return plane;
}

template <class T>
Box find_person(const PoseNetwork<T>& network, const PhotoView<std::type_identity_t<T>>& photo,
                const FindPersonOptions& options) {
  Box box = photo_box(photo);
  for (std::size_t pass = 0; pass < options.passes; ++pass) {
    PredictOptions how{.size = options.size, .threads = options.threads};
    if (pass == 0) how.margin = 1.0;
    const PosePrediction<T> found = predict(network, photo, box, how);
    double x0 = 1e9, y0 = 1e9, x1 = -1e9, y1 = -1e9;
    std::size_t sure = 0;
    for (std::size_t j = 0; j < found.positions.shape()[0]; ++j) {
      if (!(static_cast<double>(found.confidence(j)) >= options.sure)) continue;
      ++sure;
      const auto x = static_cast<double>(found.positions(j, 0));
      const auto y = static_cast<double>(found.positions(j, 1));
      x0 = std::min(x0, x), x1 = std::max(x1, x);
      y0 = std::min(y0, y), y1 = std::max(y1, y);
    }
    if (sure < 3 || !(x1 - x0 > 4) || !(y1 - y0 > 4)) {
      if (pass > 0) break;
      throw ValueError(
          error_text("the network found no person in the photo (it is sure of ", sure, " joints)"));
    }
    // Joints lie inside the silhouette: ears and ankles are not the ends of a person.
    const double grow = 0.1 * std::max(x1 - x0, y1 - y0);
    box = {x0 - grow, y0 - grow, x1 - x0 + 2 * grow, y1 - y0 + 2 * grow};
  }
  return box;
}

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_MODELS
