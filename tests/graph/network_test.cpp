#include <catch2/catch.hpp>

#include <thread>

#include <posekit/graph/tensorflow/tfjs.hpp>
#include <posekit/testing/gradient_check.hpp>

#include "support/close.hpp"
#include "support/shared_data.hpp"
#include "support/tfjs_files.hpp"

namespace pk = posekit;
using pk::testing::random_tensor;

namespace {

std::vector<float> random_values(std::size_t count, std::uint64_t seed) {
  const auto t = random_tensor<float>({count}, seed);
  return {t.begin(), t.end()};
}

/// Pad -> depthwise -> bias -> relu, a pointwise layer, a skip connection, pooling, a dense layer.
pk::Network<double> branching_network(const std::string& name) {
  TfjsFiles f(scratch_folder(name));
  f.node("image", "Placeholder");
  f.integers("pads", {4, 2}, {0, 0, 1, 1, 2, 0, 0, 0});
  f.node("padded", "Pad", {"image", "pads"});
  f.reals("dw", {3, 3, 4, 1}, random_values(36, 1));
  f.node("across", "DepthwiseConv2dNative", {"padded", "dw"}, TfjsFiles::conv(TfjsFiles::valid, 1));
  f.reals("dwb", {4}, random_values(4, 2));
  f.node("biased", "BiasAdd", {"across", "dwb"});
  f.node("rectified", "Relu", {"biased"});
  f.reals("pw", {1, 1, 4, 4}, random_values(16, 3));
  f.reals("pwb", {4}, random_values(4, 4));
  f.reals("slope", {1, 1, 4}, random_values(4, 5));
  f.node("mixed", "_FusedConv2D", {"rectified", "pw", "pwb", "slope"},
         TfjsFiles::conv(TfjsFiles::same, 1, {TfjsFiles::bias_add, TfjsFiles::prelu}));
  f.node("skip", "AddV2", {"mixed", "rectified"});
  f.integers("axes", {2}, {1, 2});
  f.node("pooled", "Mean", {"skip", "axes"});
  f.reals("dense", {4, 3}, random_values(12, 6));
  f.reals("denseb", {3}, random_values(3, 7));
  f.node("out", "_FusedMatMul", {"pooled", "dense", "denseb"},
         {{"fused_ops", TfjsFiles::texts({TfjsFiles::bias_add})}});
  f.publish("answer", "out:0");
  f.publish("features", "skip:0");
  return pk::load_tfjs<double>(f.write());
}

}  // namespace

TEST_CASE("A network differentiates, fused or taken apart", "[graph]") {
  const auto net = branching_network("network-branching");
  const auto image = random_tensor<double>({2, 6, 7, 4}, 9);
  const auto answer = [&](const auto& v) { return net(v[0], {"answer"})[0]; };
  const auto gradients = pk::testing::check_gradients(answer, {image});
  INFO(gradients.message);
  CHECK(gradients.ok);

  // Asking for the nodes inside a chain takes it apart; nothing else changes.
  pk::Tape<double> tape;
  const auto x = tape.variable(pk::Tensor<double>(image));
  const auto fused = net(x, {"features"});
  const auto apart = net(x, {"features", "padded", "across", "biased", "rectified", "mixed"});
  CHECK(relative_difference(apart[0].value(), fused[0].value()) < 1e-14);
  CHECK(apart[1].shape() == pk::Shape{2, 8, 9, 4});
  CHECK(apart[3].shape() == pk::Shape{2, 6, 7, 4});
  const auto seed = random_tensor<double>(fused[0].shape(), 3);
  tape.backward(fused[0], seed);
  const pk::Tensor<double> expected = x.grad();
  tape.backward(apart[0], seed);
  CHECK(relative_difference(x.grad(), expected) < 1e-13);
}

TEST_CASE("Any node can be fed, weights among them", "[graph]") {
  const auto net = branching_network("network-feeds");
  pk::Tape<double> tape;
  const auto image = tape.variable(random_tensor<double>({1, 6, 7, 4}, 9));
  const auto all = net(image, {"rectified", "mixed", "skip", "out"});
  // From the middle on.
  using Feeds = std::map<std::string, pk::Var<double>>;
  CHECK(relative_difference(net(Feeds{{"rectified", all[0]}}, {"out"})[0].value(), all[3].value()) <
        1e-14);
  CHECK(relative_difference(net(Feeds{{"skip:0", all[2]}}, {"answer"})[0].value(), all[3].value()) <
        1e-14);
  CHECK(
      relative_difference(net(Feeds{{"features", all[2]}, {"image", image}}, {"answer"})[0].value(),
                          all[3].value()) < 1e-14);
  // A weight in place of its constant: the layer takes it, and it is differentiated.
  const auto values = random_values(16, 3);
  const auto weight = tape.variable(pk::tensor_from<double>({1, 1, 4, 4}, values));
  const auto mixed = net(Feeds{{"image", image}, {"pw", weight}}, {"mixed"});
  CHECK(relative_difference(mixed[0].value(), all[1].value()) < 1e-13);
  tape.backward(mixed[0], random_tensor<double>(mixed[0].shape(), 2));
  CHECK(weight.grad()(0, 0, 1, 2) != 0.0);
  // Constants can be asked for.
  CHECK(net(image, {"pw"})[0].value()(0, 0, 1, 2) == Approx(values[6]));
  CHECK(net(image, {"axes"})[0].value()(1) == 2.0);
}

TEST_CASE("What is fed stays the caller's, whatever nodes hand it on", "[graph]") {
  TfjsFiles f(scratch_folder("network-handed-on"));
  f.node("image", "Placeholder");
  f.node("real", "Cast", {"image"},
         {{"SrcT", {{"type", "DT_INT32"}}}, {"DstT", {{"type", "DT_FLOAT"}}}});
  f.node("same", "Identity", {"real"});
  f.node("only", "AddN", {"same"});
  f.node("up", "Relu", {"only"});
  f.node("out", "AddV2", {"up", "up"});
  const auto net = pk::load_tfjs<double>(f.write());
  pk::Tape<double> tape;
  const auto x = tape.variable(random_tensor<double>({3, 4}, 1));
  for (int repeat = 0; repeat < 2; ++repeat) {
    const auto y = net(x, {"out", "only", "image"});
    CHECK(y[0].value()(1, 2) == 2 * std::max(0.0, x.value()(1, 2)));
    CHECK(identical(y[1].value(), x.value()));
    CHECK(identical(y[2].value(), x.value()));
  }
}

TEST_CASE("Only what is needed is computed, and its memory is let go", "[graph]") {
  const auto net = branching_network("network-needed");
  pk::Tape<double> tape;
  const auto x = tape.constant(random_tensor<double>({1, 6, 7, 4}, 9));
  const std::size_t before = tape.size();
  (void)net(x, {"rectified"});
  CHECK(tape.size() - before < 5);
}

TEST_CASE("Threads share one network", "[graph]") {
  const auto net = branching_network("network-threads");
  pk::Tape<double> tape;
  const auto image = random_tensor<double>({1, 6, 7, 4}, 9);
  const auto x = tape.variable(pk::Tensor<double>(image));
  const auto y = net(x, {"out"});
  tape.backward(y[0], random_tensor<double>({1, 3}, 1));
  std::vector<std::thread> threads;
  std::vector<pk::Tensor<double>> gradients(4);
  for (std::size_t t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      pk::Tape<double> own({.threads = 1});
      const auto input = own.variable(pk::Tensor<double>(image));
      own.backward(net(input, {"out"})[0], random_tensor<double>({1, 3}, 1));
      gradients[t] = input.grad();
    });
  }
  for (auto& thread : threads) thread.join();
  for (const auto& gradient : gradients) CHECK(identical(gradient, x.grad()));
}

TEST_CASE("Mistakes in a call are told with file, node and reason", "[graph]") {
  const auto net = branching_network("network-mistakes");
  pk::Tape<double> tape, other;
  const auto x = tape.variable(random_tensor<double>({1, 6, 7, 4}, 9));
  using Feeds = std::map<std::string, pk::Var<double>>;
  CHECK_THROWS_WITH(net(x, {"nothing"}),
                    Catch::Contains("model.json: there is no node or output named 'nothing'"));
  CHECK_THROWS_WITH(net(Feeds{{"nothing", x}}),
                    Catch::Contains("there is no node or output named 'nothing'"));
  CHECK_THROWS_WITH(net(Feeds{}), Catch::Contains("nothing was fed"));
  CHECK_THROWS_WITH(net(Feeds{{"rectified", x}}, {"padded"}),
                    Catch::Contains("node 'image' (Placeholder): it was not fed"));
  CHECK_THROWS_WITH(net(x, {"out:3"}), Catch::Contains("has no output 3"));
  CHECK_THROWS_WITH(
      net(Feeds{{"image", x},
                {"rectified", other.variable(random_tensor<double>({1, 6, 7, 4}, 9))}}),
      Catch::Contains("fed from another tape"));
  const auto thin = tape.variable(random_tensor<double>({1, 6, 7, 3}, 9));
  CHECK_THROWS_WITH(net(thin), Catch::Contains("node 'rectified' (Relu): depthwise_conv2d: x has 3 "
                                               "channels, the filter [3, 3, 4, 1] expects 4"));
  CHECK_THROWS_AS(net(tape.variable(random_tensor<double>({6, 7, 4}, 9))), pk::GraphError);
}
