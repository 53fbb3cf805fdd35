#include <catch2/catch.hpp>

#include <posekit/autodiff/resizing.hpp>
#include <posekit/kernels/resize_corners.hpp>
#include <posekit/testing/gradient_check.hpp>

#include "support/layer_case.hpp"

namespace pk = posekit;

TEST_CASE("Bilinear resizing equals PyTorch's", "[autodiff]") {
  const auto half = [](const auto& v) {
    return pk::resize_bilinear(v[0], {11, 4}, pk::ResizeCorners::half_pixel);
  };
  const auto align = [](const auto& v) {
    return pk::resize_bilinear(v[0], {11, 4}, pk::ResizeCorners::align_corners);
  };
  CHECK(layer_case_difference<double>("resize_half_pixel", 1, half) < 1e-14);
  CHECK(layer_case_difference<float>("resize_half_pixel", 1, half) < 1e-6);
  CHECK(layer_case_difference<double>("resize_align_corners", 1, align) < 1e-14);
  CHECK(layer_case_difference<float>("resize_align_corners", 1, align) < 1e-6);
}

TEST_CASE("All conventions are differentiated, to and from single pixels", "[autodiff]") {
  for (const auto corners : {pk::ResizeCorners::half_pixel, pk::ResizeCorners::align_corners,
                             pk::ResizeCorners::asymmetric}) {
    for (const auto& [from, to] :
         std::vector<std::pair<pk::Shape, std::array<std::size_t, 2>>>{{{2, 3, 5, 4}, {7, 4}},
                                                                       {{1, 1, 1, 3}, {4, 5}},
                                                                       {{1, 6, 5, 2}, {1, 1}},
                                                                       {{1, 4, 4, 17}, {8, 8}}}) {
      const auto f = [&, size = to](const auto& v) {
        return pk::resize_bilinear(v[0], size, corners);
      };
      const auto gradients =
          pk::testing::check_gradients(f, {pk::testing::random_tensor<double>(from, 1)});
      INFO(gradients.message);
      CHECK(gradients.ok);
    }
  }
  pk::Tape<float> tape;
  CHECK_THROWS_AS(pk::resize_bilinear(tape.variable(pk::zeros<float>({1, 0, 3, 2})), {2, 2}),
                  pk::ShapeError);
  CHECK_THROWS_AS(pk::resize_bilinear(tape.variable(pk::zeros<float>({3, 2})), {2, 2}),
                  pk::ShapeError);
}

TEST_CASE("Nearest resizing and adaptive pooling equal PyTorch's", "[autodiff]") {
  const auto nearest = [](const auto& v) { return pk::resize_nearest(v[0], {11, 4}); };
  const auto pool = [](const auto& v) { return pk::adaptive_average_pool2d(v[0], {3, 4}); };
  CHECK(layer_case_difference<double>("nn/op_nearest", 1, nearest) < 1e-15);
  CHECK(layer_case_difference<float>("nn/op_nearest", 1, nearest) < 1e-6);
  CHECK(layer_case_difference<double>("nn/op_adaptive_pool", 1, pool) < 1e-14);
  CHECK(layer_case_difference<float>("nn/op_adaptive_pool", 1, pool) < 1e-6);
}

TEST_CASE("Nearest resizing and adaptive pooling are differentiated", "[autodiff]") {
  for (const auto& [from, to] :
       std::vector<std::pair<pk::Shape, std::array<std::size_t, 2>>>{{{2, 3, 5, 4}, {7, 2}},
                                                                     {{1, 7, 5, 3}, {3, 2}},
                                                                     {{1, 1, 1, 3}, {4, 5}},
                                                                     {{1, 4, 3, 17}, {1, 1}}}) {
    const std::vector<pk::Tensor<double>> in{pk::testing::random_tensor<double>(from, 5)};
    for (const auto& result :
         {pk::testing::check_gradients(
              [size = to](const auto& v) { return pk::resize_nearest(v[0], size); }, in),
          pk::testing::check_gradients(
              [size = to](const auto& v) { return pk::adaptive_average_pool2d(v[0], size); },
              in)}) {
      INFO(result.message);
      CHECK(result.ok);
    }
  }
}

TEST_CASE("Adaptive pooling of one window is the mean, of all pixels the image", "[autodiff]") {
  pk::Tape<double> tape;
  const auto image = pk::testing::random_tensor<double>({2, 3, 5, 4}, 5);
  const auto x = tape.constant(pk::Tensor<double>(image));
  const auto mean = pk::adaptive_average_pool2d(x).value();
  REQUIRE(pk::shape_of(mean) == pk::Shape{2, 1, 1, 4});
  double sum = 0;
  for (std::size_t i = 0; i < 15; ++i) sum += image.flat(60 + 4 * i + 2);
  CHECK(mean(1, 0, 0, 2) == Approx(sum / 15));
  CHECK(identical(pk::adaptive_average_pool2d(x, {3, 5}).value(), image));
  CHECK(identical(pk::resize_nearest(x, {3, 5}).value(), image));
}

TEST_CASE("Resizing says which operation cannot take what", "[autodiff]") {
  pk::Tape<float> tape;
  const auto flat = tape.constant(pk::zeros<float>({3, 2}));
  CHECK_THROWS_AS(pk::resize_nearest(flat, {2, 2}), pk::ShapeError);
  CHECK_THROWS_WITH(pk::resize_nearest(flat, {2, 2}),
                    "resize_nearest: x has shape [3, 2], expected rank 4 [N, H, W, C] with pixels");
  CHECK_THROWS_WITH(pk::adaptive_average_pool2d(tape.constant(pk::zeros<float>({1, 3, 0, 2}))),
                    Catch::Contains("adaptive_average_pool2d: x has shape [1, 3, 0, 2]"));
}
