#pragma once

// Metrics over data sets' files.

#include <posekit/evaluation/coco_evaluation.hpp>
#include <posekit/evaluation/coco_matching.hpp>
