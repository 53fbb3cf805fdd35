#pragma once

// Examples, their crops and augmentation, batches.

#include <posekit/batches/augmentation.hpp>
#include <posekit/batches/batch_loader.hpp>
#include <posekit/batches/batch_sampling.hpp>
#include <posekit/batches/crop_example.hpp>
#include <posekit/batches/multi_crop.hpp>
#include <posekit/batches/pose_batch.hpp>
#include <posekit/batches/pose_example.hpp>
