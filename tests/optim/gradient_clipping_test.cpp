#include <catch2/catch.hpp>

#include <cmath>
#include <limits>

#include <posekit/optim/gradient_clipping.hpp>
#include <posekit/optim/sgd.hpp>

#include "optim/optimizer_case.hpp"

namespace pk = posekit;
namespace optim = posekit::optim;

namespace {

template <class T>
void check_clipped_trajectories() {
  const auto norms = optim_golden(sizeof(T) == 4 ? "norms.float32" : "norms.float64");
  std::size_t clipped = 0;
  check_trajectory<optim::Sgd, T>(
      "sgd_clip_norm", optim::SgdOptions{.learning_rate = 0.3, .momentum = 0.5},
      [&](optim::Optimizer<T>& optimizer, pk::Tape<T>& tape) {
        const double expected = norms.data()[optimizer.steps()];
        const double norm = optim::clip_gradient_norm(tape, optimizer.parameters(), 0.25);
        CHECK(norm == Approx(expected).epsilon(sizeof(T) == 4 ? 2e-5 : 1e-12));
        if (norm > 0.25) ++clipped;
      });
  // Some steps were clipped, some were not.
  CHECK(clipped > 10);
  CHECK(clipped < 90);
  check_trajectory<optim::Sgd, T>("sgd_clip_value", optim::SgdOptions{.learning_rate = 0.3},
                                  [](optim::Optimizer<T>& optimizer, pk::Tape<T>& tape) {
                                    optim::clip_gradient_value(tape, optimizer.parameters(), 0.03);
                                  });
}

}  // namespace

TEST_CASE("Clipped gradients lead where PyTorch's do", "[optim]") {
  check_clipped_trajectories<float>();
  check_clipped_trajectories<double>();
}

TEMPLATE_TEST_CASE("The norm is the same bits for any number of threads", "[optim]", float,
                   double) {
  using T = TestType;
  pk::Parameter<T> large(pk::make_tensor<T>({50021})), small(pk::make_tensor<T>({1}));
  const pk::CounterRandom random(8);
  for (std::size_t i = 0; i < large.value().size(); ++i) {
    large.mutable_value().data()[i] = static_cast<T>(random.normal(i));
  }
  small.mutable_value().data()[0] = T(3);
  const pk::NamedParameters<T> parameters{{"large", &large}, {"small", &small}};
  long double squares = 9;
  for (const T x : large.value()) squares += static_cast<long double>(x) * x;
  const auto clipped = [&](int threads, double& norm) {
    pk::Tape<T> tape({.threads = threads});
    tape.backward(affine(sum(square(large.on(tape))) + sum(square(small.on(tape))), T(0.5), T(0)));
    CHECK(optim::gradient_norm(tape, parameters) ==
          Approx(static_cast<double>(std::sqrt(squares))).epsilon(1e-14));
    norm = optim::clip_gradient_norm(tape, parameters, 2);
    CHECK(optim::gradient_norm(tape, parameters) == Approx(2).epsilon(1e-6));
    return pk::Tensor<T>(*large.gradient(tape));
  };
  double one = 0, two = 0, five = 0;
  const auto gradient = clipped(1, one);
  CHECK(identical(gradient, clipped(2, two)));
  CHECK(identical(gradient, clipped(5, five)));
  CHECK(one == two);
  CHECK(one == five);
}

TEST_CASE("Frozen parameters and those without a gradient have no norm", "[optim]") {
  SmallNetwork<double> network;
  pk::Tape<double> tape({.threads = 1});
  CHECK(optim::gradient_norm(tape, network.parameters()) == 0);
  CHECK(optim::clip_gradient_norm(tape, network.parameters(), 0) == 0);
  network.backward(tape, 0);
  const double all = optim::gradient_norm(tape, network.parameters());
  network[0].trainable = false;
  const auto before = *network[0].gradient(tape);
  const double rest = optim::clip_gradient_norm(tape, network.parameters(), 1e-3);
  CHECK(rest < all);
  CHECK(identical(*network[0].gradient(tape), before));
  network[0].trainable = true;
  double squares = rest * rest;
  for (const double g : before) squares += g * g;
  CHECK(all == Approx(std::sqrt(squares)).epsilon(1e-13));
}

TEST_CASE("A norm that is not finite is an error that names the parameter", "[optim]") {
  SmallNetwork<double> network;
  pk::Tape<double> tape({.threads = 1});
  network.backward(tape, 1);
  const auto parameters = network.parameters();
  network[2].gradient(tape)->data()[6] = std::numeric_limits<double>::infinity();
  network[3].gradient(tape)->data()[20] = std::numeric_limits<double>::quiet_NaN();
  const auto before = *network[0].gradient(tape);
  CHECK_THROWS_AS(optim::clip_gradient_norm(tape, parameters, 1.0), pk::ValueError);
  CHECK_THROWS_WITH(optim::clip_gradient_norm(tape, parameters, 1.0),
                    "optim::clip_gradient_norm: the norm is nan, expected a finite one; the first "
                    "parameter with a gradient that is not finite is 'gate'");
  CHECK(identical(*network[0].gradient(tape), before));
  CHECK(
      std::isnan(optim::clip_gradient_norm(tape, parameters, 1.0, {.error_if_nonfinite = false})));
  CHECK(std::isnan(network[0].gradient(tape)->data()[0]));

  network.backward(tape, 0);
  network[0].gradient(tape)->data()[0] = 1e200;
  CHECK_THROWS_WITH(optim::clip_gradient_norm(tape, parameters, 1.0),
                    Catch::Contains("the norm of finite gradients is inf"));
}

TEST_CASE("Values are clipped on both sides, and NaN stays", "[optim]") {
  pk::Parameter<float> parameter(pk::zeros<float>({5}));
  const pk::NamedParameters<float> parameters{{"p", &parameter}};
  pk::Tape<float> tape({.threads = 1});
  tape.backward(sum(parameter.on(tape)));
  auto& gradient = *parameter.gradient(tape);
  const float inf = std::numeric_limits<float>::infinity();
  gradient = pk::tensor_from<float>({5}, std::vector<float>{-3, 0.25f, inf, -inf, std::nanf("")});
  optim::clip_gradient_value(tape, parameters, 0.5);
  CHECK(gradient.data()[0] == -0.5f);
  CHECK(gradient.data()[1] == 0.25f);
  CHECK(gradient.data()[2] == 0.5f);
  CHECK(gradient.data()[3] == -0.5f);
  CHECK(std::isnan(gradient.data()[4]));
  CHECK_THROWS_AS(optim::clip_gradient_value(tape, parameters, -1), pk::ValueError);
  CHECK_THROWS_WITH(optim::clip_gradient_value(tape, parameters, -1),
                    "optim::clip_gradient_value: max_value is -1, expected a number of at least 0");
  CHECK_THROWS_WITH(optim::clip_gradient_norm(tape, parameters, std::nan("")),
                    "optim::clip_gradient_norm: max_norm is nan, expected a number of at least 0");
}

TEST_CASE("A parameter under two names counts once", "[optim]") {
  pk::Parameter<double> shared(pk::Tensor<double>{3.0, 4.0});
  const pk::NamedParameters<double> parameters{{"encoder", &shared}, {"decoder", &shared}};
  pk::Tape<double> tape;
  const auto x = shared.on(tape);
  tape.backward(pk::sum(x * x));  // 2 x
  CHECK(optim::gradient_norm(tape, parameters) == Approx(10));
  optim::clip_gradient_norm(tape, parameters, 1.0);
  CHECK(shared.gradient(tape)->data()[0] == Approx(0.6).epsilon(1e-6));
  CHECK(shared.gradient(tape)->data()[1] == Approx(0.8).epsilon(1e-6));
}
