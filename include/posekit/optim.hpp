#pragma once

// Optimisers, schedules, gradient clipping.

#include <posekit/optim/adam.hpp>
#include <posekit/optim/gradient_clipping.hpp>
#include <posekit/optim/gradients.hpp>
#include <posekit/optim/optimizer.hpp>
#include <posekit/optim/rmsprop.hpp>
#include <posekit/optim/schedules.hpp>
#include <posekit/optim/sgd.hpp>
