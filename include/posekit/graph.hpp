#pragma once

// Networks that were trained elsewhere.

#include <posekit/graph/graph.hpp>
#include <posekit/graph/network.hpp>
#include <posekit/graph/randomization.hpp>
#include <posekit/graph/tfjs.hpp>
