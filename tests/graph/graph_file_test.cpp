#include <catch2/catch.hpp>

#include <limits>

#include <posekit/graph/graph_file.hpp>
#include <posekit/graph/network.hpp>
#include <posekit/io/json_document.hpp>
#include <posekit/testing/random_tensor.hpp>

#include "fuzz/graph_file.hpp"
#include "support/close.hpp"
#include "support/corpus.hpp"
#include "support/json_mutations.hpp"
#include "support/mutations.hpp"
#include "support/shared_data.hpp"

namespace pk = posekit;

namespace {

/// image [1, 7, 6, 2] -> convolution -> ReLU -> mean, with every kind of attribute and constant.
pk::Graph every_kind() {
  pk::Graph graph;
  graph.source = "example";
  graph.nodes = {{"image", "input", {}},
                 {"w", "constant", {}},
                 {"axes", "constant", {}},
                 {.name = "conv/a:1",
                  .op = "conv2d",
                  .inputs = {{"image", 0}, {"w", 0}},
                  .attributes = {{"stride", std::vector<std::int64_t>{1, 2}},
                                 {"padding", std::string("same")},
                                 {"empty", std::vector<std::int64_t>{}},
                                 {"words", std::vector<std::string>{"a", "\"ü\""}},
                                 {"no_words", std::vector<std::string>{}},
                                 {"third", 1.0 / 3},
                                 {"two", 2.0},
                                 {"big", std::numeric_limits<std::int64_t>::min()}},
                  .source_op = "Conv2D"},
                 {.name = "positive", .op = "relu", .inputs = {{"conv/a:1", 0}}},
                 {.name = "mean",
                  .op = "mean",
                  .inputs = {{"positive", 0}, {"axes", 0}},
                  .attributes = {{"keep_dims", true}}}};
  graph.constants["w"] = pk::testing::random_tensor<float>({3, 3, 2, 5}, 1);
  graph.constants["axes"] = pk::Tensor<std::int64_t>{1, 2};
  graph.inputs = {{"photo", {"image", 0}}};
  graph.outputs = {{"answer", {"mean", 0}}, {"on the way", {"conv/a:1", 0}}};
  return graph;
}

std::vector<pk::Tensor<float>> run(const pk::Graph& graph) {
  const pk::Network<float> network(graph);
  pk::Tape<float> tape;
  std::vector<pk::Tensor<float>> results;
  for (const auto& y : network(tape.constant(pk::testing::random_tensor<float>({1, 7, 6, 2}, 2)))) {
    results.push_back(y.value());
  }
  return results;
}

/// The error of a file with this graph and these tensors.
std::string error(const pk::JsonDocument& json, const std::vector<pk::SafetensorsEntry>& tensors,
                  const std::filesystem::path& path) {
  pk::save_safetensors(path, tensors, {{"graph", json.dump()}});
  try {
    (void)pk::load_graph(path);
  } catch (const pk::FileError& e) {
    return e.what();
  }
  return "";
}

}  // namespace

TEST_CASE("A graph is read as it was written", "[graph]") {
  const auto path = scratch_folder("graph_file") / "graph.safetensors";
  const pk::Graph graph = every_kind();
  pk::save_graph(path, graph, {{"note", "mine"}, {"graph", "not this"}});
  CHECK(pk::SafetensorsFile(path).metadata().at("note") == "mine");
  const pk::Graph again = pk::load_graph(path);
  CHECK(again.source == path.string());
  REQUIRE(again.nodes.size() == graph.nodes.size());
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    const pk::GraphNode &a = again.nodes[i], &b = graph.nodes[i];
    CHECK(a.name == b.name);
    CHECK(a.op == b.op);
    CHECK(a.source_op == b.source_op);
    CHECK(a.attributes == b.attributes);
    REQUIRE(a.inputs.size() == b.inputs.size());
    for (std::size_t k = 0; k < a.inputs.size(); ++k) {
      CHECK(a.inputs[k].node == b.inputs[k].node);
      CHECK(a.inputs[k].index == b.inputs[k].index);
    }
  }
  CHECK(again.constants == graph.constants);
  REQUIRE(again.outputs.size() == 2);
  CHECK(again.outputs[1].name == "on the way");
  CHECK(again.outputs[1].output.node == "conv/a:1");
  CHECK(again.inputs[0].name == "photo");
  const auto before = run(graph), after = run(again);
  REQUIRE(before.size() == 2);
  CHECK(identical(before[0], after[0]));
  CHECK(identical(before[1], after[1]));
  // The same graph gives the same file.
  const auto copy = path.parent_path() / "copy.safetensors";
  pk::save_graph(copy, again, {{"note", "mine"}});
  CHECK(pk::read_file(copy) == pk::read_file(path));
}

TEST_CASE("A constant that no node has is not written", "[graph]") {
  const auto path = scratch_folder("graph_file_orphan") / "graph.safetensors";
  pk::Graph graph = every_kind();
  graph.constants["pruned"] = pk::Tensor<float>{1, 2, 3};
  pk::save_graph(path, graph);
  CHECK(identical(run(pk::load_graph(path))[0], run(every_kind())[0]));
  CHECK(pk::load_graph(path).constants.count("pruned") == 0);
}

TEST_CASE("What cannot be written is refused before anything is", "[graph]") {
  const auto path = scratch_folder("graph_file_refused") / "graph.safetensors";
  pk::Graph graph = every_kind();
  graph.nodes[3].attributes["third"] = std::numeric_limits<double>::infinity();
  CHECK_THROWS_WITH(pk::save_graph(path, graph),
                    "node 'conv/a:1': attribute 'third' is inf, expected a finite number");
  graph = every_kind();
  graph.nodes[4].attributes["bytes"] = std::string("\xff\xfe");
  CHECK_THROWS_WITH(pk::save_graph(path, graph), Catch::Contains("no UTF-8"));
  graph = every_kind();
  graph.constants.erase("w");
  CHECK_THROWS_WITH(pk::save_graph(path, graph), Catch::Contains("'w' (constant): its value"));
  graph = every_kind();
  graph.nodes.push_back(graph.nodes[4]);
  CHECK_THROWS_WITH(pk::save_graph(path, graph), Catch::Contains("'positive' stands there twice"));
  graph = every_kind();
  graph.outputs[0].output.index = 1000000;
  CHECK_THROWS_AS(pk::save_graph(path, graph), pk::ValueError);
  CHECK(!std::filesystem::exists(path));
}

TEST_CASE("A damaged graph is refused with the node and what is wrong", "[graph]") {
  const auto path = scratch_folder("graph_file_errors") / "graph.safetensors";
  const auto two = pk::Tensor<float>{1, 2};
  const std::vector<pk::SafetensorsEntry> none, w{pk::safetensors_entry("w", two)};
  const auto of = [&](const pk::JsonDocument& nodes,
                      const std::vector<pk::SafetensorsEntry>& tensors) {
    return error({{"nodes", nodes},
                  {"inputs", pk::JsonDocument::array()},
                  {"outputs", pk::JsonDocument::array()}},
                 tensors, path);
  };
  const pk::JsonDocument constant{{"name", "w"}, {"op", "constant"}};
  CHECK(of(pk::JsonDocument::array({constant}), w).empty());
  const auto contains = [](const std::string& text, const std::string& part) {
    INFO(text);
    return text.find(part) != std::string::npos;
  };
  CHECK(
      contains(of(pk::JsonDocument::array({constant}), none), "node 'w' (constant) has no tensor"));
  CHECK(contains(of(pk::JsonDocument::array({constant, constant}), w),
                 "node 'w' stands there twice"));
  CHECK(contains(of(pk::JsonDocument::array(), w), "has the tensor 'w', which is no constant"));
  CHECK(contains(of(pk::JsonDocument::array({pk::JsonDocument{{"op", "relu"}}}), none),
                 "a node has no string 'name'"));
  CHECK(contains(of(pk::JsonDocument::array(
                        {pk::JsonDocument{{"name", "a"}, {"op", "relu"}, {"inputs", {"b"}}}}),
                    none),
                 "node 'a': an input is no pair"));
  CHECK(contains(of(pk::JsonDocument::array({pk::JsonDocument{
                        {"name", "a"}, {"op", "relu"}, {"attributes", {{"k", {1, "x"}}}}}}),
                    none),
                 "node 'a': attribute 'k'"));
  const auto bytes = pk::Tensor<std::uint8_t>{1, 2};
  CHECK(contains(of(pk::JsonDocument::array({constant}), {pk::safetensors_entry("w", bytes)}),
                 "the tensor 'w' is neither F32 nor I64"));
  CHECK(contains(error(pk::JsonDocument("text"), none, path), "has no array 'nodes'"));
  pk::save_safetensors(path, none, {{"graph", "{"}});
  CHECK_THROWS_WITH(pk::load_graph(path), Catch::Contains("is not valid JSON"));
  pk::save_safetensors(path, none);
  CHECK_THROWS_WITH(pk::load_graph(path), Catch::Contains("has no 'graph'"));
}

TEST_CASE("Damaged graph files end in an error or in a network that runs or throws", "[graph]") {
  const auto path = scratch_folder("graph_file_fuzz") / "graph.safetensors";
  pk::save_graph(path, every_kind());
  for_each_mutation(pk::read_file(path), 3000, 1,
                    [&](const std::vector<std::uint8_t>& bytes) { fuzz_graph_file(bytes); });
  // Valid JSON whose values are wrong: each value of the graph replaced in turn.
  const pk::SafetensorsFile file(path);
  const auto w = file.tensor<float>("w");
  const auto axes = file.tensor<std::int64_t>("axes");
  const std::vector<pk::JsonDocument> replacements{nullptr,
                                                   true,
                                                   -1,
                                                   0,
                                                   1e300,
                                                   "",
                                                   "w",
                                                   "constant",
                                                   "input",
                                                   std::numeric_limits<std::int64_t>::max(),
                                                   2.5,
                                                   pk::JsonDocument::array(),
                                                   pk::JsonDocument{{1, 2}},
                                                   pk::JsonDocument::object()};
  std::size_t refused = 0;
  for_each_json_mutation(pk::JsonDocument::parse(file.metadata().at("graph")), replacements,
                         [&](const pk::JsonDocument& changed) {
                           pk::save_safetensors(
                               path,
                               {pk::safetensors_entry("w", w), pk::safetensors_entry("axes", axes)},
                               {{"graph", changed.dump()}});
                           try {
                             (void)run(pk::load_graph(path));
                           } catch (const pk::Error&) {
                             ++refused;
                           }
                         });
  CHECK(refused > 300);
}

TEST_CASE("What fuzzing found in graph files is survived", "[graph]") {
  replay_corpus("graph_file", fuzz_graph_file);
}
