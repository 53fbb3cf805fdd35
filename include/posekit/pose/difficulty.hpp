#pragma once

// How hard a person is to estimate, as PoseIG splits its test sets (section 4.3). The labels can be
// given to PoseMetric::per_action.

#include <cstddef>
#include <string>

#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>

namespace posekit::inline POSEKIT_ISA {

/// By how many keypoints are present: "11-17", "6-10", "1-5", or "none".
std::string difficulty_by_keypoints(std::size_t present);

/// By the fraction of the keypoints that is hidden: "<10%", "10-50%" or ">50%". Throws ValueError.
std::string difficulty_by_occlusion(double hidden);

/// By the longer side of the person's box in pixels: ">128", "96-128", "64-96", "32-64" or "<32".
std::string difficulty_by_size(double longer_side);

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_POSE

#include <posekit/core/error.hpp>

namespace posekit::inline POSEKIT_ISA {

POSEKIT_INLINE std::string difficulty_by_keypoints(std::size_t present) {
  if (present == 0) return "none";
  return present >= 11 ? "11-17" : present >= 6 ? "6-10" : "1-5";
}

POSEKIT_INLINE std::string difficulty_by_occlusion(double hidden) {
  if (!(hidden >= 0 && hidden <= 1)) {
    throw ValueError(error_text("difficulty_by_occlusion: the hidden fraction is ", hidden,
                                ", expected 0 to 1"));
  }
  return hidden < 0.1 ? "<10%" : hidden <= 0.5 ? "10-50%" : ">50%";
}

POSEKIT_INLINE std::string difficulty_by_size(double longer_side) {
  if (!(longer_side >= 0)) {
    throw ValueError(error_text("difficulty_by_size: the box's side is ", longer_side));
  }
  if (longer_side > 128) return ">128";
  if (longer_side >= 96) return "96-128";
  if (longer_side >= 64) return "64-96";
  return longer_side >= 32 ? "32-64" : "<32";
}

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_POSE
