#include <catch2/catch.hpp>

#include <cmath>
#include <cstddef>
#include <limits>

#include <posekit/nn/dropout.hpp>
#include <posekit/testing/random_tensor.hpp>

#include "nn/module_case.hpp"

namespace pk = posekit;
namespace nn = posekit::nn;
using pk::testing::random_tensor;

namespace {

/// What the layer makes of ones.
template <class T>
pk::Tensor<T> next(nn::Dropout<T>& layer, std::size_t size) {
  pk::Tape<T> tape;
  return layer(tape.constant(pk::Tensor<T>(pk::zeros<T>({size}) + T(1)))).value();
}

}  // namespace

TEST_CASE("Dropout keeps the mean and drops as often as it should", "[nn]") {
  const std::size_t n = 50000;
  for (const double p : {0.1, 0.5, 0.9}) {
    nn::Dropout<float> layer(p, 3);
    for (int call = 0; call < 3; ++call) {
      const auto y = next(layer, n);
      const float kept = static_cast<float>(1 / (1 - p));
      std::size_t dropped = 0;
      for (const float v : y) {
        if (v == 0) ++dropped;
        if (v != 0 && v != kept) FAIL("element " << v);
      }
      const double count = static_cast<double>(n);
      const double deviation = std::sqrt(p * (1 - p) / count);
      CHECK(std::abs(static_cast<double>(dropped) / count - p) < 5 * deviation);
    }
  }
}

TEST_CASE("Dropout's n-th call with a seed is always the same", "[nn]") {
  nn::Dropout<double> layer(0.4, 8), same(0.4, 8), other(0.4, 9);
  const auto first = next(layer, 200), second = next(layer, 200), third = next(layer, 200);
  CHECK_FALSE(identical(first, second));
  CHECK_FALSE(identical(second, third));
  CHECK(identical(next(same, 200), first));
  CHECK(identical(next(same, 200), second));
  CHECK_FALSE(identical(next(other, 200), first));
  CHECK(layer.calls.value(0) == 3.0);
  // A copy goes on from where it was made.
  nn::Dropout<double> copy = layer;
  CHECK(identical(next(copy, 200), next(layer, 200)));
}

TEST_CASE("Dropout continues where a checkpoint left it", "[nn]") {
  nn::Dropout<float> layer(0.4, 8);
  next(layer, 100);
  next(layer, 100);
  const auto folder = scratch_folder("nn-dropout");
  pk::save_safetensors(folder / "layer.safetensors", layer);
  pk::save_npz(folder / "layer.npz", layer);
  const auto third = next(layer, 100);
  nn::Dropout<float> loaded(0.4, 8), from_npz(0.4, 8);
  pk::load_safetensors(folder / "layer.safetensors", loaded);
  pk::load_npz(folder / "layer.npz", from_npz);
  CHECK(identical(next(loaded, 100), third));
  CHECK(identical(next(from_npz, 100), third));
}

TEST_CASE("Dropout counts further than its type does", "[nn]") {
  nn::Dropout<float> layer(0.4, 8), far(0.4, 8);
  far.calls.value(0) = (1 << 20) - 2;
  far.calls.value(1) = 31;
  std::vector<pk::Tensor<float>> seen;
  for (int call = 0; call < 4; ++call) seen.push_back(next(far, 200));
  CHECK(far.calls.value(0) == 2);
  CHECK(far.calls.value(1) == 32);
  for (std::size_t i = 0; i < 4; ++i)
    for (std::size_t k = 0; k < i; ++k) CHECK_FALSE(identical(seen[i], seen[k]));
  for (const float wrong : {-1.0f, 2e6f, std::numeric_limits<float>::infinity(),
                            std::numeric_limits<float>::quiet_NaN()}) {
    layer.calls.value(0) = wrong;
    CHECK_THROWS_WITH(next(layer, 4), Catch::Contains("Dropout: the number of calls is"));
  }
}

TEST_CASE("Dropout does nothing outside training", "[nn]") {
  nn::Dropout<double> layer(0.9);
  nn::set_training(layer, false);
  pk::Tape<double> tape;
  const auto x = tape.variable(random_tensor<double>({40}, 3));
  const auto y = layer(x);
  CHECK(tape.size() == 1);
  CHECK(identical(y.value(), x.value()));
  CHECK(layer.calls.value(0) == 0.0);
}

TEST_CASE("Dropout is differentiated, and refuses what is no probability", "[nn]") {
  const auto result =
      check_module_gradients(nn::Dropout<double>(0.5, 2), random_tensor<double>({3, 7}, 5));
  INFO(result.message);
  CHECK(result.ok);
  pk::Tape<double> tape;
  const auto x = tape.constant(pk::zeros<double>({2}));
  for (const double p : {-0.1, 1.0, std::numeric_limits<double>::quiet_NaN()}) {
    CHECK_THROWS_AS(nn::Dropout<double>(p), pk::ValueError);
    nn::Dropout<double> layer;
    layer.probability = p;
    CHECK_THROWS_AS(layer(x), pk::ValueError);
  }
}
