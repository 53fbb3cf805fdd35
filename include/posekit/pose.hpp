#pragma once

// Skeletons.

#include <posekit/pose/skeletons.hpp>
