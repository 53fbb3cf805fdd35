#pragma once

// The training loop, its checkpoints and its log.

#include <posekit/training/checkpoint.hpp>
#include <posekit/training/trainer.hpp>
#include <posekit/training/training_log.hpp>
