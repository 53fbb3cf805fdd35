#include <catch2/catch.hpp>

#include <posekit/models/pose_model.hpp>
#include <posekit/testing/gradient_check.hpp>

#include "support/close.hpp"

namespace pk = posekit;
using pk::testing::random_tensor;

TEST_CASE("Images are arranged and scaled for a network", "[models]") {
  const auto f = [](const auto& v) {
    using T = typename std::decay_t<decltype(v[0])>::value_type;
    return pk::models_internal::network_input(v[0], T(2), T(-1));
  };
  const std::vector<pk::Tensor<double>> in{random_tensor<double>({2, 3, 4, 5}, 1)};
  const auto gradients = pk::testing::check_gradients(f, in);
  INFO(gradients.message);
  CHECK(gradients.ok);
  pk::Tape<double> tape;
  const auto y = f(std::vector{tape.constant(pk::Tensor<double>(in[0]))});
  CHECK(y.value()(1, 2, 3, 0) == Approx(2 * in[0](1, 0, 2, 3) - 1));
  CHECK_THROWS_WITH(f(std::vector{tape.constant(pk::zeros<double>({2, 4, 4, 5}))}),
                    Catch::Contains("expected [N, 3, H, W]"));
}

TEST_CASE("Cells become pixels", "[models]") {
  pk::Tape<double> tape;
  pk::Tensor<double> maps = pk::zeros<double>({1, 6, 5, 2});
  maps(0, 4, 3, 1) = 100;
  const auto model = pk::models_internal::heatmap_model<double>(
      pk::skeletons::coco_17, 24, "maps", [](const pk::Var<double>& x) { return x; },
      {.beta = 10, .stride = 4, .offset = 1.5, .logits = false});
  const auto positions = model.positions(tape.constant(std::move(maps)));
  CHECK(positions.value()(0, 1, 0) == Approx(3 * 4 + 1.5));
  CHECK(positions.value()(0, 1, 1) == Approx(4 * 4 + 1.5));
}

TEST_CASE("Sizes whose grid would lie elsewhere are refused", "[models]") {
  pk::PoseModel<float> model;
  model.name = "net";
  model.size = 257;
  CHECK(model.accepts(257));
  CHECK_FALSE(model.accepts(273));
  CHECK_THROWS_WITH(model.require_size(256), "net takes images of 257 pixels, not of 256");
  model.size_step = 16;
  model.min_size = 65;
  CHECK(model.accepts(273));
  CHECK(model.accepts(65));
  CHECK_FALSE(model.accepts(49));
  CHECK_THROWS_WITH(
      model.require_size(288),
      "net takes images of 65, 81, ... pixels, not of 288; the nearest are 273 and 289");
  CHECK_THROWS_WITH(model.require_size(1), Catch::Contains("the nearest are 65 and 81"));
  pk::Tape<float> tape;
  CHECK_THROWS_AS(model(tape.constant(pk::zeros<float>({1, 3, 257, 256}))), pk::ShapeError);
}

TEST_CASE("Joints are selected in any order", "[models]") {
  const auto f = [](const auto& v) { return pk::select_joints(v[0], {3, 0, 3}); };
  const std::vector<pk::Tensor<double>> in{random_tensor<double>({2, 5, 2}, 1)};
  const auto gradients = pk::testing::check_gradients(f, in);
  INFO(gradients.message);
  CHECK(gradients.ok);
  pk::Tape<double> tape;
  CHECK(f(std::vector{tape.constant(pk::Tensor<double>(in[0]))}).value()(1, 0, 1) ==
        in[0](1, 3, 1));
  CHECK_THROWS_AS(pk::select_joints(tape.constant(pk::zeros<double>({5, 2})), {0}), pk::ShapeError);
  CHECK_THROWS_AS(pk::select_joints(tape.constant(pk::zeros<double>({1, 5, 2})), {5}),
                  pk::ValueError);
}

TEST_CASE("Peaks become confidences", "[models]") {
  pk::Tensor<double> maps = pk::zeros<double>({1, 2, 3, 2});
  maps(0, 1, 2, 0) = 2;
  maps(0, 0, 0, 1) = -1;
  CHECK(pk::models_internal::peak_confidence(maps, true)(0, 0) == Approx(1 / (1 + std::exp(-2.0))));
  CHECK(pk::models_internal::peak_confidence(maps, false)(0, 0) == 1);
  CHECK(pk::models_internal::peak_confidence(maps, false)(0, 1) == 0);
}
