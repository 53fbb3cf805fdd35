#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>

#include <posekit/optim/adam.hpp>
#include <posekit/optim/schedules.hpp>
#include <posekit/optim/sgd.hpp>

#include "optim/optimizer_case.hpp"

namespace pk = posekit;
namespace optim = posekit::optim;

namespace {

/// Learning rates, and momenta where the schedule has them, equal the columns of a reference.
template <class Schedule>
void check_schedule(const std::string& name, const Schedule& schedule) {
  const auto expected = optim_golden(name);
  for (std::size_t step = 0; step < expected.shape()[0]; ++step) {
    INFO(name << ", step " << step);
    CHECK(schedule.learning_rate(step) == Approx(expected(step, 0)).epsilon(1e-12));
    if constexpr (requires { schedule.momentum(step); }) {
      CHECK(schedule.momentum(step) == Approx(expected(step, 1)).epsilon(1e-13));
    }
  }
}

template <class T>
void check_scheduled_trajectories() {
  const optim::OneCycle cycle{.max_learning_rate = 0.2, .total_steps = 100};
  check_trajectory<optim::Sgd, T>(
      "sgd_cycle", optim::SgdOptions{.learning_rate = 1, .momentum = 0.9},
      [&](optim::Optimizer<T>& optimizer, pk::Tape<T>&) { optim::apply(cycle, optimizer); });
  const optim::OneCycle small{.max_learning_rate = 0.02, .total_steps = 100};
  check_trajectory<optim::Adam, T>(
      "adam_cycle", optim::AdamOptions{.learning_rate = 1, .beta2 = 0.99},
      [&](optim::Optimizer<T>& optimizer, pk::Tape<T>&) { optim::apply(small, optimizer); });
}

}  // namespace

TEST_CASE("Schedules are those of PyTorch and of MargiPose's code", "[optim]") {
  check_schedule("one_cycle", optim::OneCycle{.total_steps = 37});
  check_schedule(
      "one_cycle_low",
      optim::OneCycle{.max_learning_rate = 0.3, .total_steps = 1000, .max_momentum = 0.8});
  check_schedule("torch_cosine", optim::TorchOneCycle{.max_learning_rate = 0.7, .total_steps = 41});
  check_schedule("torch_linear", optim::TorchOneCycle{.max_learning_rate = 0.7,
                                                      .total_steps = 41,
                                                      .pct_start = 0.45,
                                                      .annealing = optim::Annealing::linear,
                                                      .base_momentum = 0.8,
                                                      .max_momentum = 0.9,
                                                      .div_factor = 10,
                                                      .final_div_factor = 1000});
  check_schedule(
      "torch_three_phase",
      optim::TorchOneCycle{
          .max_learning_rate = 0.7, .total_steps = 41, .pct_start = 0.4, .three_phase = true});
  check_schedule("step_decay", optim::StepDecay{.initial_learning_rate = 0.001});
  check_schedule(
      "cosine",
      optim::Cosine{.max_learning_rate = 0.1, .total_steps = 30, .min_learning_rate = 0.002});
  check_schedule("cosine_warmup", optim::Cosine{.max_learning_rate = 0.1,
                                                .total_steps = 30,
                                                .min_learning_rate = 0.002,
                                                .warmup_steps = 6,
                                                .warmup_factor = 0.05});
}

TEST_CASE("Optimisers under a 1-cycle schedule are PyTorch's", "[optim]") {
  check_scheduled_trajectories<float>();
  check_scheduled_trajectories<double>();
}

TEST_CASE("Schedules stay where they end, and short ones are finite", "[optim]") {
  const optim::OneCycle cycle{.max_learning_rate = 0.5, .total_steps = 20};
  CHECK(cycle.learning_rate(0) == Approx(0.05));
  CHECK(cycle.learning_rate(8) == Approx(0.5));
  CHECK(cycle.momentum(8) == Approx(0.85));
  CHECK(cycle.learning_rate(19) == Approx(5e-5));
  CHECK(cycle.learning_rate(1000000) == cycle.learning_rate(19));
  CHECK(cycle.momentum(1000000) == 0.9);
  const optim::Cosine cosine{.max_learning_rate = 0.5, .total_steps = 20, .min_learning_rate = 0.1};
  CHECK(cosine.learning_rate(40) == Approx(0.1));
  CHECK(optim::Constant{.value = 0.25}.learning_rate(99) == 0.25);
  for (std::uint64_t total = 1; total < 5; ++total) {
    for (std::uint64_t step = 0; step < 7; ++step) {
      for (const bool three : {false, true}) {
        const optim::TorchOneCycle torch{.total_steps = total, .three_phase = three};
        CHECK((torch.learning_rate(step) > 0 && torch.learning_rate(step) <= 1));
        CHECK((torch.momentum(step) >= 0.85 && torch.momentum(step) <= 0.95));
      }
      const optim::OneCycle one{.total_steps = total};
      CHECK((one.learning_rate(step) > 0 && one.learning_rate(step) <= 1));
      CHECK((one.momentum(step) >= 0.85 && one.momentum(step) <= 0.9));
    }
  }
}

TEST_CASE("The ramp of reversed gradients is its closed form", "[optim]") {
  const optim::ReversalRamp ramp{.total_steps = 40};
  for (std::uint64_t step = 0; step <= 40; ++step) {
    const double p = static_cast<double>(step) / 40;
    CHECK(ramp.factor(step) == Approx(2 / (1 + std::exp(-10 * p)) - 1).epsilon(1e-12));
  }
  CHECK(ramp.factor(0) == 0);
  CHECK(ramp.factor(1000000) == ramp.factor(40));
  CHECK(ramp.factor(40) == Approx(0.9999092043).epsilon(1e-9));
  const optim::ReversalRamp late{
      .max_factor = 0.3, .total_steps = 57, .first_step = 20, .gamma = 4};
  CHECK(late.factor(19) == 0);
  CHECK(late.factor(20) == 0);
  for (std::uint64_t step = 20; step < 70; ++step) {
    const double p = std::min(1.0, static_cast<double>(step - 20) / 37);
    CHECK(late.factor(step) ==
          Approx(0.3 * (2 / (1 + std::exp(-4 * p)) - 1)).epsilon(1e-12).margin(1e-15));
  }
  CHECK(optim::ReversalRamp{}.factor(1) == Approx(std::tanh(5.0)));
  CHECK(optim::ReversalRamp{.gamma = 1e300}.factor(1) == 1);
  CHECK(optim::ReversalRamp{.max_factor = 0}.factor(1) == 0);
  const std::uint64_t huge = std::numeric_limits<std::uint64_t>::max();
  CHECK(optim::ReversalRamp{.total_steps = huge}.factor(huge) == Approx(std::tanh(5.0)));
}

TEST_CASE("A schedule sets what it has", "[optim]") {
  SmallNetwork<float> network;
  optim::Sgd<float> sgd(network.parameters(), {.learning_rate = 1, .momentum = 0.5});
  optim::apply(optim::StepDecay{.initial_learning_rate = 0.5, .factor = 0.5, .every = 2}, sgd, 5);
  CHECK(sgd.learning_rate() == 0.125);
  CHECK(sgd.momentum() == 0.5);
  sgd.set_steps(7);
  const optim::OneCycle cycle{.total_steps = 20};
  optim::apply(cycle, sgd);
  CHECK(sgd.learning_rate() == cycle.learning_rate(7));
  CHECK(sgd.momentum() == cycle.momentum(7));
  CHECK(cycle.momentum(7) < 0.9);

  struct Falling {
    double learning_rate(std::uint64_t step) const { return 1 - static_cast<double>(step); }
  };
  optim::apply(Falling{}, sgd, 1);
  CHECK(sgd.learning_rate() == 0);
  CHECK_THROWS_WITH(optim::apply(Falling{}, sgd, 3), Catch::Contains("learning_rate is -2"));
}

TEST_CASE("Fields of schedules that make no sense are refused", "[optim]") {
  CHECK_THROWS_AS(optim::OneCycle{.total_steps = 0}.learning_rate(0), pk::ValueError);
  CHECK_THROWS_WITH(optim::OneCycle{.total_steps = 0}.momentum(0),
                    "OneCycle: total_steps is 0, expected at least 1");
  CHECK_THROWS_WITH(optim::OneCycle{.max_learning_rate = -1}.learning_rate(0),
                    "OneCycle: max_learning_rate is -1, expected at least 0 and finite");
  CHECK_THROWS_WITH(optim::OneCycle{.min_momentum = -1}.momentum(0),
                    Catch::Contains("min_momentum is -1"));
  CHECK_THROWS_WITH(optim::TorchOneCycle{.div_factor = 0}.learning_rate(0),
                    Catch::Contains("TorchOneCycle: div_factor is 0"));
  CHECK_THROWS_WITH(optim::TorchOneCycle{.pct_start = 1.5}.learning_rate(0),
                    "TorchOneCycle: pct_start is 1.5, expected 0 to 1");
  const optim::TorchOneCycle long_phases{.pct_start = 0.6, .three_phase = true};
  CHECK_THROWS_WITH(long_phases.learning_rate(0), Catch::Contains("expected 0 to 0.5"));
  CHECK_THROWS_WITH(optim::StepDecay{.every = 0}.learning_rate(0),
                    "StepDecay: every is 0, expected at least 1");
  CHECK_THROWS_WITH(optim::StepDecay{.factor = -0.5}.learning_rate(0),
                    Catch::Contains("StepDecay: factor is -0.5"));
  CHECK_THROWS_WITH((optim::ReversalRamp{.total_steps = 5, .first_step = 5}.factor(0)),
                    "ReversalRamp: total_steps is 5, expected more than first_step, 5");
  CHECK_THROWS_AS(optim::ReversalRamp{.total_steps = 0}.factor(0), pk::ValueError);
  CHECK_THROWS_WITH(optim::ReversalRamp{.max_factor = -1}.factor(0),
                    "ReversalRamp: max_factor is -1, expected at least 0 and finite");
  CHECK_THROWS_WITH(optim::ReversalRamp{.gamma = std::nan("")}.factor(0),
                    Catch::Contains("ReversalRamp: gamma is nan"));
  const optim::Cosine all_warmup{.total_steps = 5, .warmup_steps = 5};
  CHECK_THROWS_WITH(all_warmup.learning_rate(0),
                    "Cosine: total_steps is 5, expected more than warmup_steps, 5");
  CHECK_THROWS_WITH(optim::Constant{.value = std::nan("")}.learning_rate(0),
                    Catch::Contains("Constant: value is nan"));
}
