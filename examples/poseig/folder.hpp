#pragma once

#include <atomic>

#include "options.hpp"

/// Explains every annotated person whose photo is in the folder `options.image`, into one table
/// (attributions.csv), and keeps the network's predictions as COCO results (results.json) where it
/// has COCO's joints. Throws posekit::Error; nothing is written unless all goes well.
void explain_folder(const ExplainOptions& options, const std::atomic<bool>& interrupted);
