#pragma once

// Annotations, results and their evaluation, and crops.

#include <posekit/data/coco.hpp>
#include <posekit/data/coco_evaluation.hpp>
#include <posekit/data/coco_matching.hpp>
#include <posekit/data/coco_results.hpp>
#include <posekit/data/coco_writer.hpp>
#include <posekit/data/crop.hpp>
