#pragma once

// The joints of the skeletons that networks and data sets use, as plain data.

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>

namespace posekit::inline POSEKIT_ISA {

/// Two joints that a picture connects.
struct Bone {
  std::uint8_t from;
  std::uint8_t to;
};

/// Joints by name, and how they hang together. Left and right are the person's own.
struct Skeleton {
  std::string_view name;
  std::span<const std::string_view> joints;
  std::span<const Bone> bones;  ///< what pictures draw
  /// Of each joint, the joint it hangs from; -1 where there is none.
  std::span<const std::int8_t> parents;
  /// Of each joint, the same joint of the other side; itself where it has none.
  std::span<const std::uint8_t> flips;
  std::string_view root{};  ///< the joint that poses are aligned at; empty where there is none
  /// Of each joint, sigma of object keypoint similarity; empty where none are published.
  std::span<const double> oks_sigmas{};

  constexpr std::size_t size() const { return joints.size(); }

  constexpr std::optional<std::size_t> find(std::string_view joint) const {
    for (std::size_t i = 0; i < joints.size(); ++i) {
      if (joints[i] == joint) return i;
    }
    return std::nullopt;
  }

  /// The index of a joint. Throws ValueError, which lists the joints, where there is none.
  std::size_t index(std::string_view joint) const;
};

/// The side of the body a joint belongs to, by its name.
enum class BodySide { centre, left, right };

constexpr BodySide body_side(std::string_view joint) {
  if (joint.find("left") != std::string_view::npos) return BodySide::left;
  if (joint.find("right") != std::string_view::npos) return BodySide::right;
  return BodySide::centre;
}

namespace joint_names {

constexpr bool has_part(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

/// Whether `other` is `joint` with left and right exchanged.
constexpr bool is_mirrored(std::string_view joint, std::string_view other) {
  for (const auto& [from, to] : {std::pair<std::string_view, std::string_view>{"left", "right"},
                                 std::pair<std::string_view, std::string_view>{"right", "left"}}) {
    const std::size_t at = joint.find(from);
    if (at == std::string_view::npos) continue;
    return other.size() == joint.size() - from.size() + to.size() &&
           other.substr(0, at) == joint.substr(0, at) && other.substr(at, to.size()) == to &&
           other.substr(at + to.size()) == joint.substr(at + from.size());
  }
  return false;
}

template <std::size_t N>
constexpr std::array<std::uint8_t, N> flips_of(const std::array<std::string_view, N>& joints) {
  std::array<std::uint8_t, N> result{};
  for (std::size_t i = 0; i < N; ++i) {
    result[i] = static_cast<std::uint8_t>(i);
    for (std::size_t k = 0; k < N; ++k) {
      if (is_mirrored(joints[i], joints[k])) result[i] = static_cast<std::uint8_t>(k);
    }
  }
  return result;
}

/// A bone from each joint's parent to it.
template <std::size_t Bones, std::size_t N>
constexpr std::array<Bone, Bones> bones_of(const std::array<std::int8_t, N>& parents) {
  std::array<Bone, Bones> result{};
  std::size_t at = 0;
  for (std::size_t i = 0; i < N; ++i) {
    if (parents[i] < 0) continue;
    result[at++] = {static_cast<std::uint8_t>(parents[i]), static_cast<std::uint8_t>(i)};
  }
  return result;
}

/// Flipping twice is the identity, and joints, parents and flips are as many.
constexpr bool is_consistent(const Skeleton& skeleton) {
  if (skeleton.parents.size() != skeleton.size() || skeleton.flips.size() != skeleton.size()) {
    return false;
  }
  for (std::size_t i = 0; i < skeleton.size(); ++i) {
    if (skeleton.flips[skeleton.flips[i]] != i) return false;
    // Going up ends.
    std::size_t steps = 0;
    for (int joint = static_cast<int>(i); joint >= 0;
         joint = skeleton.parents[static_cast<std::size_t>(joint)]) {
      if (++steps > skeleton.size()) return false;
    }
  }
  return skeleton.root.empty() || skeleton.find(skeleton.root).has_value();
}

}  // namespace joint_names

/// How joints are put into groups.
enum class JointGrouping {
  interpretability,  ///< PoseIG: trunk, branch, leaf; of a hand wrist, MCP, PIP, DIP, tip
  freedom,  ///< by degrees of freedom (bi-directional dependencies, 004): torso, proximal, distal
};

/// The group that a joint belongs to, by its name. The thumb's joints count from its root as the
/// fingers' do.
constexpr std::string_view joint_group(std::string_view joint,
                                       JointGrouping grouping = JointGrouping::interpretability) {
  using joint_names::has_part;
  const bool torso = has_part(joint, "shoulder") || has_part(joint, "hip") ||
                     has_part(joint, "pelvis") || has_part(joint, "spine") ||
                     has_part(joint, "thorax") || has_part(joint, "neck") ||
                     has_part(joint, "clavicle");
  const bool middle = has_part(joint, "elbow") || has_part(joint, "knee");
  if (grouping == JointGrouping::freedom) {
    if (torso) return "torso";
    const bool head = has_part(joint, "head") || has_part(joint, "nose") ||
                      has_part(joint, "eye") || has_part(joint, "ear") || has_part(joint, "mouth");
    return middle || head ? "proximal" : "distal";
  }
  if (joint == "wrist") return "wrist";
  const bool thumb = has_part(joint, "thumb_");
  if (joint.ends_with("_cmc")) return "MCP";
  if (joint.ends_with("_mcp")) return thumb ? "PIP" : "MCP";
  if (joint.ends_with("_pip")) return "PIP";
  if (joint.ends_with("_dip") || joint.ends_with("_ip")) return "DIP";
  if (joint.ends_with("_tip")) return "tip";
  return torso ? "trunk" : middle ? "branch" : "leaf";
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

// Up the limbs; head, shoulders and hips have nothing they hang from here.
inline constexpr std::array<std::int8_t, 17> coco_17_parents{-1, 0, 0,  1,  2,  -1, -1, 5, 6,
                                                             7,  8, -1, -1, 11, 12, 13, 14};
inline constexpr std::array<double, 17> coco_17_sigmas{.026, .025, .025, .035, .035, .079,
                                                       .079, .072, .072, .062, .062, .107,
                                                       .107, .087, .087, .089, .089};
inline constexpr std::array<std::int8_t, 16> efficientpose_16_parents{1, 5,  5, 2,  3,  9, 5,  6,
                                                                      7, -1, 9, 10, 11, 9, 13, 14};
inline constexpr std::array<std::int8_t, 33> blazepose_33_parents{
    -1, 0,  1,  2,  0,  4,  5,  3,  6,  0,  0,  -1, -1, 11, 12, 13, 14,
    15, 16, 15, 16, 15, 16, -1, -1, 23, 24, 25, 26, 27, 28, 29, 30};
inline constexpr std::array<std::int8_t, 21> hand_21_parents{-1, 0,  1, 2,  3,  0,  5, 6,  7,  0, 9,
                                                             10, 11, 0, 13, 14, 15, 0, 17, 18, 19};

// Of COCO-WholeBody's hands.
inline constexpr std::array<double, 21> hand_21_sigmas{.029, .022, .035, .037, .047, .026, .025,
                                                       .024, .035, .018, .024, .022, .026, .017,
                                                       .021, .021, .032, .020, .019, .022, .031};

inline constexpr std::array<std::string_view, 16> mpii_16_joints{
    "right_ankle",    "right_knee",    "right_hip",  "left_hip",  "left_knee",   "left_ankle",
    "pelvis",         "thorax",        "neck",       "head_top",  "right_wrist", "right_elbow",
    "right_shoulder", "left_shoulder", "left_elbow", "left_wrist"};
inline constexpr std::array<std::int8_t, 16> mpii_16_parents{1, 2, 6,  6,  3, 4, -1, 6,
                                                             7, 8, 11, 12, 7, 7, 13, 14};

inline constexpr std::array<std::string_view, 17> human36m_17_joints{
    "pelvis",     "right_hip",  "right_knee",     "right_ankle", "left_hip",   "left_knee",
    "left_ankle", "spine",      "thorax",         "nose",        "head_top",   "left_shoulder",
    "left_elbow", "left_wrist", "right_shoulder", "right_elbow", "right_wrist"};
inline constexpr std::array<std::int8_t, 17> human36m_17_parents{-1, 0, 1, 2,  0,  4, 5,  0, 7,
                                                                 8,  9, 8, 11, 12, 8, 14, 15};

inline constexpr std::array<std::string_view, 16> pose_16_joints{
    "pelvis",     "right_hip",      "right_knee",  "right_ankle", "left_hip",      "left_knee",
    "left_ankle", "spine",          "thorax",      "head",        "left_shoulder", "left_elbow",
    "left_wrist", "right_shoulder", "right_elbow", "right_wrist"};
inline constexpr std::array<std::int8_t, 16> pose_16_parents{-1, 0, 1, 2,  0,  4, 5,  0,
                                                             7,  8, 8, 10, 11, 8, 13, 14};

inline constexpr std::array<std::string_view, 28> mpi_inf_3dhp_28_joints{
    "spine3",     "spine4",         "spine2",         "spine",         "pelvis",      "neck",
    "head",       "head_top",       "left_clavicle",  "left_shoulder", "left_elbow",  "left_wrist",
    "left_hand",  "right_clavicle", "right_shoulder", "right_elbow",   "right_wrist", "right_hand",
    "left_hip",   "left_knee",      "left_ankle",     "left_foot",     "left_toe",    "right_hip",
    "right_knee", "right_ankle",    "right_foot",     "right_toe"};
inline constexpr std::array<std::int8_t, 28> mpi_inf_3dhp_28_parents{
    2,  0,  3,  4,  -1, 1,  5,  6,  5,  8, 9,  10, 11, 5,
    13, 14, 15, 16, 4,  18, 19, 20, 21, 4, 23, 24, 25, 26};

inline constexpr std::array<std::string_view, 17> mpi_inf_3dhp_17_joints{
    "head_top",   "neck",       "right_shoulder", "right_elbow", "right_wrist", "left_shoulder",
    "left_elbow", "left_wrist", "right_hip",      "right_knee",  "right_ankle", "left_hip",
    "left_knee",  "left_ankle", "pelvis",         "spine",       "head"};
inline constexpr std::array<std::int8_t, 17> mpi_inf_3dhp_17_parents{
    1, 15, 1, 2, 3, 1, 5, 6, 14, 8, 9, 14, 11, 12, -1, 14, 1};

inline constexpr std::array<std::string_view, 14> mpi_inf_3dhp_14_joints{
    "head_top",      "neck",       "right_shoulder", "right_elbow", "right_wrist",
    "left_shoulder", "left_elbow", "left_wrist",     "right_hip",   "right_knee",
    "right_ankle",   "left_hip",   "left_knee",      "left_ankle"};
inline constexpr std::array<std::int8_t, 14> mpi_inf_3dhp_14_parents{1, -1, 1, 2, 3, 1,  5,
                                                                     6, 1,  8, 9, 1, 11, 12};

// What follows from the names and the parents.
inline constexpr auto coco_17_flips = joint_names::flips_of(coco_17_joints);
inline constexpr auto efficientpose_16_flips = joint_names::flips_of(efficientpose_16_joints);
inline constexpr auto blazepose_33_flips = joint_names::flips_of(blazepose_33_joints);
inline constexpr auto hand_21_flips = joint_names::flips_of(hand_21_joints);
inline constexpr auto mpii_16_flips = joint_names::flips_of(mpii_16_joints);
inline constexpr auto human36m_17_flips = joint_names::flips_of(human36m_17_joints);
inline constexpr auto pose_16_flips = joint_names::flips_of(pose_16_joints);
inline constexpr auto mpi_inf_3dhp_28_flips = joint_names::flips_of(mpi_inf_3dhp_28_joints);
inline constexpr auto mpi_inf_3dhp_17_flips = joint_names::flips_of(mpi_inf_3dhp_17_joints);
inline constexpr auto mpi_inf_3dhp_14_flips = joint_names::flips_of(mpi_inf_3dhp_14_joints);
inline constexpr auto mpii_16_bones = joint_names::bones_of<15>(mpii_16_parents);
inline constexpr auto human36m_17_bones = joint_names::bones_of<16>(human36m_17_parents);
inline constexpr auto pose_16_bones = joint_names::bones_of<15>(pose_16_parents);
inline constexpr auto mpi_inf_3dhp_28_bones = joint_names::bones_of<27>(mpi_inf_3dhp_28_parents);
inline constexpr auto mpi_inf_3dhp_17_bones = joint_names::bones_of<16>(mpi_inf_3dhp_17_parents);
inline constexpr auto mpi_inf_3dhp_14_bones = joint_names::bones_of<13>(mpi_inf_3dhp_14_parents);

}  // namespace data

/// COCO keypoints (also PoseNet's and MoveNet's order), with the sigmas of its OKS.
inline constexpr Skeleton coco_17{.name = "coco_17",
                                  .joints = data::coco_17_joints,
                                  .bones = data::coco_17_bones,
                                  .parents = data::coco_17_parents,
                                  .flips = data::coco_17_flips,
                                  .oks_sigmas = data::coco_17_sigmas};
/// EfficientPose's order of the MPII joints.
inline constexpr Skeleton efficientpose_16{.name = "efficientpose_16",
                                           .joints = data::efficientpose_16_joints,
                                           .bones = data::efficientpose_16_bones,
                                           .parents = data::efficientpose_16_parents,
                                           .flips = data::efficientpose_16_flips,
                                           .root = "pelvis"};
/// MediaPipe's BlazePose landmarks.
inline constexpr Skeleton blazepose_33{.name = "blazepose_33",
                                       .joints = data::blazepose_33_joints,
                                       .bones = data::blazepose_33_bones,
                                       .parents = data::blazepose_33_parents,
                                       .flips = data::blazepose_33_flips};
/// A hand, wrist first, then the fingers from thumb to little finger, each from root to tip: the
/// order of both MediaPipe and FreiHAND.
inline constexpr Skeleton hand_21{.name = "hand_21",
                                  .joints = data::hand_21_joints,
                                  .bones = data::hand_21_bones,
                                  .parents = data::hand_21_parents,
                                  .flips = data::hand_21_flips,
                                  .root = "wrist",
                                  .oks_sigmas = data::hand_21_sigmas};
/// MPII Human Pose.
inline constexpr Skeleton mpii_16{.name = "mpii_16",
                                  .joints = data::mpii_16_joints,
                                  .bones = data::mpii_16_bones,
                                  .parents = data::mpii_16_parents,
                                  .flips = data::mpii_16_flips,
                                  .root = "pelvis"};
/// The 17 joints of Human3.6M that lifting networks use.
inline constexpr Skeleton human36m_17{.name = "human36m_17",
                                      .joints = data::human36m_17_joints,
                                      .bones = data::human36m_17_bones,
                                      .parents = data::human36m_17_parents,
                                      .flips = data::human36m_17_flips,
                                      .root = "pelvis"};
/// The 16 joints that are in three groups of different degrees of freedom (Wang et al. 2019,
/// section 3.2): seven of the torso, head, elbows and knees, wrists and ankles. In Human3.6M's
/// order.
inline constexpr Skeleton pose_16{.name = "pose_16",
                                  .joints = data::pose_16_joints,
                                  .bones = data::pose_16_bones,
                                  .parents = data::pose_16_parents,
                                  .flips = data::pose_16_flips,
                                  .root = "pelvis"};
/// All joints of MPI-INF-3DHP's training set.
inline constexpr Skeleton mpi_inf_3dhp_28{.name = "mpi_inf_3dhp_28",
                                          .joints = data::mpi_inf_3dhp_28_joints,
                                          .bones = data::mpi_inf_3dhp_28_bones,
                                          .parents = data::mpi_inf_3dhp_28_parents,
                                          .flips = data::mpi_inf_3dhp_28_flips,
                                          .root = "pelvis"};
/// The joints of MPI-INF-3DHP's test set.
inline constexpr Skeleton mpi_inf_3dhp_17{.name = "mpi_inf_3dhp_17",
                                          .joints = data::mpi_inf_3dhp_17_joints,
                                          .bones = data::mpi_inf_3dhp_17_bones,
                                          .parents = data::mpi_inf_3dhp_17_parents,
                                          .flips = data::mpi_inf_3dhp_17_flips,
                                          .root = "pelvis"};
/// Those of them that its evaluation counts: without pelvis, spine and the front of the head.
inline constexpr Skeleton mpi_inf_3dhp_14{.name = "mpi_inf_3dhp_14",
                                          .joints = data::mpi_inf_3dhp_14_joints,
                                          .bones = data::mpi_inf_3dhp_14_bones,
                                          .parents = data::mpi_inf_3dhp_14_parents,
                                          .flips = data::mpi_inf_3dhp_14_flips};
/// MargiPose's canonical skeleton: the test set's joints of MPI-INF-3DHP.
inline constexpr Skeleton margipose_17{.name = "margipose_17",
                                       .joints = data::mpi_inf_3dhp_17_joints,
                                       .bones = data::mpi_inf_3dhp_17_bones,
                                       .parents = data::mpi_inf_3dhp_17_parents,
                                       .flips = data::mpi_inf_3dhp_17_flips,
                                       .root = "pelvis"};

/// All of them.
inline constexpr std::array<const Skeleton*, 11> all{
    &coco_17,          &mpii_16,         &human36m_17,     &pose_16,
    &mpi_inf_3dhp_28,  &mpi_inf_3dhp_17, &mpi_inf_3dhp_14, &margipose_17,
    &efficientpose_16, &blazepose_33,    &hand_21};

static_assert([] {
  for (const Skeleton* skeleton : all) {
    if (!joint_names::is_consistent(*skeleton)) return false;
  }
  return true;
}());

}  // namespace skeletons
}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_POSE

#include <posekit/core/error.hpp>
#include <posekit/core/listed.hpp>

namespace posekit::inline POSEKIT_ISA {

POSEKIT_INLINE std::size_t Skeleton::index(std::string_view joint) const {
  if (const auto found = find(joint)) return *found;
  std::string names;
  for (const std::string_view known : joints) append_listed(names, known);
  throw ValueError(
      error_text("the skeleton ", name, " has no joint '", joint, "'; it has ", names));
}

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_POSE
