#pragma once

#include "prediction.hpp"

/// `posekit-margipose explain`: PoseIG of the image coordinates of all joints.
void run_explanation(const SubjectOptions& options, std::size_t steps);
