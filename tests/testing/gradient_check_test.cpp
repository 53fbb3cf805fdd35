#include <catch2/catch.hpp>

#include <cmath>

#include <posekit/autodiff/arithmetic.hpp>
#include <posekit/autodiff/functions.hpp>
#include <posekit/testing/gradient_check.hpp>
#include <posekit/testing/random_tensor.hpp>

namespace pk = posekit;
using pk::testing::random_tensor;

namespace {

/// x^2 with a derivative that is wrong by `factor`, or only where cotangents are stacked.
pk::Var<double> flawed_square(const pk::Var<double>& x, double factor, bool only_stacked) {
  const auto saved = x.tape().shared_value(x);
  pk::Tensor<double> value(*saved);
  for (auto& v : value) v *= v;
  return x.tape().record("flawed", std::move(value), {x}, [=](pk::Pullback<double>& p) {
    const auto target = p.target(0);
    if (!target) return;
    const double f = only_stacked && p.count() == 1 ? 2.0 : 2.0 * factor;
    for (std::size_t i = 0; i < p.count() * saved->size(); ++i) {
      const double g = f * p.cotangent()[i] * saved->data()[i % saved->size()];
      target.data[i] = target.accumulate ? target.data[i] + g : g;
    }
  });
}

}  // namespace

TEST_CASE("The checker passes what is right and finds what is wrong", "[testing]") {
  const std::vector<pk::Tensor<double>> in{random_tensor<double>({3, 4}, 1, 0.5, 1.5)};
  CHECK(pk::testing::check_gradients([](const auto& v) { return flawed_square(v[0], 1.0, false); },
                                     in)
            .ok);
  const auto wrong = pk::testing::check_gradients(
      [](const auto& v) { return flawed_square(v[0], 1.001, false); }, in);
  CHECK_FALSE(wrong.ok);
  CHECK(wrong.message.find("central differences") != std::string::npos);
  const auto stacked = pk::testing::check_gradients(
      [](const auto& v) { return flawed_square(v[0], 1.001, true); }, in);
  CHECK_FALSE(stacked.ok);
  CHECK(stacked.message.find("stacked") != std::string::npos);
  const auto nan = pk::testing::check_gradients(
      [](const auto& v) { return flawed_square(v[0], std::nan(""), false); }, in);
  CHECK_FALSE(nan.ok);
}

TEST_CASE("Float and double are compared", "[testing]") {
  const std::vector<pk::Tensor<double>> in{random_tensor<double>({3, 4}, 1)};
  CHECK(pk::testing::float_disagreement([](const auto& v) { return v[0] * v[0]; }, in) < 1e-6);
  const auto differs = [](const auto& v) {
    using T = typename std::decay_t<decltype(v[0])>::value_type;
    return v[0] * static_cast<T>(sizeof(T) == 4 ? 1.01 : 1.0);
  };
  CHECK(pk::testing::float_disagreement(differs, in) > 1e-3);
}

TEST_CASE("Random tensors and shapes are reproducible", "[testing]") {
  CHECK(random_tensor<float>({5}, 3)(4) == random_tensor<float>({5}, 3)(4));
  CHECK(random_tensor<double>({5}, 3)(4) != random_tensor<double>({5}, 4)(4));
  for (const double v : random_tensor<double>({1000}, 1, 2, 3)) {
    if (!(v >= 2 && v < 3)) FAIL(v);
  }
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    const pk::Shape shape = pk::testing::random_shape(4, seed);
    REQUIRE(shape.size() == 4);
    for (std::size_t i = 0; i < 4; ++i) {
      CHECK((shape[i] >= 1 && shape[i] <= 9));
      for (std::size_t k = 0; k < i; ++k) CHECK(shape[i] != shape[k]);
    }
  }
  CHECK(pk::testing::random_shape(3, 1, 2, 2) == pk::Shape{2, 2, 2});
}
