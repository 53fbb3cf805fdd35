#pragma once

// Heatmaps: from logits to coordinates, and how to supervise, decode and judge them.

#include <posekit/heatmap/decoders.hpp>
#include <posekit/heatmap/divergence.hpp>
#include <posekit/heatmap/expectation.hpp>
#include <posekit/heatmap/flat_softmax.hpp>
#include <posekit/heatmap/gaussian_heatmaps.hpp>
#include <posekit/heatmap/losses.hpp>
#include <posekit/heatmap/maps.hpp>
#include <posekit/heatmap/marginals.hpp>
#include <posekit/heatmap/margipose_loss.hpp>
#include <posekit/heatmap/masked_mean.hpp>
#include <posekit/heatmap/regularized_soft_argmax.hpp>
#include <posekit/heatmap/soft_argmax.hpp>
#include <posekit/heatmap/statistics.hpp>
