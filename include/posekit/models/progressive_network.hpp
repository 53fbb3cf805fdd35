#pragma once

// Lifting networks in files: weights by name, and in the metadata what has to be known to make the
// network that they belong to.

#include <filesystem>
#include <map>
#include <memory>
#include <string>

#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/models/progressive_pose.hpp>
#include <posekit/models/weights_metadata.hpp>

namespace posekit::inline POSEKIT_ISA::models {

/// A network's options as the metadata of a file of weights.
std::map<std::string, std::string> to_metadata(const ProgressivePoseOptions& options);

/// The options that metadata describe; the skeleton is one of `skeletons::all`. Throws FileError.
ProgressivePoseOptions progressive_options(const WeightsMetadata& metadata);

template <class T>
struct LoadedProgressivePose {
  ProgressivePoseOptions options;
  std::shared_ptr<ProgressivePose<T>> network;  ///< not in training
};

/// Reads a safetensors file with `to_metadata`'s metadata. Throws FileError where it is none.
template <class T>
LoadedProgressivePose<T> load_progressive_pose(const std::filesystem::path& weights);

}  // namespace posekit::inline POSEKIT_ISA::models

#if POSEKIT_DEFINES_MODELS

#include <array>
#include <string_view>

#include <posekit/core/decimal.hpp>
#include <posekit/core/error.hpp>
#include <posekit/io/safetensors.hpp>
#include <posekit/nn/checkpoint.hpp>
#include <posekit/pose/find_skeleton.hpp>

namespace posekit::inline POSEKIT_ISA::models {

namespace internal {

inline constexpr std::array<std::string_view, 5> dependency_names{"none", "forward", "backward",
                                                                  "both", "unconnected"};
inline constexpr std::array<std::string_view, 2> second_block_names{"torso_first", "distal_first"};

}  // namespace internal

POSEKIT_INLINE std::map<std::string, std::string> to_metadata(
    const ProgressivePoseOptions& options) {
  return {
      {"architecture", "progressive_pose"},
      {"skeleton", std::string(options.skeleton->name)},
      {"attributes", options.attributes ? "1" : "0"},
      {"width", std::to_string(options.width)},
      {"blocks", std::to_string(options.blocks)},
      {"dropout", shortest_decimal(options.dropout)},
      {"order", std::string(internal::dependency_names[static_cast<std::size_t>(options.order)])},
      {"second_block",
       std::string(internal::second_block_names[static_cast<std::size_t>(options.second_block)])},
      {"unit", shortest_decimal(options.unit)}};
}

POSEKIT_INLINE ProgressivePoseOptions progressive_options(const WeightsMetadata& metadata) {
  ProgressivePoseOptions options;
  try {
    options.skeleton = &find_skeleton(metadata.text("skeleton"));
    freedom_groups(*options.skeleton);
  } catch (const ValueError& error) {
    throw FileError(metadata.where() + ": " + error.what());
  }
  options.attributes = metadata.number("attributes") != 0;
  options.width = metadata.number("width");
  options.blocks = metadata.number("blocks");
  const auto dropout = parse_decimal(metadata.text("dropout"));
  if (!dropout || !(*dropout >= 0 && *dropout < 1))
    metadata.refuse("dropout", "a number from 0 to less than 1");
  options.dropout = *dropout;
  options.order = static_cast<Dependencies>(metadata.choice("order", internal::dependency_names));
  options.second_block =
      static_cast<SecondBlock>(metadata.choice("second_block", internal::second_block_names));
  options.unit = metadata.positive("unit");
  if (options.width == 0) metadata.refuse("width", "more than 0");
  if (options.blocks > 64) metadata.refuse("blocks", "at most 64");
  return options;
}

template <class T>
LoadedProgressivePose<T> load_progressive_pose(const std::filesystem::path& weights) {
  const SafetensorsFile file(weights);
  const WeightsMetadata metadata(weights.string(), file.metadata(), "progressive_pose",
                                 "posekit-progressive");
  LoadedProgressivePose<T> loaded{progressive_options(metadata), nullptr};
  // Before anything of the size that it names is made.
  const std::string first = loaded.options.order == Dependencies::backward ? "g13" : "g11";
  const Shape expected{loaded.options.width, loaded.options.width};
  const std::string block = first + ".linear_stages.0.w1.weight", last = first + ".w2.weight";
  const bool fits = loaded.options.blocks > 0
                        ? file.contains(block) && file.shape(block) == expected
                        : file.contains(last) && file.shape(last).size() == 2 &&
                              file.shape(last)[1] == loaded.options.width;
  if (!fits) {
    throw FileError(error_text(metadata.where(), ": it has no tensors of width ",
                               loaded.options.width, ", which its metadata describe"));
  }
  loaded.network = std::make_shared<ProgressivePose<T>>(loaded.options);
  load_safetensors(weights, *loaded.network);
  loaded.network->eval();
  return loaded;
}

}  // namespace posekit::inline POSEKIT_ISA::models

#endif  // POSEKIT_DEFINES_MODELS
