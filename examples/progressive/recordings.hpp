#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <posekit/datasets/mocap.hpp>

/// Motion capture from a file.
struct RecordingSource {
  std::filesystem::path file{};
  double unit = 0;  ///< mm of the file's unit; 0: what it says, or the usual one
};

/// The poses of skeletons::pose_16. Throws FileError, also where they are not in mm.
posekit::MotionCapture load_recordings(const RecordingSource& source);

/// Of each frame, what is done in it: the recording's name up to a slash, or its number.
std::vector<std::string> actions_of(const posekit::MotionCapture& recordings);
