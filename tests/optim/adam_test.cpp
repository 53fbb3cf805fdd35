#include <catch2/catch.hpp>

#include <posekit/optim/adam.hpp>

#include "optim/optimizer_case.hpp"

namespace pk = posekit;
namespace optim = posekit::optim;

TEST_CASE("Adam's and AdamW's parameters are PyTorch's", "[optim]") {
  check_trajectories<optim::Adam>("adam", optim::AdamOptions{.learning_rate = 0.01});
  check_trajectories<optim::Adam>("adam_options", optim::AdamOptions{.learning_rate = 0.02,
                                                                     .beta1 = 0.7,
                                                                     .beta2 = 0.95,
                                                                     .epsilon = 1e-3,
                                                                     .weight_decay = 0.02});
  check_trajectories<optim::Adam>(
      "adam_amsgrad",
      optim::AdamOptions{.learning_rate = 0.02, .beta1 = 0.8, .beta2 = 0.9, .amsgrad = true});
  check_trajectories<optim::AdamW>("adamw", optim::AdamWOptions{.learning_rate = 0.01});
  check_trajectories<optim::AdamW>("adamw_amsgrad", optim::AdamWOptions{.learning_rate = 0.02,
                                                                        .beta1 = 0.8,
                                                                        .beta2 = 0.9,
                                                                        .epsilon = 1e-4,
                                                                        .weight_decay = 0.3,
                                                                        .amsgrad = true});
}

TEMPLATE_TEST_CASE("Adam continues with the same bits, on any number of threads", "[optim]", float,
                   double) {
  const optim::AdamOptions options{.learning_rate = 0.02, .weight_decay = 0.1};
  check_continuation<optim::Adam, TestType>(options);
  check_continuation<optim::AdamW, TestType>(
      optim::AdamWOptions{.learning_rate = 0.02, .amsgrad = true});
  check_threads<optim::Adam, TestType>(options);
  check_threads<optim::AdamW, TestType>(optim::AdamWOptions{.amsgrad = true});
}

TEST_CASE("Adam counts the steps of each parameter", "[optim]") {
  SmallNetwork<float> network;
  optim::Adam<float> optimizer(network.parameters());
  pk::Tape<float> tape({.threads = 1});
  for (std::size_t step = 0; step < 5; ++step) {
    network.backward(tape, step);
    optimizer.step(tape);
  }
  CHECK(optimizer.steps() == 5);
  const auto state = optimizer.state();
  REQUIRE(state.size() == 15);
  CHECK(state[0].name == "step.weight1");
  CHECK(state[0].tensor->dimension() == 0);
  CHECK(state[0].tensor->data()[0] == 5);
  CHECK(state[4].name == "exp_avg.bias1");
  CHECK(state[6].name == "step.gate");
  CHECK(state[6].tensor->data()[0] == 3);
  CHECK(state[8].name == "exp_avg_sq.gate");
}

TEST_CASE("Adam refuses options and state that make no sense", "[optim]") {
  SmallNetwork<float> network;
  const auto make = [&](const optim::AdamOptions& options) {
    optim::Adam<float> optimizer(network.parameters(), options);
  };
  CHECK_THROWS_AS(make({.beta1 = 1}), pk::ValueError);
  CHECK_THROWS_WITH(make({.beta1 = 1}), "Adam: beta1 is 1, expected at least 0 and less than 1");
  CHECK_THROWS_WITH(make({.beta2 = -0.5}), Catch::Contains("beta2 is -0.5, expected at least 0"));
  CHECK_THROWS_WITH(make({.epsilon = -1}), Catch::Contains("epsilon is -1"));
  CHECK_THROWS_WITH(make({.weight_decay = -1, .decoupled_weight_decay = true}),
                    Catch::Contains("AdamW: weight_decay is -1"));
  optim::Adam<float> optimizer(network.parameters());
  CHECK_THROWS_WITH(optimizer.set_momentum(1.5),
                    "Adam::set_momentum: beta1 is 1.5, expected at least 0 and less than 1");
  CHECK(optimizer.momentum() == 0.9);
  CHECK_THROWS_WITH(optimizer.set_state("max_exp_avg_sq.gate", pk::zeros<float>({7})),
                    Catch::Contains("'max_exp_avg_sq.gate' is no state of this optimiser, expected "
                                    "one of step, exp_avg, exp_avg_sq, a dot"));

  // A part of the state only.
  pk::Tape<float> tape({.threads = 1});
  network.backward(tape, 1);
  const auto before = network.values();
  optimizer.set_state("exp_avg.gate", pk::zeros<float>({7}));
  CHECK_THROWS_AS(optimizer.step(tape), pk::ValueError);
  CHECK_THROWS_WITH(optimizer.step(tape),
                    Catch::Contains("gate is missing, expected it because exp_avg.gate is there"));
  optimizer.set_state("exp_avg_sq.gate", pk::zeros<float>({7}));
  auto count = pk::zeros<float>({});
  count.data()[0] = -3;
  optimizer.set_state("step.gate", count);
  CHECK_THROWS_WITH(optimizer.step(tape),
                    "Adam::step: step.gate is -3, expected at least 0 and finite");
  CHECK(identical(network.values(), before));
  CHECK(optimizer.steps() == 0);
  CHECK(optimizer.state().size() == 3);
  optimizer.set_state("step.gate", pk::zeros<float>({}));
  CHECK(optimizer.step(tape) == 5);
}
