#include <catch2/catch.hpp>

#include <posekit/data/coco_matching.hpp>

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

TEST_CASE("Detections go to the people they resemble, the surest first", "[data]") {
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
