#include <catch2/catch.hpp>

#include <cmath>
#include <limits>

#include <posekit/batches/crop_example.hpp>
#include <posekit/image/crop_transforms.hpp>
#include <posekit/pose/camera.hpp>

#include "batches/pose_batch_examples.hpp"
#include "support/close.hpp"

namespace pk = posekit;

namespace {

const pk::Skeleton& cropped_skeleton = pk::skeletons::human36m_17;

/// Turned, scaled and mirrored about a point that is neither the picture's middle nor the principal
/// point.
pk::Crop odd_crop(double degrees, bool mirror) {
  pk::Crop crop = pk::square_crop({21, 8, 70, 61}, 90, 1.2, degrees);
  crop.height = 84;
  return mirror ? pk::mirrored_crop(crop) : crop;
}

double bone_length(const pk::Tensor<float>& positions, std::size_t a, std::size_t b) {
  double sum = 0;
  for (std::size_t k = 0; k < 3; ++k) {
    const double d = static_cast<double>(positions(a, k)) - static_cast<double>(positions(b, k));
    sum += d * d;
  }
  return std::sqrt(sum);
}

/// The largest distance, in pixels, between the joints and the projected positions.
double projection_error(const pk::PoseExample& example) {
  const auto projected = pk::picture_joints(example.positions, example.camera, example.root_depth);
  double worst = 0;
  for (std::size_t i = 0; i < projected.size(); ++i) {
    worst = std::max(worst, std::abs(static_cast<double>(projected.data()[i]) -
                                     static_cast<double>(example.joints.data()[i])));
  }
  return worst;
}

}  // namespace

TEST_CASE("The camera still sees the positions at the joints", "[batches]") {
  // With the distortion of either convention.
  for (const auto convention : {pk::Distortion::human36m, pk::Distortion::opencv}) {
    const pk::PinholeCamera camera{.fx = 400,
                                   .fy = 400,
                                   .cx = 70,
                                   .cy = 41,
                                   .radial = {-0.3, 0.2, 0.1},
                                   .tangential = {0.04, -0.03},
                                   .distortion = convention};
    const auto example = scattered_example(cropped_skeleton, 120, 96, 5, camera);
    CHECK(projection_error(example) < 1e-4);
    for (const bool mirror : {false, true}) {
      for (const double degrees : {0.0, 33.0, 90.0, -140.0}) {
        const auto crop = odd_crop(degrees, mirror);
        const auto seen = pk::crop_example(example, crop, cropped_skeleton);
        CHECK(projection_error(seen) < 2e-4);
        CHECK(seen.root_depth == example.root_depth);
        CHECK(seen.camera.fx == Approx(400 / crop.scale()));
        for (std::size_t j = 1; j < cropped_skeleton.size(); ++j) {
          const auto from = [&](std::size_t k) {
            return mirror ? std::size_t{cropped_skeleton.flips[k]} : k;
          };
          CHECK(bone_length(seen.positions, j, 0) ==
                Approx(bone_length(example.positions, from(j), from(0))));
          CHECK(seen.positions(j, 2) == example.positions(from(j), 2));
        }
      }
    }
  }
}

TEST_CASE("Two focal lengths are exact at right angles and near otherwise", "[batches]") {
  const pk::PinholeCamera camera{.fx = 400, .fy = 404, .cx = 70, .cy = 41};
  const auto example = scattered_example(cropped_skeleton, 120, 96, 6, camera);
  CHECK(projection_error(pk::crop_example(example, odd_crop(0, true), cropped_skeleton)) < 2e-4);
  const auto turned = pk::crop_example(example, odd_crop(90, false), cropped_skeleton);
  CHECK(projection_error(turned) < 2e-4);
  CHECK(turned.camera.fx == Approx(404 / odd_crop(90, false).scale()));
  const double error =
      projection_error(pk::crop_example(example, odd_crop(45, false), cropped_skeleton));
  CHECK(error > 1e-3);
  CHECK(error < 4.0 / 800 * 100);  // |fx - fy| / (2 fx) of 100 pixels
}

TEST_CASE("Joints, z, mask and visibility follow the picture", "[batches]") {
  auto example = scattered_example(cropped_skeleton, 120, 96, 7);
  example.visible(4) = 0;
  const auto crop = odd_crop(25, true);
  const auto seen = pk::crop_example(example, crop, cropped_skeleton);
  CHECK(pk::shape_of(seen.image) == pk::Shape{3, 84, 90});
  CHECK(identical(seen.image, pk::crop_image(example.image, crop)));
  for (std::size_t j = 0; j < cropped_skeleton.size(); ++j) {
    const std::size_t from = cropped_skeleton.flips[j];
    const Eigen::Vector2d photo = crop.photo_point({seen.joints(j, 0), seen.joints(j, 1)});
    CHECK(photo.x() == Approx(example.joints(from, 0)).margin(1e-4));
    CHECK(photo.y() == Approx(example.joints(from, 1)).margin(1e-4));
    CHECK(seen.joints(j, 2) == Approx(example.joints(from, 2) / crop.scale()).margin(1e-5));
    CHECK(seen.visible(j) == (from == 4 ? 0 : 1));
  }
  // The mask's edge lies at x = 59.5.
  std::size_t inside = 0;
  for (std::size_t y = 0; y < 84; ++y) {
    for (std::size_t x = 0; x < 90; ++x) {
      const Eigen::Vector2d p = crop.photo_point({static_cast<double>(x), static_cast<double>(y)});
      CHECK((seen.mask(y, x) == 0 || seen.mask(y, x) == 1));
      if (p.x() < 2 || p.y() < 2 || p.y() > 93 || std::abs(p.x() - 59.5) < 1.5) continue;
      ++inside;
      CHECK(seen.mask(y, x) == (p.x() < 59.5 ? 1 : 0));
    }
  }
  CHECK(inside > 3000);
}

TEST_CASE("Bright dots are where the joints are said to be", "[batches]") {
  const auto example = scattered_example(cropped_skeleton, 120, 96, 8);
  for (const bool mirror : {false, true}) {
    const auto crop = odd_crop(-35, mirror);
    int found = 0;
    for (std::size_t j = 0; j < cropped_skeleton.size(); ++j) {
      const auto seen = pk::crop_example(dotted(example, j), crop, cropped_skeleton);
      const std::size_t to = mirror ? std::size_t{cropped_skeleton.flips[j]} : j;
      const float x = seen.joints(to, 0), y = seen.joints(to, 1);
      if (x < 8 || y < 8 || x > 81 || y > 75) continue;  // so that all of the dot is seen
      ++found;
      const Dot dot = find_dot(seen.image);
      CHECK(std::hypot(dot.x - static_cast<double>(x), dot.y - static_cast<double>(y)) < 0.1);
    }
    CHECK(found > 12);
  }
}

TEST_CASE("Joints outside the crop do not count, if wanted", "[batches]") {
  auto example = scattered_example(cropped_skeleton, 120, 96, 9);
  // The middle of the crop's first pixel is at (30, 20), that of its last at (69, 59).
  const pk::Crop crop = pk::square_crop({30, 20, 40, 40}, 40);
  const float at[][2] = {{29.6f, 40}, {29.4f, 40}, {69.4f, 30}, {69.6f, 30}, {50, 19.4f}, {50, 59}};
  for (std::size_t j = 0; j < 6; ++j) {
    example.joints(j, 0) = at[j][0];
    example.joints(j, 1) = at[j][1];
  }
  const auto seen = pk::crop_example(example, crop, cropped_skeleton);
  const float expected[] = {1, 0, 1, 0, 0, 1};
  for (std::size_t j = 0; j < 6; ++j) CHECK(seen.visible(j) == expected[j]);
  const auto all = pk::crop_example(example, crop, cropped_skeleton, {.hide_outside = false});
  for (std::size_t j = 0; j < 6; ++j) CHECK(all.visible(j) == 1);
}

TEST_CASE("Two-dimensional examples stay so", "[batches]") {
  auto example = scattered_example(cropped_skeleton, 60, 50, 10);
  example.three_dimensional = false;
  example.positions = pk::Tensor<float>();
  example.mask = pk::Tensor<float>();
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (std::size_t j = 0; j < cropped_skeleton.size(); ++j) example.joints(j, 2) = nan;
  for (std::size_t a = 0; a < 2; ++a) example.joints(3, a) = nan;
  example.visible(3) = 0;
  const auto seen = pk::crop_example(example, odd_crop(10, false), cropped_skeleton);
  CHECK_FALSE(seen.three_dimensional);
  CHECK_FALSE(pk::is_known(seen.positions));
  CHECK_FALSE(pk::is_known(seen.mask));
  CHECK(std::isnan(seen.joints(0, 2)));
  CHECK(std::isfinite(seen.joints(0, 0)));
  CHECK(std::isnan(seen.joints(3, 0)));
  CHECK(seen.visible(3) == 0);
}

TEST_CASE("Examples and crops that do not fit are refused", "[batches]") {
  auto example = scattered_example(cropped_skeleton, 60, 50, 11);
  CHECK_THROWS_WITH(pk::crop_example(example, odd_crop(0, false), pk::skeletons::mpii_16),
                    Catch::Contains("17 joints") && Catch::Contains("mpii_16 has 16"));
  pk::Crop squeezed = odd_crop(0, false);
  squeezed.to_photo.col(1) *= 2;
  CHECK_THROWS_AS(pk::crop_example(example, squeezed, cropped_skeleton), pk::ValueError);
  example.camera.fx = 0;
  CHECK_THROWS_AS(pk::crop_example(example, odd_crop(0, false), cropped_skeleton), pk::ValueError);
  example.image = pk::zeros<float>({1, 50, 60});
  CHECK_THROWS_AS(pk::crop_example(example, odd_crop(0, false), cropped_skeleton), pk::ShapeError);
}
