#include <catch2/catch.hpp>

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include <posekit/autodiff/arithmetic.hpp>
#include <posekit/autodiff/reductions.hpp>
#include <posekit/nn/activations.hpp>
#include <posekit/nn/checkpoint.hpp>
#include <posekit/nn/convolution.hpp>
#include <posekit/nn/dropout.hpp>
#include <posekit/nn/linear.hpp>
#include <posekit/nn/module.hpp>
#include <posekit/nn/normalization.hpp>
#include <posekit/testing/random_tensor.hpp>

#include "nn/module_case.hpp"
#include "nn/network.hpp"
#include "support/close.hpp"
#include "support/shared_data.hpp"

namespace pk = posekit;
namespace nn = posekit::nn;
using pk::testing::random_tensor;

namespace {

/// A module of a user.
template <class T>
struct Head {
  using value_type = T;
  nn::Sequential<T> body{conv<T>(2, 3, 1), nn::BatchNorm2d<T>({.channels = 3}), nn::ReLU{}};
  nn::Dropout<T> drop{0.25, 5};
  nn::Linear<T> fc{{.in_features = 3, .out_features = 2}};
  pk::Parameter<T> temperature{pk::Tensor<T>{T(2)}};

  pk::Var<T> operator()(const pk::Var<T>& x) {
    return fc(drop(body(x))) * temperature.on(x.tape(), fc.training);
  }
  void visit(nn::ModuleVisitor<T>& v) {
    v("body", body);
    v("drop", drop);
    v("fc", fc);
    v("temperature", temperature);
  }
};

struct Row {
  using value_type = double;
  std::vector<nn::Linear<double>> fcs{
      2, nn::Linear<double>({.in_features = 1, .out_features = 1, .bias = false})};
  nn::Dropout<double> drop{0.5};
  void visit(nn::ModuleVisitor<double>& v) {
    v("fcs", fcs);
    v("drop", drop);
  }
};

static_assert(nn::Module<Head<float>, float>);
static_assert(!nn::Module<nn::ReLU, float>);

}  // namespace

TEST_CASE("Parts in a row are called by their numbers", "[nn]") {
  Row row;
  std::string names;
  for (const auto& tensor : nn::named_tensors(row)) names += tensor.name + "\n";
  CHECK(names == "fcs.0.weight\nfcs.1.weight\ndrop.calls\n");
}

TEST_CASE("Names are those of PyTorch's state_dict, in its order", "[nn]") {
  auto net = network<float>();
  CHECK(names_of(net) == names_of(nn_golden("network")));
  Head<float> head;
  CHECK(names_of(head) ==
        "body.0.weight\nbody.0.bias\nbody.1.weight\nbody.1.bias\nbody.1.running_mean\n"
        "body.1.running_var\nbody.1.num_batches_tracked\ndrop.calls\nfc.weight\nfc.bias\n"
        "temperature");
}

TEST_CASE("Parameters and buffers are the module's own", "[nn]") {
  Head<double> head;
  const auto parameters = nn::parameters(head);
  REQUIRE(parameters.size() == 7);
  CHECK(parameters[4].name == "fc.weight");
  CHECK(parameters[4].parameter == &head.fc.weight);
  CHECK(parameters[6].parameter == &head.temperature);
  const auto buffers = nn::buffers(head);
  REQUIRE(buffers.size() == 4);
  CHECK(buffers[1].name == "body.1.running_var");
  CHECK(buffers[3].buffer == &head.drop.calls);
  CHECK(nn::parameters(head).size() == 7);
}

TEST_CASE("What is learnt is counted", "[nn]") {
  Head<float> head;
  CHECK(nn::parameter_count(head) == (2 * 3 + 3) + (3 + 3) + (3 * 2 + 2) + 1);
  auto net = network<double>();
  const auto file = nn_golden("network");
  std::size_t expected = 0;
  for (const std::string& name : file.names()) {
    if (name.starts_with("grad.")) expected += file.array<double>(name).size();
  }
  CHECK(nn::parameter_count(net) == expected);
}

TEST_CASE("Training is switched in every part", "[nn]") {
  Head<double> head;
  const auto x = random_tensor<double>({2, 3, 4, 2}, 5);
  const auto learns = [&] {
    pk::Tape<double> tape;
    const auto y = head(tape.variable(pk::Tensor<double>(x)));
    tape.backward(pk::sum(y));
    std::size_t count = 0;
    for (const auto& [name, parameter] : nn::parameters(head))
      count += parameter->gradient(tape) != nullptr;
    return count;
  };
  CHECK(learns() == 7);
  nn::set_training(head, false);
  CHECK_FALSE(head.fc.training);
  CHECK_FALSE(head.drop.training);
  CHECK_FALSE(head.body.layers[0].as<nn::Conv2d<double>>()->training);
  CHECK_FALSE(head.body.layers[1].as<nn::BatchNorm2d<double>>()->training);
  CHECK(learns() == 0);
  CHECK(head.drop.calls.value(0) == 1.0);
  // Nothing is recorded of what has no variable.
  pk::Tape<double> tape;
  CHECK_FALSE(head(tape.constant(pk::Tensor<double>(x))).requires_grad());
  nn::set_training(head, true);
  CHECK(learns() == 7);
  CHECK(head.drop.calls.value(0) == 2.0);
}

TEST_CASE("Frozen parameters get no gradient", "[nn]") {
  Head<double> head;
  nn::set_trainable(head.body, false);
  pk::Tape<double> tape;
  const auto x = tape.constant(random_tensor<double>({2, 3, 4, 2}, 5));
  tape.backward(pk::sum(head(x)));
  for (const auto& [name, parameter] : nn::parameters(head)) {
    INFO(name);
    CHECK((parameter->gradient(tape) != nullptr) == !name.starts_with("body."));
  }
  // Copies are frozen too; thawed, they learn again.
  Head<double> copy = head;
  nn::set_trainable(copy, true);
  tape.clear();
  tape.backward(pk::sum(copy(tape.constant(random_tensor<double>({2, 3, 4, 2}, 5)))));
  for (const auto& [name, parameter] : nn::parameters(copy))
    CHECK(parameter->gradient(tape) != nullptr);
  CHECK_FALSE(nn::parameters(head)[0].parameter->trainable);
}

TEST_CASE("A module of a user is differentiated", "[nn]") {
  const auto result =
      check_module_gradients(Head<double>(), random_tensor<double>({2, 2, 3, 2}, 5));
  INFO(result.message);
  CHECK(result.ok);
}

namespace {

/// Uses one layer twice, under two names.
struct Tied {
  using value_type = double;
  nn::Linear<double> a;
  Tied() : a({.in_features = 4, .out_features = 4, .bias = false}) {}
  pk::Var<double> operator()(const pk::Var<double>& x) const { return a(a(x)); }
  void visit(nn::ModuleVisitor<double>& v) {
    v("encoder", a);
    v("decoder", a);
  }
};

}  // namespace

TEST_CASE("A parameter that parts share is there once, and in files under each name", "[nn]") {
  Tied net;
  const auto parameters = nn::parameters(net);
  REQUIRE(parameters.size() == 1);
  CHECK(parameters[0].name == "encoder.weight");
  CHECK(nn::parameter_count(net) == 16);
  CHECK(nn::named_tensors(net).size() == 2);
  const auto file = scratch_folder("module-tied") / "net.safetensors";
  pk::save_safetensors(file, net);
  const std::vector<std::string> both{"decoder.weight", "encoder.weight"};
  CHECK(pk::SafetensorsFile(file).names() == both);
  Tied other;
  other.a.weight.mutable_value().fill(0);
  pk::load_safetensors(file, other);
  CHECK(identical(other.a.weight.value(), net.a.weight.value()));
}

TEST_CASE("A module's tensors are copied to one of the same kind, or to none", "[nn]") {
  const pk::nn::Conv2d<float> from({.in_channels = 3, .out_channels = 4, .seed = 1});
  pk::nn::Conv2d<float> to({.in_channels = 3, .out_channels = 4, .seed = 2});
  pk::nn::copy_tensors(from, to);
  CHECK(identical(to.weight.value(), from.weight.value()));
  pk::nn::Conv2d<float> wider({.in_channels = 3, .out_channels = 5, .seed = 2});
  const pk::Tensor<float> before = wider.weight.value();
  CHECK_THROWS_WITH(pk::nn::copy_tensors(from, wider), Catch::Contains("weight has shape"));
  CHECK(identical(wider.weight.value(), before));
  pk::nn::Conv2d<float> bare({.in_channels = 3, .out_channels = 4, .bias = false});
  CHECK_THROWS_AS(pk::nn::copy_tensors(from, bare), pk::ValueError);
}
