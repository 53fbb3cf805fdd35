#pragma once

// All that feeds a network and measures it: pictures' geometry, data sets, batches, evaluation.

#include <posekit/batches.hpp>
#include <posekit/datasets.hpp>
#include <posekit/evaluation.hpp>
#include <posekit/image.hpp>
