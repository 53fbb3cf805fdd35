#pragma once

// From one skeleton's joints to another's, by name; and mirrored poses.

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/core/tensor.hpp>
#include <posekit/pose/derived_joints.hpp>
#include <posekit/pose/skeletons.hpp>

namespace posekit::inline POSEKIT_ISA {

/// For each joint of a skeleton, the joints of another whose weighted sum it is, and the weights.
struct SkeletonMap {
  const Skeleton* from = nullptr;
  const Skeleton* to = nullptr;
  std::vector<std::vector<std::pair<std::size_t, double>>> sources;
};

/// Joints that both have are taken as they are; others have to be derived, explicitly. Throws
/// ValueError naming the joint that is missing.
SkeletonMap map_skeleton(const Skeleton& from, const Skeleton& to,
                         const std::vector<DerivedJoint>& derived = {});

/// Throws ShapeError, which names both numbers, unless `poses` is [F, J, dimensions] with a joint
/// for each of the skeleton's. `dimensions` 0: 2 or 3.
void require_poses(const char* function, const char* argument, const Shape& shape,
                   const Skeleton& skeleton, std::size_t dimensions = 0);

/// Poses [F, J, D] of the map's first skeleton as poses [F, K, D] of its second. Throws ShapeError.
template <class T>
Tensor<T> map_poses(const Tensor<T>& poses, const SkeletonMap& map);

/// Poses [F, J, D] seen in a mirror: x becomes `mirror` - x, left joints become right ones.
/// `mirror` is 0 for coordinates around the root, width - 1 for pixels. Twice is the identity.
template <class T>
Tensor<T> flip_poses(const Tensor<T>& poses, const Skeleton& skeleton, double mirror = 0);

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_POSE

#include <posekit/core/error.hpp>
#include <posekit/core/listed.hpp>

namespace posekit::inline POSEKIT_ISA {

POSEKIT_INLINE SkeletonMap map_skeleton(const Skeleton& from, const Skeleton& to,
                                        const std::vector<DerivedJoint>& derived) {
  require_derived_joints("map_skeleton", derived);
  SkeletonMap map{&from, &to, {}};
  for (const std::string_view joint : to.joints) {
    auto sources = derive_joint(std::string(joint), derived,
                                [&](const std::string& name) { return from.find(name); });
    if (sources.empty()) {
      std::string missing;
      for (const DerivedJoint& rule : derived) {
        if (rule.joint != joint) continue;
        for (const JointPart& part : rule.parts) {
          if (!from.find(part.joint)) append_listed(missing, "'" + part.joint + "'");
        }
      }
      throw ValueError(error_text("map_skeleton: the skeleton ", from.name, " has no joint '",
                                  joint, "' of ", to.name, ", and ",
                                  missing.empty() ? std::string("none is derived")
                                                  : "no joint " + missing + " to derive it from"));
    }
    map.sources.push_back(std::move(sources));
  }
  return map;
}

POSEKIT_INLINE void require_poses(const char* function, const char* argument, const Shape& shape,
                                  const Skeleton& skeleton, std::size_t dimensions) {
  const std::string expected =
      error_text("expected [F, ", skeleton.size(), ", ",
                 dimensions == 0 ? std::string("2 or 3") : std::to_string(dimensions), "]");
  if (shape.size() != 3) {
    throw ShapeError(
        error_text(function, ": ", argument, " has shape ", to_string(shape), ", ", expected));
  }
  if (shape[1] != skeleton.size()) {
    throw ShapeError(error_text(function, ": ", argument, " has ", shape[1], " joints (shape ",
                                to_string(shape), "), the skeleton ", skeleton.name, " has ",
                                skeleton.size()));
  }
  if (dimensions == 0 ? shape[2] != 2 && shape[2] != 3 : shape[2] != dimensions) {
    throw ShapeError(
        error_text(function, ": ", argument, " has shape ", to_string(shape), ", ", expected));
  }
}

template <class T>
Tensor<T> map_poses(const Tensor<T>& poses, const SkeletonMap& map) {
  require_poses("map_poses", "poses", shape_of(poses), *map.from);
  const std::size_t frames = poses.shape()[0], axes = poses.shape()[2];
  Tensor<T> result = zeros<T>({frames, map.sources.size(), axes});
  for (std::size_t f = 0; f < frames; ++f) {
    for (std::size_t k = 0; k < map.sources.size(); ++k) {
      for (std::size_t a = 0; a < axes; ++a) {
        for (const auto& [j, weight] : map.sources[k])
          result(f, k, a) += static_cast<T>(weight) * poses(f, j, a);
      }
    }
  }
  return result;
}

template <class T>
Tensor<T> flip_poses(const Tensor<T>& poses, const Skeleton& skeleton, double mirror) {
  require_poses("flip_poses", "poses", shape_of(poses), skeleton);
  Tensor<T> result = make_tensor<T>(shape_of(poses));
  for (std::size_t f = 0; f < poses.shape()[0]; ++f) {
    for (std::size_t j = 0; j < skeleton.size(); ++j) {
      for (std::size_t a = 0; a < poses.shape()[2]; ++a) {
        const T value = poses(f, j, a);
        result(f, skeleton.flips[j], a) = a == 0 ? static_cast<T>(mirror) - value : value;
      }
    }
  }
  return result;
}

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_POSE
