#pragma once

// The joints of the skeletons that networks and data sets use, as plain data.

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <posekit/core/error.hpp>

namespace posekit {

/// Two joints that a picture connects.
struct Bone {
  std::uint8_t from;
  std::uint8_t to;
};

struct Skeleton {
  std::string_view name;
  std::span<const std::string_view> joints;
  std::span<const Bone> bones;

  constexpr std::size_t size() const { return joints.size(); }

  constexpr std::optional<std::size_t> find(std::string_view joint) const {
    for (std::size_t i = 0; i < joints.size(); ++i) {
      if (joints[i] == joint) return i;
    }
    return std::nullopt;
  }

  /// The index of a joint. Throws ValueError, which lists the joints, where there is none.
  std::size_t index(std::string_view joint) const {
    if (const auto found = find(joint)) return *found;
    std::string names;
    for (const std::string_view known : joints)
      names += (names.empty() ? "" : ", ") + std::string(known);
    throw ValueError(
        error_text("the skeleton ", name, " has no joint '", joint, "'; it has ", names));
  }
};

/// The side of the body a joint belongs to, by its name.
enum class BodySide { centre, left, right };

constexpr BodySide body_side(std::string_view joint) {
  if (joint.find("left") != std::string_view::npos) return BodySide::left;
  if (joint.find("right") != std::string_view::npos) return BodySide::right;
  return BodySide::centre;
}

namespace skeletons {

namespace data {

inline constexpr std::array<std::string_view, 17> coco_17_joints{
    "nose",           "left_eye",   "right_eye",   "left_ear",   "right_ear",   "left_shoulder",
    "right_shoulder", "left_elbow", "right_elbow", "left_wrist", "right_wrist", "left_hip",
    "right_hip",      "left_knee",  "right_knee",  "left_ankle", "right_ankle"};
inline constexpr std::array<Bone, 18> coco_17_bones{{{0, 1},
                                                     {0, 2},
                                                     {1, 3},
                                                     {2, 4},
                                                     {5, 6},
                                                     {5, 7},
                                                     {7, 9},
                                                     {6, 8},
                                                     {8, 10},
                                                     {5, 11},
                                                     {6, 12},
                                                     {11, 12},
                                                     {11, 13},
                                                     {13, 15},
                                                     {12, 14},
                                                     {14, 16},
                                                     {3, 5},
                                                     {4, 6}}};

inline constexpr std::array<std::string_view, 16> efficientpose_16_joints{
    "head_top",      "neck",       "right_shoulder", "right_elbow", "right_wrist", "thorax",
    "left_shoulder", "left_elbow", "left_wrist",     "pelvis",      "right_hip",   "right_knee",
    "right_ankle",   "left_hip",   "left_knee",      "left_ankle"};
inline constexpr std::array<Bone, 15> efficientpose_16_bones{{{0, 1},
                                                              {1, 5},
                                                              {5, 2},
                                                              {2, 3},
                                                              {3, 4},
                                                              {5, 6},
                                                              {6, 7},
                                                              {7, 8},
                                                              {5, 9},
                                                              {9, 10},
                                                              {10, 11},
                                                              {11, 12},
                                                              {9, 13},
                                                              {13, 14},
                                                              {14, 15}}};

inline constexpr std::array<std::string_view, 33> blazepose_33_joints{
    "nose",        "left_eye_inner",  "left_eye",        "left_eye_outer", "right_eye_inner",
    "right_eye",   "right_eye_outer", "left_ear",        "right_ear",      "mouth_left",
    "mouth_right", "left_shoulder",   "right_shoulder",  "left_elbow",     "right_elbow",
    "left_wrist",  "right_wrist",     "left_pinky",      "right_pinky",    "left_index",
    "right_index", "left_thumb",      "right_thumb",     "left_hip",       "right_hip",
    "left_knee",   "right_knee",      "left_ankle",      "right_ankle",    "left_heel",
    "right_heel",  "left_foot_index", "right_foot_index"};
inline constexpr std::array<Bone, 32> blazepose_33_bones{
    {{0, 1},   {1, 2},   {2, 3},   {3, 7},   {0, 4},   {4, 5},   {5, 6},   {6, 8},
     {9, 10},  {11, 12}, {11, 13}, {13, 15}, {15, 17}, {15, 19}, {15, 21}, {12, 14},
     {14, 16}, {16, 18}, {16, 20}, {16, 22}, {11, 23}, {12, 24}, {23, 24}, {23, 25},
     {25, 27}, {27, 29}, {29, 31}, {24, 26}, {26, 28}, {28, 30}, {30, 32}, {27, 31}}};

inline constexpr std::array<std::string_view, 21> hand_21_joints{
    "wrist",     "thumb_cmc", "thumb_mcp",  "thumb_ip",   "thumb_tip",  "index_mcp",  "index_pip",
    "index_dip", "index_tip", "middle_mcp", "middle_pip", "middle_dip", "middle_tip", "ring_mcp",
    "ring_pip",  "ring_dip",  "ring_tip",   "pinky_mcp",  "pinky_pip",  "pinky_dip",  "pinky_tip"};
inline constexpr std::array<Bone, 20> hand_21_bones{
    {{0, 1},   {1, 2},   {2, 3},  {3, 4},   {0, 5},   {5, 6},  {6, 7},
     {7, 8},   {0, 9},   {9, 10}, {10, 11}, {11, 12}, {0, 13}, {13, 14},
     {14, 15}, {15, 16}, {0, 17}, {17, 18}, {18, 19}, {19, 20}}};

}  // namespace data

/// COCO keypoints (also PoseNet's and MoveNet's order).
inline constexpr Skeleton coco_17{"coco_17", data::coco_17_joints, data::coco_17_bones};
/// EfficientPose's order of the MPII joints.
inline constexpr Skeleton efficientpose_16{"efficientpose_16", data::efficientpose_16_joints,
                                           data::efficientpose_16_bones};
/// MediaPipe's BlazePose landmarks.
inline constexpr Skeleton blazepose_33{"blazepose_33", data::blazepose_33_joints,
                                       data::blazepose_33_bones};
/// A hand, wrist first, then the fingers from thumb to little finger, each from root to tip
/// (MediaPipe and FreiHAND).
inline constexpr Skeleton hand_21{"hand_21", data::hand_21_joints, data::hand_21_bones};

}  // namespace skeletons
}  // namespace posekit
