#include <catch2/catch.hpp>

#include <posekit/autodiff/pooling.hpp>
#include <posekit/autodiff/resizing.hpp>
#include <posekit/autodiff/window_geometry.hpp>
#include <posekit/graph/tensorflow/tfjs.hpp>
#include <posekit/kernels/resize_corners.hpp>
#include <posekit/testing/random_tensor.hpp>

#include "support/close.hpp"
#include "support/shared_data.hpp"
#include "support/tfjs_files.hpp"

namespace pk = posekit;
using Json = nlohmann::ordered_json;
using pk::testing::random_tensor;

TEST_CASE("Pooling, resizing and transposed convolutions read their attributes", "[graph]") {
  TfjsFiles f(scratch_folder("layer-operations"));
  f.node("x", "Placeholder");
  Json window = {{"ksize", TfjsFiles::list({1, 2, 3, 1})},
                 {"strides", TfjsFiles::list({1, 2, 1, 1})},
                 {"padding", TfjsFiles::text(TfjsFiles::same)}};
  f.node("largest", "MaxPool", {"x"}, window);
  f.node("mean", "AvgPool", {"x"}, window);
  f.integers("size", {2}, {4, 9});
  f.node("half", "ResizeBilinear", {"x", "size"}, {{"half_pixel_centers", {{"b", true}}}});
  f.node("corners", "ResizeBilinear", {"x", "size"}, {{"align_corners", {{"b", true}}}});
  f.node("old", "ResizeBilinear", {"x", "size"});
  const auto filter = random_tensor<float>({4, 4, 3, 2}, 5);
  f.reals("w", {4, 4, 3, 2}, {filter.begin(), filter.end()});
  f.integers("big", {4}, {1, 10, 12, 3});
  f.node("up", "Conv2DBackpropInput", {"big", "w", "x"}, TfjsFiles::conv(TfjsFiles::same, 2));
  const auto net = pk::load_tfjs<double>(f.write());
  pk::Tape<double> tape;
  const auto x = tape.variable(random_tensor<double>({1, 5, 6, 2}, 1));
  const auto y = net(x, {"largest", "mean", "half", "corners", "old", "up"});
  CHECK(identical(
      y[0].value(),
      pk::max_pool2d(x, {.window = {2, 3}, .stride = {2, 1}, .padding = pk::Padding2d::same()})
          .value()));
  CHECK(identical(
      y[1].value(),
      pk::average_pool2d(x, {.window = {2, 3}, .stride = {2, 1}, .padding = pk::Padding2d::same()})
          .value()));
  CHECK(identical(y[2].value(),
                  pk::resize_bilinear(x, {4, 9}, pk::ResizeCorners::half_pixel).value()));
  CHECK(identical(y[3].value(),
                  pk::resize_bilinear(x, {4, 9}, pk::ResizeCorners::align_corners).value()));
  CHECK(identical(y[4].value(),
                  pk::resize_bilinear(x, {4, 9}, pk::ResizeCorners::asymmetric).value()));
  CHECK(y[5].shape() == pk::Shape{1, 10, 12, 3});
}

TEST_CASE("Attributes posekit cannot honour are refused", "[graph]") {
  const auto load = [](const std::string& op, const Json& attributes,
                       const std::vector<std::size_t>& filter = {3, 3, 2, 2}) {
    TfjsFiles f(scratch_folder("layer-refused"));
    f.node("x", "Placeholder");
    std::size_t count = 1;
    for (const auto extent : filter) count *= extent;
    f.reals("w", filter, std::vector<float>(count, 1.0f));
    std::vector<std::string> inputs{"x"};
    if (op != "MaxPool") inputs.push_back("w");
    f.node("y", op, inputs, attributes);
    return pk::load_tfjs<float>(f.write());
  };
  Json nchw = TfjsFiles::conv(TfjsFiles::same, 1);
  nchw["data_format"] = TfjsFiles::text("TkNIVw==");
  CHECK_THROWS_WITH(load("Conv2D", nchw), Catch::Contains("data_format is NCHW, expected NHWC"));
  CHECK_THROWS_WITH(load("DepthwiseConv2dNative", TfjsFiles::conv(TfjsFiles::same, 1)),
                    Catch::Contains("channel multiplier other than 1"));
  CHECK_THROWS_WITH(load("_FusedConv2D", TfjsFiles::conv(TfjsFiles::same, 1, {"R2VsdQ=="})),
                    Catch::Contains("fused operation 'Gelu' is unknown"));
  CHECK_THROWS_WITH(load("_FusedConv2D",
                         TfjsFiles::conv(TfjsFiles::same, 1, {TfjsFiles::relu6, TfjsFiles::relu6})),
                    Catch::Contains("two activations"));
  CHECK_THROWS_WITH(
      load("_FusedConv2D", TfjsFiles::conv(TfjsFiles::same, 1, {TfjsFiles::bias_add})),
      Catch::Contains("has 2 inputs, expected 3"));
  CHECK_THROWS_WITH(load("MatMul", {{"transpose_b", {{"b", true}}}}, {3, 4}),
                    Catch::Contains("transposed operand"));
  Json explicit_padding = TfjsFiles::conv("RVhQTElDSVQ=", 1);
  CHECK_THROWS_WITH(load("Conv2D", explicit_padding), Catch::Contains("explicit_paddings"));
  explicit_padding["explicit_paddings"] = TfjsFiles::list({0, 0, 1, 2, 0, 3, 0, 0});
  const auto net = load("Conv2D", explicit_padding);
  pk::Tape<float> tape;
  CHECK(net(tape.constant(pk::zeros<float>({1, 5, 5, 2})))[0].shape() == pk::Shape{1, 6, 6, 2});
}
