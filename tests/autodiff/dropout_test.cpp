#include <catch2/catch.hpp>

#include <cstddef>
#include <limits>

#include <posekit/autodiff/dropout.hpp>
#include <posekit/testing/gradient_check.hpp>

#include "support/close.hpp"

namespace pk = posekit;
using pk::testing::random_tensor;

TEST_CASE("What is dropped is a function of seed and element", "[autodiff]") {
  const auto values = random_tensor<double>({7, 11}, 5);
  const pk::CounterRandom random(42);
  for (const double p : {0.0, 0.25, 0.9}) {
    pk::Tape<double> tape;
    const auto x = tape.variable(pk::Tensor<double>(values));
    const auto y = pk::dropout(x, p, 42);
    const auto seed = random_tensor<double>({7, 11}, 6);
    tape.backward(y, seed);
    for (std::size_t i = 0; i < values.size(); ++i) {
      const double factor = random.uniform(i) < p ? 0.0 : 1 / (1 - p);
      CHECK(y.value().flat(i) == values.flat(i) * factor);
      CHECK(x.grad().flat(i) == seed.flat(i) * factor);
    }
  }
  pk::Tape<double> tape;
  const auto x = tape.constant(pk::Tensor<double>(values));
  CHECK_FALSE(identical(pk::dropout(x, 0.5, 1).value(), pk::dropout(x, 0.5, 2).value()));
  CHECK(identical(pk::dropout(x, 0.5, 1).value(), pk::dropout(x, 0.5, 1).value()));
}

TEST_CASE("Dropout is differentiated", "[autodiff]") {
  const auto f = [](const auto& v) { return pk::dropout(v[0], 0.4, 3); };
  const auto result = pk::testing::check_gradients(f, {random_tensor<double>({5, 6}, 5)});
  INFO(result.message);
  CHECK(result.ok);
  CHECK(pk::testing::float_disagreement(f, {random_tensor<double>({5, 6}, 5)}) < 1e-6);
}

TEST_CASE("Impossible probabilities are refused in words", "[autodiff]") {
  pk::Tape<float> tape;
  const auto x = tape.constant(pk::zeros<float>({3}));
  for (const double p : {1.0, -0.5, 7.0, std::numeric_limits<double>::quiet_NaN()})
    CHECK_THROWS_AS(pk::dropout(x, p, 1), pk::ValueError);
  CHECK_THROWS_WITH(pk::dropout(x, 1.0, 1), "dropout: probability is 1, expected one in [0, 1)");
}
