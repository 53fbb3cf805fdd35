#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include <posekit/core/tensor.hpp>
#include <posekit/synthetic/lifting_examples.hpp>

#include "recordings.hpp"

/// How far lifted poses are from the truth, in mm.
struct LiftingErrors {
  using Named = std::vector<std::pair<std::string, double>>;

  double mpjpe = 0;       ///< protocol 1: roots together
  double pa_mpjpe = 0;    ///< protocol 2: after the best similarity transform
  double rigid = 0;       ///< the same without its scale
  double by_parts = 0;    ///< protocol 1, the mean of `parts`, as the paper's tables average
  double by_actions = 0;  ///< protocol 1, the mean of `actions`
  Named parts{};          ///< left and right together: the columns of the paper's Table 6
  Named freedom{};        ///< torso, proximal, distal
  Named actions{};
};

/// Predicted and true positions [N, J, 3] of skeletons::pose_16. Of each frame there are `draws`
/// examples, one draw after the other; `actions` has what is done in each frame, or nothing.
LiftingErrors measure_lifting(const posekit::Tensor<float>& prediction,
                              const posekit::Tensor<float>& truth,
                              const std::vector<std::string>& actions = {}, std::size_t draws = 1);

void print_errors(const LiftingErrors& errors);

/// The pairs that networks are measured with: each recorded frame once, from cameras that no
/// training with another seed has.
posekit::LiftingBatch<float> test_pairs(const posekit::MotionCapture& recordings,
                                        posekit::LiftingOptions options, std::size_t draws = 1);
