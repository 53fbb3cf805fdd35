#include <catch2/catch.hpp>

#include <cmath>
#include <functional>
#include <vector>

#include <posekit/batches/augmentation.hpp>
#include <posekit/testing/random_tensor.hpp>

#include "batches/pose_batch_examples.hpp"
#include "support/close.hpp"

namespace pk = posekit;

namespace {

const pk::Skeleton& augmented_skeleton = pk::skeletons::coco_17;

/// Everything as it is, but for what is given.
pk::AugmentationOptions still() {
  return {.scale = {1, 1},
          .translation = {0, 0},
          .rotation = {0, 0},
          .flip = 0,
          .brightness = {1, 1},
          .contrast = {1, 1},
          .saturation = {1, 1},
          .hue = {0, 0},
          .gain = {1, 1}};
}

std::size_t black_pixels(const pk::Tensor<float>& image) {
  std::size_t count = 0;
  for (std::size_t y = 0; y < image.shape()[1]; ++y) {
    for (std::size_t x = 0; x < image.shape()[2]; ++x) count += image(0, y, x) == 0 ? 1 : 0;
  }
  return count;
}

}  // namespace

TEST_CASE("What is drawn depends on seed, epoch and index", "[batches]") {
  const pk::AugmentationOptions options{.seed = 4};
  const auto a = pk::draw_augmentation(options, 2, 9), b = pk::draw_augmentation(options, 2, 9);
  CHECK(a.scale == b.scale);
  CHECK(a.color.gain == b.color.gain);
  CHECK(a.noise_seed == b.noise_seed);
  CHECK(a.scale != pk::draw_augmentation(options, 3, 9).scale);
  CHECK(a.scale != pk::draw_augmentation(options, 2, 10).scale);
  CHECK(a.scale != pk::draw_augmentation({.seed = 5}, 2, 9).scale);
  // Another range of one value leaves the others.
  pk::AugmentationOptions other = options;
  other.rotation = {-90, 90};
  other.erase = 1;
  const auto c = pk::draw_augmentation(other, 2, 9);
  CHECK(c.rotation == Approx(3 * a.rotation));
  CHECK(c.translation_y == a.translation_y);
  CHECK(c.color.hue == a.color.hue);
}

TEST_CASE("What is drawn fills the ranges", "[batches]") {
  const pk::AugmentationOptions options{
      .flip = 0.3, .noise = {0.01, 0.05}, .erase = 0.6, .crop_shift = {-0.2, 0.1}};
  double least = 10, largest = 0, mean = 0;
  int flips = 0, erased = 0;
  constexpr int count = 2000;
  for (std::size_t i = 0; i < count; ++i) {
    const auto a = pk::draw_augmentation(options, 0, i);
    least = std::min(least, a.scale);
    largest = std::max(largest, a.scale);
    mean += a.rotation / count;
    flips += a.flip;
    erased += a.erase;
    const auto within = [](double value, double low, double high) {
      return value >= low && value < high;
    };
    const bool fits = within(a.translation_x, -0.1, 0.1) && within(a.rotation, -30, 30) &&
                      within(a.color.contrast, 0.8, 1.25) && within(a.color.hue, -10, 10) &&
                      within(a.color.gain[2], 0.9, 1.1) && within(a.noise, 0.01, 0.05) &&
                      within(a.crop_shift_y, -0.2, 0.1);
    if (!fits) FAIL("example " << i << " is outside a range");
    if (!a.erase) continue;
    const double area = a.erased_width * a.erased_height;
    if (!within(area, 0.0199, 0.2001) || a.erased_x + a.erased_width > 1.0000001) {
      FAIL("example " << i << " erases too much");
    }
  }
  CHECK(least < 0.802);
  CHECK(largest > 1.248);
  CHECK(largest < 1.25);
  CHECK(std::abs(mean) < 1.5);
  CHECK(std::abs(flips - 600) < 80);
  CHECK(std::abs(erased - 1200) < 90);
}

TEST_CASE("Ranges that make no sense are named", "[batches]") {
  const auto refused = [](const std::function<void(pk::AugmentationOptions&)>& change,
                          const std::string& text) {
    pk::AugmentationOptions options;
    change(options);
    CHECK_THROWS_WITH(pk::draw_augmentation(options, 0, 0), Catch::Contains(text));
    CHECK_THROWS_AS(pk::draw_augmentation(options, 0, 0), pk::ValueError);
  };
  refused([](auto& o) { o.scale = {1.2, 0.8}; }, "scale is from 1.2 to 0.8");
  refused([](auto& o) { o.scale = {0, 1}; }, "scale is from 0 to 1");
  refused([](auto& o) { o.flip = 1.5; }, "flip is from 1.5");
  refused([](auto& o) { o.noise = {-0.1, 0}; }, "noise");
  refused([](auto& o) { o.rotation.high = std::nan(""); }, "rotation");
  refused([](auto& o) { o.erased_area = {0.5, 2}; }, "erased_area");
}

TEST_CASE("The identity changes nothing", "[batches]") {
  const auto example = scattered_example(augmented_skeleton, 46, 38, 1);
  const auto same = pk::augment(example, augmented_skeleton, pk::draw_augmentation(still(), 3, 5));
  CHECK(identical(same.image, example.image));
  CHECK(identical(same.mask, example.mask));
  CHECK(relative_difference(same.joints, example.joints) < 1e-6);
  CHECK(relative_difference(same.positions, example.positions) < 1e-6);
  CHECK(same.camera.cx == Approx(example.camera.cx));
}

TEST_CASE("Scale, rotation and translation do what they say", "[batches]") {
  pk::PoseExample example = scattered_example(augmented_skeleton, 61, 41, 2);
  // The picture's middle is (30, 20); a joint 10 to its right.
  example.joints(0, 0) = 40;
  example.joints(0, 1) = 20;
  example.joints(0, 2) = 4;
  example.positions = pk::Tensor<float>();
  const auto joint = [&](const pk::Augmentation& a) {
    const auto seen = pk::augment(example, augmented_skeleton, a, {.hide_outside = false});
    return std::vector<double>{seen.joints(0, 0), seen.joints(0, 1), seen.joints(0, 2)};
  };
  const auto is = [](const std::vector<double>& v, double x, double y, double z) {
    return std::abs(v[0] - x) + std::abs(v[1] - y) + std::abs(v[2] - z) < 1e-4;
  };
  CHECK(is(joint({}), 40, 20, 4));
  CHECK(is(joint({.scale = 1.5}), 45, 20, 6));
  CHECK(is(joint({.translation_x = 0.1, .translation_y = -0.2}), 46.1, 11.8, 4));
  CHECK(is(joint({.rotation = 90}), 30, 30, 4));  // clockwise: from the right downwards
  CHECK(is(joint({.scale = 2, .translation_y = 0.1, .rotation = -90}), 30, 4.1, 8));
  // Mirrored, it is another joint's place; the nose stays a nose.
  CHECK(is(joint({.flip = true}), 20, 20, 4));
  const auto flipped = pk::augment(example, augmented_skeleton, {.flip = true});
  CHECK(flipped.joints(1, 0) == Approx(60 - example.joints(2, 0)));
  CHECK(flipped.joints(1, 1) == Approx(example.joints(2, 1)));
}

TEST_CASE("A dot at a joint is found at the augmented joint", "[batches]") {
  const auto example = scattered_example(augmented_skeleton, 150, 130, 3);
  pk::AugmentationOptions options = still();
  options.scale = {0.7, 1.4};
  options.translation = {-0.08, 0.08};
  options.rotation = {-180, 180};
  options.flip = 0.5;
  int found = 0;
  double worst = 0;
  for (std::size_t index = 0; index < 6; ++index) {
    const auto drawn = pk::draw_augmentation(options, 1, index);
    for (std::size_t j = 0; j < augmented_skeleton.size(); ++j) {
      const auto seen = pk::augment(dotted(example, j), augmented_skeleton, drawn);
      const std::size_t to = drawn.flip ? std::size_t{augmented_skeleton.flips[j]} : j;
      const double x = static_cast<double>(seen.joints(to, 0));
      const double y = static_cast<double>(seen.joints(to, 1));
      if (x < 8 || y < 8 || x > 141 || y > 121) continue;
      ++found;
      const Dot dot = find_dot(seen.image);
      worst = std::max(worst, std::hypot(dot.x - x, dot.y - y));
    }
  }
  CHECK(found > 80);
  CHECK(worst < 0.1);
}

TEST_CASE("Mirroring twice is the identity", "[batches]") {
  auto example = scattered_example(augmented_skeleton, 46, 37, 4);
  example.visible(5) = 0;
  const pk::Augmentation flip{.flip = true};
  const auto once = pk::augment(example, augmented_skeleton, flip);
  CHECK(once.visible(6) == 0);
  CHECK(once.visible(5) == 1);
  CHECK(once.positions(5, 0) == -example.positions(6, 0));
  CHECK(once.camera.cx == Approx(45 - example.camera.cx));
  for (std::size_t x = 0; x < 46; ++x) CHECK(once.image(1, 9, x) == example.image(1, 9, 45 - x));
  const auto twice = pk::augment(once, augmented_skeleton, flip);
  CHECK(identical(twice.image, example.image));
  CHECK(identical(twice.mask, example.mask));
  CHECK(identical(twice.visible, example.visible));
  CHECK(identical(twice.positions, example.positions));
  CHECK(relative_difference(twice.joints, example.joints) < 1e-6);
  CHECK(twice.camera.cx == Approx(example.camera.cx));
}

TEST_CASE("The camera of an augmented crop still sees the joints", "[batches]") {
  const auto photo = scattered_example(augmented_skeleton, 150, 130, 5);
  for (const auto order :
       {pk::AugmentationOrder::crop_then_augment, pk::AugmentationOrder::augment_then_crop}) {
    for (std::size_t index = 0; index < 5; ++index) {
      const auto seen =
          pk::augmented_crop(photo, {40, 35, 70, 60}, augmented_skeleton,
                             pk::draw_augmentation({.crop_shift = {-0.1, 0.1}}, 0, index),
                             {.size = 96, .order = order});
      const auto joints = pk::picture_joints(seen.positions, seen.camera, seen.root_depth);
      for (std::size_t i = 0; i < joints.size(); ++i) {
        CHECK(joints.data()[i] == Approx(seen.joints.data()[i]).margin(2e-3));
      }
    }
  }
}

TEST_CASE("Only the usual order makes black borders within the photo", "[batches]") {
  // A gray photo, the person's box well within it.
  auto photo = scattered_example(augmented_skeleton, 300, 260, 6);
  std::fill_n(photo.image.data(), photo.image.size(), 0.5f);
  const pk::Box box{110, 90, 80, 70};
  const pk::Augmentation drawn{
      .scale = 0.8, .translation_x = 0.15, .translation_y = -0.1, .rotation = 20};
  const auto usual = pk::augmented_crop(
      photo, box, augmented_skeleton, drawn,
      {.size = 64, .order = pk::AugmentationOrder::crop_then_augment, .hide_outside = false});
  const auto whole = pk::augmented_crop(photo, box, augmented_skeleton, drawn,
                                        {.size = 64, .hide_outside = false});
  CHECK(black_pixels(usual.image) > 64 * 64 / 4);
  CHECK(black_pixels(whole.image) == 0);
  CHECK(relative_difference(usual.joints, whole.joints) < 1e-5);
  CHECK(usual.camera.cx == Approx(whole.camera.cx));
  // Noise in the crop's centre moves the crop, not what is in it.
  const pk::Augmentation noisy{.crop_shift_x = 0.25};
  const pk::AugmentedCropOptions cropping{
      .size = 64, .order = pk::AugmentationOrder::crop_then_augment, .hide_outside = false};
  const auto shifted = pk::augmented_crop(photo, box, augmented_skeleton, noisy, cropping);
  CHECK(black_pixels(shifted.image) == 0);
  CHECK(shifted.joints(3, 0) ==
        Approx(pk::augmented_crop(photo, box, augmented_skeleton, {}, cropping).joints(3, 0) - 16));
  // Beyond the photo there is nothing to see in either order.
  const auto corner =
      pk::augmented_crop(photo, {-20, -20, 80, 70}, augmented_skeleton, drawn, {.size = 64});
  CHECK(black_pixels(corner.image) > 100);
}

TEST_CASE("Joints that the first crop loses stay lost", "[batches]") {
  auto photo = scattered_example(augmented_skeleton, 100, 100, 7);
  photo.positions = pk::Tensor<float>();
  // The crop shows pixels 20 ... 59; half as large, the picture would show 0 ... 79.
  photo.joints(0, 0) = 70;
  photo.joints(0, 1) = 40;
  const pk::Augmentation half{.scale = 0.5};
  const pk::Box box{20, 20, 40, 40};
  CHECK(pk::augmented_crop(
            photo, box, augmented_skeleton, half,
            {.size = 40, .margin = 1, .order = pk::AugmentationOrder::crop_then_augment})
            .visible(0) == 0);
  CHECK(pk::augmented_crop(photo, box, augmented_skeleton, half, {.size = 40, .margin = 1})
            .visible(0) == 1);
}

TEST_CASE("Noise has its deviation, and a rectangle is erased", "[batches]") {
  pk::Tensor<float> gray = pk::make_tensor<float>({3, 60, 50});
  std::fill_n(gray.data(), gray.size(), 0.5f);
  const auto noisy = pk::augment_colors(gray, {.noise = 0.05, .noise_seed = 3});
  double mean = 0, square = 0;
  for (const float v : noisy) {
    mean += (static_cast<double>(v) - 0.5) / 9000;
    square += std::pow(static_cast<double>(v) - 0.5, 2) / 9000;
  }
  CHECK(std::abs(mean) < 0.002);
  CHECK(std::sqrt(square) == Approx(0.05).epsilon(0.03));
  CHECK(identical(noisy, pk::augment_colors(gray, {.noise = 0.05, .noise_seed = 3})));
  CHECK_FALSE(identical(noisy, pk::augment_colors(gray, {.noise = 0.05, .noise_seed = 4})));
  for (const float v : pk::augment_colors(gray, {.noise = 5})) CHECK((v >= 0 && v <= 1));

  const auto erased = pk::augment_colors(gray, {.erase = true,
                                                .erased_x = 0.2,
                                                .erased_y = 0.5,
                                                .erased_width = 0.4,
                                                .erased_height = 0.25,
                                                .erased_color = {0.1, 0.2, 0.3}});
  for (std::size_t y = 0; y < 60; ++y) {
    for (std::size_t x = 0; x < 50; ++x) {
      const bool inside = x >= 10 && x < 30 && y >= 30 && y < 45;
      CHECK(erased(2, y, x) == (inside ? 0.3f : 0.5f));
    }
  }
}
