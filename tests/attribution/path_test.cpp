#include <catch2/catch.hpp>

#include <posekit/attribution/path.hpp>
#include <posekit/testing/random_tensor.hpp>

#include "support/attribution_golden.hpp"
#include "support/close.hpp"
#include "support/shared_data.hpp"

namespace pk = posekit;
using pk::testing::random_tensor;

namespace {

/// The derivative a path reports against central differences of its points.
double derivative_error(const pk::ImagePath<double>& path, double alpha) {
  pk::Tensor<double> image = pk::make_tensor<double>(path.shape()), derivative = image;
  path.point(alpha, image, &derivative);
  const double step = 1e-6;
  const auto above = path.image_at(alpha + step), below = path.image_at(alpha - step);
  return relative_difference(derivative, pk::Tensor<double>((above - below) / (2 * step)));
}

}  // namespace

TEST_CASE("Blurred images and their slopes equal scipy's", "[attribution]") {
  const auto image = attribution_golden<double>("image");
  for (const auto& [name, sigma, kernel] :
       std::vector<std::tuple<std::string, double, pk::BlurKernel>>{
           {"gaussian_1.3", 1.3, pk::BlurKernel::gaussian},
           {"gaussian_6", 6.0, pk::BlurKernel::gaussian},
           {"taps31_6", 6.0, pk::BlurKernel::taps_31}}) {
    INFO(name);
    const pk::BlurPath<double> path(image, sigma, kernel);
    pk::Tensor<double> blurred = pk::make_tensor<double>(path.shape()), derivative = blurred;
    path.point(0.0, blurred, &derivative);
    CHECK(relative_difference(blurred, attribution_golden<double>("blur_" + name)) < 1e-13);
    CHECK(relative_difference(
              derivative, pk::Tensor<double>(
                              -sigma * attribution_golden<double>("blur_slope_" + name))) < 1e-7);
    const pk::BlurPath<float> in_float(pk::cast<float>(image), sigma, kernel);
    CHECK(relative_difference(in_float.image_at(0.0), attribution_golden<double>("blur_" + name)) <
          1e-6);
    // Halfway along, the standard deviation is half as large.
    const pk::BlurPath<double> twice(image, 2 * sigma, kernel);
    CHECK(relative_difference(twice.image_at(0.5), attribution_golden<double>("blur_" + name)) <
          1e-13);
  }
}

TEST_CASE("Paths end at the image and report their derivative", "[attribution]") {
  const auto image = random_tensor<double>({3, 11, 8}, 1),
             baseline = random_tensor<double>({3, 11, 8}, 2);
  const pk::BlurPath<double> blur(image, 4.0);
  const pk::StraightPath<double> straight(baseline, image);
  CHECK(identical(blur.image_at(1.0), image));
  CHECK(identical(straight.image_at(1.0), image));
  CHECK(identical(straight.image_at(0.0), baseline));
  for (const double alpha : {0.123, 0.33, 0.51, 0.77}) {
    CHECK(derivative_error(blur, alpha) < 1e-5);
    CHECK(derivative_error(straight, alpha) < 1e-8);
  }
}

TEST_CASE("A blur wider than the image mirrors again and again", "[attribution]") {
  pk::Tensor<double> image = pk::zeros<double>({1, 3, 4});
  image(0, 1, 2) = 1;
  const auto even = pk::BlurPath<double>(image, 50.0).image_at(0.0);
  for (const double v : even) CHECK((v > 0.02 && v < 0.2));
  const auto pixel =
      pk::BlurPath<double>(pk::tensor_from<double>({1, 1, 1}, std::vector<double>{0.5}), 7.0)
          .image_at(0.0);
  CHECK(pixel(0, 0, 0) == Approx(0.5));
  CHECK(pk::BlurPath<double>(image, 0.0).image_at(0.0)(0, 1, 2) == 1.0);
}

TEST_CASE("Impossible paths are refused", "[attribution]") {
  CHECK_THROWS_AS(pk::BlurPath<float>(pk::zeros<float>({5, 5}), 1.0), pk::ShapeError);
  CHECK_THROWS_AS(pk::BlurPath<float>(pk::zeros<float>({1, 5, 5}), -1.0), pk::ValueError);
  CHECK_THROWS_AS(pk::StraightPath<float>(pk::zeros<float>({1, 5, 4}), pk::zeros<float>({1, 5, 5})),
                  pk::ShapeError);
}
