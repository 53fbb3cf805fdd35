#include <catch2/catch.hpp>

#include <cmath>
#include <vector>

#include <posekit/core/random.hpp>
#include <posekit/image/crop_transforms.hpp>
#include <posekit/testing/random_tensor.hpp>

#include "support/close.hpp"

namespace pk = posekit;
using pk::testing::random_tensor;

namespace {

/// What `crop_image` is defined as, sample by sample.
template <class T>
pk::Tensor<T> sampled(const pk::Tensor<T>& photo, const pk::Crop& crop) {
  const std::size_t channels = photo.shape()[0];
  const double height = static_cast<double>(photo.shape()[1]);
  const double width = static_cast<double>(photo.shape()[2]);
  const int samples = std::max(1, static_cast<int>(std::ceil(crop.scale() - 1e-9)));
  pk::Tensor<T> result = pk::zeros<T>({channels, crop.height, crop.width});
  for (std::size_t c = 0; c < channels; ++c) {
    for (std::size_t y = 0; y < crop.height; ++y) {
      for (std::size_t x = 0; x < crop.width; ++x) {
        double sum = 0;
        for (int sy = 0; sy < samples; ++sy) {
          for (int sx = 0; sx < samples; ++sx) {
            const Eigen::Vector2d p =
                crop.photo_point({static_cast<double>(x) + (sx + 0.5) / samples - 0.5,
                                  static_cast<double>(y) + (sy + 0.5) / samples - 0.5});
            if (p.x() <= -0.5 || p.y() <= -0.5 || p.x() >= width - 0.5 || p.y() >= height - 0.5) {
              continue;
            }
            const auto value = [&](double vx, double vy) {
              return static_cast<double>(
                  photo(c, static_cast<std::size_t>(std::clamp(vy, 0.0, height - 1)),
                        static_cast<std::size_t>(std::clamp(vx, 0.0, width - 1))));
            };
            const double x0 = std::floor(p.x()), y0 = std::floor(p.y());
            const double fx = p.x() - x0, fy = p.y() - y0;
            sum += (1 - fy) * ((1 - fx) * value(x0, y0) + fx * value(x0 + 1, y0)) +
                   fy * ((1 - fx) * value(x0, y0 + 1) + fx * value(x0 + 1, y0 + 1));
          }
        }
        result(c, y, x) = static_cast<T>(sum / (samples * samples));
      }
    }
  }
  return result;
}

pk::Crop some_crop() {
  pk::Crop crop = pk::square_crop({3, 5, 20, 14}, 12, 1.3, 25);
  crop.height = 9;
  return crop;
}

}  // namespace

TEMPLATE_TEST_CASE("Pictures are sampled by definition through any crop", "[image]", float,
                   double) {
  const pk::CounterRandom random(3);
  for (std::size_t t = 0; t < 40; ++t) {
    const auto draw = [&](std::uint64_t i, double low, double high) {
      return low + (high - low) * random.uniform(t * 16 + i);
    };
    const auto photo = random_tensor<TestType>({t % 7 + 1, 11 + t % 5, 17 - t % 3}, t, 0, 1);
    pk::Crop crop = pk::square_crop({draw(0, -9, 12), draw(1, -9, 9), draw(2, 2, 40), 5}, 7 + t % 6,
                                    1, draw(3, -180, 180));
    crop.height = 4 + t % 9;
    if (t % 2 == 1) crop = pk::mirrored_crop(crop);
    const auto expected = sampled(photo, crop);
    const auto found = pk::crop_image(photo, crop);
    REQUIRE(found.shape() == expected.shape());
    double worst = 0;
    for (std::size_t i = 0; i < found.size(); ++i) {
      worst = std::max(worst, std::abs(static_cast<double>(found.data()[i]) -
                                       static_cast<double>(expected.data()[i])));
    }
    CHECK(worst < (sizeof(TestType) == 4 ? 1e-6 : 1e-12));
  }
  // Beside the photo there is nothing; a crop that is nowhere has nothing either.
  const auto photo = random_tensor<TestType>({3, 6, 5}, 1, 1, 2);
  pk::Crop crop = pk::shifted_crop(pk::whole_picture(5, 6), 3, 0);
  CHECK(identical(pk::crop_image(photo, crop), pk::zeros<TestType>({3, 6, 5})));
  crop.to_photo(0, 2) = std::nan("");
  CHECK(identical(pk::crop_image(photo, crop), pk::zeros<TestType>({3, 6, 5})));
}

TEST_CASE("The whole picture is the picture", "[image]") {
  const auto photo = random_tensor<float>({3, 8, 13}, 2, 0, 1);
  CHECK(identical(pk::crop_image(photo, pk::whole_picture(13, 8)), photo));
}

TEST_CASE("A crop of a crop is a crop", "[image]") {
  const pk::Crop outer = some_crop(), inner = pk::square_crop({2, 1, 6, 3}, 5, 1.1, -40);
  const pk::Crop both = pk::crop_of_crop(outer, inner);
  CHECK(both.width == 5);
  const Eigen::Vector2d p(1.25, 3.5);
  CHECK((both.photo_point(p) - outer.photo_point(inner.photo_point(p))).norm() < 1e-12);
  CHECK((both.crop_point(both.photo_point(p)) - p).norm() < 1e-12);
}

TEST_CASE("Crops are mirrored and shifted", "[image]") {
  const pk::Crop crop = some_crop();
  const pk::Crop mirror = pk::mirrored_crop(crop);
  CHECK_FALSE(pk::is_mirrored(crop));
  CHECK(pk::is_mirrored(mirror));
  CHECK((mirror.photo_point({0, 3}) - crop.photo_point({11, 3})).norm() < 1e-12);
  CHECK((pk::mirrored_crop(mirror).to_photo - crop.to_photo).norm() < 1e-12);
  const auto photo = random_tensor<double>({2, 20, 30}, 4, 0, 1);
  const auto image = pk::crop_image(photo, crop), flipped = pk::crop_image(photo, mirror);
  for (std::size_t x = 0; x < 12; ++x) CHECK(flipped(1, 6, x) == Approx(image(1, 6, 11 - x)));

  // A quarter of 12 columns and a third of 9 rows further.
  const pk::Crop shifted = pk::shifted_crop(crop, 0.25, -1.0 / 3);
  CHECK((shifted.photo_point({4, 5}) - crop.photo_point({7, 2})).norm() < 1e-12);
  CHECK(shifted.scale() == Approx(crop.scale()));
}

TEST_CASE("A crop's rotation takes directions of the photo to the crop", "[image]") {
  const pk::Crop crop = pk::mirrored_crop(some_crop());
  const Eigen::Vector2d from(3, 4), to(9, 1);
  const Eigen::Vector2d expected = (crop.crop_point(to) - crop.crop_point(from)) * crop.scale();
  CHECK((pk::crop_rotation(crop) * (to - from) - expected).norm() < 1e-12);
  pk::Crop squeezed = crop;
  squeezed.to_photo.col(0) *= 1.5;
  CHECK_THROWS_AS(pk::crop_rotation(squeezed), pk::ValueError);
  CHECK_THROWS_WITH(pk::crop_rotation(pk::Crop{}), Catch::Contains("linear part is [0, 0; 0, 0]"));
}
