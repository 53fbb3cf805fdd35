#pragma once

// Which detection belongs to which annotated person, so that their joints can be compared.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <unordered_map>
#include <utility>
#include <vector>

#include <posekit/core/isa.hpp>
#include <posekit/core/tensor.hpp>
#include <posekit/data/coco.hpp>
#include <posekit/data/coco_evaluation.hpp>
#include <posekit/data/coco_results.hpp>
#include <posekit/pose/localization_errors.hpp>

namespace posekit {

struct CocoMatchingOptions {
  double at_least = 0.1;         ///< object keypoint similarity of a match (Ronchi and Perona 2017)
  std::vector<double> sigmas{};  ///< one for each keypoint; empty: those of COCO's people
};

}  // namespace posekit

namespace posekit::inline POSEKIT_ISA {

/// People with labelled keypoints, no crowds, that were found: poses for the metrics.
struct CocoMatches {
  Tensor<double> prediction, truth;                     ///< [P, J, 2], photo pixels
  std::vector<std::uint8_t> visible;                    ///< [P * J]: labelled keypoints
  std::vector<double> areas;                            ///< [P], pixels squared
  std::vector<Box> boxes;                               ///< [P], of the truth
  std::vector<std::int64_t> image_ids, annotation_ids;  ///< [P]
  std::vector<double> hidden;  ///< [P]: the fraction of labelled keypoints that is hidden
  OtherPeople missed;          ///< people with labelled keypoints that were not found
  std::size_t people = 0;      ///< that were looked for
  std::size_t detections = 0;  ///< of all results
};

/// In each image the detections, best scores first, take the most similar person that is free.
/// Throws as `evaluate_coco`.
inline CocoMatches match_coco(const CocoDataset& truth, const std::vector<CocoResult>& results,
                              const CocoMatchingOptions& options = {}) {
  const std::vector<double> sigmas = internal::sigmas_or_people(options.sigmas);
  internal::require_evaluable(truth, results, sigmas);
  const auto is_looked_for = [](const CocoAnnotation& person) {
    return !person.is_crowd && labelled_keypoints(person) > 0;
  };
  std::unordered_map<std::int64_t, std::vector<const CocoAnnotation*>> people;
  CocoMatches matches;
  matches.detections = results.size();
  for (const CocoAnnotation& person : truth.annotations) {
    if (!is_looked_for(person)) continue;
    people[person.image_id].push_back(&person);
    ++matches.people;
  }
  std::vector<const CocoResult*> order;
  for (const CocoResult& result : results) order.push_back(&result);
  std::stable_sort(order.begin(), order.end(),
                   [](const auto* a, const auto* b) { return a->score > b->score; });
  std::unordered_map<const CocoAnnotation*, const CocoResult*> found;
  for (const CocoResult* result : order) {
    double best = options.at_least;
    const CocoAnnotation* match = nullptr;
    for (const CocoAnnotation* person : people[result->image_id]) {
      if (found.contains(person) || person->category_id != result->category_id) continue;
      const double similarity = internal::coco_oks(*person, *result, sigmas);
      if (similarity < best) continue;
      best = similarity;
      match = person;
    }
    if (match != nullptr) found[match] = result;
  }
  const std::size_t joints = sigmas.size();
  std::vector<double> predicted, expected, missed;
  for (const CocoAnnotation& person : truth.annotations) {
    const auto match = found.find(&person);
    if (match == found.end()) {
      if (!is_looked_for(person)) continue;
      for (const CocoKeypoint& keypoint : person.keypoints) {
        missed.insert(missed.end(), {keypoint.x, keypoint.y});
        matches.missed.visible.push_back(keypoint.visibility > 0 ? 1 : 0);
      }
      matches.missed.areas.push_back(*person.area);
      matches.missed.images.push_back(person.image_id);
      continue;
    }
    std::size_t hidden = 0;
    for (std::size_t j = 0; j < joints; ++j) {
      const CocoKeypoint& keypoint = person.keypoints[j];
      const CocoDetectedKeypoint& guess = match->second->keypoints[j];
      predicted.insert(predicted.end(), {guess.x, guess.y});
      expected.insert(expected.end(), {keypoint.x, keypoint.y});
      matches.visible.push_back(keypoint.visibility > 0 ? 1 : 0);
      hidden += keypoint.visibility == 1;
    }
    matches.areas.push_back(*person.area);
    matches.boxes.push_back(person.box);
    matches.image_ids.push_back(person.image_id);
    matches.annotation_ids.push_back(person.id);
    matches.hidden.push_back(static_cast<double>(hidden) /
                             static_cast<double>(labelled_keypoints(person)));
  }
  const Shape shape{matches.areas.size(), joints, 2};
  matches.prediction = tensor_from<double>(shape, predicted);
  matches.truth = tensor_from<double>(shape, expected);
  matches.missed.truth = tensor_from<double>({matches.missed.areas.size(), joints, 2}, missed);
  return matches;
}

}  // namespace posekit::inline POSEKIT_ISA
