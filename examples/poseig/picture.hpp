#pragma once

#include <optional>
#include <vector>

#include <posekit/attribution/pose_ig.hpp>
#include <posekit/core/tensor.hpp>
#include <posekit/viz/pose_ig_figure.hpp>

#include "options.hpp"
#include "report.hpp"
#include "subject.hpp"

/// Everything the pictures show. `signed_maps` [J, S, S] and `densities` are referred to, not
/// copied.
posekit::PoseIgFigure<float> make_figure(
    const ExplainOptions& options, const Subject& subject, const posekit::PoseModel<float>& model,
    const posekit::PoseIgResult<float>& result, const Report& report,
    const posekit::Tensor<float>& signed_maps,
    const std::vector<std::optional<posekit::Tensor<float>>>& densities);
