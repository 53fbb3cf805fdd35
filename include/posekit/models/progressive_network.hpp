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

/// The metadata of a file of weights; "architecture" is progressive_pose.
std::map<std::string, std::string> to_metadata(const ProgressivePoseOptions& options);

/// The options that a file's metadata describe, after a look at whether it has such tensors; the
/// skeleton is one of `skeletons::all`. Throws FileError.
ProgressivePoseOptions progressive_pose_options(const WeightsMetadata& metadata);

/// Reads a safetensors file with `to_metadata`'s metadata; not in training. Throws FileError where
/// it is none, or another network's.
template <class T>
std::shared_ptr<ProgressivePose<T>> load_progressive_pose(const std::filesystem::path& weights);

}  // namespace posekit::inline POSEKIT_ISA::models

#if POSEKIT_DEFINES_MODELS

#include <array>
#include <cstddef>
#include <string_view>

#include <posekit/core/decimal.hpp>
#include <posekit/core/error.hpp>
#include <posekit/models/lifting_features.hpp>
#include <posekit/nn/checkpoint.hpp>
#include <posekit/pose/find_skeleton.hpp>

namespace posekit::inline POSEKIT_ISA {

namespace internal {

inline constexpr std::array<std::string_view, 5> dependency_names{"none", "forward", "backward",
                                                                  "both", "unconnected"};
inline constexpr std::array<std::string_view, 2> second_block_names{"torso_first", "distal_first"};

}  // namespace internal

namespace models {

POSEKIT_INLINE std::map<std::string, std::string> to_metadata(const ProgressivePoseOptions& o) {
  return {{"architecture", "progressive_pose"},
          {"skeleton", std::string(o.skeleton->name)},
          {"attributes", o.attributes ? "1" : "0"},
          {"width", std::to_string(o.width)},
          {"blocks", std::to_string(o.blocks)},
          {"dropout", shortest_decimal(o.dropout)},
          {"order", std::string(internal::dependency_names[static_cast<std::size_t>(o.order)])},
          {"second_block",
           std::string(internal::second_block_names[static_cast<std::size_t>(o.second_block)])},
          {"unit", shortest_decimal(o.unit)}};
}

POSEKIT_INLINE ProgressivePoseOptions progressive_pose_options(const WeightsMetadata& metadata) {
  metadata.require_architecture("progressive_pose");
  ProgressivePoseOptions o{
      .attributes = metadata.flag("attributes"),
      .width = metadata.number("width"),
      .blocks = metadata.number("blocks"),
      .dropout = metadata.decimal("dropout"),
      .order = static_cast<Dependencies>(metadata.choice("order", internal::dependency_names)),
      .second_block =
          static_cast<SecondBlock>(metadata.choice("second_block", internal::second_block_names)),
      .unit = metadata.decimal("unit")};
  try {
    o.skeleton = &find_skeleton(metadata.text("skeleton"));
    freedom_groups(*o.skeleton);
  } catch (const ValueError& error) {
    metadata.fail(error.what());
  }
  if (!(o.dropout >= 0 && o.dropout < 1) || !(o.unit > 0)) {
    metadata.fail(error_text("its metadata has dropout ", o.dropout, " and unit ", o.unit,
                             ", expected 0 to less than 1 and a positive number"));
  }
  // The first regressor of an order sees nothing but the picture's evidence.
  const ProgressiveStep::Group first = progressive_steps(o.order, o.second_block)[0].result;
  const std::string name =
      "g" + std::to_string(first.block + 1) + std::to_string(first.group + 1) + ".";
  metadata.require_tensor(name + "w1.weight",
                          {o.width, lifting_feature_count(o.skeleton->size(), o.attributes)});
  // The largest, so that a small file does not ask for much memory.
  if (o.blocks > 0) metadata.require_tensor(name + "linear_stages.0.w1.weight", {o.width, o.width});
  metadata.require_tensors(o.blocks);
  return o;
}

template <class T>
std::shared_ptr<ProgressivePose<T>> load_progressive_pose(const std::filesystem::path& weights) {
  const SafetensorsFile file(weights);
  auto net = std::make_shared<ProgressivePose<T>>(
      progressive_pose_options({weights.string(), file, "posekit-progressive"}));
  load_safetensors(weights, *net);
  net->eval();
  return net;
}

}  // namespace models

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_MODELS
