#pragma once

// Recorded poses from files, as a skeleton's.

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/core/tensor.hpp>
#include <posekit/io/npz.hpp>
#include <posekit/pose/derived_joints.hpp>
#include <posekit/pose/skeletons.hpp>

namespace posekit::inline POSEKIT_ISA {

/// What files of motion capture usually lack: `usual_derived_joints` and the top of the head. (The
/// head's joint is at its base, 0.6 times as far below the top as it is above the neck.)
std::vector<DerivedJoint> usual_mocap_joints();

/// The joints of npz files of motion capture that do not name them, in their order.
inline constexpr std::array<std::string_view, 17> mocap_file_joints{
    "pelvis",     "right_hip",  "right_knee",     "right_ankle", "left_hip",   "left_knee",
    "left_ankle", "spine",      "thorax",         "neck",        "head",       "left_shoulder",
    "left_elbow", "left_wrist", "right_shoulder", "right_elbow", "right_wrist"};

struct MocapOptions {
  const Skeleton* skeleton = &skeletons::margipose_17;
  /// The joints of an npz file, in its order; empty: those of its array `joint_names`, and where it
  /// has none mocap_file_joints.
  std::vector<std::string> joint_names{};
  /// What the skeleton's joints are called in the file: pairs of the skeleton's and the file's
  /// name. For joints that are not listed, the same name, and in BVH files what is usual there.
  std::vector<std::pair<std::string, std::string>> names{};
  /// How joints that the file lacks follow from others, by the skeleton's names.
  std::vector<DerivedJoint> derived = usual_mocap_joints();
  /// mm of the file's unit; 0: what an npz file's array `unit` says, else 1, and 10 (centimetres)
  /// for BVH.
  double unit = 0;
};

struct MotionCapture {
  Tensor<double> poses;               ///< [F, J, 3], mm, in the file's axes (y is up as a rule)
  std::vector<std::size_t> sequence;  ///< [F]: which recording a frame belongs to
  /// What the recordings are called, usually "action/number"; empty: the file does not tell.
  std::vector<std::string> sequence_names{};
  double frames_per_second = 0;  ///< 0: the file does not tell
};

namespace internal {

/// Lower-case letters and digits, without what is before a colon ("mixamorig:LeftUpLeg").
std::string plain_name(std::string_view name);

/// What a joint of skeletons::margipose_17 may be called in BVH files, as plain names, the most
/// certain first: "LeftArm" is the upper arm, and "LeftShoulder" is so only where there is none.
std::vector<std::string> usual_bvh_names(std::string_view joint);

void require_options(const char* function, const MocapOptions& options);

}  // namespace internal

/// Poses of an npz file: `poses` [F, K, 3], and where there are, `joint_names` [K], `sequence` [F],
/// `sequence_names` [S], and of one element each `unit` (mm of a unit of `poses`, which may be
/// integers then) and `frames_per_second`. Joints are taken by name. Throws FileError naming the
/// file, and which joints it lacks or that it has no frames; ValueError for options that make no
/// sense.
MotionCapture load_npz_mocap(const std::filesystem::path& path, const MocapOptions& options = {},
                             const NpzOptions& npz_options = {});

/// Poses of a BVH file. Throws as `load_npz_mocap`.
MotionCapture load_bvh_mocap(const std::filesystem::path& path, const MocapOptions& options = {});

/// Poses of a file whose name ends in .npz or .bvh. Throws as `load_npz_mocap`.
MotionCapture load_mocap(const std::filesystem::path& path, const MocapOptions& options = {});

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_DATASETS

#include <posekit/core/error.hpp>
#include <posekit/core/listed.hpp>
#include <posekit/datasets/bvh.hpp>

namespace posekit::inline POSEKIT_ISA::internal {

/// A joint of the skeleton as a weighted sum of the file's.
using JointParts = std::vector<std::pair<std::size_t, double>>;

}  // namespace posekit::inline POSEKIT_ISA::internal

namespace posekit::inline POSEKIT_ISA {

POSEKIT_INLINE std::vector<DerivedJoint> usual_mocap_joints() {
  std::vector<DerivedJoint> joints = usual_derived_joints();
  joints.push_back({"head_top", {{"head", 1.6}, {"neck", -0.6}}});
  return joints;
}

namespace internal {

POSEKIT_INLINE std::string plain_name(std::string_view name) {
  if (const std::size_t colon = name.rfind(':'); colon != std::string_view::npos) {
    name.remove_prefix(colon + 1);
  }
  std::string plain;
  for (const char c : name) {
    const auto letter = static_cast<unsigned char>(c);
    if (std::isalnum(letter) != 0) plain += static_cast<char>(std::tolower(letter));
  }
  return plain;
}

POSEKIT_INLINE std::vector<std::string> usual_bvh_names(std::string_view joint) {
  using Names = std::vector<std::string>;
  static const std::vector<std::pair<std::string_view, Names>> middle{
      {"pelvis", {"hips", "pelvis", "hip", "root"}},
      {"spine", {"lowerback", "spine", "abdomen", "spine01", "spine1", "torso", "chest"}},
      {"neck", {"neck", "neck01", "neck1", "lowerneck"}},
      {"head", {"head"}},
      {"head_top", {"headtop", "headend", "headtopend", "headnub"}}};
  static const std::vector<std::pair<std::string_view, Names>> sides{
      {"hip", {"upleg", "thigh", "upperleg", "hip"}},
      {"knee", {"leg", "shin", "calf", "lowerleg", "knee"}},
      {"ankle", {"foot", "ankle"}},
      {"shoulder", {"arm", "shldr", "upperarm", "uparm", "shoulder"}},
      {"elbow", {"forearm", "lowerarm", "lowarm", "elbow"}},
      {"wrist", {"hand", "wrist"}}};
  for (const auto& [name, names] : middle) {
    if (name == joint) return names;
  }
  Names result;
  const BodySide side = body_side(joint);
  if (side == BodySide::centre) return result;
  const std::string word = side == BodySide::left ? "left" : "right";
  const std::string letter = word.substr(0, 1);
  for (const auto& [name, stems] : sides) {
    if (joint != word + "_" + std::string(name)) continue;
    for (const std::string& stem : stems) {
      for (const std::string& form : {word + stem, letter + stem, stem + letter, stem + word}) {
        result.push_back(form);
      }
    }
  }
  return result;
}

/// The joints of a file, in its order.
struct FileJoints {
  std::vector<std::string> names;
  /// Whether a joint is at its parent's place, as the first of two that share one often is; empty:
  /// none is.
  std::vector<bool> at_parent{};
};

class JointFinder {
 public:
  JointFinder(const FileJoints& joints, const MocapOptions& options, bool guess,
              const std::string& source)
      : joints_(joints), names_(joints.names), options_(options), guess_(guess), source_(source) {}

  /// The parts of each joint of the skeleton. Throws FileError naming all that are missing.
  std::vector<JointParts> find_all() const {
    std::vector<JointParts> result;
    std::string missing;
    for (const std::string_view joint : options_.skeleton->joints) {
      result.push_back(derive_joint(std::string(joint), options_.derived,
                                    [&](const std::string& name) { return own(name); }));
      if (result.back().empty()) append_listed(missing, joint);
    }
    if (!missing.empty()) {
      std::string all;
      for (const std::string& name : names_) append_listed(all, name);
      throw FileError(error_text(source_, ": has no joint for ", missing, " of ",
                                 options_.skeleton->name, "; it has ", all,
                                 " (name or derive what is missing in the options)"));
    }
    return result;
  }

 private:
  std::optional<std::size_t> position(std::string_view name) const {
    const auto found = std::find(names_.begin(), names_.end(), name);
    if (found == names_.end()) return std::nullopt;
    return static_cast<std::size_t>(found - names_.begin());
  }

  std::optional<std::size_t> own(const std::string& joint) const {
    for (const auto& [ours, theirs] : options_.names) {
      if (ours != joint) continue;
      if (const auto at = position(theirs)) return at;
      throw FileError(error_text(source_, ": has no joint '", theirs, "', which the options take ",
                                 "for ", joint));
    }
    if (const auto at = position(joint)) return at;
    if (!guess_) return std::nullopt;
    std::optional<std::size_t> second_choice;
    for (const std::string& usual : usual_bvh_names(joint)) {
      for (std::size_t i = 0; i < names_.size(); ++i) {
        if (plain_name(names_[i]) != usual) continue;
        if (joints_.at_parent.empty() || !joints_.at_parent[i]) return i;
        if (!second_choice) second_choice = i;
      }
    }
    return second_choice;
  }

  const FileJoints& joints_;
  const std::vector<std::string>& names_;
  const MocapOptions& options_;
  bool guess_;
  const std::string& source_;
};

inline Tensor<double> mapped_joints(const Tensor<double>& positions, const FileJoints& joints,
                                    const MocapOptions& options, double unit, bool guess,
                                    const std::string& source) {
  if (positions.shape()[0] == 0) throw FileError(source + ": has no frames");
  const std::vector<JointParts> parts = JointFinder(joints, options, guess, source).find_all();
  const std::size_t frames = positions.shape()[0], from = positions.shape()[1], to = parts.size();
  Tensor<double> poses = make_tensor<double>({frames, to, 3});
  for (std::size_t f = 0; f < frames; ++f) {
    for (std::size_t j = 0; j < to; ++j) {
      for (std::size_t axis = 0; axis < 3; ++axis) {
        double sum = 0;
        for (const auto& [at, weight] : parts[j]) {
          sum += weight * positions.data()[(f * from + at) * 3 + axis];
        }
        if (!std::isfinite(sum)) {
          throw FileError(error_text(source, ": frame ", f, ": ", options.skeleton->joints[j],
                                     " is at ", sum, ", expected a finite number"));
        }
        poses(f, j, axis) = sum * unit;
      }
    }
  }
  return poses;
}

/// A positive number that an archive may hold under `name`.
POSEKIT_INLINE double number_of(const NpzArchive& archive, const std::string& source,
                                const std::string& name, double otherwise) {
  if (!archive.contains(name)) return otherwise;
  const auto value = archive.array<double>(name);
  if (value.size() != 1) {
    throw FileError(error_text(source, ", array '", name, "': has shape ", to_string(value.shape()),
                               ", expected one number"));
  }
  if (!(value.data()[0] > 0) || !std::isfinite(value.data()[0])) {
    throw FileError(error_text(source, ", array '", name, "': is ", value.data()[0],
                               ", expected a positive number"));
  }
  return value.data()[0];
}

POSEKIT_INLINE void require_options(const char* function, const MocapOptions& options) {
  if (options.skeleton == nullptr) throw ValueError(error_text(function, ": skeleton is null"));
  if (!(options.unit >= 0) || !std::isfinite(options.unit)) {
    throw ValueError(error_text(function, ": unit is ", options.unit,
                                " mm, expected more than 0, or 0 for the usual one"));
  }
  require_derived_joints(function, options.derived);
}

}  // namespace internal

POSEKIT_INLINE MotionCapture load_npz_mocap(const std::filesystem::path& path,
                                            const MocapOptions& options,
                                            const NpzOptions& npz_options) {
  internal::require_options("load_npz_mocap", options);
  const NpzArchive archive(path, npz_options);
  const std::string source = path.string();
  const auto positions = archive.array<double>("poses");
  std::vector<std::string> names = options.joint_names;
  if (names.empty() && archive.contains("joint_names")) names = archive.texts("joint_names");
  if (names.empty()) names.assign(mocap_file_joints.begin(), mocap_file_joints.end());
  if (positions.dimension() != 3 || positions.shape()[1] != names.size() ||
      positions.shape()[2] != 3) {
    throw FileError(error_text(source, ", array 'poses': has shape ", to_string(positions.shape()),
                               ", expected [F, ", names.size(), ", 3] as there are ", names.size(),
                               " joint names"));
  }
  MotionCapture result;
  const double unit =
      options.unit > 0 ? options.unit : internal::number_of(archive, source, "unit", 1);
  result.poses = internal::mapped_joints(positions, {names}, options, unit, false, source);
  result.frames_per_second = internal::number_of(archive, source, "frames_per_second", 0);
  const std::size_t frames = positions.shape()[0];
  if (!archive.contains("sequence")) {
    result.sequence.assign(frames, 0);
    return result;
  }
  const auto sequence = archive.array<std::uint64_t>("sequence");
  if (sequence.dimension() != 1 || sequence.size() != frames) {
    throw FileError(error_text(source, ", array 'sequence': has shape ",
                               to_string(sequence.shape()), ", expected [", frames,
                               "], one for each frame"));
  }
  result.sequence.assign(sequence.begin(), sequence.end());
  if (!archive.contains("sequence_names")) return result;
  result.sequence_names = archive.texts("sequence_names");
  for (const std::size_t of : result.sequence) {
    if (of < result.sequence_names.size()) continue;
    throw FileError(error_text(source, ", array 'sequence': has ", of, ", expected less than ",
                               result.sequence_names.size(), ", the sequences that have names"));
  }
  return result;
}

POSEKIT_INLINE MotionCapture load_bvh_mocap(const std::filesystem::path& path,
                                            const MocapOptions& options) {
  internal::require_options("load_bvh_mocap", options);
  const BvhMotion motion = load_bvh(path);
  internal::FileJoints joints;
  for (const BvhJoint& joint : motion.joints) {
    joints.names.push_back(joint.name);
    joints.at_parent.push_back(joint.parent >= 0 && joint.offset == std::array<double, 3>{});
  }
  MotionCapture result;
  result.poses = internal::mapped_joints(bvh_positions(motion), joints, options,
                                         options.unit > 0 ? options.unit : 10, true, path.string());
  result.sequence.assign(motion.frames.shape()[0], 0);
  result.frames_per_second = 1 / motion.frame_time;
  return result;
}

POSEKIT_INLINE MotionCapture load_mocap(const std::filesystem::path& path,
                                        const MocapOptions& options) {
  std::string extension = path.extension().string();
  std::transform(extension.begin(), extension.end(), extension.begin(), [](char c) {
    return static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  });
  if (extension == ".npz") return load_npz_mocap(path, options);
  if (extension == ".bvh") return load_bvh_mocap(path, options);
  throw FileError(error_text(path.string(), ": ends in '", extension, "', expected .npz or .bvh"));
}

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_DATASETS
