#include <catch2/catch.hpp>

#include <cmath>
#include <fstream>

#include <nlohmann/json.hpp>

#include <posekit/image/crop.hpp>
#include <posekit/io/image.hpp>
#include <posekit/io/npy.hpp>
#include <posekit/testing/random_tensor.hpp>

#include "support/close.hpp"
#include "support/shared_data.hpp"

namespace pk = posekit;
using pk::testing::random_tensor;

TEST_CASE("Points go to the crop and back", "[image]") {
  const auto crop = pk::square_crop({10, 20, 100, 60}, 64, 1.25, 30);
  CHECK(crop.scale() == Approx(125.0 / 64));
  const auto points = random_tensor<double>({5, 2}, 1, 0, 100);
  CHECK(relative_difference(pk::to_crop(crop, pk::to_photo(crop, pk::Tensor<double>(points))),
                            points) < 1e-12);
  // The box's centre is the crop's centre, wherever it is turned to.
  const auto centre = pk::to_photo(crop, pk::Tensor<double>{{31.5, 31.5}});
  CHECK(centre(0, 0) == Approx(59.5));
  CHECK(centre(0, 1) == Approx(49.5));
}

TEST_CASE("A crop of the photo's own pixels is the photo", "[image]") {
  const auto photo = random_tensor<double>({3, 16, 16}, 1, 0, 1);
  CHECK(relative_difference(pk::crop_image(photo, pk::square_crop({0, 0, 16, 16}, 16)), photo) <
        1e-14);
  // Shifted by whole pixels, with black outside.
  const auto shifted = pk::crop_image(photo, pk::square_crop({-3, 5, 16, 16}, 16));
  CHECK(shifted(1, 2, 7) == Approx(photo(1, 7, 4)));
  CHECK(shifted(1, 2, 2) == 0);
  CHECK(shifted(1, 12, 7) == 0);
  // A quarter turn clockwise: the crop's x axis points down the photo.
  const auto turned = pk::crop_image(photo, pk::square_crop({0, 0, 16, 16}, 16, 1, 90));
  CHECK(turned(0, 3, 10) == Approx(photo(0, 10, 12)));
}

TEST_CASE("Shrinking averages, so that a fine pattern becomes gray", "[image]") {
  pk::Tensor<double> photo = pk::make_tensor<double>({1, 64, 64});
  for (std::size_t y = 0; y < 64; ++y)
    for (std::size_t x = 0; x < 64; ++x) photo(0, y, x) = (x + y) % 2 == 0 ? 1.0 : 0.0;
  const auto small = pk::crop_image(photo, pk::square_crop({8, 8, 48, 48}, 12));
  for (const double v : small) CHECK(v == Approx(0.5).margin(0.02));
}

TEST_CASE("Impossible crops are refused", "[image]") {
  CHECK_THROWS_AS(pk::square_crop({0, 0, 0, 5}, 10), pk::ValueError);
  CHECK_THROWS_AS(pk::square_crop({0, 0, 5, 5}, 0), pk::ValueError);
  CHECK_THROWS_AS(pk::square_crop({0, 0, 5, std::nan("")}, 5), pk::ValueError);
  CHECK_THROWS_AS(pk::crop_image(pk::zeros<float>({5, 5}), pk::square_crop({0, 0, 5, 5}, 5)),
                  pk::ShapeError);
}

TEST_CASE("Crops agree with those the reference networks were shown", "[image][shared]") {
  const auto golden = shared_folder("golden/tfjs");
  const auto photos = shared_folder("data");
  if (!golden || !photos) return;
  for (const auto& [name, photo] : std::vector<std::pair<std::string, std::string>>{
           {"posenet_257_coco785", "coco/000000000785.jpg"},
           {"handlandmark-full_224_fh17620", "freihand/00017620.jpg"}}) {
    const auto meta = nlohmann::json::parse(std::ifstream(*golden / name / "meta.json"))["crop"];
    const double side = meta["side"];
    const auto input = pk::load_npy<float>(*golden / name / "input_u8.npy");
    const auto crop =
        pk::square_crop({double(meta["cx"]) - side / 2, double(meta["cy"]) - side / 2, side, side},
                        input.shape()[1], 1.0, meta["deg"]);
    const auto image = pk::crop_image(pk::load_image<float>(*photos / photo), crop);
    double difference = 0;
    for (std::size_t y = 0; y < input.shape()[1]; ++y)
      for (std::size_t x = 0; x < input.shape()[2]; ++x)
        for (std::size_t c = 0; c < 3; ++c)
          difference += std::abs(image(c, y, x) * 255 - input(0, y, x, c));
    // Theirs samples points where the photo is shrunk, posekit averages.
    CHECK(difference / static_cast<double>(input.size()) < 4.0);
  }
}

TEMPLATE_TEST_CASE("A photo of bytes is cropped as its tensor is", "[image]", float, double) {
  using T = TestType;
  for (const std::size_t channels : {1u, 3u, 5u}) {
    pk::Bitmap photo(23, 17, channels);
    for (std::size_t i = 0; i < photo.samples.size(); ++i)
      photo.samples[i] = static_cast<std::uint8_t>(i * 37 % 256);
    pk::Tensor<T> planar = pk::make_tensor<T>({channels, 17, 23});
    for (std::size_t c = 0; c < channels; ++c)
      for (std::size_t y = 0; y < 17; ++y)
        for (std::size_t x = 0; x < 23; ++x)
          planar(c, y, x) = static_cast<T>(photo.at(x, y)[c]) / T(255);
    for (const double margin : {0.4, 1.0, 3.0}) {
      const auto crop = pk::square_crop({5, 3, 12, 9}, 14, margin, 20);
      CHECK(identical(pk::crop_image<T>(photo, crop), pk::crop_image(planar, crop)));
    }
  }
  CHECK_THROWS_AS(pk::crop_image<T>(pk::Bitmap(), pk::square_crop({0, 0, 1, 1}, 2)),
                  pk::ShapeError);
  pk::Bitmap wrong(4, 4);
  wrong.width = 400;
  CHECK_THROWS_WITH(pk::crop_image<T>(wrong, pk::square_crop({0, 0, 1, 1}, 2)),
                    Catch::Contains("has 48 samples, expected 4800"));
  static_assert(!std::is_convertible_v<pk::Tensor<int>, pk::PhotoView<T>>);
}
