#pragma once

// Skeletons, and how poses are compared.

#include <posekit/pose/alignment.hpp>
#include <posekit/pose/camera.hpp>
#include <posekit/pose/metrics.hpp>
#include <posekit/pose/skeleton_map.hpp>
#include <posekit/pose/skeletons.hpp>
