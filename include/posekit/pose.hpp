#pragma once

// Skeletons, how poses are compared, and what went wrong in them.

#include <posekit/pose/alignment.hpp>
#include <posekit/pose/camera.hpp>
#include <posekit/pose/difficulty.hpp>
#include <posekit/pose/interpretability.hpp>
#include <posekit/pose/inversions.hpp>
#include <posekit/pose/joint_selection.hpp>
#include <posekit/pose/localization_errors.hpp>
#include <posekit/pose/metrics.hpp>
#include <posekit/pose/skeleton_map.hpp>
#include <posekit/pose/skeletons.hpp>
