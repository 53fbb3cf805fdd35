#include "recordings.hpp"

#include <cmath>

#include <posekit/core/error.hpp>
#include <posekit/pose/skeletons.hpp>

namespace pk = posekit;

namespace {

/// From hip to shoulder in the first frame, mm.
double torso_height(const pk::MotionCapture& recordings) {
  const auto& skeleton = pk::skeletons::pose_16;
  const std::size_t hip = skeleton.index("left_hip"), shoulder = skeleton.index("left_shoulder");
  double square = 0;
  for (std::size_t a = 0; a < 3; ++a)
    square += std::pow(recordings.poses(0, shoulder, a) - recordings.poses(0, hip, a), 2);
  return std::sqrt(square);
}

}  // namespace

pk::MotionCapture load_recordings(const RecordingSource& source) {
  auto recordings =
      pk::load_mocap(source.file, {.skeleton = &pk::skeletons::pose_16, .unit = source.unit});
  const double height = torso_height(recordings);
  if (!(height > 200 && height < 1000)) {
    throw pk::FileError(
        pk::error_text(source.file.string(), ": from hip to shoulder its people have ", height,
                       " mm, expected 200 to 1000; --unit says how many mm its unit has"));
  }
  return recordings;
}

std::vector<std::string> actions_of(const pk::MotionCapture& recordings) {
  std::vector<std::string> actions;
  for (const std::size_t sequence : recordings.sequence) {
    if (recordings.sequence_names.empty()) {
      actions.push_back("recording " + std::to_string(sequence));
    } else {
      const std::string& name = recordings.sequence_names[sequence];
      actions.push_back(name.substr(0, name.find('/')));
    }
  }
  return actions;
}
