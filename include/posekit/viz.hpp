#pragma once

// Pictures.

#include <posekit/viz/canvas.hpp>
#include <posekit/viz/charts.hpp>
#include <posekit/viz/colormap.hpp>
#include <posekit/viz/overlay.hpp>
#include <posekit/viz/pose_ig_figure.hpp>
#include <posekit/viz/stacked.hpp>
#include <posekit/viz/stroke_font.hpp>
