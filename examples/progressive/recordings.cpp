#include "recordings.hpp"

#include <cmath>

#include <posekit/core/error.hpp>

#include "command_line.hpp"

namespace pk = posekit;

namespace {

/// From hip to shoulder in the first frame, mm.
double torso_height(const pk::MotionCapture& recordings, const pk::Skeleton& skeleton) {
  const std::size_t hip = skeleton.index("left_hip"), shoulder = skeleton.index("left_shoulder");
  double square = 0;
  for (std::size_t a = 0; a < 3; ++a)
    square += std::pow(recordings.poses(0, shoulder, a) - recordings.poses(0, hip, a), 2);
  return std::sqrt(square);
}

}  // namespace

pk::MotionCapture load_recordings(const RecordingSource& source, const pk::Skeleton& skeleton) {
  auto recordings = pk::load_mocap(source.file, {.skeleton = &skeleton, .unit = source.unit});
  const double height = torso_height(recordings, skeleton);
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

void add_unit_option(CLI::App& app, RecordingSource& source) {
  app.add_option("--unit", source.unit,
                 "millimetres of the file's unit; 0: what it says, or the usual")
      ->check(positive_number(true))
      ->type_name("MM");
}
