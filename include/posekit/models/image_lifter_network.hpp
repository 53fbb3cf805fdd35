#pragma once

// An ImageLifter as a pose network, and in files.

#include <filesystem>
#include <map>
#include <memory>
#include <string>

#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/models/image_lifter.hpp>
#include <posekit/models/pose_network.hpp>

namespace posekit::inline POSEKIT_ISA::models {

/// A configuration as the metadata of a file of weights: "architecture" is image_lifter, and the
/// entries of its parts have "image." and "lifter." before their names.
std::map<std::string, std::string> to_metadata(const ImageLifterOptions& options);

/// Reads a safetensors file with `to_metadata`'s metadata; not in training. Throws FileError where
/// it is none, or another network's.
template <class T>
std::shared_ptr<ImageLifter<T>> load_image_lifter(const std::filesystem::path& weights);

/// As a pose network: positions [N, J, 3] in pixels of the picture, the last stack's heatmaps, and
/// as confidences how high their peaks are. The positions are the lifted ones, in whose x and y the
/// camera sees them where they fit the 2D joints best (one scale and one shift in the picture for
/// each person, by least squares); z is 0 at the root. So the whole chain is what `explain`
/// explains. The network leaves training; it is shared, not copied. `randomized` begins with the
/// lifter's last regressor. Throws ValueError for pictures that are not square.
template <class T>
PoseNetwork<T> pose_network(std::shared_ptr<ImageLifter<T>> network);

/// Positions [N, J, 3], in any unit, where they fit joints [N, J, 2] in a picture best, with a
/// scale and a shift for each of the N: [N, J, 3] in the joints' unit. z is 0 at joint `root`.
/// Throws ShapeError.
template <class T>
Var<T> place_in_picture(const Var<T>& positions, const Var<T>& joints, std::size_t root);

}  // namespace posekit::inline POSEKIT_ISA::models

#if POSEKIT_DEFINES_MODELS

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include <posekit/autodiff/arithmetic.hpp>
#include <posekit/autodiff/reductions.hpp>
#include <posekit/autodiff/shaping.hpp>
#include <posekit/core/decimal.hpp>
#include <posekit/core/error.hpp>
#include <posekit/core/redrawn.hpp>
#include <posekit/image/imagenet.hpp>
#include <posekit/models/heatmap_reading.hpp>
#include <posekit/models/pose_attribute_network.hpp>
#include <posekit/models/progressive_network.hpp>
#include <posekit/nn/checkpoint.hpp>

namespace posekit::inline POSEKIT_ISA {

namespace internal {

/// The weights that what an ImageLifter says depends on, from its end to its beginning.
template <class T>
std::vector<Parameter<T>*> weights_from_output(models::ImageLifter<T>& network) {
  std::vector<Parameter<T>*> weights;
  auto all = nn::parameters(network);
  std::reverse(all.begin(), all.end());
  for (const auto& [name, parameter] : all) {
    if (!name.starts_with("image.domain_classifier.") && parameter->value().dimension() >= 2)
      weights.push_back(parameter);
  }
  return weights;
}

}  // namespace internal

namespace models {

POSEKIT_INLINE std::map<std::string, std::string> to_metadata(const ImageLifterOptions& o) {
  std::map<std::string, std::string> result{{"architecture", "image_lifter"},
                                            {"beta", shortest_decimal(o.beta)},
                                            {"crop", shortest_decimal(o.crop)}};
  for (const auto& [key, value] : to_metadata(o.image)) result["image." + key] = value;
  for (const auto& [key, value] : to_metadata(o.lifter)) result["lifter." + key] = value;
  return result;
}

template <class T>
std::shared_ptr<ImageLifter<T>> load_image_lifter(const std::filesystem::path& weights) {
  const SafetensorsFile file(weights);
  const WeightsMetadata metadata(weights.string(), file, "posekit-progressive");
  metadata.require_architecture("image_lifter");
  const ImageLifterOptions options{.image = pose_attribute_options(metadata.part("image.")),
                                   .lifter = progressive_pose_options(metadata.part("lifter.")),
                                   .beta = metadata.decimal("beta"),
                                   .crop = metadata.decimal("crop")};
  try {
    internal::checked(options);
  } catch (const ValueError& error) {
    metadata.fail(error.what());
  }
  auto net = std::make_shared<ImageLifter<T>>(options);
  load_safetensors(weights, *net);
  net->eval();
  return net;
}

template <class T>
Var<T> place_in_picture(const Var<T>& positions, const Var<T>& joints, std::size_t root) {
  const Shape shape = positions.shape();
  if (shape.size() != 3 || shape[2] != 3 || root >= shape[1]) {
    throw ShapeError(error_text("place_in_picture: positions has shape ", posekit::to_string(shape),
                                ", expected [N, J, 3] with joint ", root));
  }
  if (joints.shape() != Shape{shape[0], shape[1], 2}) {
    throw ShapeError(error_text("place_in_picture: joints has shape ",
                                posekit::to_string(joints.shape()), ", expected [", shape[0], ", ",
                                shape[1], ", 2]"));
  }
  const Var<T> flat = slice(positions, 2, 0, 2), deep = slice(positions, 2, 2, 3);
  const Var<T> middle = mean(joints, {1}, true);
  const Var<T> from = flat - mean(flat, {1}, true), to = joints - middle;
  // A pose without extent is put into the middle, not divided by 0.
  constexpr T least = T(1e-12);
  const Var<T> scale = sum(from * to, {1, 2}, true) / (sum(from * from, {1, 2}, true) + least);
  return concatenate({from * scale + middle, (deep - slice(deep, 1, root, root + 1)) * scale}, 2);
}

template <class T>
PoseNetwork<T> pose_network(std::shared_ptr<ImageLifter<T>> network) {
  const ImageLifterOptions& options = network->options();
  const Skeleton& skeleton = *options.lifter.skeleton;
  const std::size_t size = options.image.input[0];
  if (options.image.input[1] != size) {
    throw ValueError(error_text("pose_network: the image lifter takes pictures of ", size, " x ",
                                options.image.input[1], " pixels, expected square ones"));
  }
  const auto metadata = to_metadata(options);
  network->eval();
  const auto model = [network, size, &skeleton](const Var<T>& images) -> PoseOutput<T> {
    const ImageLifterOutput<T> out = (*network)(images);
    const T half = static_cast<T>(size) / 2;
    const Var<T> pixels = affine(out.joints, half, half - T(0.5));
    const Var<T>& maps = out.seen.heatmaps.back();
    return {
        .positions = place_in_picture(out.lifted.positions, pixels, skeleton.index(skeleton.root)),
        .confidence = peak_confidence(to_channels_last(maps).value(), false),
        .heatmaps = maps};
  };
  PoseNetworkAbilities<T> abilities{
      .save =
          [network, metadata](const std::filesystem::path& path) {
            save_safetensors(path, *network, metadata);
          },
      .weighted_layers = internal::weights_from_output(*network).size(),
      .randomized =
          [network](std::size_t count, std::uint64_t seed) {
            auto changed = std::make_shared<ImageLifter<T>>(network->options());
            nn::copy_tensors(*network, *changed);
            auto weights = internal::weights_from_output(*changed);
            weights.resize(std::min(count, weights.size()));
            for (std::size_t i = 0; i < weights.size(); ++i)
              weights[i]->set_value(redrawn(weights[i]->value(), seed, i));
            return pose_network(changed);
          }};
  return PoseNetwork<T>(
      {.name = "image-lifter",
       .skeleton = &skeleton,
       .input = {.size = size, .mean = imagenet_mean, .deviation = imagenet_deviation},
       .reads = "lifted"},
      model, std::move(abilities));
}

}  // namespace models

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_MODELS
