#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <posekit/datasets/mocap.hpp>
#include <posekit/pose/skeletons.hpp>

#include <CLI/CLI.hpp>

/// Motion capture from a file.
struct RecordingSource {
  std::filesystem::path file{};
  double unit = 0;  ///< mm of the file's unit; 0: what it says, or the usual one
};

/// The poses of a skeleton that has hips and shoulders. Throws FileError, also where they are not
/// in mm.
posekit::MotionCapture load_recordings(
    const RecordingSource& source, const posekit::Skeleton& skeleton = posekit::skeletons::pose_16);

/// `--unit`, of the recordings that another option names.
void add_unit_option(CLI::App& app, RecordingSource& source);

/// Of each frame, what is done in it: the recording's name up to a slash, or its number.
std::vector<std::string> actions_of(const posekit::MotionCapture& recordings);
