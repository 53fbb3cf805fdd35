#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>
#include <vector>

#include <posekit/batches/crop_example.hpp>
#include <posekit/batches/multi_crop.hpp>
#include <posekit/batches/pose_batch.hpp>
#include <posekit/image/crop_transforms.hpp>

#include "batches/pose_batch_examples.hpp"
#include "support/close.hpp"

namespace pk = posekit;

namespace {

const pk::Skeleton& merged_skeleton = pk::skeletons::human36m_17;

template <class T>
pk::Tensor<T> normalized(const pk::PoseExample& example) {
  return pk::normalize_joints(pk::cast<T>(example.joints), example.image.shape()[2],
                              example.image.shape()[1]);
}

/// What a network that makes no mistakes says of each crop.
template <class T>
pk::Tensor<T> ideal(const pk::PoseExample& photo, const std::vector<pk::Crop>& crops) {
  pk::Tensor<T> result = pk::make_tensor<T>({crops.size(), merged_skeleton.size(), 3});
  for (std::size_t k = 0; k < crops.size(); ++k) {
    const auto joints = normalized<T>(pk::crop_example(photo, crops[k], merged_skeleton));
    std::copy_n(joints.data(), joints.size(), result.data() + k * joints.size());
  }
  return result;
}

}  // namespace

TEST_CASE("There are ten crops", "[batches]") {
  pk::Crop centre = pk::square_crop({20, 10, 60, 50}, 40, 1.1);
  centre.height = 30;
  const auto crops = pk::multi_crop(centre, {.shift = 0.1});
  REQUIRE(crops.size() == 10);
  CHECK(crops[0].to_photo == centre.to_photo);
  // Four pixels to the left and three up.
  CHECK((crops[1].photo_point({8, 9}) - centre.photo_point({4, 6})).norm() < 1e-12);
  Eigen::Vector2d sum(0, 0);
  for (std::size_t k = 1; k < 5; ++k) {
    sum += crops[k].to_photo.col(2) - centre.to_photo.col(2);
    for (std::size_t other = 0; other < k; ++other) {
      CHECK((crops[k].to_photo - crops[other].to_photo).norm() > 1);
    }
  }
  CHECK(sum.norm() < 1e-12);
  for (std::size_t k = 0; k < 5; ++k) {
    CHECK_FALSE(pk::is_mirrored(crops[k]));
    CHECK(pk::is_mirrored(crops[5 + k]));
    CHECK((crops[5 + k].photo_point({39, 7}) - crops[k].photo_point({0, 7})).norm() < 1e-12);
  }
  CHECK(pk::multi_crop(centre, {.mirror = false}).size() == 5);
  CHECK(pk::multi_crop(centre, {.shift = 0}).size() == 2);
  CHECK_THROWS_WITH(pk::multi_crop(centre, {.shift = -0.5}), Catch::Contains("shift is -0.5"));
}

TEMPLATE_TEST_CASE("What an ideal network says of ten crops is the truth", "[batches]", float,
                   double) {
  using T = TestType;
  const auto photo = scattered_example(merged_skeleton, 150, 130, 3);
  for (const double degrees : {0.0, 25.0}) {
    pk::Crop centre = pk::square_crop({40, 35, 70, 60}, 64, 1.2, degrees);
    centre.height = 56;
    auto crops = pk::multi_crop(centre);
    // Any other crops are undone too.
    crops.push_back(pk::square_crop({30, 30, 80, 75}, 48, 1.3, -10));
    const auto predictions = ideal<T>(photo, crops);
    const auto merged = pk::merge_multi_crop(predictions, crops, merged_skeleton);
    const auto truth = normalized<T>(pk::crop_example(photo, centre, merged_skeleton));
    CHECK(pk::shape_of(merged) == pk::Shape{17, 3});
    CHECK(relative_difference(merged, truth) < 3e-6);
    // Without z, and without the exchange of joints, which would matter.
    pk::Tensor<T> flat = pk::make_tensor<T>({crops.size(), 17, 2});
    for (std::size_t k = 0; k < crops.size(); ++k) {
      for (std::size_t j = 0; j < 17; ++j) {
        flat(k, j, 0) = predictions(k, j, 0);
        flat(k, j, 1) = predictions(k, j, 1);
      }
    }
    const auto merged_flat = pk::merge_multi_crop(flat, crops, merged_skeleton);
    for (std::size_t j = 0; j < 17; ++j) {
      CHECK(merged_flat(j, 0) == merged(j, 0));
      CHECK(merged_flat(j, 1) == merged(j, 1));
    }
    CHECK(std::abs(predictions(5, 1, 0) - predictions(0, 1, 0)) > 1e-3);
  }
}

TEST_CASE("The mean is over all crops", "[batches]") {
  const auto crops = pk::multi_crop(pk::whole_picture(20, 10), {.shift = 0, .mirror = true});
  REQUIRE(crops.size() == 2);
  pk::Tensor<double> predictions = pk::zeros<double>({2, 17, 3});
  // right_hip (1) at x = 0.2; mirrored, it is seen as left_hip (4) at -0.4.
  predictions(0, 1, 0) = 0.2;
  predictions(1, 4, 0) = -0.4;
  predictions(0, 1, 2) = 0.1;
  predictions(1, 4, 2) = 0.5;
  const auto merged = pk::merge_multi_crop(predictions, crops, merged_skeleton);
  CHECK(merged(1, 0) == Approx(0.3));
  CHECK(merged(1, 2) == Approx(0.3));
  CHECK(merged(4, 0) == Approx(0).margin(1e-12));
}

TEST_CASE("Dots of ten crops are merged to the joint", "[batches]") {
  const auto photo = scattered_example(merged_skeleton, 150, 130, 4);
  const auto crops = pk::multi_crop(pk::square_crop({35, 30, 80, 70}, 80, 1.2));
  const auto truth = pk::crop_example(photo, crops[0], merged_skeleton);
  pk::Tensor<float> predictions = pk::zeros<float>({10, 17, 3});
  for (std::size_t j = 0; j < 17; ++j) {
    const auto images = pk::crop_images(dotted(photo, j).image, crops);
    REQUIRE(pk::shape_of(images) == pk::Shape{10, 3, 80, 80});
    for (std::size_t k = 0; k < 10; ++k) {
      pk::Tensor<float> image = pk::make_tensor<float>({3, 80, 80});
      std::copy_n(images.data() + k * image.size(), image.size(), image.data());
      const Dot dot = find_dot(image);
      const std::size_t seen = k < 5 ? j : std::size_t{merged_skeleton.flips[j]};
      predictions(k, seen, 0) = static_cast<float>((2 * dot.x + 1) / 80 - 1);
      predictions(k, seen, 1) = static_cast<float>((2 * dot.y + 1) / 80 - 1);
    }
  }
  const auto merged =
      pk::denormalize_joints(pk::merge_multi_crop(predictions, crops, merged_skeleton), 80, 80);
  for (std::size_t j = 0; j < 17; ++j) {
    CHECK(merged(j, 0) == Approx(truth.joints(j, 0)).margin(0.2));
    CHECK(merged(j, 1) == Approx(truth.joints(j, 1)).margin(0.2));
  }
}

TEST_CASE("Predictions of another shape are refused", "[batches]") {
  const auto crops = pk::multi_crop(pk::whole_picture(20, 10));
  CHECK_THROWS_WITH(pk::merge_multi_crop(pk::zeros<float>({9, 17, 3}), crops, merged_skeleton),
                    Catch::Contains("[9, 17, 3], expected [10, J, 2 or 3]"));
  CHECK_THROWS_AS(pk::merge_multi_crop(pk::zeros<float>({10, 17, 4}), crops, merged_skeleton),
                  pk::ShapeError);
  CHECK_THROWS_AS(pk::merge_multi_crop(pk::zeros<float>({10, 17}), crops, merged_skeleton),
                  pk::ShapeError);
  CHECK_THROWS_WITH(pk::merge_multi_crop(pk::zeros<float>({10, 16, 3}), crops, merged_skeleton),
                    Catch::Contains("16 joints") && Catch::Contains("has 17"));
  auto uneven = crops;
  uneven[3].width = 19;
  CHECK_THROWS_WITH(pk::crop_images(pk::zeros<float>({3, 10, 20}), uneven),
                    Catch::Contains("crop 3 has 19 x 10 pixels, expected 20 x 10"));
}
