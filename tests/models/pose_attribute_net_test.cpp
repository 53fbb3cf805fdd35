#include <catch2/catch.hpp>

#include <cstddef>
#include <string>

#include <posekit/core/error.hpp>
#include <posekit/io/safetensors.hpp>
#include <posekit/models/hourglass.hpp>
#include <posekit/models/pose_attribute_net.hpp>
#include <posekit/nn/checkpoint.hpp>
#include <posekit/testing/random_tensor.hpp>

#include "support/close.hpp"
#include "support/formula.hpp"
#include "support/hourglass_case.hpp"
#include "support/shared_data.hpp"

namespace pk = posekit;
using pk::testing::random_tensor;

namespace {

template <class T>
void check_logits(const std::string& mode, double tolerance) {
  INFO(mode);
  pk::models::PoseAttributeNet<T> net(hourglass_case);
  fill_by_formula(net, hourglass_case_scale);
  net.train(mode == "training");
  pk::Tape<T> tape;
  const auto out = net(tape.constant(formula_uniform<T>("image", {4, 3, 64, 128}, 2, -1)));
  CHECK(out.heatmaps.back().shape() == pk::Shape{4, 5, 16, 32});
  REQUIRE(out.attributes.shape() == pk::Shape{4, 7, 6});
  REQUIRE(out.domain.shape() == pk::Shape{4, 2});
  CHECK(relative_difference(out.attributes.value(), hourglass_golden(mode, "attributes")) <
        tolerance);
  CHECK(relative_difference(out.domain.value(), hourglass_golden(mode, "domain")) < tolerance);
}

}  // namespace

TEST_CASE("A pose attribute net has as many parameters as its docs say", "[models]") {
  const auto count = [](const pk::models::PoseAttributeNetOptions& options) {
    pk::models::PoseAttributeNet<float> net(options);
    return pk::nn::parameter_count(net.trunk) + pk::nn::parameter_count(net.attribute_head);
  };
  // The layers of the published network of 14,474,171, with this stem and without its last sum.
  CHECK(count({.blocks = 2}) == 14'474'171 + 160'512 - 70'144);
  CHECK(count({.blocks = 2, .attributes = 8, .classes = 2}) == 14'429'104 + 160'512 - 70'144);
  const pk::models::PoseAttributeNet<float> net;
  CHECK(pk::nn::parameter_count(net.domain_classifier) == 4096 * 100 + 100 + 100 * 2 + 2);
}

TEST_CASE("A pose attribute net has the names of PyTorch's, and equals it", "[models]") {
  pk::models::PoseAttributeNet<float> net(hourglass_case);
  CHECK(names_of(net) == hourglass_names());
  for (const char* mode : {"evaluation", "training"}) {
    check_logits<double>(mode, 1e-9);
    check_logits<float>(mode, 1e-4);
  }
}

TEST_CASE("A pose attribute net takes the weights of stacked hourglasses", "[models]") {
  const auto path = scratch_folder("pose-attribute") / "trunk.safetensors";
  pk::models::StackedHourglass<float> hourglass(hourglass_case_trunk);
  fill_by_formula(hourglass);
  pk::save_safetensors(path, pk::nn::safetensors_entries(hourglass, "module."));
  pk::models::PoseAttributeNet<float> net(hourglass_case);
  pk::load_safetensors(path, net.trunk);
  hourglass.eval();
  net.eval();
  pk::Tape<float> tape;
  const auto x = tape.constant(random_tensor<float>({1, 3, 64, 128}, 1));
  CHECK(identical(net(x).heatmaps.back().value(), hourglass(x).heatmaps.back().value()));
  CHECK_THROWS_WITH(
      pk::load_safetensors(path, net),
      Catch::Contains("150 missing") && Catch::Contains("attribute_head.levels.0.0.bn1.weight"));
}

TEST_CASE("A pose attribute net says what it cannot take", "[models]") {
  using Net = pk::models::PoseAttributeNet<float>;
  auto options = hourglass_case;
  options.blocks = 1;
  Net net(options);
  pk::Tape<float> tape;
  for (const pk::Shape& shape :
       {pk::Shape{2, 3, 128, 64}, pk::Shape{2, 1, 64, 128}, pk::Shape{3, 64, 128}, pk::Shape{}}) {
    CHECK_THROWS_WITH(net(tape.constant(pk::zeros<float>(shape))),
                      Catch::Contains("x has shape " + pk::to_string(shape)) &&
                          Catch::Contains("expected [N, 3, 64, 128]"));
  }
  CHECK_THROWS_AS(net(tape.constant(pk::zeros<float>({0, 3, 64, 128}))), pk::ShapeError);
  CHECK_THROWS_AS(net(tape.constant(pk::zeros<float>({2, 3, 64, 128})), {.reversal = -1}),
                  pk::ValueError);
  const auto throws = [&](auto change, const char* text) {
    auto other = options;
    change(other);
    CHECK_THROWS_AS(Net(other), pk::ValueError);
    CHECK_THROWS_WITH(Net(other), Catch::Contains(text));
  };
  throws([](auto& o) { o.input = {32, 64}; }, "images of 32 x 64, expected multiples of 64");
  throws([](auto& o) { o.input = {64, 0}; }, "images of 64 x 0");
  throws([](auto& o) { o.joints = 0; }, "0 joints");
  throws([](auto& o) { o.features = 10; }, "10 features");
  throws([](auto& o) { o.attributes = 0; }, "0 attributes");
  throws([](auto& o) { o.classes = 0; }, "0 classes");
  throws([](auto& o) { o.domains = 0; }, "0 domains");
  throws([](auto& o) { o.domain_features = 0; }, "0 domain features");
}
