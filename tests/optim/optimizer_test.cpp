#include <catch2/catch.hpp>

#include <limits>

#include <posekit/optim/gradients.hpp>
#include <posekit/optim/optimizer.hpp>
#include <posekit/optim/sgd.hpp>

#include "optim/optimizer_case.hpp"

namespace pk = posekit;
namespace optim = posekit::optim;

TEST_CASE("Frozen parameters and those without a gradient stay", "[optim]") {
  SmallNetwork<double> network;
  optim::Sgd<double> optimizer(network.parameters(), {.learning_rate = 0.1, .momentum = 0.5});
  pk::Tape<double> tape({.threads = 1});
  network[1].trainable = false;
  const auto bias = network[1].value(), gate = network[2].value(), weight = network[0].value();
  network.backward(tape, 0);
  network[4].trainable = false;  // after the recording
  const auto last = network[4].value();
  CHECK(optimizer.step(tape) == 2);
  CHECK(identical(network[1].value(), bias));
  CHECK(identical(network[2].value(), gate));
  CHECK(identical(network[4].value(), last));
  CHECK(!identical(network[0].value(), weight));
  CHECK(optimizer.state().size() == 2);
  tape.clear();
  CHECK(optimizer.step(tape) == 0);
  CHECK(optimizer.steps() == 2);
}

TEST_CASE("A step is one change of a parameter, and looking is none", "[optim]") {
  SmallNetwork<double> network;
  optim::Sgd<double> optimizer(network.parameters(), {.learning_rate = 0.1, .momentum = 0.5});
  pk::Tape<double> tape({.threads = 3});
  network.backward(tape, 1);
  const auto before = network[0].version();
  CHECK(optim::has_finite_gradients(tape, optimizer.parameters()));
  CHECK(network[0].version() == before);
  optimizer.step(tape);
  CHECK(network[0].version() == before + 1);
}

TEST_CASE("A copy of an optimiser has its own state", "[optim]") {
  SmallNetwork<double> network;
  optim::Sgd<double> optimizer(network.parameters(), {.momentum = 0.5});
  pk::Tape<double> tape({.threads = 1});
  network.backward(tape, 1);
  optimizer.step(tape);
  auto copy = optimizer;
  copy.state()[0].tensor->data()[0] = 77;
  CHECK(optimizer.state()[0].tensor->data()[0] != 77);
  CHECK(copy.steps() == 1);
  CHECK(copy.parameters().size() == 5);
}

TEST_CASE("The learning rate and momentum can be changed within their range", "[optim]") {
  SmallNetwork<float> network;
  optim::Sgd<float> optimizer(network.parameters(), {.learning_rate = 0.25, .momentum = 0.5});
  optimizer.set_learning_rate(0.125);
  optimizer.set_momentum(0.75);
  CHECK(optimizer.learning_rate() == 0.125);
  CHECK(optimizer.momentum() == 0.75);
  CHECK_THROWS_AS(optimizer.set_learning_rate(-1), pk::ValueError);
  CHECK_THROWS_WITH(optimizer.set_learning_rate(-1),
                    "Sgd::set_learning_rate: learning_rate is -1, expected at least 0 and finite");
  CHECK_THROWS_WITH(optimizer.set_momentum(std::numeric_limits<double>::infinity()),
                    Catch::Contains("Sgd::set_momentum: momentum is inf"));
  CHECK(optimizer.learning_rate() == 0.125);
  CHECK(optimizer.momentum() == 0.75);
}

TEST_CASE("Parameters that are null, twice there or of one name are refused", "[optim]") {
  pk::Parameter<float> a(pk::zeros<float>({3})), b(pk::zeros<float>({4}));
  const auto make = [](pk::NamedParameters<float> parameters) {
    optim::Sgd<float> optimizer(std::move(parameters));
  };
  CHECK_THROWS_AS(make({{"a", &a}, {"b", nullptr}}), pk::ValueError);
  CHECK_THROWS_WITH(make({{"a", &a}, {"b", nullptr}}),
                    "Sgd: parameter 'b' is null, expected a Parameter");
  CHECK_THROWS_WITH(make({{"a", &a}, {"tied", &a}}),
                    Catch::Contains("'tied' is a parameter that is there under another name"));
  CHECK_THROWS_WITH(make({{"a", &a}, {"a", &b}}), Catch::Contains("'a' has the name of another"));
  CHECK_NOTHROW(make({}));
}

TEST_CASE("State is restored by name and shape", "[optim]") {
  pk::Parameter<float> weight(pk::zeros<float>({2, 3})), frozen(pk::zeros<float>({4}));
  optim::Sgd<float> optimizer({{"head.0.weight", &weight}, {"bias", &frozen}}, {.momentum = 0.5});
  CHECK_THROWS_AS(optimizer.set_state("momentum_buffer.head.0.weight", pk::zeros<float>({3, 2})),
                  pk::ShapeError);
  CHECK_THROWS_WITH(optimizer.set_state("momentum_buffer.head.0.weight", pk::zeros<float>({3, 2})),
                    "Sgd::set_state: momentum_buffer.head.0.weight has shape [3, 2], expected "
                    "[2, 3]");
  for (const char* name : {"momentum_buffer.head.0", "momentum.bias", "bias", "", ".bias",
                           "momentum_buffer.", "momentum_bufferbias"}) {
    CHECK_THROWS_AS(optimizer.set_state(name, pk::zeros<float>({4})), pk::ValueError);
  }
  CHECK_THROWS_WITH(optimizer.set_state("exp_avg.bias", pk::zeros<float>({4})),
                    "Sgd::set_state: 'exp_avg.bias' is no state of this optimiser, expected one of "
                    "momentum_buffer, a dot and the name of a parameter");
  CHECK(optimizer.state().empty());
  optimizer.set_state("momentum_buffer.head.0.weight", pk::zeros<float>({2, 3}));
  CHECK(optimizer.state().size() == 1);

  // The parameter has become another since.
  weight.mutable_value() = pk::zeros<float>({5});
  pk::Tape<float> tape({.threads = 1});
  tape.backward(sum(weight.on(tape)));
  CHECK_THROWS_AS(optimizer.step(tape), pk::ShapeError);
  CHECK_THROWS_WITH(optimizer.step(tape),
                    "Sgd::step: momentum_buffer.head.0.weight has shape [2, 3], expected [5]");
  optimizer.clear_state();
  CHECK(optimizer.step(tape) == 1);
  weight.mutable_value() = pk::zeros<float>({6});
  CHECK_THROWS_WITH(optimizer.step(tape),
                    "Sgd::step: the gradient of parameter 'head.0.weight' has shape [5], expected "
                    "[6]");
}

TEST_CASE("An empty parameter and one of one element take steps", "[optim]") {
  pk::Parameter<double> empty, scalar(pk::zeros<double>({}));
  optim::Sgd<double> optimizer({{"empty", &empty}, {"scalar", &scalar}},
                               {.learning_rate = 0.5, .momentum = 0.5});
  pk::Tape<double> tape({.threads = 1});
  tape.backward(sum(empty.on(tape)) + scalar.on(tape) * 3.0);
  CHECK(optimizer.step(tape) == 2);
  CHECK(scalar.value().data()[0] == -1.5);
}
