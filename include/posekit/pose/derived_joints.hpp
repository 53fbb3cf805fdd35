#pragma once

// Joints that a skeleton lacks, from those it has.

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>

namespace posekit::inline POSEKIT_ISA {

/// A joint and its share in a derived one. Without weights, shares are equal.
struct JointPart {
  std::string joint;
  std::optional<double> weight{};

  JointPart(const char* name) : joint(name) {}       // NOLINT: {"left_hip", "right_hip"} is a mean
  JointPart(std::string_view name) : joint(name) {}  // NOLINT
  JointPart(const std::string& name) : joint(name) {}  // NOLINT
  JointPart(std::string_view name, double w) : joint(name), weight(w) {}
};

/// A joint as the mean or the weighted sum of others. Weights sum to 1.
///
///     pk::DerivedJoint neck{"neck", {"left_shoulder", "right_shoulder"}};
///     pk::DerivedJoint top{"head_top", {{"head", 1.6}, {"neck", -0.6}}};
struct DerivedJoint {
  std::string joint;
  std::vector<JointPart> parts;
};

/// What is usually derived: the pelvis between the hips, neck and thorax between the shoulders, the
/// spine's joint 0.57 of the way from the hips' middle to the shoulders'. (That is where it is in
/// CMU's motion capture: 0.571, with a standard deviation of 0.009 over 3,510 frames.)
std::vector<DerivedJoint> usual_derived_joints();

/// Throws ValueError, beginning with `function`, where weights are given for some parts only or do
/// not sum to 1.
void require_derived_joints(const char* function, const std::vector<DerivedJoint>& derived);

/// A joint as a weighted sum of what `find` knows (it gives the index of a name), by the first rule
/// whose parts are known or derived themselves. Empty where there is none.
std::vector<std::pair<std::size_t, double>> derive_joint(
    const std::string& joint, const std::vector<DerivedJoint>& derived,
    const std::function<std::optional<std::size_t>(const std::string&)>& find);

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_POSE

#include <algorithm>
#include <cmath>

#include <posekit/core/error.hpp>

namespace posekit::inline POSEKIT_ISA {

POSEKIT_INLINE std::vector<DerivedJoint> usual_derived_joints() {
  return {{"pelvis", {"left_hip", "right_hip"}},
          {"neck", {"left_shoulder", "right_shoulder"}},
          {"thorax", {"left_shoulder", "right_shoulder"}},
          {"spine",
           {{"left_hip", 0.215},
            {"right_hip", 0.215},
            {"left_shoulder", 0.285},
            {"right_shoulder", 0.285}}}};
}

POSEKIT_INLINE void require_derived_joints(const char* function,
                                           const std::vector<DerivedJoint>& derived) {
  for (const DerivedJoint& rule : derived) {
    double sum = 0;
    std::size_t weighted = 0;
    for (const JointPart& part : rule.parts) {
      sum += part.weight.value_or(0);
      weighted += part.weight ? 1 : 0;
    }
    if (weighted == 0 && !rule.parts.empty()) continue;
    if (weighted != rule.parts.size()) {
      throw ValueError(error_text(function, ": ", weighted, " of ", rule.parts.size(),
                                  " parts of derived joint ", rule.joint,
                                  " have a weight, expected all or none"));
    }
    if (!(std::abs(sum - 1) < 1e-9)) {
      throw ValueError(error_text(function, ": the weights of derived joint ", rule.joint,
                                  " sum to ", sum, ", expected 1"));
    }
  }
}

namespace internal {

/// `depth` ends joints that are derived from each other.
inline std::vector<std::pair<std::size_t, double>> derive_joint(
    const std::string& joint, const std::vector<DerivedJoint>& derived,
    const std::function<std::optional<std::size_t>(const std::string&)>& find, int depth) {
  using Sum = std::vector<std::pair<std::size_t, double>>;
  if (const auto at = find(joint)) return {{*at, 1.0}};
  if (depth > 8) return {};
  for (const DerivedJoint& rule : derived) {
    if (rule.joint != joint) continue;
    Sum sum;
    const auto add = [&](const JointPart& part) {
      const Sum of_part = derive_joint(part.joint, derived, find, depth + 1);
      const double weight = part.weight.value_or(1 / static_cast<double>(rule.parts.size()));
      for (const auto& [at, share] : of_part) sum.emplace_back(at, share * weight);
      return !of_part.empty();
    };
    if (std::all_of(rule.parts.begin(), rule.parts.end(), add)) return sum;
  }
  return {};
}

}  // namespace internal

POSEKIT_INLINE std::vector<std::pair<std::size_t, double>> derive_joint(
    const std::string& joint, const std::vector<DerivedJoint>& derived,
    const std::function<std::optional<std::size_t>(const std::string&)>& find) {
  return internal::derive_joint(joint, derived, find, 0);
}

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_POSE
