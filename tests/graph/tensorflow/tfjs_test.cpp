#include <catch2/catch.hpp>

#include <fstream>

#include <posekit/graph/tensorflow/tfjs.hpp>
#include <posekit/graph/value.hpp>

#include "support/shared_data.hpp"
#include "support/tfjs_files.hpp"

namespace pk = posekit;

namespace {

/// One convolution with bias and relu6.
TfjsFiles small_model(const std::string& name) {
  TfjsFiles files(scratch_folder(name));
  files.node("image", "Placeholder");
  files.reals("w", {1, 1, 2, 1}, {2.0f, -1.0f});
  files.reals("b", {1}, {0.5f});
  files.node("y", "_FusedConv2D", {"image", "w", "b"},
             TfjsFiles::conv(TfjsFiles::same, 1, {TfjsFiles::bias_add, TfjsFiles::relu6}));
  files.publish("result", "y:0");
  return files;
}

std::string loading_error(const TfjsFiles& files) {
  try {
    (void)pk::load_tfjs<float>(files.write());
  } catch (const pk::Error& error) {
    return error.what();
  }
  return "no error";
}

}  // namespace

TEST_CASE("A model is read and runs", "[graph]") {
  const auto net = pk::load_tfjs<float>(small_model("tfjs-small").write());
  CHECK(net.output_names() == std::vector<std::string>{"result"});
  CHECK(net.input_names() == std::vector<std::string>{"image"});
  pk::Tape<float> tape;
  const auto x =
      tape.variable(pk::tensor_from<float>({1, 1, 3, 2}, std::vector<double>{1, 0.5, 4, 0, 0, 3}));
  for (const auto& names : std::vector<std::vector<std::string>>{{}, {"result"}, {"y"}, {"y:0"}}) {
    const std::vector<pk::Var<float>> y = net(x, names);
    REQUIRE(y.size() == 1);
    CHECK(y[0].value()(0, 0, 0, 0) == 2.0f);  // 2 - 0.5 + 0.5
    CHECK(y[0].value()(0, 0, 1, 0) == 6.0f);  // 8.5 clamped
    CHECK(y[0].value()(0, 0, 2, 0) == 0.0f);  // -2.5 clamped
  }
  const auto y = net(x, {"y"});
  tape.backward(y[0], pk::tensor_from<float>({1, 1, 3, 1}, std::vector<int>{1, 1, 1}));
  CHECK(x.grad()(0, 0, 0, 0) == 2.0f);
  CHECK(x.grad()(0, 0, 1, 0) == 0.0f);
}

TEST_CASE("Quantised weights are expanded", "[graph]") {
  TfjsFiles files(scratch_folder("tfjs-quantised"));
  files.node("x", "Placeholder");
  files.weight("half", "float32", {4})["quantization"] = {{"dtype", "float16"},
                                                          {"original_dtype", "float32"}};
  const std::uint16_t halves[4] = {0x3c00, 0xc000, 0x0001,
                                   0x3555};  // 1, -2, the smallest subnormal, 1/3
  files.append(halves, sizeof halves);
  files.weight("bytes", "float32", {3})["quantization"] = {
      {"dtype", "uint8"}, {"scale", 0.5}, {"min", -1.0}};
  const std::uint8_t bytes[3] = {0, 1, 255};
  files.append(bytes, sizeof bytes);
  // Behind an odd number of bytes: nothing here is aligned.
  files.weight("words", "float32", {2})["quantization"] = {
      {"dtype", "uint16"}, {"scale", 0.25}, {"min", 2.0}};
  const std::uint16_t words[2] = {4, 65535};
  files.append(words, sizeof words);
  files.integers("shape", {2}, {-1, 2000000000});
  files.weight("levels", "int32", {2})["quantization"] = {
      {"dtype", "uint8"}, {"scale", 2.0}, {"min", -7.0}};
  const std::uint8_t levels[2] = {0, 10};
  files.append(levels, sizeof levels);
  files.weight("flags", "bool", {2});
  const std::uint8_t flags[2] = {0, 1};
  files.append(flags, sizeof flags);
  const auto graph = pk::read_tfjs_graph(files.write());
  const auto real = [&](const char* name, std::size_t i) {
    return std::get<pk::Tensor<float>>(graph.constants.at(name))(i);
  };
  const auto integer = [&](const char* name, std::size_t i) {
    return std::get<pk::IntegerTensor>(graph.constants.at(name))(i);
  };
  CHECK(real("half", 0) == 1.0f);
  CHECK(real("half", 1) == -2.0f);
  CHECK(real("half", 2) == 0x1p-24f);
  CHECK(real("half", 3) == Approx(1.0 / 3).epsilon(1e-3));
  CHECK(real("bytes", 0) == -1.0f);
  CHECK(real("bytes", 2) == 126.5f);
  CHECK(real("words", 0) == 3.0f);
  CHECK(real("words", 1) == 16385.75f);
  CHECK(integer("shape", 0) == -1);
  CHECK(integer("shape", 1) == 2000000000);
  CHECK(integer("levels", 1) == 13);
  CHECK(integer("flags", 1) == 1);
}

TEST_CASE("Weights may be spread over shards", "[graph]") {
  auto files = small_model("tfjs-shards");
  const auto path = files.write();
  files.model["weightsManifest"][0]["paths"] = {"a.bin", "b.bin"};
  std::ofstream(path) << files.model.dump();
  const auto folder = path.parent_path();
  std::ofstream(folder / "a.bin", std::ios::binary)
      .write(reinterpret_cast<const char*>(files.bytes.data()), 5);
  std::ofstream(folder / "b.bin", std::ios::binary)
      .write(reinterpret_cast<const char*>(files.bytes.data()) + 5,
             static_cast<std::streamsize>(files.bytes.size() - 5));
  CHECK(std::get<pk::Tensor<float>>(pk::read_tfjs_graph(path).constants.at("w"))(0, 0, 1, 0) ==
        -1.0f);
}

TEST_CASE("What is wrong with a file is told in words", "[graph]") {
  SECTION("missing file") {
    CHECK_THROWS_WITH(pk::load_tfjs<float>("/nowhere/model.json"),
                      "/nowhere/model.json: no such file");
  }
  SECTION("a folder") {
    CHECK_THROWS_WITH(pk::load_tfjs<float>(scratch_folder("tfjs-folder")),
                      Catch::Contains("is a folder, expected a file"));
  }
  SECTION("a constant that the graph and the manifest see differently") {
    const auto load = [](const char* type, const char* extent) {
      TfjsFiles f(scratch_folder("tfjs-declared"));
      f.reals("c", {3, 2}, {1, 2, 3, 4, 5, 6});
      auto& node = f.model["modelTopology"]["node"].back();
      node["attr"]["value"] = {
          {"tensor",
           {{"dtype", type}, {"tensorShape", {{"dim", {{{"size", "3"}}, {{"size", extent}}}}}}}}};
      pk::load_tfjs<float>(f.write());
    };
    CHECK_NOTHROW(load("DT_FLOAT", "2"));
    CHECK_THROWS_WITH(load("DT_INT32", "2"),
                      Catch::Contains("node 'c' (Const) is of type DT_INT32, its weight in "
                                      "weightsManifest of type float32"));
    CHECK_THROWS_WITH(load("DT_FLOAT", "3"), Catch::Contains("has shape [3, 3], its weight in "
                                                             "weightsManifest [3, 2]"));
  }
  SECTION("no JSON") {
    const auto path = scratch_folder("tfjs-text") / "model.json";
    std::ofstream(path) << "hello {";
    CHECK_THROWS_WITH(pk::load_tfjs<float>(path), Catch::Contains("is not valid JSON"));
    std::ofstream(path) << "[1, 2]";
    CHECK_THROWS_WITH(pk::load_tfjs<float>(path), Catch::Contains("holds no JSON object"));
    std::ofstream(path) << R"({"format": "layers-model", "modelTopology": {}})";
    CHECK_THROWS_WITH(pk::load_tfjs<float>(path), Catch::Contains("Keras layers model"));
    std::ofstream(path) << R"({"format": "graph-model"})";
    CHECK_THROWS_WITH(pk::load_tfjs<float>(path), Catch::Contains("has no object 'modelTopology'"));
  }
  SECTION("an unknown operation") {
    auto files = small_model("tfjs-unknown");
    files.node("odd", "FrobnicateV2", {"y"});
    CHECK(loading_error(files).find(
              "model.json: node 'odd' (FrobnicateV2): the operation is not known to posekit") !=
          std::string::npos);
  }
  SECTION("a truncated shard") {
    auto files = small_model("tfjs-truncated");
    for (int i = 0; i < 3; ++i) files.bytes.pop_back();
    CHECK(loading_error(files).find("weight 'b' [1] needs 1 elements of 4 bytes, the shards "
                                    "(weights.bin) have 1 bytes left: truncated?") !=
          std::string::npos);
  }
  SECTION("bytes left over") {
    auto files = small_model("tfjs-more");
    files.bytes.push_back(0);
    CHECK(loading_error(files).find("the weights use 12 bytes, the shards (weights.bin) have 13") !=
          std::string::npos);
  }
  SECTION("a missing shard") {
    auto files = small_model("tfjs-no-shard");
    files.model["weightsManifest"][0]["paths"] = {"gone.bin"};
    CHECK(loading_error(files).find("gone.bin: no such file") != std::string::npos);
  }
  SECTION("a shard outside the model's folder") {
    for (const char* shard : {"../weights.bin", "/etc/passwd", ""}) {
      auto files = small_model("tfjs-outside");
      files.model["weightsManifest"][0]["paths"] = {shard};
      CHECK(loading_error(files).find("expected a file beside the model") != std::string::npos);
    }
  }
  SECTION("a wrong type") {
    auto files = small_model("tfjs-type");
    files.model["weightsManifest"][0]["weights"][0]["dtype"] = "complex64";
    CHECK(loading_error(files).find(
              "weight 'w' has the type 'complex64', expected float32, int32 or bool") !=
          std::string::npos);
  }
  SECTION("an impossible shape") {
    auto files = small_model("tfjs-shape");
    files.model["weightsManifest"][0]["weights"][0]["shape"] = {1, 1, -2, 1};
    CHECK(loading_error(files).find("weight 'w': shape has the extent -2") != std::string::npos);
    files.model["weightsManifest"][0]["weights"][0]["shape"] = {4000000000u, 4000000000u,
                                                                4000000000u};
    CHECK(loading_error(files).find("has too many elements") != std::string::npos);
    files.model["weightsManifest"][0]["weights"][0]["shape"] = {1, 2};
    CHECK(loading_error(files).find(
              "node 'y' (_FusedConv2D): the filter has shape [1, 2], expected rank 4") !=
          std::string::npos);
  }
  SECTION("a weight the graph names but the manifest lacks") {
    auto files = small_model("tfjs-lacks");
    files.node("ghost", "Const");
    CHECK(loading_error(files).find("node 'ghost' (Const) has no weight in weightsManifest") !=
          std::string::npos);
  }
  SECTION("an input that is not in the graph") {
    auto files = small_model("tfjs-dangling");
    files.node("z", "Relu", {"nobody"});
    CHECK(loading_error(files).find("node 'z' (Relu): its input 'nobody' is not in the graph") !=
          std::string::npos);
  }
  SECTION("a circle") {
    auto files = small_model("tfjs-circle");
    files.node("p", "Relu", {"q"});
    files.node("q", "Relu", {"p"});
    CHECK(loading_error(files).find("it depends on itself") != std::string::npos);
  }
  SECTION("a name twice") {
    auto files = small_model("tfjs-twice");
    files.node("y", "Relu", {"image"});
    CHECK(loading_error(files).find("node 'y' stands there twice") != std::string::npos);
  }
  SECTION("quantisation without numbers") {
    auto files = small_model("tfjs-scale");
    files.model["weightsManifest"][0]["weights"][0]["quantization"] = {{"dtype", "uint8"}};
    CHECK(loading_error(files).find("has no numbers 'scale' and 'min'") != std::string::npos);
  }
  SECTION("attributes of the wrong kind") {
    auto files = small_model("tfjs-attributes");
    files.model["modelTopology"]["node"][3]["attr"]["padding"] = TfjsFiles::text("V0VJUkQ=");
    CHECK(loading_error(files).find("padding is 'WEIRD', expected SAME, VALID or EXPLICIT") !=
          std::string::npos);
    files.model["modelTopology"]["node"][3]["attr"]["padding"] = TfjsFiles::text(TfjsFiles::same);
    files.model["modelTopology"]["node"][3]["attr"]["strides"] = TfjsFiles::list({1, 0, 1, 1});
    CHECK(loading_error(files).find(
              "attribute 'strides' is [1, 0, 1, 1], expected [1, height, width, 1]") !=
          std::string::npos);
    files.model["modelTopology"]["node"][3]["attr"]["strides"] = {{"b", true}};
    CHECK(loading_error(files).find("attribute 'strides' has an unexpected type") !=
          std::string::npos);
  }
  SECTION("a published output that is not there") {
    auto files = small_model("tfjs-published");
    files.publish("ghost", "nothing:0");
    CHECK(loading_error(files).find("the published output 'ghost' names the node 'nothing', which "
                                    "the graph does not have") != std::string::npos);
  }
}

TEST_CASE("Nesting that would overflow the stack is refused", "[graph]") {
  auto files = small_model("tfjs-nested");
  files.write();
  const auto path = scratch_folder("tfjs-nested") / "model.json";
  std::string text = files.model.dump();
  const std::string deep(150000, '[');
  text.replace(text.find("\"attr\":{}"), 9,
               "\"attr\":{\"value\":{\"tensor\":" + deep + std::string(150000, ']') + "}}");
  std::ofstream(path) << text;
  CHECK_THROWS_WITH(pk::read_tfjs_graph(path), Catch::Contains("its JSON is nested"));
}

TEST_CASE("A shard is read once", "[graph]") {
  auto files = small_model("tfjs-shards");
  files.model["weightsManifest"][0]["paths"] = {"weights.bin", "./weights.bin"};
  CHECK_THAT(loading_error(files), Catch::Contains("names the shard './weights.bin' twice"));
  files.model["weightsManifest"][0]["paths"] = {"weights.bin"};
  files.model["weightsManifest"].push_back(
      {{"paths", {"weights.bin"}}, {"weights", nlohmann::json::array()}});
  CHECK_THAT(loading_error(files), Catch::Contains("names the shard 'weights.bin' twice"));
}

TEST_CASE("A network computes no more than it may", "[graph]") {
  TfjsFiles files(scratch_folder("tfjs-large"));
  files.node("x", "Placeholder");
  files.integers("sizes", {4, 2}, {0, 0, 0, 30000, 0, 20000, 0, 0});
  files.node("y", "Pad", {"x", "sizes"});
  const auto path = files.write();
  pk::Tape<float> tape;
  const auto x = tape.constant(pk::zeros<float>({1, 7, 6, 2}));
  CHECK_THROWS_WITH(
      pk::load_tfjs<float>(path)(x),
      Catch::Contains("model.json: node 'y' (Pad): a result of shape [1, 30007, 20006, 2] has") &&
          Catch::Contains("268435456 are left of NetworkOptions::max_activations"));
  const auto small = small_model("tfjs-limited").write();
  const auto image = tape.constant(pk::zeros<float>({1, 5, 5, 2}));
  CHECK_NOTHROW(pk::load_tfjs<float>(small, {.max_activations = 25})(image));
  CHECK_THROWS_AS(pk::load_tfjs<float>(small, {.max_activations = 24})(image), pk::GraphError);
  // Integers count too.
  TfjsFiles wide(scratch_folder("tfjs-wide"));
  wide.node("x", "Placeholder");
  wide.integers("row", {1, 300}, std::vector<std::int32_t>(300, 1));
  wide.integers("column", {200, 1}, std::vector<std::int32_t>(200, 1));
  wide.node("table", "AddV2", {"row", "column"});
  wide.node("twice", "ConcatV2", {"table", "table", "axis"});
  wide.integers("axis", {}, {0});
  wide.node("y", "Cast", {"twice"},
            {{"SrcT", {{"type", "DT_INT32"}}}, {"DstT", {{"type", "DT_FLOAT"}}}});
  const auto table = wide.write();
  CHECK_THROWS_WITH(pk::load_tfjs<float>(table, {.max_activations = 50000})(image, {"y"}),
                    Catch::Contains("node 'table' (AddV2): a result of shape [200, 300] has"));
  CHECK_THROWS_WITH(pk::load_tfjs<float>(table, {.max_activations = 179999})(image, {"y"}),
                    Catch::Contains("node 'twice' (ConcatV2): a result of shape [400, 300] has"));
  // The limit is the network's own.
  CHECK_NOTHROW(tape.pool().take({1000}));
}
