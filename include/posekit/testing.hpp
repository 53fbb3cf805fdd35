#pragma once

// For tests of operations, posekit's own and yours.

#include <posekit/testing/gradient_check.hpp>
#include <posekit/testing/random_tensor.hpp>
