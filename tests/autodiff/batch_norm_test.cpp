#include <catch2/catch.hpp>

#include <cmath>
#include <limits>
#include <vector>

#include <posekit/autodiff/arithmetic.hpp>
#include <posekit/autodiff/batch_norm.hpp>
#include <posekit/kernels/activation_kind.hpp>
#include <posekit/testing/gradient_check.hpp>

#include "support/layer_case.hpp"

namespace pk = posekit;
using pk::testing::random_tensor;

namespace {

/// The statistics of tests/golden/make_nn.py.
template <class T>
pk::Tensor<T> given_mean() {
  return pk::cast<T>(pk::Tensor<double>{-0.2, -0.1, 0.0, 0.1, 0.2, 0.3, 0.4});
}
template <class T>
pk::Tensor<T> given_variance() {
  return pk::cast<T>(pk::Tensor<double>{0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0});
}

const auto of_batch = [](const auto& v) {
  return pk::batch_norm(v[0], v[1], v[2], {.epsilon = 0.01});
};
const auto rectified = [](const auto& v) {
  return pk::batch_norm(v[0], v[1] * 4.0, v[2], {.activation = pk::Activation::relu6});
};
const auto given = [](const auto& v) {
  using T = typename std::decay_t<decltype(v[0])>::value_type;
  return pk::batch_norm(v[0], v[1], v[2], given_mean<T>(), given_variance<T>(),
                        {.activation = pk::Activation::relu});
};

}  // namespace

TEST_CASE("Batch normalisation equals PyTorch's", "[autodiff]") {
  CHECK(layer_case_difference<double>("nn/op_batch_norm", 3, of_batch) < 1e-13);
  CHECK(layer_case_difference<float>("nn/op_batch_norm", 3, of_batch) < 2e-6);
  CHECK(layer_case_difference<double>("nn/op_batch_norm_given", 3, given) < 1e-14);
  CHECK(layer_case_difference<float>("nn/op_batch_norm_given", 3, given) < 1e-6);
  CHECK(layer_case_difference<double>("nn/op_batch_norm_relu6", 3, rectified) < 1e-13);
}

TEST_CASE("Batch normalisation is differentiated, with every rectifier", "[autodiff]") {
  const std::vector<pk::Tensor<double>> in{random_tensor<double>({3, 1, 7}, 5),
                                           random_tensor<double>({7}, 6, 1, 9),
                                           random_tensor<double>({7}, 7)};
  for (const auto activation :
       {pk::Activation::none, pk::Activation::relu, pk::Activation::relu6}) {
    for (const bool batch : {true, false}) {
      const auto result = pk::testing::check_gradients(
          [&](const auto& v) {
            return batch ? pk::batch_norm(v[0], v[1], v[2], {.activation = activation})
                         : pk::batch_norm(v[0], v[1], v[2], given_mean<double>(),
                                          given_variance<double>(), {.activation = activation});
          },
          in);
      INFO(result.message);
      CHECK(result.ok);
    }
  }
}

TEST_CASE("Only what is asked for is differentiated", "[autodiff]") {
  const auto image = random_tensor<double>({5, 3}, 5);
  const auto scale = random_tensor<double>({3}, 6, 0.5, 1.5), shift = random_tensor<double>({3}, 7);
  std::vector<pk::Tensor<double>> all;
  for (int alone = -1; alone < 3; ++alone) {
    pk::Tape<double> tape;
    std::vector<pk::Var<double>> v;
    for (const auto* t : {&image, &scale, &shift}) {
      const bool variable = alone < 0 || alone == static_cast<int>(v.size());
      v.push_back(variable ? tape.variable(pk::Tensor<double>(*t))
                           : tape.constant(pk::Tensor<double>(*t)));
    }
    const auto y = pk::batch_norm(v[0], v[1], v[2], {.activation = pk::Activation::relu});
    tape.backward(y, random_tensor<double>({5, 3}, 8));
    for (std::size_t i = 0; i < 3; ++i) {
      if (alone < 0) all.push_back(v[i].grad());
      if (alone == static_cast<int>(i)) CHECK(identical(v[i].grad(), all[i]));
    }
  }
}

TEST_CASE("Cotangents of one input from two uses are added", "[autodiff]") {
  pk::Tape<double> tape;
  const auto x = tape.variable(random_tensor<double>({6, 3}, 5));
  const auto w = tape.variable(random_tensor<double>({3}, 6)),
             b = tape.variable(random_tensor<double>({3}, 7));
  const auto seed = random_tensor<double>({6, 3}, 8);
  tape.backward(pk::batch_norm(x, w, b), seed);
  const std::vector<pk::Tensor<double>> once{x.grad(), w.grad(), b.grad()};
  tape.backward(pk::batch_norm(x, w, b) + pk::batch_norm(x, w, b), seed);
  CHECK(relative_difference(x.grad(), pk::Tensor<double>(2.0 * once[0])) < 1e-14);
  CHECK(relative_difference(w.grad(), pk::Tensor<double>(2.0 * once[1])) < 1e-14);
  CHECK(relative_difference(b.grad(), pk::Tensor<double>(2.0 * once[2])) < 1e-14);
}

TEST_CASE("The statistics are handed out: mean, biased variance, values", "[autodiff]") {
  pk::Tape<double> tape;
  const auto x = tape.constant(pk::Tensor<double>{{0.0, 10.0}, {2.0, 6.0}, {4.0, 14.0}});
  const auto one = tape.constant(pk::Tensor<double>{1.0, 1.0});
  pk::ChannelStatistics statistics;
  const auto y = pk::batch_norm(x, one, one, {.epsilon = 0}, &statistics);
  CHECK(statistics.count == 3);
  CHECK(statistics.mean == std::vector<double>{2.0, 10.0});
  CHECK(statistics.variance[0] == Approx(8.0 / 3));
  CHECK(statistics.variance[1] == Approx(32.0 / 3));
  CHECK(y.value()(2, 0) == Approx(1 + std::sqrt(1.5)));
  CHECK(y.value()(1, 1) == Approx(1 - std::sqrt(1.5)));
}

TEST_CASE("A large mean costs no accuracy", "[autodiff]") {
  const auto small = random_tensor<double>({2000, 3}, 5);
  pk::Tape<float> tape;
  const auto x = tape.constant(pk::cast<float>(pk::Tensor<double>(small + 1000.0)));
  const auto one = tape.constant(pk::Tensor<float>{1.0f, 1.0f, 1.0f}),
             zero = tape.constant(pk::zeros<float>({3}));
  pk::Tape<double> exact;
  const auto unit = exact.constant(pk::Tensor<double>{1.0, 1.0, 1.0}),
             none = exact.constant(pk::zeros<double>({3}));
  const auto y = pk::batch_norm(exact.constant(pk::cast<double>(x.value())), unit, none);
  CHECK(relative_difference(pk::batch_norm(x, one, zero).value(), y.value()) < 1e-4);
}

TEST_CASE("Batch normalisation gives the same bits for any number of threads", "[autodiff]") {
  const auto image = random_tensor<float>({3, 20, 21, 37}, 5);
  const auto scale = random_tensor<float>({37}, 6), shift = random_tensor<float>({37}, 7);
  for (const bool batch : {true, false}) {
    std::vector<pk::Tensor<float>> first;
    for (const int threads : {1, 2, 3}) {
      pk::Tape<float> tape({.threads = threads});
      const auto x = tape.variable(pk::Tensor<float>(image)),
                 w = tape.variable(pk::Tensor<float>(scale)),
                 b = tape.variable(pk::Tensor<float>(shift));
      const pk::BatchNormOptions options{.activation = pk::Activation::relu};
      const auto y =
          batch ? pk::batch_norm(x, w, b, options)
                : pk::batch_norm(x, w, b, scale, pk::Tensor<float>(shift * shift + 0.5f), options);
      tape.backward(y, random_tensor<float>(y.shape(), 8));
      const std::vector<pk::Tensor<float>> results{y.value(), x.grad(), w.grad(), b.grad()};
      if (first.empty()) first = results;
      for (std::size_t i = 0; i < 4; ++i) CHECK(identical(results[i], first[i]));
    }
  }
}

TEST_CASE("Impossible batch normalisations are refused in words", "[autodiff]") {
  pk::Tape<double> tape;
  const auto x = tape.constant(random_tensor<double>({2, 3}, 5));
  const auto three = tape.constant(random_tensor<double>({3}, 6)),
             four = tape.constant(random_tensor<double>({4}, 6));
  CHECK_THROWS_AS(pk::batch_norm(x, four, three), pk::ShapeError);
  CHECK_THROWS_WITH(pk::batch_norm(x, four, three),
                    "batch_norm: weight has shape [4], expected [3], one for each channel of x "
                    "[2, 3]");
  CHECK_THROWS_WITH(pk::batch_norm(x, three, four), Catch::Contains("bias has shape [4]"));
  CHECK_THROWS_WITH(pk::batch_norm(tape.constant(pk::zeros<double>({})), three, three),
                    Catch::Contains("x has shape []"));
  CHECK_THROWS_WITH(pk::batch_norm(tape.constant(pk::zeros<double>({0, 3})), three, three),
                    Catch::Contains("x has shape [0, 3], expected [..., C] with elements"));
  CHECK_THROWS_AS(pk::batch_norm(x, three, three, {.activation = pk::Activation::sigmoid}),
                  pk::ValueError);
  const auto mean = pk::zeros<double>({3}), wide = pk::zeros<double>({4});
  CHECK_THROWS_WITH(pk::batch_norm(x, three, three, wide, mean),
                    "batch_norm: mean has shape [4], expected [3]");
  CHECK_THROWS_WITH(pk::batch_norm(x, three, three, mean, wide),
                    "batch_norm: variance has shape [4], expected [3]");
  for (const double epsilon :
       {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity(), -1.0}) {
    CHECK_THROWS_AS(pk::batch_norm(x, three, three, {.epsilon = epsilon}), pk::ValueError);
    CHECK_THROWS_AS(pk::batch_norm(x, three, three, mean, mean, {.epsilon = epsilon}),
                    pk::ValueError);
  }
  CHECK_THROWS_WITH(pk::batch_norm(x, three, three, {.epsilon = -1.0}),
                    "batch_norm: epsilon is -1, expected 0 or a positive number");
}
