#pragma once

// Which pixels made a network put a joint where it did.

#include <posekit/attribution/attention.hpp>
#include <posekit/attribution/explanation.hpp>
#include <posekit/attribution/explanation_report.hpp>
#include <posekit/attribution/faithfulness.hpp>
#include <posekit/attribution/gaussian_kernel.hpp>
#include <posekit/attribution/indices.hpp>
#include <posekit/attribution/kde.hpp>
#include <posekit/attribution/path.hpp>
#include <posekit/attribution/pose_ig.hpp>
#include <posekit/attribution/quadrature.hpp>
#include <posekit/attribution/score.hpp>
