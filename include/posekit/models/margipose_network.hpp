#pragma once

// MargiPose as a pose network, and in files: weights by name, and in the metadata what has to be
// known to make the network that they belong to.

#include <cstddef>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/models/margipose.hpp>
#include <posekit/models/pose_network.hpp>
#include <posekit/pose/skeletons.hpp>

namespace posekit::inline POSEKIT_ISA::models {

/// What has to be known of a MargiPose besides its weights.
struct MargiPoseConfiguration {
  std::size_t image_size = 256;
  MargiPoseOptions network{};
};

/// The names of the feature extractors, and back. The latter throws ValueError.
std::string to_string(FeatureExtractor extractor);
FeatureExtractor feature_extractor(std::string_view name);

/// Throws ValueError where a network does not take images of the configuration's size.
void require_input_size(const MargiPoseConfiguration& configuration);

/// A configuration as the metadata of a file of weights.
std::map<std::string, std::string> to_metadata(const MargiPoseConfiguration& configuration);

template <class T>
struct LoadedMargiPose {
  MargiPoseConfiguration configuration;
  std::shared_ptr<MargiPose<T>> network;  ///< not in training
};

/// Reads a safetensors file with `to_metadata`'s metadata: a network of skeletons::margipose_17.
/// Throws FileError where it is none.
template <class T>
LoadedMargiPose<T> load_margipose(const std::filesystem::path& weights);

/// As a pose network: positions [N, J, 3], the xy heatmaps of the last stage, and as confidences
/// how high these are, relative to the peak of the Gaussian of one cell that they are trained to
/// be. The network leaves training; it is shared, not copied. It can be saved
/// where its joints are margipose_17's. Its weighted layers are all convolutions. Throws ValueError
/// as `require_input_size`, and where the skeleton has another number of joints.
template <class T>
PoseNetwork<T> pose_network(std::shared_ptr<MargiPose<T>> network, std::size_t image_size,
                            const Skeleton& skeleton = skeletons::margipose_17);

}  // namespace posekit::inline POSEKIT_ISA::models

#if POSEKIT_DEFINES_MODELS

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>
#include <vector>

#include <posekit/autodiff/arithmetic.hpp>
#include <posekit/core/error.hpp>
#include <posekit/core/listed.hpp>
#include <posekit/core/redrawn.hpp>
#include <posekit/image/imagenet.hpp>
#include <posekit/io/safetensors.hpp>
#include <posekit/models/weights_metadata.hpp>
#include <posekit/nn/checkpoint.hpp>

namespace posekit::inline POSEKIT_ISA {

namespace internal {

inline constexpr std::array<std::pair<const char*, models::FeatureExtractor>, 4> feature_extractors{
    {{"inception_v4", models::FeatureExtractor::inception_v4},
     {"resnet18", models::FeatureExtractor::resnet18},
     {"resnet34", models::FeatureExtractor::resnet34},
     {"resnet50", models::FeatureExtractor::resnet50}}};

/// The configuration that a file's metadata describe, after a look at whether it has such tensors.
inline models::MargiPoseConfiguration read_configuration(const std::string& where,
                                                         const SafetensorsFile& file) {
  const models::WeightsMetadata metadata(where, file, "posekit-margipose");
  // Files of before the metadata said it are MargiPose's.
  if (file.metadata().contains("architecture")) metadata.require_architecture("margipose");
  models::MargiPoseConfiguration c;
  c.image_size = metadata.number("image_size");
  c.network.joints = metadata.number("joints");
  c.network.stages = metadata.number("stages");
  c.network.width = metadata.number("width");
  c.network.axis_permutation = metadata.flag("axis_permutation");
  const std::size_t joints = skeletons::margipose_17.size();
  if (c.network.joints != joints) {
    throw FileError(error_text(where, ": the network has ", c.network.joints,
                               " joints, expected the ", joints, " of margipose_17"));
  }
  // Before anything of the size that it names is made.
  const auto has = [&](std::size_t stage) {
    const std::string name =
        "inner.xy_hm_cnns." + std::to_string(stage) + ".down_layers.0.module.0.weight";
    return file.contains(name) && file.shape(name) == Shape{c.network.width, c.network.width, 3, 3};
  };
  bool has_all = c.network.stages > 0;
  for (std::size_t s = 0; has_all && s < c.network.stages; ++s) has_all = has(s);
  if (!has_all) {
    throw FileError(error_text(where, ": it has no tensors of ", c.network.stages,
                               " stages of width ", c.network.width,
                               ", which its metadata describe"));
  }
  c.network.pixelwise_loss =
      metadata.text("pixelwise_loss") == "jsd" ? PixelwiseLoss::jsd : PixelwiseLoss::none;
  try {
    c.network.feature_extractor = models::feature_extractor(metadata.text("feature_extractor"));
    models::require_input_size(c);
  } catch (const ValueError& error) {
    throw FileError(where + ": " + error.what());
  }
  return c;
}

/// The weights of all convolutions, the last stage's first, and of a stage those of x and y.
template <class T>
std::vector<Parameter<T>*> weights_from_output(models::MargiPose<T>& network) {
  std::vector<std::string> parts;
  for (std::size_t stage = network.options().stages; stage-- > 0;) {
    const std::string number = std::to_string(stage) + ".";
    for (const char* column : {"xy", "zy", "xz"})
      parts.push_back(std::string("inner.") + column + "_hm_cnns." + number);
    if (stage > 0) parts.push_back("inner.hm_combiners." + std::to_string(stage - 1) + ".");
  }
  parts.push_back("inner.in_cnn.");
  auto all = nn::parameters(network);
  std::reverse(all.begin(), all.end());
  std::vector<Parameter<T>*> weights;
  for (const std::string& part : parts) {
    for (const auto& [name, parameter] : all) {
      if (name.starts_with(part) && parameter->value().dimension() >= 2)
        weights.push_back(parameter);
    }
  }
  return weights;
}

}  // namespace internal

namespace models {

POSEKIT_INLINE std::string to_string(FeatureExtractor extractor) {
  for (const auto& [name, known] : internal::feature_extractors)
    if (known == extractor) return name;
  return "unknown";
}

POSEKIT_INLINE FeatureExtractor feature_extractor(std::string_view name) {
  std::string all;
  for (const auto& [known, extractor] : internal::feature_extractors) {
    if (name == known) return extractor;
    append_listed(all, known);
  }
  throw ValueError(error_text("there is no feature extractor '", name, "', expected one of ", all));
}

POSEKIT_INLINE std::map<std::string, std::string> to_metadata(const MargiPoseConfiguration& c) {
  return {{"architecture", "margipose"},
          {"image_size", std::to_string(c.image_size)},
          {"joints", std::to_string(c.network.joints)},
          {"stages", std::to_string(c.network.stages)},
          {"width", std::to_string(c.network.width)},
          {"feature_extractor", to_string(c.network.feature_extractor)},
          {"axis_permutation", c.network.axis_permutation ? "1" : "0"},
          {"pixelwise_loss", c.network.pixelwise_loss == PixelwiseLoss::jsd ? "jsd" : "none"}};
}

POSEKIT_INLINE void require_input_size(const MargiPoseConfiguration& c) {
  const std::size_t size = c.image_size, side = size / 16;
  if (size == 0 || size % 32 != 0 || size > 4096) {
    throw ValueError(
        error_text("the image size is ", size, ", expected a multiple of 32 up to 4096"));
  }
  const auto fits = [&](std::size_t width) { return (width + width / 2) % side == 0; };
  if (!c.network.axis_permutation || fits(c.network.width)) return;
  std::size_t width = c.network.width;
  while (width % 4 != 0 || !fits(width)) ++width;
  throw ValueError(error_text("width ", c.network.width, " does not go with images of ", size,
                              " pixels: axis permutation wants 1.5 x width to be a multiple of ",
                              side, ", as of width ", width));
}

template <class T>
LoadedMargiPose<T> load_margipose(const std::filesystem::path& weights) {
  LoadedMargiPose<T> loaded;
  loaded.configuration = internal::read_configuration(weights.string(), SafetensorsFile(weights));
  loaded.network = std::make_shared<MargiPose<T>>(loaded.configuration.network);
  load_safetensors(weights, *loaded.network);
  loaded.network->eval();
  return loaded;
}

template <class T>
PoseNetwork<T> pose_network(std::shared_ptr<MargiPose<T>> network, std::size_t image_size,
                            const Skeleton& skeleton) {
  const MargiPoseConfiguration configuration{image_size, network->options()};
  require_input_size(configuration);
  if (configuration.network.joints != skeleton.size()) {
    throw ValueError(error_text("pose_network: MargiPose has ", configuration.network.joints,
                                " joints, ", skeleton.name, " has ", skeleton.size()));
  }
  network->eval();
  const auto model = [network](const Var<T>& images) -> PoseOutput<T> {
    const MargiPoseOutput<T> out = (*network)(images);
    const Var<T>& maps = out.stages.back().xy;
    const Shape shape = maps.shape();
    const std::size_t pixels = shape[2] * shape[3];
    Tensor<T> confidence = make_tensor<T>({shape[0], shape[1]});
    const T* map = maps.value().data();
    for (std::size_t i = 0; i < confidence.size(); ++i, map += pixels) {
      constexpr T gaussian_peak = T(0.15915494309189535);  // 1 / (2 pi)
      confidence.data()[i] = std::min(T(1), *std::max_element(map, map + pixels) / gaussian_peak);
    }
    // Normalised coordinates to pixels; a step of one pixel is as long along z.
    const T half = static_cast<T>(images.shape()[2]) / 2;
    Tensor<T> middle = make_tensor<T>({1, 1, 3});
    middle(0, 0, 0) = middle(0, 0, 1) = half - T(0.5);
    middle(0, 0, 2) = 0;
    return {.positions = affine(out.xyz, half, T(0)) + images.tape().constant(std::move(middle)),
            .confidence = std::move(confidence),
            .heatmaps = maps};
  };
  PoseNetworkAbilities<T> abilities{
      .weighted_layers = internal::weights_from_output(*network).size(),
      .randomized = [network, image_size, &skeleton](std::size_t count, std::uint64_t seed) {
        auto changed = std::make_shared<MargiPose<T>>(network->options());
        nn::copy_tensors(*network, *changed);
        auto weights = internal::weights_from_output(*changed);
        weights.resize(std::min(count, weights.size()));
        for (std::size_t i = 0; i < weights.size(); ++i) {
          weights[i]->set_value(redrawn(weights[i]->value(), seed, i));
        }
        return pose_network(changed, image_size, skeleton);
      }};
  // Files are of margipose_17's joints.
  if (skeleton.name == skeletons::margipose_17.name) {
    abilities.save = [network, configuration](const std::filesystem::path& path) {
      save_safetensors(path, *network, to_metadata(configuration));
    };
  }
  return PoseNetwork<T>(
      {.name = "margipose",
       .skeleton = &skeleton,
       .input = {.size = image_size, .mean = imagenet_mean, .deviation = imagenet_deviation},
       .reads = "xyz"},
      model, std::move(abilities));
}

}  // namespace models

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_MODELS
