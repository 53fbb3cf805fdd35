#include <catch2/catch.hpp>

#include <limits>

#include <posekit/optim/sgd.hpp>

#include "optim/optimizer_case.hpp"

namespace pk = posekit;
namespace optim = posekit::optim;

TEST_CASE("SGD's parameters are PyTorch's", "[optim]") {
  check_trajectories<optim::Sgd>("sgd_plain", optim::SgdOptions{.learning_rate = 0.1});
  check_trajectories<optim::Sgd>("sgd_decay",
                                 optim::SgdOptions{.learning_rate = 0.1, .weight_decay = 0.05});
  check_trajectories<optim::Sgd>(
      "sgd_momentum",
      optim::SgdOptions{.learning_rate = 0.05, .momentum = 0.9, .weight_decay = 1e-2});
  check_trajectories<optim::Sgd>(
      "sgd_dampening", optim::SgdOptions{.learning_rate = 0.1, .momentum = 0.7, .dampening = 0.4});
  check_trajectories<optim::Sgd>(
      "sgd_nesterov",
      optim::SgdOptions{
          .learning_rate = 0.05, .momentum = 0.9, .nesterov = true, .weight_decay = 1e-2});
}

TEMPLATE_TEST_CASE("SGD continues with the same bits, on any number of threads", "[optim]", float,
                   double) {
  const optim::SgdOptions options{.learning_rate = 0.05, .momentum = 0.9, .dampening = 0.3};
  check_continuation<optim::Sgd, TestType>(options);
  check_continuation<optim::Sgd, TestType>(optim::SgdOptions{.learning_rate = 0.05});
  check_threads<optim::Sgd, TestType>(options);
  check_threads<optim::Sgd, TestType>(optim::SgdOptions{.weight_decay = 0.1});
}

TEST_CASE("SGD keeps a buffer from the first step with momentum on", "[optim]") {
  SmallNetwork<double> network;
  optim::Sgd<double> optimizer(network.parameters(), {.learning_rate = 0.05});
  pk::Tape<double> tape({.threads = 1});
  network.backward(tape, 0);
  optimizer.step(tape);
  CHECK(optimizer.state().empty());
  optimizer.set_momentum(0.9);
  network.backward(tape, 1);
  optimizer.step(tape);
  REQUIRE(optimizer.state().size() == 5);
  CHECK(optimizer.state()[2].name == "momentum_buffer.gate");
  // Undamped: the gradient itself.
  CHECK(identical(*optimizer.state()[2].tensor, *network[2].gradient(tape)));
  // Without momentum the buffer waits.
  const pk::Tensor<double> before = *optimizer.state()[0].tensor;
  optimizer.set_momentum(0);
  network.backward(tape, 2);
  optimizer.step(tape);
  CHECK(identical(before, *optimizer.state()[0].tensor));
}

TEST_CASE("SGD refuses options that make no sense", "[optim]") {
  SmallNetwork<float> network;
  const auto make = [&](const optim::SgdOptions& options) {
    optim::Sgd<float> optimizer(network.parameters(), options);
  };
  const double nan = std::numeric_limits<double>::quiet_NaN();
  CHECK_THROWS_AS(make({.learning_rate = -0.1}), pk::ValueError);
  CHECK_THROWS_WITH(make({.learning_rate = -0.1}),
                    "Sgd: learning_rate is -0.1, expected at least 0 and finite");
  CHECK_THROWS_WITH(make({.learning_rate = nan}), Catch::Contains("learning_rate is nan"));
  CHECK_THROWS_WITH(make({.momentum = -1}), Catch::Contains("momentum is -1, expected at least 0"));
  CHECK_THROWS_WITH(make({.dampening = nan}), Catch::Contains("dampening is nan"));
  CHECK_THROWS_WITH(make({.weight_decay = -2}), Catch::Contains("weight_decay is -2"));
  CHECK_THROWS_AS(make({.nesterov = true}), pk::ValueError);
  CHECK_THROWS_WITH(make({.nesterov = true}),
                    "Sgd: nesterov came with momentum 0 and dampening 0, expected a momentum above "
                    "0 and dampening 0");
  CHECK_THROWS_AS(make({.momentum = 0.5, .dampening = 0.1, .nesterov = true}), pk::ValueError);
  CHECK_NOTHROW(make({.learning_rate = 0, .momentum = 0.5, .dampening = -0.5}));
}
