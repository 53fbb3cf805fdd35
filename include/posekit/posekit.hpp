#pragma once

// All of posekit.

#include <posekit/attribution.hpp>
#include <posekit/autodiff.hpp>
#include <posekit/batches.hpp>
#include <posekit/core.hpp>
#include <posekit/datasets.hpp>
#include <posekit/evaluation.hpp>
#include <posekit/graph.hpp>
#include <posekit/heatmap.hpp>
#include <posekit/image.hpp>
#include <posekit/io.hpp>
#include <posekit/models.hpp>
#include <posekit/nn.hpp>
#include <posekit/optim.hpp>
#include <posekit/pose.hpp>
#include <posekit/synthetic.hpp>
#include <posekit/testing.hpp>
#include <posekit/training.hpp>
#include <posekit/viz.hpp>
