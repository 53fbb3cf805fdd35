#pragma once

// Networks that were trained elsewhere.

#include <posekit/graph/graph.hpp>
#include <posekit/graph/graph_file.hpp>
#include <posekit/graph/network.hpp>
#include <posekit/graph/randomization.hpp>
#include <posekit/graph/registry.hpp>
#include <posekit/graph/tensorflow/lowering.hpp>
#include <posekit/graph/tensorflow/tfjs.hpp>
