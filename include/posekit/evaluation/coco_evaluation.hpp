#pragma once

// COCO's keypoint evaluation: average precision and recall over object keypoint similarity.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <numeric>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/datasets/coco.hpp>
#include <posekit/datasets/coco_results.hpp>

namespace posekit::inline POSEKIT_ISA {

struct CocoEvaluationOptions {
  std::vector<double> sigmas{};     ///< one for each keypoint; empty: those of COCO's people
  std::size_t max_detections = 20;  ///< of an image, those with the highest scores
  int threads = 0;
};

/// Average precision and recall. A number is -1 where the truth holds nothing of the kind.
struct CocoEvaluation {
  double ap = -1;    ///< mean over the thresholds .50, .55, ..., .95 of OKS
  double ap50 = -1;  ///< at .50
  double ap75 = -1;
  double ap_medium = -1;  ///< of people of 32^2 to 96^2 pixels
  double ap_large = -1;   ///< of more
  double ar = -1;         ///< the largest recall, mean over the thresholds
  double ar50 = -1, ar75 = -1, ar_medium = -1, ar_large = -1;
  std::size_t people = 0;      ///< that were looked for: labelled and no crowd
  std::size_t detections = 0;  ///< that were looked at
  /// Precision at recalls 0, .01, ..., 1 for each threshold, all sizes, mean over the categories.
  std::array<std::vector<double>, 10> precision{};
};

namespace internal {

/// The sigmas given, or those of COCO's people.
std::vector<double> sigmas_or_people(const std::vector<double>& given);

/// Object keypoint similarity; for people without labelled keypoints, of the way to a region twice
/// as large as their box.
double coco_oks(const CocoAnnotation& person, const CocoResult& detection,
                const std::vector<double>& sigmas);

}  // namespace internal

/// Average precision and recall of detected keypoints as COCO's own evaluation has them: at most 20
/// detections of an image, thresholds .50:.05:.95 of OKS, 101 recall points; crowds and people
/// without labelled keypoints are neither missed nor wrong. Throws ValueError where a result is of
/// an image that the truth does not list, or has another number of keypoints.
CocoEvaluation evaluate_coco(const CocoDataset& truth, const std::vector<CocoResult>& results,
                             const CocoEvaluationOptions& options = {});

/// The same of two files. Throws FileError too.
CocoEvaluation evaluate_coco(const std::filesystem::path& truth,
                             const std::filesystem::path& results,
                             const CocoEvaluationOptions& options = {});

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_EVALUATION

#include <posekit/core/error.hpp>
#include <posekit/core/threads.hpp>
#include <posekit/pose/skeletons.hpp>

namespace posekit::inline POSEKIT_ISA {

namespace internal {

constexpr std::size_t oks_thresholds = 10, recall_points = 101, area_ranges = 3;

void require_evaluable(const CocoDataset& truth, const std::vector<CocoResult>& results,
                       const std::vector<double>& sigmas);

POSEKIT_INLINE std::vector<double> sigmas_or_people(const std::vector<double>& given) {
  if (!given.empty()) return given;
  const auto& people = skeletons::coco_17.oks_sigmas;
  return {people.begin(), people.end()};
}

/// numpy.linspace, to the last bit.
inline double linspace(double first, double last, std::size_t count, std::size_t i) {
  if (i + 1 == count) return last;
  const double step = (last - first) / static_cast<double>(count - 1);
  return static_cast<double>(i) * step + first;
}

/// Of one image and category: people, detections (best first) and how similar they are.
struct CocoImageMatches {
  std::vector<const CocoAnnotation*> people;
  std::vector<const CocoResult*> detections;
  /// For each range of areas: whether each person is ignored, and for each threshold whether each
  /// detection found somebody and whether it is ignored.
  struct Range {
    std::vector<std::uint8_t> found, ignored;  // [thresholds, detections]
    std::size_t people = 0;                    // not ignored
  };
  std::array<Range, area_ranges> ranges;
};

POSEKIT_INLINE double coco_oks(const CocoAnnotation& person, const CocoResult& detection,
                               const std::vector<double>& sigmas) {
  const std::size_t labelled = labelled_keypoints(person);
  const Box& box = person.box;
  const double x0 = box.x - box.width, x1 = box.x + box.width * 2;
  const double y0 = box.y - box.height, y1 = box.y + box.height * 2;
  const double area = *person.area + std::numeric_limits<double>::epsilon();
  double sum = 0;
  for (std::size_t k = 0; k < sigmas.size(); ++k) {
    const CocoDetectedKeypoint& found = detection.keypoints[k];
    double dx = 0, dy = 0;
    if (labelled > 0) {
      if (person.keypoints[k].visibility <= 0) continue;
      dx = found.x - person.keypoints[k].x;
      dy = found.y - person.keypoints[k].y;
    } else {
      dx = std::max(0.0, x0 - found.x) + std::max(0.0, found.x - x1);
      dy = std::max(0.0, y0 - found.y) + std::max(0.0, found.y - y1);
    }
    const double variance = (sigmas[k] * 2) * (sigmas[k] * 2);
    sum += std::exp(-((dx * dx + dy * dy) / variance / area / 2));
  }
  return sum / static_cast<double>(labelled > 0 ? labelled : sigmas.size());
}

/// The area of the box around a detection's keypoints.
inline double detected_area(const CocoResult& detection) {
  double x0 = detection.keypoints[0].x, x1 = x0, y0 = detection.keypoints[0].y, y1 = y0;
  for (const CocoDetectedKeypoint& keypoint : detection.keypoints) {
    x0 = std::min(x0, keypoint.x);
    x1 = std::max(x1, keypoint.x);
    y0 = std::min(y0, keypoint.y);
    y1 = std::max(y1, keypoint.y);
  }
  return (x1 - x0) * (y1 - y0);
}

/// Matches detections to people at each threshold and range of areas: each detection, best first,
/// takes the most similar person that is free; ignored people (crowds may be taken again) only
/// where there is no other.
inline void match_people(CocoImageMatches& image, const std::vector<double>& sigmas,
                         std::size_t max_detections) {
  std::stable_sort(image.detections.begin(), image.detections.end(),
                   [](const auto* a, const auto* b) { return a->score > b->score; });
  if (image.detections.size() > max_detections) image.detections.resize(max_detections);
  const std::size_t people = image.people.size(), detections = image.detections.size();
  std::vector<double> similarity(detections * people);
  for (std::size_t d = 0; d < detections; ++d) {
    for (std::size_t p = 0; p < people; ++p) {
      similarity[d * people + p] = coco_oks(*image.people[p], *image.detections[d], sigmas);
    }
  }
  constexpr double bounds[area_ranges][2] = {
      {0.0, 1e5 * 1e5}, {32.0 * 32, 96.0 * 96}, {96.0 * 96, 1e5 * 1e5}};
  std::vector<std::uint8_t> base(people), taken(people), ignored(people);
  for (std::size_t p = 0; p < people; ++p) {
    const CocoAnnotation& person = *image.people[p];
    base[p] = person.is_crowd || stated_keypoints(person) == 0;
  }
  for (std::size_t r = 0; r < area_ranges; ++r) {
    auto& range = image.ranges[r];
    const auto outside = [&](double area) { return area < bounds[r][0] || area > bounds[r][1]; };
    std::vector<std::size_t> order;
    for (std::size_t p = 0; p < people; ++p) {
      ignored[p] = base[p] != 0 || outside(*image.people[p]->area);
      if (ignored[p] == 0) order.push_back(p);
    }
    range.people = order.size();
    for (std::size_t p = 0; p < people; ++p) {
      if (ignored[p] != 0) order.push_back(p);
    }
    range.found.assign(oks_thresholds * detections, 0);
    range.ignored.assign(oks_thresholds * detections, 0);
    for (std::size_t t = 0; t < oks_thresholds; ++t) {
      std::fill(taken.begin(), taken.end(), std::uint8_t{0});
      for (std::size_t d = 0; d < detections; ++d) {
        double best = std::min(linspace(.5, .95, oks_thresholds, t), 1 - 1e-10);
        std::size_t match = people;
        for (const std::size_t p : order) {
          if (taken[p] != 0 && !image.people[p]->is_crowd) continue;
          if (match < people && ignored[match] == 0 && ignored[p] != 0) break;
          if (similarity[d * people + p] < best) continue;
          best = similarity[d * people + p];
          match = p;
        }
        auto& found = range.found[t * detections + d];
        auto& skipped = range.ignored[t * detections + d];
        if (match < people) {
          taken[match] = 1;
          found = 1;
          skipped = ignored[match];
        } else {
          skipped = outside(detected_area(*image.detections[d]));
        }
      }
    }
  }
}

struct CocoCurve {
  double recall = -1;
  std::vector<double> precision;  // at the recall points; empty where nobody was looked for
};

/// Precision over recall of all images together.
inline CocoCurve coco_curve(const std::vector<CocoImageMatches>& images,
                            const std::vector<std::pair<std::uint32_t, std::uint32_t>>& ranking,
                            std::size_t range, std::size_t threshold, std::size_t people) {
  CocoCurve curve;
  if (people == 0) return curve;
  curve.precision.assign(recall_points, 0.0);
  std::vector<double> recalls, precisions;
  recalls.reserve(ranking.size());
  precisions.reserve(ranking.size());
  double right = 0, wrong = 0;
  for (const auto& [i, d] : ranking) {
    const auto& matches = images[i].ranges[range];
    const std::size_t at = threshold * images[i].detections.size() + d;
    if (matches.ignored[at] == 0) (matches.found[at] != 0 ? right : wrong) += 1;
    recalls.push_back(right / static_cast<double>(people));
    precisions.push_back(right / (wrong + right + std::numeric_limits<double>::epsilon()));
  }
  curve.recall = recalls.empty() ? 0.0 : recalls.back();
  for (std::size_t i = precisions.size(); i-- > 1;) {
    precisions[i - 1] = std::max(precisions[i - 1], precisions[i]);
  }
  for (std::size_t i = 0; i < recall_points; ++i) {
    const auto found =
        std::lower_bound(recalls.begin(), recalls.end(), linspace(0.0, 1.0, recall_points, i));
    if (found == recalls.end()) break;
    curve.precision[i] = precisions[static_cast<std::size_t>(found - recalls.begin())];
  }
  return curve;
}

POSEKIT_INLINE void require_evaluable(const CocoDataset& truth,
                                      const std::vector<CocoResult>& results,
                                      const std::vector<double>& sigmas) {
  std::unordered_map<std::int64_t, bool> known;
  for (const CocoImage& image : truth.images) known[image.id] = true;
  const auto require_count = [&](const char* what, auto id, std::size_t found) {
    if (found == sigmas.size()) return;
    throw ValueError(error_text("evaluate_coco: ", what, " ", id, " has ", found,
                                " keypoints, expected ", sigmas.size()));
  };
  for (const CocoAnnotation& person : truth.annotations) {
    if (!known.contains(person.image_id)) {
      throw ValueError(error_text("evaluate_coco: annotation ", person.id, " is of image ",
                                  person.image_id, ", which the truth does not list"));
    }
    if (!person.area) {
      throw ValueError(error_text("evaluate_coco: annotation ", person.id, " has no area"));
    }
    require_count("annotation", person.id, person.keypoints.size());
  }
  for (std::size_t i = 0; i < results.size(); ++i) {
    if (!known.contains(results[i].image_id)) {
      throw ValueError(error_text("evaluate_coco: result ", i, " is of image ", results[i].image_id,
                                  ", which the truth does not list"));
    }
    require_count("result", i, results[i].keypoints.size());
    if (!std::isfinite(results[i].score)) {
      throw ValueError(
          error_text("evaluate_coco: the score of result ", i, " is ", results[i].score));
    }
  }
}

inline double mean_of_present(const std::vector<double>& values) {
  double sum = 0;
  std::size_t count = 0;
  for (const double value : values) {
    if (!(value > -1)) continue;
    sum += value;
    ++count;
  }
  return count == 0 ? -1.0 : sum / static_cast<double>(count);
}

}  // namespace internal

POSEKIT_INLINE CocoEvaluation evaluate_coco(const CocoDataset& truth,
                                            const std::vector<CocoResult>& results,
                                            const CocoEvaluationOptions& options) {
  using namespace internal;
  const std::vector<double> sigmas = sigmas_or_people(options.sigmas);
  require_evaluable(truth, results, sigmas);
  std::vector<std::int64_t> categories = truth.category_ids;
  if (categories.empty()) {
    for (const CocoAnnotation& person : truth.annotations) categories.push_back(person.category_id);
  }
  std::sort(categories.begin(), categories.end());
  categories.erase(std::unique(categories.begin(), categories.end()), categories.end());
  std::vector<std::int64_t> ids;
  for (const CocoImage& image : truth.images) ids.push_back(image.id);
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  std::unordered_map<std::int64_t, std::size_t> places;
  for (std::size_t i = 0; i < ids.size(); ++i) places[ids[i]] = i;

  CocoEvaluation evaluation;
  // [range][threshold], a value for each category
  std::vector<double> precisions[area_ranges][oks_thresholds], recalls[area_ranges][oks_thresholds];
  std::vector<double> at_recall[oks_thresholds][recall_points];
  for (const std::int64_t category : categories) {
    std::vector<CocoImageMatches> images(ids.size());
    for (const CocoAnnotation& person : truth.annotations) {
      if (person.category_id == category) {
        images[places[person.image_id]].people.push_back(&person);
      }
    }
    for (const CocoResult& result : results) {
      if (result.category_id == category) {
        images[places[result.image_id]].detections.push_back(&result);
      }
    }
    parallel_for(images.size(), resolve_threads(options.threads),
                 [&](std::size_t i) { match_people(images[i], sigmas, options.max_detections); });
    std::vector<std::pair<std::uint32_t, std::uint32_t>> ranking;
    for (std::size_t i = 0; i < images.size(); ++i) {
      for (std::size_t d = 0; d < images[i].detections.size(); ++d) {
        ranking.emplace_back(static_cast<std::uint32_t>(i), static_cast<std::uint32_t>(d));
      }
    }
    std::stable_sort(ranking.begin(), ranking.end(), [&](const auto& a, const auto& b) {
      return images[a.first].detections[a.second]->score >
             images[b.first].detections[b.second]->score;
    });
    evaluation.detections += ranking.size();
    for (std::size_t r = 0; r < area_ranges; ++r) {
      std::size_t people = 0;
      for (const CocoImageMatches& image : images) people += image.ranges[r].people;
      if (r == 0) evaluation.people += people;
      std::array<CocoCurve, oks_thresholds> curves;
      parallel_for(oks_thresholds, resolve_threads(options.threads),
                   [&](std::size_t t) { curves[t] = coco_curve(images, ranking, r, t, people); });
      for (std::size_t t = 0; t < oks_thresholds; ++t) {
        if (curves[t].precision.empty()) continue;
        recalls[r][t].push_back(curves[t].recall);
        precisions[r][t].push_back(
            std::accumulate(curves[t].precision.begin(), curves[t].precision.end(), 0.0) /
            static_cast<double>(recall_points));
        for (std::size_t i = 0; i < recall_points && r == 0; ++i) {
          at_recall[t][i].push_back(curves[t].precision[i]);
        }
      }
    }
  }
  const auto over_thresholds = [](const std::vector<double>* values) {
    std::vector<double> all;
    for (std::size_t t = 0; t < oks_thresholds; ++t) {
      all.insert(all.end(), values[t].begin(), values[t].end());
    }
    return mean_of_present(all);
  };
  evaluation.ap = over_thresholds(precisions[0]);
  evaluation.ap50 = mean_of_present(precisions[0][0]);
  evaluation.ap75 = mean_of_present(precisions[0][5]);
  evaluation.ap_medium = over_thresholds(precisions[1]);
  evaluation.ap_large = over_thresholds(precisions[2]);
  evaluation.ar = over_thresholds(recalls[0]);
  evaluation.ar50 = mean_of_present(recalls[0][0]);
  evaluation.ar75 = mean_of_present(recalls[0][5]);
  evaluation.ar_medium = over_thresholds(recalls[1]);
  evaluation.ar_large = over_thresholds(recalls[2]);
  for (std::size_t t = 0; t < oks_thresholds; ++t) {
    for (std::size_t i = 0; i < recall_points && !at_recall[t][i].empty(); ++i) {
      evaluation.precision[t].push_back(mean_of_present(at_recall[t][i]));
    }
  }
  return evaluation;
}

POSEKIT_INLINE CocoEvaluation evaluate_coco(const std::filesystem::path& truth,
                                            const std::filesystem::path& results,
                                            const CocoEvaluationOptions& options) {
  return evaluate_coco(load_coco(truth), load_coco_results(results), options);
}

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_EVALUATION
