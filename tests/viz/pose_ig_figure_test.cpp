#include <catch2/catch.hpp>

#include <limits>

#include <posekit/testing/random_tensor.hpp>
#include <posekit/viz/pose_ig_figure.hpp>

namespace pk = posekit;

TEST_CASE("Pages take any number of joints, and joints without a density", "[viz]") {
  pk::PoseIgFigure<float> figure;
  figure.title = "A title";
  figure.notes = {"a note"};
  figure.photo = pk::Bitmap(64, 48, 3, 120);
  figure.photo_corners =
      pk::Tensor<float>{{-5.0f, -5.0f}, {70.0f, -5.0f}, {70.0f, 60.0f}, {-5.0f, 60.0f}};
  figure.photo_pose = pk::testing::random_tensor<float>({17, 2}, 1, 0, 40);
  figure.crop = pk::Bitmap(32, 32, 3, 90);
  figure.crop_pose = pk::testing::random_tensor<float>({17, 2}, 2, 0, 30);
  figure.baseline = pk::Bitmap(32, 32, 3, 60);
  figure.baseline_caption = "baseline";
  figure.baseline_pose = figure.crop_pose;
  figure.skeleton = &pk::skeletons::coco_17;
  const auto map = pk::testing::random_tensor<float>({32, 32}, 3);
  const auto density = pk::testing::random_tensor<float>({32, 32}, 4, 0, 1);
  std::size_t last_height = 0;
  for (const std::size_t count : {1u, 5u, 17u, 33u}) {
    figure.panels.clear();
    for (std::size_t k = 0; k < count; ++k) {
      pk::PoseIgPanel<float> panel;
      panel.joint = "left_wrist";
      panel.attribution = map.data();
      panel.density = k % 3 == 1 ? nullptr : density.data();
      panel.di = 20;
      panel.li = std::numeric_limits<double>::quiet_NaN();
      figure.panels.push_back(panel);
    }
    const auto page = pk::pose_ig_page(figure);
    CHECK(page.width > 1000);
    CHECK(page.height > last_height);
    last_height = page.height;
    CHECK(pk::pose_ig_joint_picture(figure, figure.panels.back()).width > 1000);
  }
  CHECK(pk::internal::fixed_number(std::nullopt, 2) == "n/a");
  CHECK(pk::internal::fixed_number(1.234, 1) == "1.2");
  CHECK(pk::internal::readable("left_wrist") == "left wrist");
}
