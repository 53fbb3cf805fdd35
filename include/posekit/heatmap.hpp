#pragma once

// From heatmaps to coordinates.

#include <posekit/heatmap/soft_argmax.hpp>
