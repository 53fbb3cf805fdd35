#include <catch2/catch.hpp>

#include <cmath>

#include <posekit/graph/network.hpp>
#include <posekit/graph/randomization.hpp>
#include <posekit/graph/tensorflow/tfjs.hpp>

#include "support/close.hpp"
#include "support/shared_data.hpp"
#include "support/tfjs_files.hpp"

namespace pk = posekit;

namespace {

/// input -> one -> (two, side) with 1 x 1 convolutions; `side` is not on the way to `two`.
pk::Graph example() {
  const auto folder = scratch_folder("randomization");
  TfjsFiles files(folder);
  files.node("input", "Placeholder");
  const auto convolution = [&](const std::string& name, const std::string& input, float first) {
    std::vector<float> weights(64);
    for (std::size_t i = 0; i < 64; ++i) weights[i] = first + 0.1f * static_cast<float>(i % 7);
    files.reals(name + "/filter", {1, 1, 8, 8}, weights);
    files.node(name, "Conv2D", {input, name + "/filter"}, TfjsFiles::conv(TfjsFiles::valid, 1));
  };
  convolution("one", "input", 1);
  convolution("two", "one", 2);
  convolution("side", "one", 3);
  return pk::read_tfjs_graph(files.write());
}

}  // namespace

TEST_CASE("Layers are listed from the output down, those that matter to it", "[graph]") {
  const auto graph = example();
  CHECK(pk::weighted_layers(graph, "two") == std::vector<std::string>{"two", "one"});
  CHECK(pk::weighted_layers(graph, "input").empty());
  CHECK_THROWS_WITH(pk::weighted_layers(graph, "three"),
                    Catch::Contains("no node or output named 'three'"));
}

TEST_CASE("Random weights have their layer's mean and spread; others stay", "[graph]") {
  const auto graph = example();
  const auto layers = pk::weighted_layers(graph, "two");
  const auto weights = [](const pk::Graph& g, const std::string& layer) {
    return std::get<pk::Tensor<float>>(g.constants.at(layer + "/filter"));
  };
  const auto once = pk::randomized(graph, layers, 1), twice = pk::randomized(graph, layers, 2);
  CHECK(identical(weights(once, "one"), weights(graph, "one")));
  CHECK_FALSE(identical(weights(once, "two"), weights(graph, "two")));
  CHECK(identical(weights(twice, "two"), weights(once, "two")));  // cascading
  CHECK_FALSE(identical(weights(twice, "one"), weights(graph, "one")));
  CHECK(identical(weights(pk::randomized(graph, layers, 0), "two"), weights(graph, "two")));
  CHECK_FALSE(identical(weights(pk::randomized(graph, layers, 1, 9), "two"), weights(once, "two")));
  double mean = 0;
  for (const float w : weights(once, "two")) mean += static_cast<double>(w) / 64;
  CHECK(mean == Approx(2.3).margin(0.15));
  CHECK_THROWS_AS(pk::randomized(graph, {"input"}, 1), pk::GraphError);
}
