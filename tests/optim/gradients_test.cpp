#include <catch2/catch.hpp>

#include <limits>

#include <posekit/autodiff/functions.hpp>
#include <posekit/optim/gradients.hpp>
#include <posekit/optim/sgd.hpp>
#include <posekit/testing/random_tensor.hpp>

#include "optim/optimizer_case.hpp"

namespace pk = posekit;
namespace optim = posekit::optim;

TEMPLATE_TEST_CASE("An element that is not finite is found wherever it is", "[optim]", float,
                   double) {
  using T = TestType;
  using Limits = std::numeric_limits<T>;
  pk::Parameter<T> small(pk::zeros<T>({3})), large(pk::zeros<T>({7, 2801}));
  const pk::NamedParameters<T> parameters{{"small", &small}, {"large", &large}};
  for (const int threads : {1, 2}) {
    pk::Tape<T> tape({.threads = threads});
    CHECK(optim::has_finite_gradients(tape, parameters));  // there are none
    tape.backward(sum(small.on(tape)) + sum(large.on(tape)));
    CHECK(optim::has_finite_gradients(tape, parameters));
    for (const std::size_t i : {0u, 4095u, 4096u, 9001u, 19606u}) {
      T& element = large.gradient(tape)->data()[i];
      for (const T bad : {Limits::quiet_NaN(), Limits::infinity(), -Limits::infinity()}) {
        element = bad;
        CHECK(!optim::has_finite_gradients(tape, parameters));
      }
      for (const T good : {Limits::max(), Limits::lowest(), Limits::denorm_min()}) {
        element = good;
        CHECK(optim::has_finite_gradients(tape, parameters));
      }
    }
    small.gradient(tape)->data()[2] = Limits::quiet_NaN();
    CHECK(!optim::has_finite_gradients(tape, parameters));
    small.trainable = false;
    CHECK(optim::has_finite_gradients(tape, parameters));
    small.trainable = true;
  }
}

TEST_CASE("Gradients of a null parameter or of another shape are refused", "[optim]") {
  pk::Parameter<float> parameter(pk::zeros<float>({3}));
  pk::Tape<float> tape({.threads = 1});
  const pk::NamedParameters<float> null{{"nobody", nullptr}};
  CHECK_THROWS_AS(optim::has_finite_gradients(tape, null), pk::ValueError);
  CHECK_THROWS_WITH(
      optim::has_finite_gradients(tape, null),
      "optim::has_finite_gradients: parameter 'nobody' is null, expected a Parameter");
  tape.backward(sum(parameter.on(tape)));
  parameter.mutable_value() = pk::zeros<float>({3, 1});
  const pk::NamedParameters<float> parameters{{"p", &parameter}};
  CHECK_THROWS_AS(optim::has_finite_gradients(tape, parameters), pk::ShapeError);
  CHECK_THROWS_WITH(
      optim::has_finite_gradients(tape, parameters),
      Catch::Contains("the gradient of parameter 'p' has shape [3], expected [3, 1]"));
}

TEMPLATE_TEST_CASE("Gradients of several recordings are added", "[optim]", float, double) {
  using T = TestType;
  pk::Parameter<T> a(pk::testing::random_tensor<T>({3}, 1)), b(pk::zeros<T>({2, 5})), frozen(a);
  frozen.trainable = false;
  const pk::NamedParameters<T> parameters{{"a", &a}, {"b", &b}, {"frozen", &frozen}};
  pk::Tape<T> collected, tape;
  for (const T weight : {T(1), T(4)}) {
    tape.backward(sum(square(a.on(tape))) * weight);
    optim::add_gradients(collected, tape, parameters, T(0.5));
    tape.clear();
  }
  REQUIRE(a.gradient(collected) != nullptr);
  for (std::size_t i = 0; i < 3; ++i)
    CHECK((*a.gradient(collected))(i) == Approx(2.5 * 2 * a.value()(i)));
  // What got no gradient has none.
  CHECK(b.gradient(collected) == nullptr);
  CHECK(frozen.gradient(collected) == nullptr);
  optim::Sgd<T> optimizer({{"a", &a}, {"b", &b}}, {.learning_rate = 0.1});
  const pk::Tensor<T> before = a.value();
  CHECK(optimizer.step(collected) == 1);
  CHECK(a.value()(1) == Approx(before(1) * (1 - 0.1 * 5)));

  const auto x = tape.variable(pk::zeros<T>({2}));
  CHECK_THROWS_AS(tape.add_gradient(x, pk::zeros<T>({3})), pk::ShapeError);
  CHECK_THROWS_AS(tape.add_gradient(x * T(2), pk::zeros<T>({2})), pk::Error);
}
