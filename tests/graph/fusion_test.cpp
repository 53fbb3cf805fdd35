#include <catch2/catch.hpp>

#include <posekit/graph/fusion.hpp>

namespace pk = posekit;

namespace {

pk::Graph chain() {
  pk::Graph graph;
  graph.source = "test";
  const auto node = [&](const std::string& name, const std::string& op,
                        const std::vector<std::string>& inputs) {
    pk::GraphNode n{.name = name, .op = op, .inputs = {}};
    for (const auto& input : inputs) n.inputs.push_back({input, 0});
    graph.nodes.push_back(n);
  };
  node("x", "input", {});
  node("p", "constant", {});
  node("padded", "pad", {"x", "p"});
  node("w", "constant", {});
  node("conv", "conv2d", {"padded", "w"});
  node("b", "constant", {});
  node("sum", "add", {"b", "conv"});
  node("act", "relu6", {"sum"});
  graph.constants["p"] =
      pk::tensor_from<std::int64_t>({4, 2}, std::vector<int>{0, 0, 1, 2, 3, 4, 0, 0});
  graph.constants["w"] = pk::zeros<float>({1, 1, 2, 3});
  graph.constants["b"] = pk::zeros<float>({3});
  return graph;
}

std::vector<std::string> covered(const pk::Graph& graph, const std::string& last) {
  const pk::internal::GraphIndex index(graph);
  const auto layer = pk::internal::fuse_layer<float>(graph, index, *index.find(last));
  if (!layer) return {"nothing"};
  auto names = layer->covered;
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace

TEST_CASE("Chains are found from padding to activation", "[graph]") {
  CHECK(covered(chain(), "act") ==
        std::vector<std::string>{"b", "conv", "p", "padded", "sum", "w"});
  CHECK(covered(chain(), "sum") == std::vector<std::string>{"b", "conv", "p", "padded", "w"});
  CHECK(covered(chain(), "conv") == std::vector<std::string>{"p", "padded", "w"});
  CHECK(covered(chain(), "padded") == std::vector<std::string>{"nothing"});
}

TEST_CASE("A node that others read too stays", "[graph]") {
  auto graph = chain();
  graph.nodes.push_back({"other", "relu", {{"padded", 0}}});
  CHECK(covered(graph, "act") == std::vector<std::string>{"b", "conv", "sum", "w"});
  graph.nodes.push_back({"another", "relu", {{"sum", 0}}});
  CHECK(covered(graph, "act") == std::vector<std::string>{"nothing"});
  CHECK(covered(graph, "sum") == std::vector<std::string>{"b", "conv", "w"});
}

TEST_CASE("An addition that is no bias stays", "[graph]") {
  auto graph = chain();
  graph.constants["b"] = pk::zeros<float>({3, 1});
  CHECK(covered(graph, "sum") == std::vector<std::string>{"nothing"});
  graph.constants["b"] = pk::zeros<float>({1});
  CHECK(covered(graph, "sum") == std::vector<std::string>{"nothing"});
  graph.constants["b"] = pk::zeros<float>({1, 1, 1, 3});
  CHECK(covered(graph, "sum").size() == 5);
}

TEST_CASE("Padding of channels, or before SAME, stays", "[graph]") {
  auto graph = chain();
  graph.constants["p"] =
      pk::tensor_from<std::int64_t>({4, 2}, std::vector<int>{0, 0, 1, 2, 3, 4, 0, 1});
  CHECK(covered(graph, "conv") == std::vector<std::string>{"w"});
  graph = chain();
  graph.nodes[4].attributes["padding"] = std::string("same");
  CHECK(covered(graph, "conv") == std::vector<std::string>{"w"});
}
