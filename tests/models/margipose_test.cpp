#include <catch2/catch.hpp>

#include <cmath>
#include <string>
#include <utility>

#include <posekit/autodiff/reductions.hpp>
#include <posekit/io/npy.hpp>
#include <posekit/models/margipose.hpp>
#include <posekit/testing/random_tensor.hpp>

#include "support/close.hpp"
#include "support/formula.hpp"
#include "support/shared_data.hpp"

namespace pk = posekit;
using pk::testing::random_tensor;

namespace {

pk::Tensor<double> golden(const std::string& extractor, const std::string& part) {
  return pk::load_npy<double>(golden_file("margipose/" + extractor + "." + part + ".npy"));
}

/// Evaluated: outputs, losses and the image's gradient.
template <class T>
void check_evaluation(const std::string& name, const pk::models::MargiPoseOptions& options,
                      double tolerance) {
  INFO(name);
  pk::models::MargiPose<T> net(options);
  fill_by_formula(net);
  net.eval();
  pk::Tape<T> tape;
  const auto x = tape.variable(formula_uniform<T>("image", {2, 3, 64, 64}, 4, -2));
  const auto out = net(x);
  const auto truth = formula_uniform<T>("truth", {2, options.joints, 3}, 1.6, -0.8);
  const auto loss = pk::margipose_loss_3d(out, truth, {.sigma = 1.0});
  tape.backward(pk::sum(loss));
  CHECK(relative_difference(out.xyz.value(), golden(name, "xyz")) < tolerance);
  CHECK(relative_difference(loss.value(), golden(name, "loss")) < tolerance);
  const auto first = [](const pk::Tensor<T>& maps) {
    return pk::tensor_from<T>({1, maps.shape()[1], 8, 8},
                              std::vector<T>(maps.begin(), maps.begin() + maps.size() / 2));
  };
  CHECK(relative_difference(first(out.stages.back().xy.value()), golden(name, "xy")) < tolerance);
  CHECK(relative_difference(first(out.stages.back().zy.value()), golden(name, "zy")) < tolerance);
  CHECK(relative_difference(first(out.stages.back().xz.value()), golden(name, "xz")) < tolerance);
  const auto expected = golden(name, "grad");
  pk::Tensor<T> grad = pk::make_tensor<T>(pk::shape_of(expected));
  for (std::size_t i = 0; i < grad.size(); ++i) {
    const std::size_t column = i % 22, row = i / 22 % 13, plane = i / (22 * 13);
    grad.data()[i] = x.grad().data()[(plane * 64 + 5 * row) * 64 + 3 * column];
  }
  CHECK(relative_difference(grad, expected) < 10 * tolerance);
}

}  // namespace

TEST_CASE("MargiPose equals PyTorch's with every extractor", "[models]") {
  using pk::models::FeatureExtractor;
  const std::pair<const char*, pk::models::MargiPoseOptions> cases[] = {
      {"resnet18", {.joints = 17, .stages = 2, .feature_extractor = FeatureExtractor::resnet18}},
      {"resnet34", {.joints = 14, .stages = 1, .feature_extractor = FeatureExtractor::resnet34}},
      {"resnet50", {.joints = 21, .stages = 1, .feature_extractor = FeatureExtractor::resnet50}},
      {"inception_v4",
       {.joints = 17, .stages = 1, .feature_extractor = FeatureExtractor::inception_v4}}};
  for (const auto& [name, options] : cases) {
    check_evaluation<double>(name, options, 1e-10);
  }
  check_evaluation<float>(cases[0].first, cases[0].second, 1e-4);
}

TEST_CASE("MargiPose in training equals PyTorch's: loss, gradients, running statistics",
          "[models]") {
  pk::models::MargiPose<double> net(
      {.joints = 17, .stages = 2, .feature_extractor = pk::models::FeatureExtractor::resnet18});
  fill_by_formula(net);
  pk::Tape<double> tape;
  const auto out = net(tape.constant(formula_uniform<double>("image", {2, 3, 64, 64}, 4, -2)));
  const auto loss = pk::margipose_loss_3d(
      out, formula_uniform<double>("truth", {2, 17, 3}, 1.6, -0.8), {.sigma = 1.0});
  tape.backward(pk::sum(loss));
  CHECK(relative_difference(loss.value(), golden("resnet18", "train_loss")) < 1e-10);
  std::vector<double> norms, sums;
  for (const auto& [name, parameter] : pk::nn::parameters(net)) {
    const auto* gradient = parameter->gradient(tape);
    REQUIRE(gradient != nullptr);
    double squares = 0;
    for (const double g : *gradient) squares += g * g;
    norms.push_back(std::sqrt(squares));
  }
  for (const auto& [name, buffer] : pk::nn::buffers(net)) {
    double sum = 0;
    for (const double value : buffer->value) sum += value;
    sums.push_back(sum);
  }
  CHECK(relative_difference(pk::tensor_from<double>({norms.size()}, norms),
                            golden("resnet18", "train_norms")) < 1e-8);
  CHECK(relative_difference(pk::tensor_from<double>({sums.size()}, sums),
                            golden("resnet18", "train_buffers")) < 1e-11);
}

TEST_CASE("A small MargiPose: gradients, threads, options", "[models]") {
  const auto options = [](auto change) {
    pk::models::MargiPoseOptions o{.joints = 3,
                                   .stages = 2,
                                   .feature_extractor = pk::models::FeatureExtractor::resnet18,
                                   .width = 16};
    change(o);
    return o;
  };
  const auto image = random_tensor<float>({3, 3, 64, 64}, 1);
  const auto truth = random_tensor<float>({3, 3, 3}, 2);
  const auto run = [&](const pk::models::MargiPoseOptions& o, int threads) {
    pk::models::MargiPose<float> net(o);
    pk::Tape<float> tape({.threads = threads});
    const auto out = net(tape.constant(pk::Tensor<float>(image)));
    const auto loss = pk::margipose_loss_3d(out, truth, {.pixelwise = o.pixelwise_loss});
    tape.backward(pk::sum(loss));
    std::vector<pk::Tensor<float>> results{out.xyz.value(), loss.value()};
    for (const auto& [name, parameter] : pk::nn::parameters(net))
      results.push_back(*parameter->gradient(tape));
    return results;
  };
  const auto standard = run(options([](auto&) {}), 1);
  const auto threaded = run(options([](auto&) {}), 3);
  for (std::size_t i = 0; i < standard.size(); ++i) CHECK(identical(standard[i], threaded[i]));
  // The same weights: neither option has parameters.
  const auto straight = run(options([](auto& o) { o.axis_permutation = false; }), 1);
  CHECK_FALSE(identical(standard[0], straight[0]));
  const auto bare = run(options([](auto& o) { o.pixelwise_loss = pk::PixelwiseLoss::none; }), 1);
  CHECK(identical(standard[0], bare[0]));
  CHECK(standard[1].data()[0] > bare[1].data()[0]);
  const auto other = run(options([](auto& o) { o.seed = 1; }), 1);
  CHECK_FALSE(identical(standard[0], other[0]));
}

TEST_CASE("Axis permutation moves channels to pixels and back", "[models]") {
  pk::Tape<double> tape;
  const auto x = tape.constant(random_tensor<double>({2, 3, 3, 6}, 1));
  const auto zy = pk::models::permute_axes(x, pk::models::HeatmapSpace::zy).value();
  const auto xz = pk::models::permute_axes(x, pk::models::HeatmapSpace::xz).value();
  const auto& v = x.value();
  for (std::size_t y = 0; y < 3; ++y) {
    for (std::size_t column = 0; column < 3; ++column) {
      for (std::size_t g = 0; g < 2; ++g) {
        for (std::size_t k = 0; k < 3; ++k) {
          CHECK(zy(1, y, k, 3 * g + column) == v(1, y, column, 3 * g + k));
          CHECK(xz(1, k, column, 3 * g + y) == v(1, y, column, 3 * g + k));
        }
      }
    }
  }
  CHECK_THROWS_WITH(pk::models::permute_axes(tape.constant(random_tensor<double>({1, 2, 3, 6}, 1)),
                                             pk::models::HeatmapSpace::zy),
                    Catch::Contains("[1, 2, 3, 6]") && Catch::Contains("square"));
}

TEST_CASE("MargiPose says what it cannot take", "[models]") {
  pk::models::MargiPose<float> net({.joints = 2,
                                    .stages = 1,
                                    .feature_extractor = pk::models::FeatureExtractor::resnet18,
                                    .width = 16});
  pk::Tape<float> tape;
  CHECK_THROWS_WITH(net(tape.constant(random_tensor<float>({1, 3, 64, 48}, 1))),
                    Catch::Contains("[1, 3, 64, 48]") && Catch::Contains("multiples of 32"));
  CHECK_THROWS_WITH(net(tape.constant(random_tensor<float>({1, 64, 64, 3}, 1))),
                    Catch::Contains("[N, 3, H, W]"));
  CHECK_THROWS_AS(pk::models::MargiPose<float>({.stages = 0}), pk::ValueError);
  CHECK_THROWS_AS(pk::models::MargiPose<float>({.width = 6}), pk::ValueError);
}
