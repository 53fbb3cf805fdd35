#include <catch2/catch.hpp>

#include <string>

#include <posekit/kernels/resize_corners.hpp>
#include <posekit/nn/pooling.hpp>
#include <posekit/nn/sequential.hpp>
#include <posekit/testing/random_tensor.hpp>

#include "nn/module_case.hpp"

namespace pk = posekit;
namespace nn = posekit::nn;
using pk::testing::random_tensor;

namespace {

template <class Layer>
void check_layer(const std::string& name, const Layer& layer) {
  INFO(name);
  CHECK(module_case_difference(name, nn::Sequential<double>(layer)) < 1e-14);
  CHECK(module_case_difference(name, nn::Sequential<float>(layer)) < 1e-6);
  const auto result =
      check_module_gradients(nn::Sequential<double>(layer), random_tensor<double>({2, 5, 4, 3}, 5));
  INFO(result.message);
  CHECK(result.ok);
}

}  // namespace

TEST_CASE("Pooling layers equal PyTorch's and are differentiated", "[nn]") {
  check_layer("max_pool",
              nn::MaxPool2d{
                  {.window = {3, 2}, .stride = {2, 1}, .padding = pk::Padding2d::of(1, 1, 0, 0)}});
  check_layer("avg_pool",
              nn::AvgPool2d{
                  {.window = {3, 2}, .stride = {2, 1}, .padding = pk::Padding2d::of(1, 1, 1, 1)}});
  check_layer("adaptive_pool", nn::AdaptiveAvgPool2d{{3, 2}});
  check_layer("adaptive_pool_more", nn::AdaptiveAvgPool2d{{1, 5}});
}

TEST_CASE("Up-sampling equals PyTorch's and is differentiated", "[nn]") {
  check_layer("upsample_nearest", nn::Upsample{.scale = 3});
  check_layer("upsample_bilinear", nn::Upsample{.mode = nn::UpsampleMode::bilinear});
  check_layer("upsample_corners", nn::Upsample{.mode = nn::UpsampleMode::bilinear,
                                               .corners = pk::ResizeCorners::align_corners});
}

TEST_CASE("Pooling layers say what does not fit", "[nn]") {
  pk::Tape<float> tape;
  const auto x = tape.constant(pk::zeros<float>({3, 3, 2}));
  CHECK_THROWS_AS(nn::Upsample{}(x), pk::ShapeError);
  CHECK_THROWS_WITH(nn::Upsample{}(x),
                    "Upsample: x has shape [3, 3, 2], expected rank 4 [N, H, W, C]");
  CHECK_THROWS_AS(nn::AdaptiveAvgPool2d{}(x), pk::ShapeError);
  CHECK_THROWS_AS(nn::MaxPool2d{}(x), pk::ShapeError);
  CHECK_THROWS_AS(nn::AvgPool2d{}(x), pk::ShapeError);
}
