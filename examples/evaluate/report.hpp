#pragma once

#include <string>

#include "evaluation.hpp"

/// What was measured as a table for people, as JSON and as CSV.
std::string report_table(const Evaluation& evaluation);
std::string report_json(const Evaluation& evaluation, const EvaluateOptions& options);
std::string report_csv(const Evaluation& evaluation);
