#pragma once

// What kind of error a misplaced keypoint is, after Ronchi and Perona, "Benchmarking and Error
// Diagnosis in Multi-Instance Pose Estimation" (ICCV 2017).

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <vector>

#include <posekit/core/error.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/core/tensor.hpp>
#include <posekit/pose/metrics.hpp>
#include <posekit/pose/skeletons.hpp>

namespace posekit {

enum class LocalizationError : std::uint8_t {
  good,       ///< similarity to the truth of .85 or more
  jitter,     ///< from .5 to .85
  inversion,  ///< less, but .5 or more to another joint of the same person
  swap,       ///< ... but .5 or more to the same joint of another person in the image
  miss,       ///< less than .5 to all of these
};

inline constexpr std::array<const char*, 5> localization_error_names{"good", "jitter", "inversion",
                                                                     "swap", "miss"};

struct LocalizationErrorOptions {
  double near = 0.5, good = 0.85;                      ///< similarities
  std::optional<std::vector<std::uint8_t>> visible{};  ///< [F * J]; none: all
  /// [F]: the image that each person is in, for swaps; empty: one person in each.
  std::vector<std::int64_t> images{};
};

}  // namespace posekit

namespace posekit::inline POSEKIT_ISA {

struct LocalizationErrors {
  /// [F * J], LocalizationError of each visible joint; none for others.
  std::vector<std::optional<LocalizationError>> kinds;
  std::vector<std::array<std::size_t, 5>> per_joint;  ///< counts, in the order of LocalizationError
  std::array<std::size_t, 5> counts{};
  /// Of all visible joints.
  double share(LocalizationError kind) const {
    std::size_t all = 0;
    for (const std::size_t count : counts) all += count;
    return all == 0 ? std::numeric_limits<double>::quiet_NaN()
                    : static_cast<double>(counts[static_cast<std::size_t>(kind)]) /
                          static_cast<double>(all);
  }
};

/// Poses are [F, J, 2] in pixels, areas [F] in pixels squared; similarity is that of one keypoint
/// in OKS. A joint near its own truth is never called inverted or swapped; one near several wrong
/// places goes to the most similar. Throws ShapeError and ValueError.
template <class T>
LocalizationErrors classify_errors(const Tensor<T>& prediction, const Tensor<T>& truth,
                                   const Skeleton& skeleton, const std::vector<double>& areas,
                                   const LocalizationErrorOptions& options = {}) {
  constexpr const char* name = "classify_errors";
  internal::require_comparable(name, prediction, truth, skeleton, options.visible, 2);
  const std::size_t frames = prediction.shape()[0], joints = skeleton.size();
  if (skeleton.oks_sigmas.empty()) {
    throw ValueError(
        error_text(name, ": the skeleton ", skeleton.name, " has no published sigmas"));
  }
  if (areas.size() != frames || (!options.images.empty() && options.images.size() != frames)) {
    throw ShapeError(error_text(name, ": there are ", areas.size(), " areas and ",
                                options.images.size(), " images, expected ", frames,
                                " (or no images)"));
  }
  std::map<std::int64_t, std::vector<std::size_t>> together;
  for (std::size_t f = 0; f < options.images.size(); ++f) together[options.images[f]].push_back(f);
  const auto seen = [&](std::size_t f, std::size_t j) {
    return !options.visible || (*options.visible)[f * joints + j] != 0;
  };
  // Of prediction (f, a) to the truth (g, b), as wide as b's sigma is in g.
  const auto similarity = [&](std::size_t f, std::size_t a, std::size_t g, std::size_t b) {
    const double dx =
        static_cast<double>(prediction(f, a, 0)) - static_cast<double>(truth(g, b, 0));
    const double dy =
        static_cast<double>(prediction(f, a, 1)) - static_cast<double>(truth(g, b, 1));
    const double spread = 2 * skeleton.oks_sigmas[b];
    const double area = areas[g] + std::numeric_limits<double>::epsilon();
    return std::exp(-(dx * dx + dy * dy) / (2 * spread * spread * area));
  };
  LocalizationErrors result;
  result.kinds.resize(frames * joints);
  result.per_joint.resize(joints);
  for (std::size_t f = 0; f < frames; ++f) {
    for (std::size_t a = 0; a < joints; ++a) {
      if (!seen(f, a)) continue;
      const double own = similarity(f, a, f, a);
      LocalizationError kind = own >= options.good   ? LocalizationError::good
                               : own >= options.near ? LocalizationError::jitter
                                                     : LocalizationError::miss;
      if (kind == LocalizationError::miss) {
        double best = options.near;
        for (std::size_t b = 0; b < joints; ++b) {
          if (b == a || !seen(f, b) || similarity(f, a, f, b) < best) continue;
          best = similarity(f, a, f, b);
          kind = LocalizationError::inversion;
        }
        if (!options.images.empty()) {
          for (const std::size_t g : together[options.images[f]]) {
            if (g == f || !seen(g, a) || similarity(f, a, g, a) < best) continue;
            best = similarity(f, a, g, a);
            kind = LocalizationError::swap;
          }
        }
      }
      result.kinds[f * joints + a] = kind;
      ++result.per_joint[a][static_cast<std::size_t>(kind)];
      ++result.counts[static_cast<std::size_t>(kind)];
    }
  }
  return result;
}

}  // namespace posekit::inline POSEKIT_ISA
