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

#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/core/tensor.hpp>
#include <posekit/pose/skeletons.hpp>

namespace posekit::inline POSEKIT_ISA {

enum class LocalizationError : std::uint8_t {
  good,       ///< most similar to its own truth, .85 or more
  jitter,     ///< ... from .5 to .85
  inversion,  ///< most similar, .5 or more, to the same joint of the person's other side
  swap,       ///< ... to that joint or its other side's of another person in the image
  miss,       ///< less than .5 to all of these
};

inline constexpr std::array<const char*, 5> localization_error_names{"good", "jitter", "inversion",
                                                                     "swap", "miss"};

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
  double share(LocalizationError kind) const;
};

/// Poses are [F, J, 2] in pixels, areas [F] in pixels squared; similarity is that of one keypoint
/// in OKS, with the predicted joint's sigma and the area of the person it is compared with. What it
/// is most similar to decides; its own truth where they are equal. Throws ShapeError and
/// ValueError.
template <class T>
LocalizationErrors classify_errors(const Tensor<T>& prediction, const Tensor<T>& truth,
                                   const Skeleton& skeleton, const std::vector<double>& areas,
                                   const LocalizationErrorOptions& options = {});

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_POSE

#include <posekit/core/error.hpp>
#include <posekit/core/require.hpp>
#include <posekit/pose/comparable_poses.hpp>

namespace posekit::inline POSEKIT_ISA {

POSEKIT_INLINE double LocalizationErrors::share(LocalizationError kind) const {
  std::size_t all = 0;
  for (const std::size_t count : counts) all += count;
  return all == 0 ? std::numeric_limits<double>::quiet_NaN()
                  : static_cast<double>(counts[static_cast<std::size_t>(kind)]) /
                        static_cast<double>(all);
}

namespace internal {

/// True joints of one kind in an image, found by where they are.
class JointsOfImage {
 public:
  void add(std::size_t person, double x, double y, double area) {
    joints_.push_back({x, y, area, person});
    largest_area_ = std::max(largest_area_, area);
  }
  void sort() {
    std::sort(joints_.begin(), joints_.end(),
              [](const Joint& a, const Joint& b) { return a.x < b.x; });
  }
  /// The largest similarity to (x, y) of a joint of others than `person`, where it is more than
  /// `least`; otherwise `least`.
  double most_similar(double x, double y, double spread, std::size_t person, double least) const {
    const double reach = spread * std::sqrt(2 * largest_area_ * -std::log(least));
    auto at = std::lower_bound(joints_.begin(), joints_.end(), x - reach,
                               [](const Joint& joint, double left) { return joint.x < left; });
    double best = -std::numeric_limits<double>::infinity();  // its logarithm
    for (; at != joints_.end() && !(at->x > x + reach); ++at) {
      if (at->person == person) continue;
      const double dx = x - at->x, dy = y - at->y;
      best = std::max(best, -(dx * dx + dy * dy) / (2 * spread * spread * at->area));
    }
    return std::max(least, std::exp(best));
  }

 private:
  struct Joint {
    double x, y, area;
    std::size_t person;
  };
  std::vector<Joint> joints_;
  double largest_area_ = 0;
};

}  // namespace internal

template <class T>
LocalizationErrors classify_errors(const Tensor<T>& prediction, const Tensor<T>& truth,
                                   const Skeleton& skeleton, const std::vector<double>& areas,
                                   const LocalizationErrorOptions& options) {
  constexpr const char* name = "classify_errors";
  internal::require_comparable(name, prediction, truth, skeleton, options.visible, 2);
  require_between(name, "near", options.near, 0, 1);
  require_between(name, "good", options.good, 0, 1);
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
  const auto seen = [&](std::size_t f, std::size_t j) {
    return !options.visible || (*options.visible)[f * joints + j] != 0;
  };
  constexpr double tiny = std::numeric_limits<double>::epsilon();
  // The visible joints of each image, those of the frames and of others.
  std::map<std::int64_t, std::vector<internal::JointsOfImage>> together;
  const auto of_image = [&](std::int64_t image) -> auto& {
    auto& known = together[image];
    known.resize(joints);
    return known;
  };
  for (std::size_t f = 0; f < options.images.size(); ++f) {
    auto& image = of_image(options.images[f]);
    for (std::size_t j = 0; j < joints; ++j) {
      if (!seen(f, j)) continue;
      image[j].add(f, static_cast<double>(truth(f, j, 0)), static_cast<double>(truth(f, j, 1)),
                   areas[f] + tiny);
    }
  }
  for (std::size_t b = 0; b < bystanders && !options.images.empty(); ++b) {
    auto& image = of_image(others.images[b]);
    for (std::size_t j = 0; j < joints; ++j) {
      if (others.visible[b * joints + j] == 0) continue;
      const double* at = others.truth.data() + (b * joints + j) * 2;
      image[j].add(frames + b, at[0], at[1], others.areas[b] + tiny);
    }
  }
  for (auto& [id, image] : together) {
    for (auto& kind : image) kind.sort();
  }
  // Of prediction (f, a) to the person's true joint b; less than 0 where that is not visible.
  const auto similarity = [&](std::size_t f, std::size_t a, std::size_t b) {
    if (!seen(f, b)) return -1.0;
    const double dx =
        static_cast<double>(prediction(f, a, 0)) - static_cast<double>(truth(f, b, 0));
    const double dy =
        static_cast<double>(prediction(f, a, 1)) - static_cast<double>(truth(f, b, 1));
    const double spread = 2 * skeleton.oks_sigmas[a];
    return std::exp(-(dx * dx + dy * dy) / (2 * spread * spread * (areas[f] + tiny)));
  };
  LocalizationErrors result;
  result.kinds.resize(frames * joints);
  result.per_joint.resize(joints);
  for (std::size_t f = 0; f < frames; ++f) {
    for (std::size_t a = 0; a < joints; ++a) {
      if (!seen(f, a)) continue;
      const std::size_t mirrored = skeleton.flips[a];
      double best = similarity(f, a, a);
      LocalizationError nearest =
          best >= options.good ? LocalizationError::good : LocalizationError::jitter;
      const auto consider = [&](double value, LocalizationError kind) {
        if (value <= best) return;
        best = value;
        nearest = kind;
      };
      if (!options.images.empty()) {
        const auto& image = together[options.images[f]];
        for (const std::size_t b : {a, mirrored}) {
          consider(image[b].most_similar(static_cast<double>(prediction(f, a, 0)),
                                         static_cast<double>(prediction(f, a, 1)),
                                         2 * skeleton.oks_sigmas[a], f, best),
                   LocalizationError::swap);
        }
      }
      consider(similarity(f, a, mirrored), LocalizationError::inversion);
      const LocalizationError kind = best >= options.near ? nearest : LocalizationError::miss;
      result.kinds[f * joints + a] = kind;
      ++result.per_joint[a][static_cast<std::size_t>(kind)];
      ++result.counts[static_cast<std::size_t>(kind)];
    }
  }
  return result;
}

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_POSE
