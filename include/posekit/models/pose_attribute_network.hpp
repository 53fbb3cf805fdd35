#pragma once

// A PoseAttributeNet in files: weights by name, and in the metadata what has to be known to make
// the network that they belong to.

#include <filesystem>
#include <map>
#include <memory>
#include <string>

#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/models/pose_attribute_net.hpp>
#include <posekit/models/weights_metadata.hpp>

namespace posekit::inline POSEKIT_ISA::models {

/// The metadata of a file of weights; "architecture" is pose_attribute_net.
std::map<std::string, std::string> to_metadata(const PoseAttributeNetOptions& options);

/// The options that a file's metadata describe, after a look at whether it has such tensors. Throws
/// FileError.
PoseAttributeNetOptions pose_attribute_options(const WeightsMetadata& metadata);

/// Reads a safetensors file with `to_metadata`'s metadata; not in training. Throws FileError where
/// it is none, or another network's.
template <class T>
std::shared_ptr<PoseAttributeNet<T>> load_pose_attribute_net(const std::filesystem::path& weights);

}  // namespace posekit::inline POSEKIT_ISA::models

#if POSEKIT_DEFINES_MODELS

#include <cstddef>

#include <posekit/core/error.hpp>
#include <posekit/nn/checkpoint.hpp>

namespace posekit::inline POSEKIT_ISA {

namespace models {

POSEKIT_INLINE std::map<std::string, std::string> to_metadata(const PoseAttributeNetOptions& o) {
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

POSEKIT_INLINE PoseAttributeNetOptions pose_attribute_options(const WeightsMetadata& metadata) {
  metadata.require_architecture("pose_attribute_net");
  PoseAttributeNetOptions o;
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

template <class T>
std::shared_ptr<PoseAttributeNet<T>> load_pose_attribute_net(const std::filesystem::path& weights) {
  const SafetensorsFile file(weights);
  auto net = std::make_shared<PoseAttributeNet<T>>(
      pose_attribute_options({weights.string(), file, "posekit-progressive"}));
  load_safetensors(weights, *net);
  net->eval();
  return net;
}

}  // namespace models

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_MODELS
