#pragma once

// Which detection belongs to which annotated person, so that their joints can be compared.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <unordered_map>
#include <utility>
#include <vector>

#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/core/tensor.hpp>
#include <posekit/datasets/coco.hpp>
#include <posekit/datasets/coco_results.hpp>
#include <posekit/pose/localization_errors.hpp>

namespace posekit::inline POSEKIT_ISA {

struct CocoMatchingOptions {
  double at_least = 0.1;         ///< object keypoint similarity of a match (Ronchi and Perona 2017)
  std::vector<double> sigmas{};  ///< one for each keypoint; empty: those of COCO's people
};

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
/// Throws as `evaluate_coco`, and ValueError for an `at_least` outside [0, 1].
CocoMatches match_coco(const CocoDataset& truth, const std::vector<CocoResult>& results,
                       const CocoMatchingOptions& options = {});

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_EVALUATION

#include <posekit/core/require.hpp>
#include <posekit/evaluation/coco_evaluation.hpp>

namespace posekit::inline POSEKIT_ISA {

namespace internal {

/// The people of one image who are looked for, and which of them a detection can be similar to.
class CocoCandidates {
 public:
  void add(const CocoAnnotation& person) { people_.push_back({&person}); }

  /// `at_least` and `sigmas` as of `match_coco`.
  void prepare(double at_least, const std::vector<double>& sigmas) {
    // A similarity of so much needs a keypoint that is similar by so much.
    const double widest = 2 * *std::max_element(sigmas.begin(), sigmas.end());
    for (std::size_t i = 0; i < people_.size(); ++i) {
      Person& p = people_[i];
      p.number = i;
      const double area = *p.person->area + std::numeric_limits<double>::epsilon();
      const double reach = widest * std::sqrt(2 * std::max(area, 0.0) * -std::log(at_least));
      p.left = std::numeric_limits<double>::infinity();
      p.right = -p.left;
      for (const CocoKeypoint& keypoint : p.person->keypoints) {
        if (keypoint.visibility <= 0) continue;
        p.left = std::min(p.left, keypoint.x - reach);
        p.right = std::max(p.right, keypoint.x + reach);
      }
      widest_ = std::max(widest_, p.right - p.left);
    }
    std::sort(people_.begin(), people_.end(),
              [](const Person& a, const Person& b) { return a.left < b.left; });
  }

  /// The most similar person that is free, from then on taken; of equally similar ones the last in
  /// the file. Null where none is similar enough.
  const CocoAnnotation* take(const CocoResult& result, double at_least,
                             const std::vector<double>& sigmas) {
    const auto [left, right] =
        std::minmax_element(result.keypoints.begin(), result.keypoints.end(),
                            [](const auto& a, const auto& b) { return a.x < b.x; });
    const double first = left->x - widest_;
    auto at = std::lower_bound(people_.begin(), people_.end(), first,
                               [](const Person& p, double x) { return p.left < x; });
    double best = at_least;
    Person* match = nullptr;
    for (; at != people_.end() && at->left <= right->x; ++at) {
      if (at->taken || at->right < left->x || at->person->category_id != result.category_id)
        continue;
      const double similarity = coco_oks(*at->person, result, sigmas);
      if (similarity < best) continue;
      if (similarity == best && match != nullptr && match->number > at->number) continue;
      best = similarity;
      match = &*at;
    }
    if (match == nullptr) return nullptr;
    match->taken = true;
    return match->person;
  }

 private:
  struct Person {
    const CocoAnnotation* person;
    std::size_t number = 0;
    double left = 0, right = 0;  // beyond which nothing is similar
    bool taken = false;
  };
  std::vector<Person> people_;
  double widest_ = 0;
};

}  // namespace internal

POSEKIT_INLINE CocoMatches match_coco(const CocoDataset& truth,
                                      const std::vector<CocoResult>& results,
                                      const CocoMatchingOptions& options) {
  const std::vector<double> sigmas = internal::sigmas_or_people(options.sigmas);
  internal::require_evaluable(truth, results, sigmas);
  require_between("match_coco", "at_least", options.at_least, 0, 1);
  const auto is_looked_for = [](const CocoAnnotation& person) {
    return !person.is_crowd && labelled_keypoints(person) > 0;
  };
  std::unordered_map<std::int64_t, internal::CocoCandidates> people;
  CocoMatches matches;
  matches.detections = results.size();
  for (const CocoAnnotation& person : truth.annotations) {
    if (!is_looked_for(person)) continue;
    people[person.image_id].add(person);
    ++matches.people;
  }
  for (auto& [image, candidates] : people) candidates.prepare(options.at_least, sigmas);
  std::vector<const CocoResult*> order;
  for (const CocoResult& result : results) order.push_back(&result);
  std::stable_sort(order.begin(), order.end(),
                   [](const auto* a, const auto* b) { return a->score > b->score; });
  std::unordered_map<const CocoAnnotation*, const CocoResult*> found;
  for (const CocoResult* result : order) {
    const auto candidates = people.find(result->image_id);
    if (candidates == people.end()) continue;
    const CocoAnnotation* match = candidates->second.take(*result, options.at_least, sigmas);
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

#endif  // POSEKIT_DEFINES_EVALUATION
