#pragma once

// The parts of an ImageLifter in files, each with what has to be known to make it.

#include <filesystem>
#include <map>
#include <memory>
#include <string>

#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/models/pose_attribute_net.hpp>
#include <posekit/models/progressive_pose.hpp>
#include <posekit/models/weights_metadata.hpp>

namespace posekit::inline POSEKIT_ISA::models {

/// The metadata of a file of weights. "architecture" is pose_attribute_net or progressive_pose; the
/// skeleton of the latter has to be pose_16, and is not said. Throws ValueError for another.
std::map<std::string, std::string> to_metadata(const PoseAttributeOptions& options);
std::map<std::string, std::string> to_metadata(const ProgressivePoseOptions& options);

/// The options that a file's metadata describe, after a look at whether it has such tensors. Throw
/// FileError.
PoseAttributeOptions pose_attribute_options(const WeightsMetadata& metadata);
ProgressivePoseOptions progressive_pose_options(const WeightsMetadata& metadata);

/// Read a safetensors file with `to_metadata`'s metadata; not in training. Throw FileError where it
/// is none, or another network's.
template <class T>
std::shared_ptr<PoseAttributeNet<T>> load_pose_attribute_net(const std::filesystem::path& weights);
template <class T>
std::shared_ptr<ProgressivePose<T>> load_progressive_pose(const std::filesystem::path& weights);

}  // namespace posekit::inline POSEKIT_ISA::models

#if POSEKIT_DEFINES_MODELS

#include <array>
#include <cstddef>
#include <string_view>
#include <utility>

#include <posekit/core/decimal.hpp>
#include <posekit/core/error.hpp>
#include <posekit/core/listed.hpp>
#include <posekit/models/lifting_features.hpp>
#include <posekit/nn/checkpoint.hpp>

namespace posekit::inline POSEKIT_ISA {

namespace internal {

inline constexpr std::array<std::pair<const char*, models::Dependencies>, 5> dependency_names{
    {{"none", models::Dependencies::none},
     {"forward", models::Dependencies::forward},
     {"backward", models::Dependencies::backward},
     {"both", models::Dependencies::both},
     {"unconnected", models::Dependencies::unconnected}}};
inline constexpr std::array<std::pair<const char*, models::SecondBlock>, 2> second_block_names{
    {{"torso_first", models::SecondBlock::torso_first},
     {"distal_first", models::SecondBlock::distal_first}}};

template <class Names, class Value>
std::string name_of(const Names& names, Value value) {
  for (const auto& [name, known] : names)
    if (known == value) return name;
  return "unknown";
}

template <class Names>
auto named(const Names& names, const models::WeightsMetadata& metadata, const std::string& key) {
  const std::string given = metadata.text(key);
  std::string all;
  for (const auto& [name, value] : names) {
    if (given == name) return value;
    append_listed(all, name);
  }
  metadata.fail("its metadata has '" + given + "' for '" + key + "', expected one of " + all);
}

}  // namespace internal

namespace models {

POSEKIT_INLINE std::map<std::string, std::string> to_metadata(const PoseAttributeOptions& o) {
  return {{"architecture", "pose_attribute_net"},
          {"joints", std::to_string(o.joints)},
          {"stacks", std::to_string(o.stacks)},
          {"blocks", std::to_string(o.blocks)},
          {"features", std::to_string(o.features)},
          {"attributes", std::to_string(o.attributes)},
          {"classes", std::to_string(o.classes)},
          {"domains", std::to_string(o.domains)},
          {"domain_features", std::to_string(o.domain_features)},
          {"height", std::to_string(o.input[0])},
          {"image_width", std::to_string(o.input[1])}};
}

POSEKIT_INLINE std::map<std::string, std::string> to_metadata(const ProgressivePoseOptions& o) {
  if (o.skeleton->name != skeletons::pose_16.name) {
    throw ValueError(error_text("to_metadata: the skeleton is ", o.skeleton->name,
                                ", expected pose_16, which files are of"));
  }
  return {{"architecture", "progressive_pose"},
          {"attributes", o.attributes ? "1" : "0"},
          {"width", std::to_string(o.width)},
          {"blocks", std::to_string(o.blocks)},
          {"dropout", shortest_decimal(o.dropout)},
          {"order", internal::name_of(internal::dependency_names, o.order)},
          {"second_block", internal::name_of(internal::second_block_names, o.second_block)},
          {"unit", shortest_decimal(o.unit)}};
}

POSEKIT_INLINE PoseAttributeOptions pose_attribute_options(const WeightsMetadata& metadata) {
  metadata.require_architecture("pose_attribute_net");
  PoseAttributeOptions o;
  o.joints = metadata.number("joints");
  o.stacks = metadata.number("stacks");
  o.blocks = metadata.number("blocks");
  o.features = metadata.number("features");
  o.attributes = metadata.number("attributes");
  o.classes = metadata.number("classes");
  o.domains = metadata.number("domains");
  o.domain_features = metadata.number("domain_features");
  o.input = {metadata.number("height"), metadata.number("image_width")};
  try {
    internal::checked(o);
    internal::checked(StackedHourglassOptions{
        .joints = o.joints, .stacks = o.stacks, .blocks = o.blocks, .features = o.features});
  } catch (const ValueError& error) {
    metadata.fail(error.what());
  }
  // Before anything of the size that it names is made.
  const std::size_t flat = o.features * (o.input[0] / 64) * (o.input[1] / 64);
  metadata.require_tensor("attribute_head.linear.weight", {o.attributes * o.classes, flat});
  metadata.require_tensor("domain_classifier.0.weight", {o.domain_features, flat});
  metadata.require_tensor("domain_classifier.2.weight", {o.domains, o.domain_features});
  metadata.require_tensors(o.stacks * o.blocks + o.joints);
  return o;
}

POSEKIT_INLINE ProgressivePoseOptions progressive_pose_options(const WeightsMetadata& metadata) {
  metadata.require_architecture("progressive_pose");
  ProgressivePoseOptions o{
      .attributes = metadata.flag("attributes"),
      .width = metadata.number("width"),
      .blocks = metadata.number("blocks"),
      .dropout = metadata.decimal("dropout"),
      .order = internal::named(internal::dependency_names, metadata, "order"),
      .second_block = internal::named(internal::second_block_names, metadata, "second_block"),
      .unit = metadata.decimal("unit")};
  if (!(o.dropout >= 0 && o.dropout < 1) || !(o.unit > 0))
    metadata.fail(error_text("its metadata has dropout ", o.dropout, " and unit ", o.unit,
                             ", expected 0 to 1 and a positive number"));
  // The first regressor of an order sees nothing but the picture's evidence.
  const ProgressiveStep::Group first = progressive_steps(o.order, o.second_block)[0].result;
  metadata.require_tensor(
      "g" + std::to_string(first.block + 1) + std::to_string(first.group + 1) + ".w1.weight",
      {o.width, lifting_feature_count(o.skeleton->size(), o.attributes)});
  metadata.require_tensors(o.blocks);
  return o;
}

template <class T>
std::shared_ptr<PoseAttributeNet<T>> load_pose_attribute_net(const std::filesystem::path& weights) {
  const SafetensorsFile file(weights);
  auto net = std::make_shared<PoseAttributeNet<T>>(
      pose_attribute_options({weights.string(), file, "posekit-progressive"}));
  load_safetensors(weights, *net);
  net->eval();
  return net;
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
