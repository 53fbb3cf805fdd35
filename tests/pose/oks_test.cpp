#include <catch2/catch.hpp>

#include <algorithm>
#include <vector>

#include <posekit/pose/oks.hpp>

#include "support/pose_case.hpp"

namespace pk = posekit;

TEST_CASE("Object keypoint similarities equal numpy's", "[pose]") {
  const auto prediction = pose_golden("prediction"), truth = pose_golden("truth");
  const auto visible = pose_golden_visible();
  const auto areas = pose_golden("areas"), expected = pose_golden("oks");
  const auto similar =
      pk::oks(in_plane(prediction), in_plane(truth), pk::skeletons::coco_17,
              std::vector<double>(areas.begin(), areas.end()), {.visible = visible});
  for (std::size_t f = 0; f < expected.size(); ++f) {
    CHECK(similar.per_frame[f] == Approx(expected(f)).epsilon(1e-12));
  }
  CHECK_THROWS_WITH(pk::oks(in_plane(prediction), in_plane(truth), mpi_joints, {1, 1}),
                    Catch::Contains("no published sigmas"));
}

TEST_CASE("Similarity is a person's", "[pose]") {
  // One joint of one person right, all of another wrong.
  const auto& coco = pk::skeletons::coco_17;
  pk::Tensor<double> prediction = pk::zeros<double>({2, 17, 2}), goal = prediction;
  for (std::size_t j = 0; j < 17; ++j) prediction(1, j, 0) = 1e6;
  std::vector<std::uint8_t> visible(34, 1);
  std::fill_n(visible.begin(), 16, std::uint8_t{0});
  const auto oks = pk::oks(prediction, goal, coco, {100, 100}, {.visible = visible});
  CHECK(oks.mean == Approx(0.5));
  CHECK_THROWS_AS(pk::oks(prediction, goal, coco, {-1, 100}), pk::ValueError);
}
