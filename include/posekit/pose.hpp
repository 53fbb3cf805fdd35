#pragma once

// Skeletons, how poses are compared, and what went wrong in them.

#include <posekit/pose/alignment.hpp>
#include <posekit/pose/bone_lengths.hpp>
#include <posekit/pose/camera.hpp>
#include <posekit/pose/camera_points.hpp>
#include <posekit/pose/comparable_poses.hpp>
#include <posekit/pose/derived_joints.hpp>
#include <posekit/pose/difficulty.hpp>
#include <posekit/pose/find_skeleton.hpp>
#include <posekit/pose/fit_alignment.hpp>
#include <posekit/pose/fit_torso.hpp>
#include <posekit/pose/interpretability.hpp>
#include <posekit/pose/inversions.hpp>
#include <posekit/pose/joint_selection.hpp>
#include <posekit/pose/localization_errors.hpp>
#include <posekit/pose/metric_options.hpp>
#include <posekit/pose/oks.hpp>
#include <posekit/pose/pck.hpp>
#include <posekit/pose/pose_attributes.hpp>
#include <posekit/pose/pose_metric.hpp>
#include <posekit/pose/position_errors.hpp>
#include <posekit/pose/skeleton_map.hpp>
#include <posekit/pose/skeletons.hpp>
#include <posekit/pose/torso_plane.hpp>
#include <posekit/pose/universal_scale.hpp>
#include <posekit/pose/velocity_error.hpp>
