#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <vector>

#include <posekit/core/random.hpp>
#include <posekit/evaluation/coco_matching.hpp>
#include <posekit/pose/localization_errors.hpp>

namespace pk = posekit;

namespace {

pk::CocoAnnotation person(std::int64_t id, double x) {
  pk::CocoAnnotation a;
  a.id = id;
  a.image_id = 1;
  a.area = 5000;
  a.box = {x, 0, 50, 100};
  for (std::size_t k = 0; k < 17; ++k) {
    a.keypoints.push_back({x + static_cast<double>(3 * k), static_cast<double>(5 * k),
                           k == 0   ? 0
                           : k == 1 ? 1
                                    : 2});
  }
  return a;
}

pk::CocoResult detection(double x, double score) {
  pk::CocoResult r{1, 1, {}, score};
  for (std::size_t k = 0; k < 17; ++k) {
    r.keypoints.push_back({x + static_cast<double>(3 * k), static_cast<double>(5 * k), 1});
  }
  return r;
}

}  // namespace

TEST_CASE("Detections go to the people they resemble, the surest first", "[evaluation]") {
  pk::CocoDataset truth;
  truth.images.push_back({1, "", 500, 500});
  truth.annotations = {person(7, 0), person(8, 200), person(9, 400)};
  // Two claim the first person; nobody is near the third.
  const auto m = pk::match_coco(
      truth, {detection(1, 0.5), detection(0, 0.4), detection(203, 0.9), detection(300, 0.8)});
  CHECK(m.people == 3);
  CHECK(m.detections == 4);
  REQUIRE(m.annotation_ids == std::vector<std::int64_t>{7, 8});
  CHECK(m.prediction(0, 4, 0) == 1 + 12);  // the surer one, though the other is nearer
  CHECK(m.prediction(1, 4, 0) == 203 + 12);
  CHECK(m.truth(1, 4, 0) == 200 + 12);
  CHECK(m.visible[0] == 0);
  CHECK(m.visible[1] == 1);
  CHECK(m.hidden[0] == Approx(1.0 / 16));
  truth.annotations[0].is_crowd = true;
  CHECK(pk::match_coco(truth, {detection(0, 1)}).annotation_ids.empty());
  CHECK(pk::match_coco(truth, {}).prediction.shape()[0] == 0);
}

TEST_CASE("In a crowd everybody is found as by looking at everybody", "[evaluation]") {
  pk::CocoDataset truth;
  truth.images.push_back({1, "", 5000, 5000});
  std::vector<pk::CocoResult> results;
  const pk::CounterRandom random(3);
  for (std::size_t i = 0; i < 300; ++i) {
    auto p = person(static_cast<std::int64_t>(i), 900 * random.uniform(3 * i));
    p.area = 100 + 20000 * random.uniform(3 * i + 1) * random.uniform(3 * i + 1);
    p.category_id = i % 7 == 0 ? 2 : 1;
    truth.annotations.push_back(p);
    auto d = detection(p.keypoints[0].x + 40 * random.uniform(3 * i + 2), random.uniform(5000 + i));
    d.category_id = i % 7 == 0 ? 2 : 1;
    results.push_back(d);
  }
  // Equally similar ones.
  truth.annotations.push_back(truth.annotations[5]);
  truth.annotations.back().id = 1000;
  for (const double at_least : {0.0, 0.1, 0.6}) {
    // The definition: the surest first, each takes the most similar that is free, the last of
    // equals.
    std::vector<const pk::CocoResult*> order;
    for (const auto& r : results) order.push_back(&r);
    std::stable_sort(order.begin(), order.end(),
                     [](const auto* a, const auto* b) { return a->score > b->score; });
    const auto sigmas = pk::internal::sigmas_or_people({});
    std::map<std::int64_t, const pk::CocoResult*> expected;
    for (const auto* r : order) {
      double best = at_least;
      std::optional<std::int64_t> match;
      for (const auto& p : truth.annotations) {
        if (expected.contains(p.id) || p.category_id != r->category_id) continue;
        const double similarity = pk::internal::coco_oks(p, *r, sigmas);
        if (similarity < best) continue;
        best = similarity;
        match = p.id;
      }
      if (match) expected[*match] = r;
    }
    const auto m = pk::match_coco(truth, results, {.at_least = at_least});
    REQUIRE(m.annotation_ids.size() == expected.size());
    for (std::size_t i = 0; i < m.annotation_ids.size(); ++i) {
      CHECK(m.prediction(i, 3, 0) == expected.at(m.annotation_ids[i])->keypoints[3].x);
    }
  }
  CHECK_THROWS_AS(pk::match_coco(truth, results, {.at_least = std::nan("")}), pk::ValueError);
}

TEST_CASE("An image of very many people is matched", "[evaluation]") {
  // Comparing everybody with everybody would be 400 million similarities.
  pk::CocoDataset truth;
  truth.images.push_back({1, "", 1000000, 500});
  std::vector<pk::CocoResult> results;
  for (std::size_t i = 0; i < 20000; ++i) {
    truth.annotations.push_back(
        person(static_cast<std::int64_t>(i), 200.0 * static_cast<double>(i)));
    results.push_back(detection(200.0 * static_cast<double>(i) + 1, 0.5));
  }
  const auto m = pk::match_coco(truth, results);
  CHECK(m.annotation_ids.size() == 20000);
  const auto errors = pk::classify_errors(m.prediction, m.truth, pk::skeletons::coco_17, m.areas,
                                          {.visible = m.visible, .images = m.image_ids});
  CHECK(errors.counts[0] == 20000 * 16);
}
