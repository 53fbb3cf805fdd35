#include <catch2/catch.hpp>

#include <cmath>
#include <cstdlib>
#include <string>

#include <posekit/autodiff/arithmetic.hpp>
#include <posekit/autodiff/functions.hpp>
#include <posekit/graph/registry.hpp>
#include <posekit/graph/tensorflow/lowering.hpp>
#include <posekit/graph/tensorflow/tfjs.hpp>
#include <posekit/io/file.hpp>
#include <posekit/testing/gradient_check.hpp>

#include "support/shared_data.hpp"
#include "support/tfjs_files.hpp"

namespace pk = posekit;
using pk::testing::random_tensor;

namespace {

template <class T>
pk::GraphOperations<T> with_hard_swish() {
  auto operations = pk::GraphOperations<T>::built_in();
  operations.add("HardSwish", pk::unary_operation<T>([](const pk::Var<T>& x) {
                   return x * pk::relu6(x + T(3)) * T(1.0 / 6.0);
                 }));
  return operations;
}

/// Names of the TensorFlow operations that become one of the graph's.
std::string tensorflow_names(const std::string& op) {
  std::string names;
  for (const auto& operation : pk::tensorflow_operations()) {
    if (operation.op == op)
      names += (names.empty() ? "`" : ", `") + std::string(operation.name) + "`";
  }
  return names;
}

/// docs/operations.md, from the registry.
std::string operations_page() {
  std::string text =
      "# Operations of imported networks\n\n"
      "What a graph (`graph/graph.hpp`) consists of, whatever file it was read from: images are "
      "[N, H, W, C], filters\n"
      "[kh, kw, in, out], axes and shapes are inputs and integers. A reader lowers its format's "
      "operations into these; what it\n"
      "does not know keeps its name, and runs where somebody has registered it "
      "(`graph/registry.hpp`). This page is checked\n"
      "against the registry, and writes it where POSEKIT_UPDATE is set.\n\n"
      "| operation | inputs | attributes | on | gradient | TensorFlow "
      "|\n|---|---|---|---|---|---|\n";
  for (const auto& [name, entry] : pk::GraphOperations<float>::built_in().entries()) {
    const pk::OperationTraits& t = entry.traits;
    text += "| `" + name + "` | " + t.inputs + " | " + t.attributes + " | " +
            (t.reals ? (t.integers ? "reals, integers" : "reals") : "integers") + " | " +
            (t.differentiable ? "yes" : "no") + " | " + tensorflow_names(name) + " |\n";
  }
  text += "\n`input` (TensorFlow: " + tensorflow_names("input") +
          ") waits to be fed, `constant` (" + tensorflow_names("constant") +
          ") has its value in the graph, `no_op` (" + tensorflow_names("no_op") + ") has none.\n";
  return text;
}

}  // namespace

TEMPLATE_TEST_CASE("An operation of one's own runs and differentiates", "[graph]", float, double) {
  using T = TestType;
  TfjsFiles files(scratch_folder("registry"));
  files.node("x", "Placeholder");
  files.node("y", "HardSwish", {"x"}, {{"anything", {{"i", "3"}}}});
  files.node("z", "Square", {"y"});
  const auto path = files.write();
  const auto net = pk::load_tfjs<T>(path, {}, with_hard_swish<T>());
  const std::vector<pk::Tensor<double>> in{random_tensor<double>({2, 3, 4}, 1, -5, 5)};
  pk::Tape<T> tape;
  const auto x = tape.variable(pk::cast<T>(in[0]));
  const auto z = net(x, {"z"})[0];
  for (std::size_t i = 0; i < 24; ++i) {
    const double v = static_cast<double>(x.value().data()[i]);
    const double y = v * std::min(std::max(v + 3, 0.0), 6.0) / 6;
    CHECK(static_cast<double>(z.value().data()[i]) == Approx(y * y).margin(1e-5));
  }
  if constexpr (std::is_same_v<T, double>) {
    const auto gradients = pk::testing::check_gradients(
        [&](const auto& v) {
          using U = typename std::decay_t<decltype(v[0])>::value_type;
          return pk::load_tfjs<U>(path, {}, with_hard_swish<U>())(v[0], {"z"})[0];
        },
        in);
    INFO(gradients.message);
    CHECK(gradients.ok);
  }
  CHECK_THROWS_WITH(pk::load_tfjs<T>(path),
                    Catch::Contains("node 'y' (HardSwish): the operation is not known to posekit"));
}

TEST_CASE("An operation can be replaced, for one network", "[graph]") {
  TfjsFiles files(scratch_folder("registry"));
  files.node("x", "Placeholder");
  files.node("y", "Relu", {"x"});
  auto operations = pk::GraphOperations<double>::built_in();
  operations.add("relu", pk::unary_operation<double>([](const auto& x) { return x * 3.0; }));
  pk::Tape<double> tape;
  const auto x = tape.constant(pk::tensor_from<double>({1}, std::vector<double>{-2}));
  CHECK(pk::load_tfjs<double>(files.write(), {}, operations)(x)[0].value()(0) == -6);
  CHECK(pk::load_tfjs<double>(files.write())(x)[0].value()(0) == 0);
}

TEST_CASE("A replaced operation is not computed together with others", "[graph]") {
  pk::Graph graph;
  graph.source = "hand";
  graph.nodes = {{"x", "input", {}},
                 {"w", "constant", {}},
                 {"c", "conv2d", {{"x"}, {"w"}}},
                 {"r", "relu", {{"c"}}}};
  graph.constants["w"] = pk::Tensor<float>(pk::zeros<float>({1, 1, 1, 1}) + 1.0f);
  const auto value = [&](const pk::GraphOperations<double>& operations, const char* node) {
    pk::Tape<double> tape;
    const auto x = tape.constant(pk::Tensor<double>(pk::zeros<double>({1, 1, 1, 1}) - 2.0));
    return pk::Network<double>(graph, {}, operations)(x, {node})[0].value()(0, 0, 0, 0);
  };
  auto operations = pk::GraphOperations<double>::built_in();
  CHECK(value(operations, "r") == 0);
  CHECK(operations.is_built_in("relu"));
  operations.add("relu", pk::unary_operation<double>([](const auto& x) { return x * 3.0; }));
  CHECK_FALSE(operations.is_built_in("relu"));
  CHECK(value(operations, "r") == -6);
  operations.add("conv2d", [](const pk::GraphNodeView&) -> pk::GraphFunction<double> {
    return [](pk::Tape<double>&, const pk::GraphValues<double>& in) -> pk::GraphValues<double> {
      return {in[0].real() * 100.0};
    };
  });
  CHECK(value(operations, "c") == -200);
  CHECK(value(operations, "r") == -600);
}

TEST_CASE("An operation may return its argument", "[graph]") {
  pk::Graph graph;
  graph.source = "hand";
  graph.nodes = {{"x", "input", {}},       {"d", "Dropout", {{"x"}}},
                 {"a", "square", {{"d"}}}, {"b", "Dropout", {{"a"}}},
                 {"e", "exp", {{"b"}}},    {"z", "add", {{"e"}, {"a"}}}};
  auto operations = pk::GraphOperations<double>::built_in();
  operations.add("Dropout", pk::unary_operation<double>([](const auto& x) { return x; }));
  pk::Tape<double> tape;
  const auto x = tape.variable(pk::tensor_from<double>({1}, std::vector<double>{0.5}));
  const auto z = pk::Network<double>(graph, {}, operations)(x, {"z"})[0];
  CHECK(z.value()(0) == Approx(std::exp(0.25) + 0.25));
  CHECK(x.value()(0) == 0.5);
  tape.backward(z, pk::tensor_from<double>({1}, std::vector<double>{1}));
  CHECK(x.grad()(0) == Approx(std::exp(0.25) + 1));
}

TEST_CASE("What the readers lower into there is", "[graph]") {
  for (const auto& operation : pk::tensorflow_operations()) {
    INFO(operation.name);
    const bool own =
        operation.op == "input" || operation.op == "constant" || operation.op == "no_op";
    CHECK((own || pk::GraphOperations<float>::built_in().find(operation.op) != nullptr));
  }
  CHECK(std::is_sorted(pk::tensorflow_operations().begin(), pk::tensorflow_operations().end(),
                       [](const auto& a, const auto& b) { return a.name < b.name; }));
  CHECK(pk::GraphOperations<double>::built_in().entries().size() ==
        pk::GraphOperations<float>::built_in().entries().size());
}

TEST_CASE("The page of operations is the registry's", "[graph]") {
  const auto path = source_root() / "docs" / "operations.md";
  const std::string page = operations_page();
  std::string written;
  if (std::filesystem::exists(path)) {
    const auto bytes = pk::read_file(path);
    written.assign(bytes.begin(), bytes.end());
  }
  if (written == page) return;
  if (std::getenv("POSEKIT_UPDATE") != nullptr) {
    pk::write_file(path, page);
  } else {
    FAIL("docs/operations.md differs; this test writes it where POSEKIT_UPDATE is set");
  }
}

TEST_CASE("A graph can be made by hand, and its mistakes are named", "[graph]") {
  const auto run = [](const std::string& op, pk::Attributes attributes) {
    pk::Graph graph;
    graph.source = "hand";
    graph.nodes = {
        {"x", "input", {}}, {"w", "constant", {}}, {"y", op, {{"x"}, {"w"}}, attributes}};
    graph.constants["w"] = pk::zeros<float>({1, 1, 2, 3});
    return pk::Network<float>(graph);
  };
  CHECK_NOTHROW(run("conv2d", {}));
  using List = std::vector<std::int64_t>;
  for (const auto& [attributes, text] :
       {std::pair{pk::Attributes{{"stride", List{1, 2, 3}}}, "expected [height, width]"},
        std::pair{pk::Attributes{{"dilation", List{0, 1}}}, "expected [height, width]"},
        std::pair{pk::Attributes{{"padding", std::string("SAME")}}, "expected same, valid"},
        std::pair{pk::Attributes{{"padding", std::string("explicit")}}, "with pads []"},
        std::pair{pk::Attributes{{"activation", std::string("gelu")}}, "'gelu' is unknown"},
        std::pair{pk::Attributes{{"bias", List{1}}}, "unexpected type"}}) {
    INFO(text);
    CHECK_THROWS_WITH(run("conv2d", attributes),
                      Catch::Contains("hand: node 'y' (conv2d): ") && Catch::Contains(text));
  }
  CHECK_THROWS_WITH(run("cast", {{"to", std::string("complex")}}), Catch::Contains("has 2 inputs"));
  CHECK_THROWS_WITH(run("Conv2D", {}), Catch::Contains("not known to posekit"));
}
