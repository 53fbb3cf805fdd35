#include <catch2/catch.hpp>

#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

#include <posekit/autodiff/arithmetic.hpp>
#include <posekit/autodiff/reductions.hpp>
#include <posekit/core/error.hpp>
#include <posekit/io/safetensors.hpp>
#include <posekit/models/hourglass.hpp>
#include <posekit/nn/checkpoint.hpp>
#include <posekit/testing/random_tensor.hpp>

#include "support/close.hpp"
#include "support/formula.hpp"
#include "support/hourglass_case.hpp"
#include "support/shared_data.hpp"

namespace pk = posekit;
using pk::testing::random_tensor;

namespace {

constexpr pk::models::StackedHourglassOptions tiny{
    .joints = 3, .stacks = 2, .blocks = 1, .features = 8};

/// The heatmaps of both stacks, thinned as PyTorch's are.
template <class T>
void check_heatmaps(const std::string& mode, double tolerance) {
  INFO(mode);
  pk::models::StackedHourglass<T> net(hourglass_case_trunk);
  fill_by_formula(net, hourglass_case_scale);
  net.train(mode == "training");
  pk::Tape<T> tape;
  const auto out = net(tape.constant(formula_uniform<T>("image", {4, 3, 64, 128}, 2, -1)));
  REQUIRE(out.heatmaps.size() == 2);
  CHECK(out.features.shape() == pk::Shape{4, 16, 32, 8});
  std::vector<T> all;
  for (const auto& maps : out.heatmaps) {
    REQUIRE(maps.shape() == pk::Shape{4, 5, 16, 32});
    const auto part = thinned(maps.value(), 3, 5);
    all.insert(all.end(), part.begin(), part.end());
  }
  const auto expected = hourglass_golden(mode, "heatmaps");
  CHECK(relative_difference(pk::tensor_from<T>(pk::shape_of(expected), all), expected) < tolerance);
}

/// Everything that a step of training computes.
std::vector<pk::Tensor<float>> step(const pk::models::StackedHourglassOptions& options,
                                    int threads) {
  pk::models::StackedHourglass<float> net(options);
  pk::Tape<float> tape({.threads = threads});
  const auto out = net(tape.constant(random_tensor<float>({2, 3, 64, 128}, 1)));
  tape.backward(pk::sum(out.heatmaps[0] * out.heatmaps[1]));
  std::vector<pk::Tensor<float>> results{out.heatmaps.back().value()};
  for (const auto& [name, parameter] : pk::nn::parameters(net))
    results.push_back(*parameter->gradient(tape));
  return results;
}

}  // namespace

TEST_CASE("Stacked hourglasses have as many parameters as published ones", "[models]") {
  const auto count = [](std::size_t stacks, std::size_t blocks) {
    return pk::nn::parameter_count(
        pk::models::StackedHourglass<float>({.stacks = stacks, .blocks = blocks}));
  };
  CHECK(count(1, 1) == 3'586'960);
  CHECK(count(2, 1) == 6'730'912);
  CHECK(count(8, 1) == 25'594'624);
  CHECK(count(2, 2) == 12'737'696);
}

TEST_CASE("Stacked hourglasses have the names of PyTorch's, and equal it", "[models]") {
  auto names = hourglass_names();
  std::erase_if(names, [](const auto& entry) {
    return entry.first.starts_with("attribute_head.") ||
           entry.first.starts_with("domain_classifier.");
  });
  pk::models::StackedHourglass<float> net(hourglass_case_trunk);
  CHECK(names_of(net) == names);
  for (const char* mode : {"evaluation", "training"}) {
    check_heatmaps<double>(mode, 1e-9);
    check_heatmaps<float>(mode, 1e-4);
  }
}

TEST_CASE("Checkpoints of stacked hourglasses load with a prefix, others not at all", "[models]") {
  const auto folder = scratch_folder("hourglass");
  pk::models::StackedHourglass<float> saved(tiny), loaded(tiny);
  fill_by_formula(saved);
  pk::save_safetensors(folder / "wrapped", pk::nn::safetensors_entries(saved, "module."));
  pk::load_safetensors(folder / "wrapped", loaded);
  const auto from = pk::nn::named_tensors(saved), to = pk::nn::named_tensors(loaded);
  REQUIRE(from.size() == to.size());
  for (std::size_t i = 0; i < from.size(); ++i) CHECK(identical(*from[i].tensor, *to[i].tensor));
  auto options = tiny;
  options.stacks = 1;
  pk::models::StackedHourglass<float> fewer(options);
  CHECK_THROWS_WITH(pk::load_safetensors(folder / "wrapped", fewer),
                    Catch::Contains("does not fit the network") &&
                        Catch::Contains("that the network does not have") &&
                        Catch::Contains("hg.1.hg.0.0.0.bn1.bias"));
  options = tiny;
  options.joints = 4;
  pk::models::StackedHourglass<float> other(options);
  CHECK_THROWS_WITH(pk::load_safetensors(folder / "wrapped", other),
                    Catch::Contains("module.score.0.weight has shape [3, 8, 1, 1], "
                                    "expected [4, 8, 1, 1]"));
}

TEMPLATE_TEST_CASE("A bottleneck folds what follows convolutions", "[models]", float, double) {
  using T = TestType;
  for (const std::size_t in : {std::size_t{6}, std::size_t{10}}) {
    pk::models::PreactivationBottleneck<T> block(in, 5);
    fill_by_formula(block);
    pk::nn::set_training(block, false);
    pk::Tape<T> tape;
    const auto x = tape.variable(random_tensor<T>({2, 3, 4, in}, 1));
    const auto seed = random_tensor<T>({2, 3, 4, 10}, 2);
    const auto folded = block(x);
    tape.backward(folded, seed);
    const pk::Tensor<T> gradient = x.grad();
    const auto relu = pk::Activation::relu;
    auto y = block.bn2(block.conv1(block.bn1(x, relu)), relu);
    y = block.conv3(block.bn3(block.conv2(y), relu)) + block.downsample(x);
    tape.backward(y, seed);
    CHECK(relative_difference(folded.value(), y.value()) < close_enough<T>());
    CHECK(relative_difference(gradient, x.grad()) < close_enough<T>());
  }
}

TEST_CASE("Evaluated hourglasses give a stack of gradients as one by one", "[models]") {
  pk::models::StackedHourglass<double> net(tiny);
  fill_by_formula(net);
  net.eval();
  pk::Tape<double> tape;
  const auto x = tape.variable(random_tensor<double>({1, 3, 64, 64}, 1));
  const auto maps = net(x).heatmaps.back();
  const auto seeds = random_tensor<double>({2, 1, 3, 16, 16}, 2);
  const auto stacked = tape.vjp(maps, seeds, x);
  for (std::size_t k = 0; k < 2; ++k) {
    const auto part = [&](const pk::Tensor<double>& all, const pk::Shape& shape) {
      const std::size_t size = all.size() / 2;
      return pk::tensor_from<double>(
          shape, std::vector<double>(all.begin() + k * size, all.begin() + (k + 1) * size));
    };
    tape.backward(maps, part(seeds, maps.shape()));
    CHECK(relative_difference(part(stacked, x.shape()), x.grad()) < 1e-12);
  }
}

TEST_CASE("Stacked hourglasses: threads and seeds", "[models]") {
  const auto one = step(tiny, 1), three = step(tiny, 3);
  for (std::size_t i = 0; i < one.size(); ++i) CHECK(identical(one[i], three[i]));
  auto options = tiny;
  options.seed = 1;
  CHECK_FALSE(identical(one[0], step(options, 1)[0]));
}

TEST_CASE("Stacked hourglasses say what they cannot take", "[models]") {
  pk::models::StackedHourglass<float> net(tiny);
  pk::Tape<float> tape;
  for (const pk::Shape& shape : std::vector<pk::Shape>{{1, 3, 64, 96},
                                                       {1, 3, 32, 64},
                                                       {1, 3, 0, 64},
                                                       {1, 4, 64, 64},
                                                       {1, 64, 64, 3},
                                                       {3, 64, 64}}) {
    CHECK_THROWS_AS(net(tape.constant(pk::zeros<float>(shape))), pk::ShapeError);
    CHECK_THROWS_WITH(net(tape.constant(pk::zeros<float>(shape))),
                      Catch::Contains("x has shape " + pk::to_string(shape)) &&
                          Catch::Contains("expected [N, 3, H, W] with multiples of 64"));
  }
  for (const bool training : {true, false}) {
    net.train(training);
    CHECK_THROWS_AS(net(tape.constant(pk::zeros<float>({0, 3, 64, 64}))), pk::ShapeError);
  }
  using Net = pk::models::StackedHourglass<float>;
  CHECK_THROWS_AS(Net({.joints = 0}), pk::ValueError);
  CHECK_THROWS_AS(Net({.stacks = 0}), pk::ValueError);
  CHECK_THROWS_AS(Net({.blocks = 0}), pk::ValueError);
  CHECK_THROWS_AS(Net({.features = 0}), pk::ValueError);
  CHECK_THROWS_WITH(Net({.features = 6}), Catch::Contains("6 features"));
}
