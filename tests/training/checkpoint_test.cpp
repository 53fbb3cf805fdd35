#include <catch2/catch.hpp>

#include <cstdint>
#include <limits>

#include <posekit/io/file.hpp>
#include <posekit/optim/adam.hpp>
#include <posekit/optim/sgd.hpp>
#include <posekit/training/checkpoint.hpp>

#include "regression.hpp"
#include "support/close.hpp"
#include "support/shared_data.hpp"

namespace pk = posekit;
using regression::Net;

TEST_CASE("A checkpoint restores network, optimiser and position", "[training]") {
  const auto folder = scratch_folder("checkpoint");
  const auto file = folder / "c.safetensors";
  Net net;
  pk::optim::Sgd<float> optimizer(pk::nn::parameters(net), {.learning_rate = 0.1, .momentum = 0.9});
  regression::Loader loader;
  loader.start(0);
  pk::Tape<float> tape;
  while (const auto batch = loader.next()) {
    tape.backward(regression::loss_of(net)(tape, *batch));
    optimizer.step(tape);
    tape.clear();
  }
  pk::training::save_checkpoint(
      file, net, optimizer, {.epoch = 3, .batch = 2, .steps = 17, .notes = {{"who", "me; \"x\""}}});

  Net other;
  pk::optim::Sgd<float> fresh(pk::nn::parameters(other), {.learning_rate = 0.1, .momentum = 0.9});
  const auto at = pk::training::load_checkpoint(file, other, fresh);
  CHECK(at.epoch == 3);
  CHECK(at.batch == 2);
  CHECK(at.steps == 17);
  CHECK(at.notes.at("who") == "me; \"x\"");
  CHECK(fresh.steps() == optimizer.steps());
  const auto a = pk::nn::named_tensors(net), b = pk::nn::named_tensors(other);
  for (std::size_t i = 0; i < a.size(); ++i) CHECK(identical(*a[i].tensor, *b[i].tensor));
  const auto s = optimizer.state(), t = fresh.state();
  REQUIRE(s.size() == t.size());
  REQUIRE(!s.empty());
  for (std::size_t i = 0; i < s.size(); ++i) CHECK(identical(*s[i].tensor, *t[i].tensor));
}

TEST_CASE("What is no checkpoint of this training is refused", "[training]") {
  const auto folder = scratch_folder("checkpoint_wrong");
  const auto file = folder / "c.safetensors";
  Net net;
  pk::optim::Sgd<float> optimizer(pk::nn::parameters(net), {.learning_rate = 0.1});
  pk::save_safetensors(file, net);
  CHECK_THROWS_WITH(pk::training::load_checkpoint(file, net, optimizer),
                    Catch::Contains("c.safetensors") && Catch::Contains("no training checkpoint"));
  struct Other {
    using value_type = float;
    pk::nn::Linear<float> fc{{.in_features = 2, .out_features = 3}};
    void visit(pk::nn::ModuleVisitor<float>& v) { v("fc", fc); }
  } other;
  pk::optim::Sgd<float> of_other(pk::nn::parameters(other), {.learning_rate = 0.1});
  pk::training::save_checkpoint(file, other, of_other, {});
  CHECK_THROWS_WITH(pk::training::load_checkpoint(file, net, optimizer),
                    Catch::Contains("first.weight") && Catch::Contains("model.fc.bias"));
}

TEST_CASE("A checkpoint of another optimiser is refused and changes nothing", "[training]") {
  const auto file = scratch_folder("checkpoint_optimiser") / "c.safetensors";
  const auto trained = [](auto& net, auto& optimizer) {
    regression::Loader loader;
    loader.start(0);
    pk::Tape<float> tape;
    tape.backward(regression::loss_of(net)(tape, *loader.next()));
    optimizer.step(tape);
  };
  Net net, other;
  pk::optim::Sgd<float> sgd(pk::nn::parameters(net), {.learning_rate = 0.1});
  trained(net, sgd);
  pk::training::save_checkpoint(file, net, sgd, {});
  pk::optim::Adam<float> adam(pk::nn::parameters(other), {.learning_rate = 0.1});
  trained(other, adam);
  const auto before = other.first.weight.value();
  CHECK_THROWS_WITH(pk::training::load_checkpoint(file, other, adam),
                    file.string() + ": is of the optimiser Sgd, expected Adam");
  CHECK(identical(other.first.weight.value(), before));
  CHECK(adam.steps() == 1);
  CHECK(adam.state().size() > 5);

  // Without a tensor of its state.
  pk::training::save_checkpoint(file, other, adam, {});
  const pk::SafetensorsFile whole(file);
  std::vector<pk::SafetensorsEntry> entries;
  for (const std::string& name : whole.names()) {
    if (name != "optimizer.exp_avg.first.weight")
      entries.push_back(pk::safetensors_entry(name, whole.tensor<float>(name)));
  }
  REQUIRE(entries.size() + 1 == whole.names().size());
  const auto damaged = file.parent_path() / "d.safetensors";
  pk::save_safetensors(damaged, entries, whole.metadata());
  CHECK_THROWS_WITH(pk::training::load_checkpoint(damaged, other, adam),
                    Catch::Contains("tensors of the optimiser's state, expected"));
  CHECK(identical(other.first.weight.value(), before));
}

TEST_CASE("A checkpoint of Adam is none of Adam with amsgrad", "[training]") {
  const auto file = scratch_folder("checkpoint_amsgrad") / "c.safetensors";
  const auto step = [](auto& net, auto& optimizer) {
    regression::Loader loader;
    loader.start(0);
    pk::Tape<float> tape;
    tape.backward(regression::loss_of(net)(tape, *loader.next()));
    optimizer.step(tape);
  };
  Net net, other;
  pk::optim::Adam<float> plain(pk::nn::parameters(net));
  pk::optim::Adam<float> amsgrad(pk::nn::parameters(other), {.amsgrad = true});
  step(net, plain);
  pk::training::save_checkpoint(file, net, plain, {});
  const auto before = other.first.weight.value();
  CHECK_THROWS_WITH(pk::training::load_checkpoint(file, other, amsgrad),
                    Catch::Contains("is of another optimiser") &&
                        Catch::Contains("max_exp_avg_sq.first.weight is missing"));
  CHECK(identical(other.first.weight.value(), before));
  step(other, amsgrad);
  pk::training::save_checkpoint(file, other, amsgrad, {});
  CHECK_THROWS_AS(pk::training::load_checkpoint(file, net, plain), pk::FileError);
  CHECK_NOTHROW(pk::training::load_checkpoint(file, other, amsgrad));
}

TEST_CASE("Numbers of any size are read again", "[training]") {
  const auto file = scratch_folder("checkpoint_numbers") / "c.safetensors";
  Net net;
  pk::optim::Sgd<float> optimizer(pk::nn::parameters(net));
  constexpr std::uint64_t most = std::numeric_limits<std::uint64_t>::max();
  for (const std::uint64_t steps : {std::uint64_t{0}, std::uint64_t{1000000000000000000}, most}) {
    optimizer.set_steps(steps);
    pk::training::save_checkpoint(file, net, optimizer,
                                  {.epoch = steps, .batch = steps, .steps = steps});
    const auto at = pk::training::load_checkpoint(file, net, optimizer);
    CHECK(at.epoch == steps);
    CHECK(at.batch == steps);
    CHECK(at.steps == steps);
    CHECK(optimizer.steps() == steps);
  }
}
