#include <catch2/catch.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include <posekit/nn/activations.hpp>
#include <posekit/nn/convolution.hpp>
#include <posekit/nn/dropout.hpp>
#include <posekit/nn/linear.hpp>
#include <posekit/nn/normalization.hpp>
#include <posekit/nn/sequential.hpp>
#include <posekit/testing/random_tensor.hpp>

#include "nn/module_case.hpp"
#include "nn/network.hpp"

namespace pk = posekit;
namespace nn = posekit::nn;
using pk::testing::random_tensor;

namespace {

/// Output, gradients and buffers of one call.
struct Outcome {
  std::vector<pk::Tensor<double>> tensors;
  std::size_t nodes = 0;
};

template <class Run>
Outcome outcome(nn::Sequential<double>& net, const pk::Tensor<double>& image, const Run& run) {
  pk::Tape<double> tape;
  const auto x = tape.variable(pk::Tensor<double>(image));
  const auto y = run(x);
  Outcome result{{y.value()}, tape.size()};
  tape.backward(y, random_tensor<double>(y.shape(), 6));
  result.tensors.push_back(x.grad());
  for (const auto& [name, parameter] : nn::parameters(net)) {
    if (const auto* gradient = parameter->gradient(tape)) result.tensors.push_back(*gradient);
  }
  for (const auto& [name, buffer] : nn::buffers(net)) result.tensors.push_back(buffer->value);
  return result;
}

/// What is computed together must be what the layers compute one by one, and must be computed
/// together: one has `saved` nodes fewer on the tape.
void check_fusion(const nn::Sequential<double>& net, bool training, std::size_t saved) {
  auto together = net, apart = net;
  nn::set_training(together, training);
  nn::set_training(apart, training);
  const auto image = random_tensor<double>({2, 5, 4, 3}, 5);
  const auto fused = outcome(together, image, [&](const auto& x) { return together(x); });
  const auto plain = outcome(apart, image, [&](pk::Var<double> x) {
    for (auto& layer : apart.layers) x = layer(x);
    return x;
  });
  REQUIRE(fused.tensors.size() == plain.tensors.size());
  for (std::size_t i = 0; i < fused.tensors.size(); ++i)
    CHECK(relative_difference(fused.tensors[i], plain.tensors[i]) < 1e-12);
  CHECK(fused.nodes + saved == plain.nodes);
}

nn::BatchNorm2d<double> norm(std::size_t channels, std::uint64_t seed) {
  nn::BatchNorm2d<double> layer({.channels = channels});
  layer.weight.mutable_value() = random_tensor<double>({channels}, seed, 0.5, 1.5);
  layer.bias.mutable_value() = random_tensor<double>({channels}, seed + 1);
  layer.running_mean.value = random_tensor<double>({channels}, seed + 2);
  layer.running_var.value = random_tensor<double>({channels}, seed + 3, 0.5, 1.5);
  return layer;
}

}  // namespace

TEST_CASE("A network of blocks equals PyTorch's", "[nn]") {
  CHECK(module_case_difference("network", network<double>()) < 1e-11);
  CHECK(module_case_difference("network", network<float>()) < 1e-4);
}

TEST_CASE("A network of blocks outside training equals PyTorch's", "[nn]") {
  const auto file = nn_golden("network_eval");
  auto net = network<double>();
  set_state(net, file);
  nn::set_training(net, false);
  for (int call = 0; call < 2; ++call) {
    pk::Tape<double> tape;
    const auto x = tape.variable(file.array<double>("x"));
    const auto y = net(x);
    CHECK(relative_difference(y.value(), file.array<double>("out")) < 1e-13);
    tape.backward(y, file.array<double>("cotangent"));
    CHECK(relative_difference(x.grad(), file.array<double>("grad")) < 1e-12);
  }
  for (const auto& [name, parameter] : nn::parameters(net)) {
    const auto& value = parameter->value();
    CHECK(identical(value, file.array<double>("state." + name)));
  }
  for (const auto& [name, buffer] : nn::buffers(net))
    CHECK(identical(buffer->value, file.array<double>("state." + name)));
  auto single = network<float>();
  set_state(single, file);
  nn::set_training(single, false);
  pk::Tape<float> tape;
  CHECK(relative_difference(single(tape.constant(file.array<float>("x"))).value(),
                            file.array<double>("out")) < 5e-6);
}

TEST_CASE("Convolution, normalisation and rectifier computed together equal the three", "[nn]") {
  using Sequential = nn::Sequential<double>;
  const nn::ConvTranspose2d<double> up({.in_channels = 3, .out_channels = 4, .stride = {2, 1}});
  auto biased = conv<double>(3, 4, 3);
  biased.bias->mutable_value() = random_tensor<double>({4}, 30);
  const auto plain = conv<double>(3, 4, 3, false, 2);
  const auto grouped = conv<double>(3, 6, 3, true, 1, 3);
  // In training the rectifier is part of the normalisation.
  check_fusion(Sequential(biased, norm(4, 10), nn::ReLU{}), true, 1);
  check_fusion(Sequential(plain, norm(4, 10), nn::ReLU{}, nn::Tanh{}), true, 1);
  check_fusion(Sequential(up, norm(4, 10), nn::ReLU{}), true, 1);
  check_fusion(Sequential(plain, norm(4, 10)), true, 0);
  check_fusion(Sequential(grouped, norm(6, 10), nn::ReLU{}), true, 1);
  // Outside training all three are one convolution; its weights are no nodes.
  const auto nodes_of_norm = std::size_t{3};  // weight, bias and itself
  check_fusion(Sequential(biased, norm(4, 10), nn::ReLU{}), false, nodes_of_norm + 1);
  check_fusion(Sequential(plain, norm(4, 10), nn::ReLU{}), false, nodes_of_norm + 1);
  check_fusion(Sequential(plain, norm(4, 10), nn::ReLU6{}), false, nodes_of_norm);
  check_fusion(Sequential(biased, norm(4, 10)), false, nodes_of_norm);
  check_fusion(Sequential(plain, norm(4, 10), nn::ReLU{}, conv<double>(4, 2, 1), norm(2, 20)),
               false, 2 * nodes_of_norm + 1);
  check_fusion(Sequential(up, norm(4, 10), nn::ReLU{}), false, 1);
  check_fusion(Sequential(grouped, norm(6, 10), nn::ReLU{}), false, 1);
  // What does not follow a convolution stays what it is.
  check_fusion(Sequential(norm(3, 10), nn::ReLU{}, plain, nn::ReLU{}), true, 0);
  check_fusion(Sequential(norm(3, 10), nn::ReLU{}, plain, nn::ReLU{}), false, 0);
}

TEST_CASE("A network of blocks is differentiated", "[nn]") {
  const auto result =
      check_module_gradients(golden_network<double>(), random_tensor<double>({1, 4, 2, 2}, 5));
  INFO(result.message);
  CHECK(result.ok);
}

TEST_CASE("Copies of a Sequential have parameters and buffers of their own", "[nn]") {
  auto net = golden_network<double>();
  auto copy = net;
  nn::Sequential<double> assigned;
  assigned = net;
  const auto before = nn::named_tensors(net);
  std::vector<pk::Tensor<double>> values;
  for (const auto& tensor : before) values.push_back(*tensor.tensor);
  for (auto* other : {&copy, &assigned}) {
    CHECK(names_of(*other) == names_of(net));
    for (const auto& tensor : nn::named_tensors(*other))
      tensor.set(pk::Tensor<double>(*tensor.tensor + 1.0));
  }
  for (std::size_t i = 0; i < values.size(); ++i) CHECK(identical(*before[i].tensor, values[i]));
  // Moved, they are the same.
  const auto* first = &nn::parameters(net)[0].parameter->value();
  const auto moved = std::make_unique<nn::Sequential<double>>(std::move(net));
  CHECK(&nn::parameters(*moved)[0].parameter->value() == first);
}

TEST_CASE("A Sequential is made of layers of any kind, in their order", "[nn]") {
  pk::Tape<double> tape;
  const auto x = tape.constant(random_tensor<double>({2, 3}, 4));
  CHECK(identical(nn::Sequential<double>()(x).value(), x.value()));
  const nn::Linear<double> first({.in_features = 3, .out_features = 5});
  nn::Sequential<double> net(first, nn::Tanh{});
  net.add(nn::Linear<double>({.in_features = 5, .out_features = 2, .bias = false}));
  net.add(nn::Dropout<double>(0.5));
  CHECK(names_of(net) == "0.weight\n0.bias\n2.weight\n3.calls");
  REQUIRE(net.layers.size() == 4);
  CHECK(net.layers[0].as<nn::Linear<double>>() != nullptr);
  CHECK(net.layers[0].as<nn::Tanh>() == nullptr);
  nn::set_training(net, false);
  CHECK(net(x).shape() == pk::Shape{2, 2});
  // Of a single Sequential: a copy, not a Sequential within another.
  nn::Sequential<double> same(net);
  CHECK(names_of(same) == names_of(net));
  nn::Sequential<double> nested(net, nn::Tanh{});
  CHECK(names_of(nested) == "0.0.weight\n0.0.bias\n0.2.weight\n0.3.calls");
}
