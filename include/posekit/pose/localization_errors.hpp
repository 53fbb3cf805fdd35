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
  good,       ///< most similar to its own truth, .85 or more
  jitter,     ///< ... from .5 to .85
  inversion,  ///< most similar, .5 or more, to the same joint of the person's other side
  swap,       ///< ... to that joint or its other side's of another person in the image
  miss,       ///< less than .5 to all of these
};

inline constexpr std::array<const char*, 5> localization_error_names{"good", "jitter", "inversion",
                                                                     "swap", "miss"};

}  // namespace posekit

namespace posekit::inline POSEKIT_ISA {

/// People in the images beside those whose poses were predicted, for swaps.
struct OtherPeople {
  Tensor<double> truth = zeros<double>({0, 0, 2});  ///< [B, J, 2], pixels
  std::vector<std::uint8_t> visible{};              ///< [B * J]
  std::vector<double> areas{};                      ///< [B], pixels squared
  std::vector<std::int64_t> images{};               ///< [B]
};

struct LocalizationErrorOptions {
  double near = 0.5, good = 0.85;                      ///< similarities
  std::optional<std::vector<std::uint8_t>> visible{};  ///< [F * J]; none: all
  /// [F]: the image that each person is in, for swaps; empty: one person in each.
  std::vector<std::int64_t> images{};
  OtherPeople others{};
};

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
/// in OKS, with the predicted joint's sigma and the area of the person it is compared with. What it
/// is most similar to decides; its own truth where they are equal. Throws ShapeError and
/// ValueError.
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
  const OtherPeople& others = options.others;
  const std::size_t bystanders = others.images.size();
  if (others.areas.size() != bystanders || others.visible.size() != bystanders * joints ||
      others.truth.size() != bystanders * joints * 2) {
    throw ShapeError(error_text(name, ": the other people have ", bystanders, " images, ",
                                others.areas.size(), " areas, ", others.visible.size(),
                                " visibilities and ", others.truth.size(),
                                " coordinates, expected as many people of ", joints, " joints"));
  }
  // People by image: those of the frames first, then the others.
  std::map<std::int64_t, std::vector<std::size_t>> together;
  for (std::size_t f = 0; f < options.images.size(); ++f) together[options.images[f]].push_back(f);
  for (std::size_t b = 0; b < bystanders && !options.images.empty(); ++b) {
    together[others.images[b]].push_back(frames + b);
  }
  const auto seen = [&](std::size_t person, std::size_t j) {
    if (person >= frames) return others.visible[(person - frames) * joints + j] != 0;
    return !options.visible || (*options.visible)[person * joints + j] != 0;
  };
  // Of prediction (f, a) to the true joint b of a person; less than 0 where that is not visible.
  const auto similarity = [&](std::size_t f, std::size_t a, std::size_t person, std::size_t b) {
    if (!seen(person, b)) return -1.0;
    const bool is_other = person >= frames;
    const auto at = [&](std::size_t axis) {
      return is_other ? others.truth.data()[((person - frames) * joints + b) * 2 + axis]
                      : static_cast<double>(truth(person, b, axis));
    };
    const double dx = static_cast<double>(prediction(f, a, 0)) - at(0);
    const double dy = static_cast<double>(prediction(f, a, 1)) - at(1);
    const double spread = 2 * skeleton.oks_sigmas[a];
    const double area = (is_other ? others.areas[person - frames] : areas[person]) +
                        std::numeric_limits<double>::epsilon();
    return std::exp(-(dx * dx + dy * dy) / (2 * spread * spread * area));
  };
  LocalizationErrors result;
  result.kinds.resize(frames * joints);
  result.per_joint.resize(joints);
  for (std::size_t f = 0; f < frames; ++f) {
    for (std::size_t a = 0; a < joints; ++a) {
      if (!seen(f, a)) continue;
      const std::size_t mirrored = skeleton.flips[a];
      double best = similarity(f, a, f, a);
      LocalizationError nearest =
          best >= options.good ? LocalizationError::good : LocalizationError::jitter;
      const auto consider = [&](std::size_t person, std::size_t b, LocalizationError kind) {
        const double value = similarity(f, a, person, b);
        if (value <= best) return;
        best = value;
        nearest = kind;
      };
      if (!options.images.empty()) {
        for (const std::size_t person : together[options.images[f]]) {
          if (person == f) continue;
          consider(person, a, LocalizationError::swap);
          consider(person, mirrored, LocalizationError::swap);
        }
      }
      consider(f, mirrored, LocalizationError::inversion);
      const LocalizationError kind = best >= options.near ? nearest : LocalizationError::miss;
      result.kinds[f * joints + a] = kind;
      ++result.per_joint[a][static_cast<std::size_t>(kind)];
      ++result.counts[static_cast<std::size_t>(kind)];
    }
  }
  return result;
}

}  // namespace posekit::inline POSEKIT_ISA
