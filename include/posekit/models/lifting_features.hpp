#pragma once

#include <cstddef>

#include <posekit/autodiff/tape.hpp>
#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>

namespace posekit::inline POSEKIT_ISA::models {

/// The features that a lifting network has of a pose.
std::size_t lifting_feature_count(std::size_t joints, bool attributes);

/// What a lifting network sees, as rows: joints [N, J, 2] and, unless it is an empty handle,
/// attributes [N, 9, 3] -> [N, 2 J (+ 27)]. Throws ShapeError naming `function`.
template <class T>
Var<T> lifting_features(const char* function, const Var<T>& joints, std::size_t expected_joints,
                        const Var<T>& attributes, bool expects_attributes);

}  // namespace posekit::inline POSEKIT_ISA::models

#if POSEKIT_DEFINES_MODELS

#include <string>

#include <posekit/autodiff/shaping.hpp>
#include <posekit/core/error.hpp>
#include <posekit/pose/pose_attributes.hpp>

namespace posekit::inline POSEKIT_ISA::models {

POSEKIT_INLINE std::size_t lifting_feature_count(std::size_t joints, bool attributes) {
  return 2 * joints + (attributes ? pose_attribute_count * pose_attribute_class_count : 0);
}

template <class T>
Var<T> lifting_features(const char* function, const Var<T>& joints, std::size_t expected_joints,
                        const Var<T>& attributes, bool expects_attributes) {
  const Shape shape = joints.shape();
  if (shape.size() != 3 || shape[1] != expected_joints || shape[2] != 2) {
    throw ShapeError(error_text(function, ": joints has shape ", posekit::to_string(shape),
                                ", expected [N, ", expected_joints, ", 2]"));
  }
  const Var<T> positions = reshape(joints, {shape[0], 2 * shape[1]});
  if (!expects_attributes) {
    if (!attributes.valid()) return positions;
    throw ShapeError(
        error_text(function, ": attributes came, but this network was made without them"));
  }
  const std::size_t count = pose_attribute_count, classes = pose_attribute_class_count;
  const Shape expected{shape[0], count, classes};
  if (!attributes.valid() || attributes.shape() != expected) {
    throw ShapeError(error_text(function, ": attributes ",
                                attributes.valid()
                                    ? "has shape " + posekit::to_string(attributes.shape())
                                    : std::string("are missing"),
                                ", expected ", posekit::to_string(expected)));
  }
  return concatenate({positions, reshape(attributes, {shape[0], count * classes})}, 1);
}

}  // namespace posekit::inline POSEKIT_ISA::models

#endif  // POSEKIT_DEFINES_MODELS
