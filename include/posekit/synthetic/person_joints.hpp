#pragma once

// The joints of skeletons::margipose_17 by number, for code that builds or draws a body.

#include <cstddef>
#include <string_view>

#include <posekit/core/isa.hpp>
#include <posekit/pose/skeletons.hpp>

namespace posekit::inline POSEKIT_ISA::person {

enum Joint : std::size_t {
  head_top,
  neck,
  right_shoulder,
  right_elbow,
  right_wrist,
  left_shoulder,
  left_elbow,
  left_wrist,
  right_hip,
  right_knee,
  right_ankle,
  left_hip,
  left_knee,
  left_ankle,
  pelvis,
  spine,
  head,
  joint_count,
};

static_assert([] {
  constexpr std::string_view names[] = {
      "head_top",   "neck",       "right_shoulder", "right_elbow", "right_wrist", "left_shoulder",
      "left_elbow", "left_wrist", "right_hip",      "right_knee",  "right_ankle", "left_hip",
      "left_knee",  "left_ankle", "pelvis",         "spine",       "head"};
  for (std::size_t i = 0; i < joint_count; ++i) {
    if (skeletons::margipose_17.joints[i] != names[i]) return false;
  }
  return skeletons::margipose_17.size() == joint_count;
}());

}  // namespace posekit::inline POSEKIT_ISA::person
