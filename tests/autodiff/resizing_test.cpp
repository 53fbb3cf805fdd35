#include <catch2/catch.hpp>

#include <posekit/autodiff/resizing.hpp>
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
