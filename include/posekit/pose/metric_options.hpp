#pragma once

// Which joints a metric counts, and in what unit the poses are.
//
// Metrics take prediction and truth as [F, J, 2 or 3], frames of a skeleton's joints. All throw
// ShapeError where the shapes do not fit (naming both numbers of joints), and ValueError for joints
// that the skeleton lacks, and for coordinates that are not finite where a joint is visible. A
// frame whose root is not visible is not measured where roots are aligned, and its status says so.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/pose/skeletons.hpp>

namespace posekit::inline POSEKIT_ISA {

/// What a metric's options have in common.
struct PoseMetricOptions {
  std::vector<std::string> joints{};  ///< that count; empty: all
  std::string root{};  ///< the joint that poses are aligned at; empty: the skeleton's
  /// [F * J]: 0 where a joint is not counted, and does not decide an alignment. None: all count.
  std::optional<std::vector<std::uint8_t>> visible{};
  std::string unit{};  ///< of the poses; empty: "px" in the plane, "mm" in space
  int threads = 0;
};

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_POSE

#include <posekit/core/error.hpp>

namespace posekit::inline POSEKIT_ISA {

namespace internal {

inline std::string unit_of(const std::string& unit, std::size_t axes) {
  return !unit.empty() ? unit : axes == 2 ? "px" : "mm";
}

/// Which joints count, and the root's index where one is needed.
struct CountedJoints {
  std::vector<std::size_t> indices;
  std::vector<std::string> names;
  std::size_t root = 0;
};

inline CountedJoints counted_joints(const char* function, const Skeleton& skeleton,
                                    const std::vector<std::string>& joints, const std::string& root,
                                    bool needs_root) {
  CountedJoints counted;
  for (const std::string& joint : joints) counted.indices.push_back(skeleton.index(joint));
  if (joints.empty()) {
    for (std::size_t j = 0; j < skeleton.size(); ++j) counted.indices.push_back(j);
  }
  for (const std::size_t j : counted.indices) counted.names.emplace_back(skeleton.joints[j]);
  if (!needs_root) return counted;
  if (root.empty() && skeleton.root.empty()) {
    throw ValueError(error_text(function, ": the skeleton ", skeleton.name,
                                " has no root to align at; name one in the options"));
  }
  counted.root = skeleton.index(root.empty() ? skeleton.root : std::string_view(root));
  return counted;
}

}  // namespace internal

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_POSE
