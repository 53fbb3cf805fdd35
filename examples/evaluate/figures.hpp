#pragma once

#include "evaluation.hpp"
#include "output.hpp"

/// Draws what was measured into files of `output`.
void draw_figures(const Evaluation& evaluation, StagedOutput& output);
