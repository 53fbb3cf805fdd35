#pragma once

#include <atomic>
#include <string>
#include <vector>

#include <posekit/attribution/faithfulness.hpp>
#include <posekit/core/progress.hpp>
#include <posekit/io/image.hpp>

#include "explanation.hpp"

/// What became of the attributions as ever more layers got random weights, and of the predictions
/// as pixels were taken away: means over the joints.
struct Sanity {
  std::size_t layers = 0;                        ///< of the network
  std::vector<std::size_t> randomized;           ///< how many of them, from the output down
  std::vector<double> ssim, rank_correlation;    ///< of the magnitudes with the true ones
  std::vector<double> fractions;                 ///< of the pixels
  std::vector<double> by_importance, at_random;  ///< error in crop pixels after deletion
  double area_by_importance = 0, area_at_random = 0;
};

/// Cascading randomisation and deletion curves (PoseIG, section 4.2). Throws Cancelled.
Sanity check_sanity(const ExplainOptions& options, const posekit::PoseNetwork<float>& network,
                    const Explanation& explanation, const posekit::ProgressCallback& progress,
                    const std::atomic<bool>& interrupted);

posekit::Bitmap sanity_picture(const Sanity& sanity);
std::string sanity_csv(const Sanity& sanity);
std::string sanity_summary(const Sanity& sanity);
