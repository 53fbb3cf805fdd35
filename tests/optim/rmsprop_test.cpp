#include <catch2/catch.hpp>

#include <cmath>

#include <posekit/optim/rmsprop.hpp>

#include "optim/optimizer_case.hpp"

namespace pk = posekit;
namespace optim = posekit::optim;

TEST_CASE("RMSprop's parameters are PyTorch's", "[optim]") {
  check_trajectories<optim::Rmsprop>("rmsprop", optim::RmspropOptions{.learning_rate = 0.005});
  check_trajectories<optim::Rmsprop>(
      "rmsprop_momentum",
      optim::RmspropOptions{
          .learning_rate = 0.002, .alpha = 0.9, .momentum = 0.8, .weight_decay = 0.02});
  check_trajectories<optim::Rmsprop>(
      "rmsprop_centered",
      optim::RmspropOptions{.learning_rate = 0.002, .epsilon = 1e-2, .centered = true});
  check_trajectories<optim::Rmsprop>("rmsprop_all", optim::RmspropOptions{.learning_rate = 0.002,
                                                                          .alpha = 0.95,
                                                                          .epsilon = 1e-2,
                                                                          .centered = true,
                                                                          .momentum = 0.5});
}

TEMPLATE_TEST_CASE("RMSprop continues with the same bits, on any number of threads", "[optim]",
                   float, double) {
  const optim::RmspropOptions all{.centered = true, .momentum = 0.5};
  check_continuation<optim::Rmsprop, TestType>(all);
  check_continuation<optim::Rmsprop, TestType>(optim::RmspropOptions{});
  check_threads<optim::Rmsprop, TestType>(all);
  check_threads<optim::Rmsprop, TestType>(optim::RmspropOptions{.momentum = 0.5});
  check_threads<optim::Rmsprop, TestType>(optim::RmspropOptions{.centered = true});
}

TEST_CASE("A constant gradient leaves centred RMSprop finite", "[optim]") {
  pk::Parameter<float> parameter(pk::zeros<float>({37}));
  optim::Rmsprop<float> optimizer(
      {{"x", &parameter}},
      {.learning_rate = 1e-9, .alpha = 0.5, .epsilon = 1e-3, .centered = true});
  pk::Tape<float> tape({.threads = 1});
  auto slopes = pk::make_tensor<float>({37});
  for (std::size_t i = 0; i < 37; ++i) slopes.data()[i] = 0.3f + 0.7f * static_cast<float>(i);
  for (int step = 0; step < 100; ++step) {
    tape.clear();
    tape.backward(sum(parameter.on(tape) * tape.constant(slopes)));
    optimizer.step(tape);
  }
  for (const float x : parameter.value()) CHECK(std::isfinite(x));
}

TEST_CASE("RMSprop takes up momentum later", "[optim]") {
  SmallNetwork<double> network;
  optim::Rmsprop<double> optimizer(network.parameters());
  pk::Tape<double> tape({.threads = 1});
  network.backward(tape, 1);
  optimizer.step(tape);
  CHECK(optimizer.state().size() == 5);
  optimizer.set_momentum(0.9);
  network.backward(tape, 2);
  CHECK(optimizer.step(tape) == 5);
  REQUIRE(optimizer.state().size() == 10);
  CHECK(optimizer.state()[1].name == "momentum_buffer.weight1");
}

TEST_CASE("RMSprop refuses options that make no sense", "[optim]") {
  SmallNetwork<float> network;
  const auto make = [&](const optim::RmspropOptions& options) {
    optim::Rmsprop<float> optimizer(network.parameters(), options);
  };
  CHECK_THROWS_AS(make({.alpha = 1}), pk::ValueError);
  CHECK_THROWS_WITH(make({.alpha = 1}), "Rmsprop: alpha is 1, expected at least 0 and less than 1");
  CHECK_THROWS_WITH(make({.epsilon = -1}), Catch::Contains("epsilon is -1"));
  CHECK_THROWS_WITH(make({.momentum = -1}), Catch::Contains("momentum is -1"));
  CHECK_THROWS_WITH(make({.weight_decay = -1}), Catch::Contains("weight_decay is -1"));
}
