#pragma once

// The tape, and the operations it records.

#include <posekit/autodiff/arithmetic.hpp>
#include <posekit/autodiff/batch_norm.hpp>
#include <posekit/autodiff/buffer_pool.hpp>
#include <posekit/autodiff/conv2d_filter.hpp>
#include <posekit/autodiff/convolution.hpp>
#include <posekit/autodiff/cross_entropy.hpp>
#include <posekit/autodiff/depthwise_convolution.hpp>
#include <posekit/autodiff/dropout.hpp>
#include <posekit/autodiff/functions.hpp>
#include <posekit/autodiff/gradient_flow.hpp>
#include <posekit/autodiff/layer_norm.hpp>
#include <posekit/autodiff/matmul.hpp>
#include <posekit/autodiff/parameter.hpp>
#include <posekit/autodiff/pooling.hpp>
#include <posekit/autodiff/pullback.hpp>
#include <posekit/autodiff/reductions.hpp>
#include <posekit/autodiff/resizing.hpp>
#include <posekit/autodiff/shaping.hpp>
#include <posekit/autodiff/softmax.hpp>
#include <posekit/autodiff/tape.hpp>
#include <posekit/autodiff/var.hpp>
#include <posekit/autodiff/window_geometry.hpp>
