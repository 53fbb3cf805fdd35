#include "configuration.hpp"

#include <array>
#include <utility>

#include <posekit/core/error.hpp>
#include <posekit/nn/checkpoint.hpp>
#include <posekit/pose/skeletons.hpp>

namespace pk = posekit;
using pk::models::FeatureExtractor;

namespace {

constexpr std::array<std::pair<const char*, FeatureExtractor>, 4> extractors{
    {{"inception_v4", FeatureExtractor::inception_v4},
     {"resnet18", FeatureExtractor::resnet18},
     {"resnet34", FeatureExtractor::resnet34},
     {"resnet50", FeatureExtractor::resnet50}}};

}  // namespace

std::string to_string(FeatureExtractor extractor) {
  for (const auto& [name, known] : extractors)
    if (known == extractor) return name;
  return "unknown";
}

FeatureExtractor extractor_of(const std::string& name) {
  std::string all;
  for (const auto& [known, extractor] : extractors) {
    if (name == known) return extractor;
    all += (all.empty() ? "" : ", ") + std::string(known);
  }
  throw pk::ValueError("there is no feature extractor '" + name + "', expected one of " + all);
}

std::map<std::string, std::string> to_metadata(const Configuration& c) {
  return {{"image_size", std::to_string(c.image_size)},
          {"joints", std::to_string(c.network.joints)},
          {"stages", std::to_string(c.network.stages)},
          {"width", std::to_string(c.network.width)},
          {"feature_extractor", to_string(c.network.feature_extractor)},
          {"axis_permutation", c.network.axis_permutation ? "1" : "0"},
          {"pixelwise_loss", c.network.pixelwise_loss == pk::PixelwiseLoss::jsd ? "jsd" : "none"}};
}

void require_input_size(const Configuration& c) {
  const std::size_t size = c.image_size, side = size / 16;
  if (size == 0 || size % 32 != 0 || size > 4096) {
    throw pk::ValueError(
        pk::error_text("the image size is ", size, ", expected a multiple of 32 up to 4096"));
  }
  const auto fits = [&](std::size_t width) { return (width + width / 2) % side == 0; };
  if (!c.network.axis_permutation || fits(c.network.width)) return;
  std::size_t width = c.network.width;
  while (width % 4 != 0 || !fits(width)) ++width;
  throw pk::ValueError(pk::error_text(
      "width ", c.network.width, " does not go with images of ", size, " pixels: axis permutation ",
      "wants 1.5 x width to be a multiple of ", side, ", as of width ", width));
}

LoadedNetwork load_network(const std::filesystem::path& weights) {
  const std::string where = weights.string();
  Configuration c;
  {
    const pk::SafetensorsFile file(weights);
    const auto text = [&](const std::string& key) {
      const auto found = file.metadata().find(key);
      if (found == file.metadata().end()) {
        throw pk::FileError(where + ": its metadata has no '" + key +
                            "', expected weights that posekit-margipose wrote");
      }
      return found->second;
    };
    const auto number = [&](const std::string& key) {
      const std::string digits = text(key);
      if (digits.empty() || digits.size() > 6 ||
          digits.find_first_not_of("0123456789") != std::string::npos) {
        throw pk::FileError(where + ": its metadata has '" + digits + "' for '" + key +
                            "', expected a number");
      }
      return static_cast<std::size_t>(std::stoul(digits));
    };
    c.image_size = number("image_size");
    c.network.joints = number("joints");
    c.network.stages = number("stages");
    c.network.width = number("width");
    c.network.axis_permutation = number("axis_permutation") != 0;
    const std::size_t joints = pk::skeletons::margipose_17.size();
    if (c.network.joints != joints) {
      throw pk::FileError(pk::error_text(where, ": the network has ", c.network.joints,
                                         " joints, expected the ", joints, " of margipose_17"));
    }
    // Before anything of the size that it names is made.
    const auto has = [&](std::size_t stage) {
      const std::string name =
          "inner.xy_hm_cnns." + std::to_string(stage) + ".down_layers.0.module.0.weight";
      return file.contains(name) &&
             file.shape(name) == pk::Shape{c.network.width, c.network.width, 3, 3};
    };
    if (c.network.stages == 0 || !has(0) || !has(c.network.stages - 1)) {
      throw pk::FileError(pk::error_text(where, ": it has no tensors of ", c.network.stages,
                                         " stages of width ", c.network.width,
                                         ", which its metadata describe"));
    }
    c.network.pixelwise_loss =
        text("pixelwise_loss") == "jsd" ? pk::PixelwiseLoss::jsd : pk::PixelwiseLoss::none;
    try {
      c.network.feature_extractor = extractor_of(text("feature_extractor"));
      require_input_size(c);
    } catch (const pk::ValueError& error) {
      throw pk::FileError(where + ": " + error.what());
    }
  }
  auto network = std::make_unique<Network>(c.network);
  pk::load_safetensors(weights, *network);
  network->eval();
  return {c, std::move(network)};
}

void shrink_weights(const std::filesystem::path& weights, const std::filesystem::path& output) {
  const LoadedNetwork loaded = load_network(weights);
  pk::save_half_safetensors(output, *loaded.network, to_metadata(loaded.configuration));
}
