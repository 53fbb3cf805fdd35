#pragma once

// Why a network put a person's joints where it did: PoseIG and its indices, from a photo.

#include <cstddef>
#include <optional>
#include <type_traits>
#include <vector>

#include <posekit/attribution/pose_ig.hpp>
#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/core/tensor.hpp>
#include <posekit/image/crop.hpp>
#include <posekit/image/photo_view.hpp>
#include <posekit/models/pose_network.hpp>
#include <posekit/models/prediction.hpp>

namespace posekit::inline POSEKIT_ISA {

/// What is explained. Positions and pictures are the photo's, or the image's where the network is
/// given an image as it is.
template <class T>
struct ExplanationOptions {
  std::vector<std::size_t> joints{};  ///< those that are explained; empty: all
  /// [J, 2], where the joints should be. A joint that is NaN is not explained. Absent: where the
  /// network itself puts them.
  std::optional<Tensor<T>> truth{};
  std::optional<Tensor<T>> mask{};      ///< [H, W], more than half on the person; for FI
  std::optional<Tensor<T>> baseline{};  ///< [3, H, W], where the path begins with Baseline::image
  /// The likelihood's distances are those in pixels of what the network saw, times this.
  double distance_scale = 1;
  std::optional<std::size_t> size{};  ///< as PredictOptions has it
};

/// What made a network put joints where it did. K joints are explained of J; an image is S x S.
template <class T>
struct PoseExplanation {
  Crop crop;                        ///< what the network saw of the photo
  Tensor<T> image;                  ///< [3, S, S], that
  PosePrediction<T> prediction;     ///< of all J joints, in pixels of `image`
  std::vector<std::size_t> joints;  ///< those that are explained
  Tensor<T> target;                 ///< [K, 2], where they should be, pixels of `image`
  PoseIgResult<T> attribution;      ///< poses in pixels of `image`
  Tensor<T> maps, signed_maps;      ///< [K, S, S], the attributions summed over the channels
  /// [K] each. NaN where no pixel has any influence; FI also without a mask, or where it holds no
  /// pixel.
  Tensor<T> foreground_index, locality_index, diffusion_index;
  Tensor<T> locality;  ///< [K, K], LI_A(X): row A, column X
};

/// (x, y) of some joints in images [N, 3, S, S] -> [N, K, 2]: what is explained.
template <class T>
Var<T> plane_joints(const PoseNetwork<T>& network, const Var<T>& images,
                    const std::vector<std::size_t>& joints);

/// Explains joints of an image [3, S, S], RGB in [0, 1], that the network takes as it is. z is left
/// out of positions that have it. Threads are those of `integration`. Throws as `pose_ig`, and
/// ShapeError and ValueError where the options do not fit the image and the network.
template <class T>
PoseExplanation<T> explain(const PoseNetwork<T>& network, const Tensor<T>& image,
                           const PoseIgOptions& integration = {},
                           const ExplanationOptions<T>& options = {});

/// Explains a person in a photo: a tensor [3, H, W], RGB in [0, 1], or a Bitmap.
///
///     const auto person = pk::find_person(network, photo);
///     const auto why = pk::explain(network, photo, person, {.steps = 100});
///     why.maps;                   // [J, S, S]
///     why.diffusion_index(0);
template <class T>
PoseExplanation<T> explain(const PoseNetwork<T>& network,
                           const PhotoView<std::type_identity_t<T>>& photo, const Box& person,
                           const PoseIgOptions& integration = {},
                           const ExplanationOptions<T>& options = {});

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_ATTRIBUTION

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include <posekit/attribution/indices.hpp>
#include <posekit/autodiff/arithmetic.hpp>
#include <posekit/autodiff/shaping.hpp>
#include <posekit/core/error.hpp>
#include <posekit/core/require.hpp>
#include <posekit/pose/joint_selection.hpp>

namespace posekit::inline POSEKIT_ISA {

namespace internal {

/// The joints to explain and, of each, where it should be.
template <class T>
void find_targets(const Skeleton& skeleton, const ExplanationOptions<T>& options,
                  PoseExplanation<T>& e) {
  std::vector<std::size_t> wanted = options.joints;
  if (wanted.empty()) {
    for (std::size_t j = 0; j < skeleton.size(); ++j) wanted.push_back(j);
  }
  if (options.truth) {
    require_shape(*options.truth, {skeleton.size(), 2}, "explain", "truth [J, 2]");
  }
  const Tensor<T>& place = options.truth ? *options.truth : e.prediction.positions;
  for (const std::size_t j : wanted) {
    if (j >= skeleton.size()) {
      throw ValueError(error_text("explain: joint ", j, " of ", skeleton.size()));
    }
    if (!options.truth || !(std::isnan(place(j, 0)) || std::isnan(place(j, 1)))) {
      e.joints.push_back(j);
    }
  }
  if (e.joints.empty()) {
    throw ValueError("explain: the truth says of none of the joints where it should be");
  }
  e.target = make_tensor<T>({e.joints.size(), 2});
  for (std::size_t k = 0; k < e.joints.size(); ++k) {
    for (std::size_t d = 0; d < 2; ++d) e.target(k, d) = place(e.joints[k], d);
  }
}

/// The indices of all maps; those of an empty map are NaN.
template <class T>
void measure(const ExplanationOptions<T>& options, PoseExplanation<T>& e) {
  const std::size_t joints = e.joints.size();
  const auto nan = std::numeric_limits<T>::quiet_NaN();
  e.diffusion_index = diffusion_index(e.maps, {.empty = EmptyMap::nan});
  e.locality = locality_index(e.maps, e.target, {.empty = EmptyMap::nan});
  e.locality_index = make_tensor<T>({joints});
  for (std::size_t k = 0; k < joints; ++k) {
    e.locality_index(k) = std::isnan(e.diffusion_index(k)) ? nan : e.locality(k, k);
  }
  e.foreground_index = make_tensor<T>({joints});
  e.foreground_index.fill(nan);
  if (!options.mask) return;
  Tensor<T> mask = *options.mask;
  bool any = false;
  for (T& value : mask) {
    value = value >= T(0.5) ? T(1) : T(0);
    any = any || value > 0;
  }
  if (any) e.foreground_index = foreground_index(e.maps, mask, {.empty = EmptyMap::nan});
}

}  // namespace internal

template <class T>
Var<T> plane_joints(const PoseNetwork<T>& network, const Var<T>& images,
                    const std::vector<std::size_t>& joints) {
  const Var<T> pose = network(images);
  return select_joints(pose.shape()[2] == 3 ? slice(pose, 2, 0, 2) : pose, joints);
}

template <class T>
PoseExplanation<T> explain(const PoseNetwork<T>& network, const Tensor<T>& image,
                           const PoseIgOptions& integration, const ExplanationOptions<T>& options) {
  require_positive("explain", "distance_scale", options.distance_scale);
  PoseExplanation<T> e;
  e.prediction = predict(network, image, integration.threads);
  e.crop = e.prediction.crop;
  e.image = image;
  if (options.mask) {
    require_shape(*options.mask, {image.shape()[1], image.shape()[2]}, "explain", "mask");
  }
  internal::find_targets(network.skeleton(), options, e);
  const T unit = static_cast<T>(options.distance_scale);
  const auto chosen = [&](const Var<T>& x) {
    const Var<T> pose = plane_joints(network, x, e.joints);
    return unit == T(1) ? pose : pose * unit;
  };
  Tensor<T> target = e.target;
  for (T& value : target) value *= unit;
  e.attribution = pose_ig(chosen, image, target, integration, options.baseline);
  for (auto* pose : {&e.attribution.pose, &e.attribution.pose_baseline}) {
    for (T& value : *pose) value /= unit;
  }
  e.signed_maps = e.attribution.signed_maps();
  e.maps = make_tensor<T>(shape_of(e.signed_maps));
  std::transform(e.signed_maps.begin(), e.signed_maps.end(), e.maps.begin(),
                 [](T value) { return std::abs(value); });
  internal::measure(options, e);
  return e;
}

template <class T>
PoseExplanation<T> explain(const PoseNetwork<T>& network,
                           const PhotoView<std::type_identity_t<T>>& photo, const Box& person,
                           const PoseIgOptions& integration, const ExplanationOptions<T>& options) {
  const Shape pixels{photo.height(), photo.width()};
  const Crop crop = network_crop(network, person, {.size = options.size});
  ExplanationOptions<T> in_crop = options;
  if (options.truth) in_crop.truth = to_crop(crop, Tensor<T>(*options.truth));
  if (options.mask) {
    require_shape(*options.mask, pixels, "explain", "mask");
    const Tensor<T> whole = reshaped(Tensor<T>(*options.mask), {1, pixels[0], pixels[1]});
    in_crop.mask = reshaped(crop_image(whole, crop), {crop.height, crop.width});
  }
  if (options.baseline) {
    require_shape(*options.baseline, {photo.channels(), photo.height(), photo.width()}, "explain",
                  "baseline");
    in_crop.baseline = crop_image(*options.baseline, crop);
  }
  PoseExplanation<T> e = explain(network, crop_image(photo, crop), integration, in_crop);
  e.crop = crop;
  return e;
}

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_ATTRIBUTION
