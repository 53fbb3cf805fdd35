#pragma once

// From one skeleton's joints to another's, by name; and mirrored poses.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/core/tensor.hpp>
#include <posekit/pose/skeletons.hpp>

namespace posekit::inline POSEKIT_ISA {

/// A joint that a skeleton lacks, as the mean of joints it has.
struct DerivedJoint {
  std::string_view joint;
  std::vector<std::string_view> mean_of;
};

/// What is usually derived: pelvis between the hips, neck and thorax between the shoulders, spine
/// between those two.
std::vector<DerivedJoint> usual_derived_joints();

/// For each joint of a skeleton, the joints of another whose mean it is.
struct SkeletonMap {
  const Skeleton* from = nullptr;
  const Skeleton* to = nullptr;
  std::vector<std::vector<std::size_t>> sources;
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

namespace posekit::inline POSEKIT_ISA {

POSEKIT_INLINE std::vector<DerivedJoint> usual_derived_joints() {
  return {{"pelvis", {"left_hip", "right_hip"}},
          {"neck", {"left_shoulder", "right_shoulder"}},
          {"thorax", {"left_shoulder", "right_shoulder"}},
          {"spine", {"left_hip", "right_hip", "left_shoulder", "right_shoulder"}}};
}

POSEKIT_INLINE SkeletonMap map_skeleton(const Skeleton& from, const Skeleton& to,
                                        const std::vector<DerivedJoint>& derived) {
  SkeletonMap map{&from, &to, {}};
  for (const std::string_view joint : to.joints) {
    std::vector<std::size_t> sources;
    if (const auto same = from.find(joint)) {
      sources.push_back(*same);
    } else {
      for (const DerivedJoint& rule : derived) {
        if (rule.joint != joint) continue;
        for (const std::string_view part : rule.mean_of) sources.push_back(from.index(part));
        break;
      }
    }
    if (sources.empty()) {
      throw ValueError(error_text("map_skeleton: the skeleton ", from.name, " has no joint '",
                                  joint, "' of ", to.name, ", and none is derived"));
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
      const auto& sources = map.sources[k];
      for (std::size_t a = 0; a < axes; ++a) {
        T& out = result(f, k, a);
        for (const std::size_t j : sources) out += poses(f, j, a);
        out /= static_cast<T>(sources.size());
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
