#pragma once

// Annotations and crops.

#include <posekit/data/coco.hpp>
#include <posekit/data/crop.hpp>
