#pragma once

// Layers, initial values, and modules of them.

#include <posekit/nn/activations.hpp>
#include <posekit/nn/checkpoint.hpp>
#include <posekit/nn/constant_filter.hpp>
#include <posekit/nn/conv_norm.hpp>
#include <posekit/nn/convolution.hpp>
#include <posekit/nn/dropout.hpp>
#include <posekit/nn/filter_cache.hpp>
#include <posekit/nn/folding.hpp>
#include <posekit/nn/initialization.hpp>
#include <posekit/nn/linear.hpp>
#include <posekit/nn/linear_norm.hpp>
#include <posekit/nn/module.hpp>
#include <posekit/nn/normalization.hpp>
#include <posekit/nn/pooling.hpp>
#include <posekit/nn/residual.hpp>
#include <posekit/nn/sequential.hpp>
