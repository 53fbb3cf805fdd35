#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include <xtensor/xview.hpp>

#include <posekit/autodiff/arithmetic.hpp>
#include <posekit/autodiff/cross_entropy.hpp>
#include <posekit/autodiff/reductions.hpp>
#include <posekit/autodiff/softmax.hpp>
#include <posekit/testing/gradient_check.hpp>
#include <posekit/testing/random_tensor.hpp>

#include "support/layer_case.hpp"

namespace pk = posekit;
using pk::testing::random_tensor;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

pk::Tensor<double> golden_target(const std::string& name) {
  return pk::load_npy<double>(golden_file("cross_entropy/" + name + ".target.npy"));
}

template <class T, class Index>
double class_difference(const std::string& name, const pk::CrossEntropyOptions& options) {
  const auto target = pk::cast<Index>(golden_target(name));
  return layer_case_difference<T>("cross_entropy/" + name, 1, [&](const auto& v) {
    return name.starts_with("mean") ? pk::mean_cross_entropy(v[0], target, options)
                                    : pk::cross_entropy(v[0], target, options);
  });
}

void check_classes(const std::string& name, const pk::CrossEntropyOptions& options = {}) {
  INFO(name);
  CHECK(class_difference<double, std::int64_t>(name, options) < 1e-12);
  CHECK(class_difference<double, std::int32_t>(name, options) < 1e-12);
  CHECK(class_difference<float, std::int64_t>(name, options) < 1e-6);
}

template <class T>
double probability_difference(const std::string& name, const pk::CrossEntropyOptions& options) {
  const auto target = pk::cast<T>(golden_target(name));
  return layer_case_difference<T>("cross_entropy/" + name, 1, [&](const auto& v) {
    return name.starts_with("mean") ? pk::mean_cross_entropy(v[0], target, options)
                                    : pk::cross_entropy(v[0], target, options);
  });
}

void check_probabilities(const std::string& name, const pk::CrossEntropyOptions& options = {}) {
  INFO(name);
  CHECK(probability_difference<double>(name, options) < 1e-12);
  CHECK(probability_difference<float>(name, options) < 1e-6);
}

/// Classes 0 to classes - 1, every fifth ignored.
pk::Tensor<std::int64_t> some_classes(const pk::Shape& shape, std::size_t classes) {
  pk::Tensor<std::int64_t> result = pk::make_tensor<std::int64_t>(shape);
  for (std::size_t i = 0; i < result.size(); ++i) {
    result.data()[i] = i % 5 == 3 ? -1 : static_cast<std::int64_t>((7 * i + 1) % classes);
  }
  return result;
}

}  // namespace

TEST_CASE("Cross-entropies and their gradients equal PyTorch's", "[autodiff]") {
  check_classes("classes");
  check_classes("classes_wide");
  check_classes("classes_smoothed", {.label_smoothing = 0.1});
  check_classes("classes_smoothed_wide", {.label_smoothing = 0.3});
  check_classes("mean_classes");
  check_classes("mean_classes_smoothed", {.label_smoothing = 0.25});
  check_probabilities("probabilities");
  check_probabilities("probabilities_smoothed_wide", {.label_smoothing = 0.2});
  check_probabilities("mean_probabilities");
}

TEST_CASE("Cross-entropies are differentiated, for every lane remainder", "[autodiff]") {
  for (const std::size_t classes : {1u, 2u, 3u, 7u, 8u, 9u, 17u, 33u}) {
    for (const double smoothing : {0.0, 0.2, 1.0}) {
      const pk::CrossEntropyOptions options{.label_smoothing = smoothing};
      const pk::Shape rows{2, 11};
      const auto target = some_classes(rows, classes);
      pk::Tensor<double> soft = random_tensor<double>({2, 11, classes}, 8, 0, 1);
      for (std::size_t c = 0; c < classes; ++c) soft(1, 4, c) = 0;  // unlabelled
      const auto logits = random_tensor<double>({2, 11, classes}, classes, -3, 3);
      const auto check = [&](const auto& function) {
        const auto result = pk::testing::check_gradients(function, {logits}, {.tolerance = 1e-6});
        INFO(classes << " classes, smoothing " << smoothing << ": " << result.message);
        CHECK(result.ok);
        // Logits that have a cotangent already.
        CHECK(pk::testing::check_gradients(
                  [&](const auto& v) { return pk::sum(v[0], {-1}) + function(v); }, {logits},
                  {.tolerance = 1e-6})
                  .ok);
      };
      check([&](const auto& v) { return pk::cross_entropy(v[0], target, options); });
      check([&](const auto& v) { return pk::cross_entropy(v[0], soft, options); });
      check([&](const auto& v) { return pk::mean_cross_entropy(v[0], target, options); });
      check([&](const auto& v) { return pk::mean_cross_entropy(v[0], soft, options); });
    }
  }
}

TEST_CASE("Cross-entropies are what their definition says", "[autodiff]") {
  for (const std::size_t classes : {1u, 3u, 8u, 9u, 40u}) {
    const auto logits = random_tensor<double>({23, classes}, 5, -6, 6);
    const auto target = some_classes({23}, classes);
    pk::Tensor<double> one_hot = pk::zeros<double>({23, classes});
    const auto logarithms = pk::log_softmax(logits);
    const double e = 0.3;
    const auto plain = pk::cross_entropy(logits, target);
    const auto smoothed = pk::cross_entropy(logits, target, {.label_smoothing = e});
    double sum = 0;
    for (std::size_t r = 0; r < 23; ++r) {
      double expected = 0, even = 0;
      if (target(r) >= 0) {
        const auto c = static_cast<std::size_t>(target(r));
        one_hot(r, c) = 1;
        expected = -logarithms(r, c);
        for (std::size_t k = 0; k < classes; ++k) {
          even -= logarithms(r, k) / static_cast<double>(classes);
        }
      }
      sum += expected;
      CHECK(plain(r) == Approx(expected).margin(1e-13));
      CHECK(smoothed(r) == Approx((1 - e) * expected + e * even).margin(1e-13));
    }
    // 23 rows, of which 3, 8, 13 and 18 are ignored.
    CHECK(pk::mean_cross_entropy(logits, target)() == Approx(sum / 19).margin(1e-13));
    // Probabilities that are 0 throughout are unlabelled too.
    CHECK(relative_difference(pk::cross_entropy(logits, one_hot), plain) < 1e-13);
    CHECK(relative_difference(pk::cross_entropy(logits, one_hot, {.label_smoothing = e}),
                              smoothed) < 1e-13);
    CHECK(pk::mean_cross_entropy(logits, one_hot)() == Approx(sum / 19).margin(1e-13));
  }
}

TEMPLATE_TEST_CASE("Cross-entropies of large logits are finite", "[autodiff]", float, double) {
  using T = TestType;
  for (const std::size_t classes : {3u, 21u}) {
    pk::Tensor<T> logits = pk::zeros<T>({3, classes});
    for (std::size_t c = 0; c < classes; ++c) {
      logits(0, c) = c == 0 ? T(1e4) : T(-1e4);
      logits(1, c) = T(1e4);
      logits(2, c) = T(-1e4);
    }
    const pk::Tensor<std::int32_t> target{1, 2, 0};
    pk::Tape<T> tape;
    const auto x = tape.variable(pk::Tensor<T>(logits));
    const auto loss = pk::cross_entropy(x, target);
    const double even = std::log(static_cast<double>(classes));
    CHECK(static_cast<double>(loss.value()(0)) == Approx(2e4));
    CHECK(static_cast<double>(loss.value()(1)) == Approx(even).epsilon(1e-6));
    CHECK(static_cast<double>(loss.value()(2)) == Approx(even).epsilon(1e-6));
    tape.backward(loss, pk::Tensor<T>{T(1), T(1), T(1)});
    CHECK(x.grad()(0, 0) == T(1));
    CHECK(x.grad()(0, 1) == T(-1));
    CHECK(x.grad()(0, 2) == T(0));
    CHECK(static_cast<double>(x.grad()(2, 1)) == Approx(1.0 / static_cast<double>(classes)));
    const auto smoothed = pk::cross_entropy(logits, target, {.label_smoothing = 0.5});
    for (const T value : smoothed) CHECK(std::isfinite(value));
  }
}

TEST_CASE("Infinite logits, and none, stay in their rows", "[autodiff]") {
  for (const std::size_t classes : {4u, 19u}) {
    pk::Tensor<double> logits = random_tensor<double>({6, classes}, 5);
    logits(1, 2) = -infinity;  // not the class
    logits(2, 2) = -infinity;  // the class
    logits(3, 2) = not_a_number;
    logits(4, 2) = infinity;
    for (std::size_t c = 0; c < classes; ++c) logits(5, c) = -infinity;
    const pk::Tensor<int> target{0, 1, 2, 1, 1, 1};
    pk::Tape<double> tape;
    const auto x = tape.variable(pk::Tensor<double>(logits));
    const auto loss = pk::cross_entropy(x, target);
    CHECK(std::isfinite(loss.value()(0)));
    CHECK(std::isfinite(loss.value()(1)));
    CHECK(loss.value()(2) == infinity);
    for (std::size_t r = 3; r < 6; ++r) CHECK(std::isnan(loss.value()(r)));
    tape.backward(loss, pk::Tensor<double>{1.0, 1.0, 1.0, 1.0, 1.0, 1.0});
    for (std::size_t c = 0; c < classes; ++c) {
      for (std::size_t r = 0; r < 3; ++r) CHECK(std::isfinite(x.grad()(r, c)));
      CHECK(std::isnan(x.grad()(3, c)));
    }
    CHECK(x.grad()(1, 2) == 0);
    CHECK(x.grad()(2, 2) == -1);
    // A probability of 0 takes nothing from a logit of -infinity.
    pk::Tensor<double> soft = pk::zeros<double>({6, classes});
    soft(1, 0) = soft(1, 1) = 0.5;
    CHECK(std::isfinite(pk::cross_entropy(logits, soft)(1)));
    CHECK(pk::cross_entropy(logits, soft, {.label_smoothing = 0.1})(1) == infinity);
    CHECK(pk::cross_entropy(logits, target, {.label_smoothing = 1})(1) == infinity);
  }
}

TEST_CASE("What is ignored, unlabelled or without cotangent moves nothing", "[autodiff]") {
  for (const std::size_t classes : {3u, 30u}) {
    for (const double smoothing : {0.0, 0.2}) {
      const pk::CrossEntropyOptions options{.label_smoothing = smoothing, .ignore_class = 2};
      pk::Tensor<double> logits = random_tensor<double>({3, classes}, 5);
      logits(1, 0) = not_a_number;
      const pk::Tensor<std::int64_t> target{0, 2, 1};
      pk::Tensor<double> soft = pk::zeros<double>({3, classes});
      soft(0, 0) = soft(2, 1) = 1;
      const auto check = [&](const auto& q) {
        pk::Tape<double> tape;
        const auto x = tape.variable(pk::Tensor<double>(logits));
        const auto loss = pk::cross_entropy(x, q, options);
        CHECK(loss.value()(1) == 0);
        tape.backward(loss, pk::Tensor<double>{0.0, 1.0, 1.0});
        for (std::size_t c = 0; c < classes; ++c) {
          CHECK(x.grad()(0, c) == 0);
          CHECK(x.grad()(1, c) == 0);
          CHECK(x.grad()(2, c) != 0);
        }
        const auto mean = pk::mean_cross_entropy(x, q, options);
        CHECK(mean.value()() == Approx((loss.value()(0) + loss.value()(2)) / 2));
        tape.backward(mean);
        for (std::size_t c = 0; c < classes; ++c) CHECK(x.grad()(1, c) == 0);
      };
      check(target);
      check(soft);
      // A cotangent of 0 for a row with NaN that has a class.
      pk::Tape<double> tape;
      const auto x = tape.variable(pk::Tensor<double>(logits));
      tape.backward(pk::cross_entropy(x, pk::Tensor<int>{0, 0, 0}, {.label_smoothing = smoothing}),
                    pk::Tensor<double>{1.0, 0.0, 1.0});
      for (const double g : x.grad()) CHECK(std::isfinite(g));
    }
  }
}

TEST_CASE("No rows, no labels and one class", "[autodiff]") {
  pk::Tape<float> tape;
  const auto none = tape.variable(pk::zeros<float>({0, 3}));
  const auto nobody = pk::zeros<std::int32_t>({0});
  CHECK(pk::cross_entropy(none, nobody).shape() == pk::Shape{0});
  CHECK(pk::cross_entropy(none, pk::zeros<float>({0, 3})).shape() == pk::Shape{0});
  const auto mean = pk::mean_cross_entropy(none, nobody);
  CHECK(mean.value()() == 0);
  tape.backward(mean);
  CHECK(none.grad().size() == 0);

  const auto x = tape.variable(random_tensor<float>({2, 4, 3}, 5));
  const auto unlabelled =
      pk::mean_cross_entropy(x, pk::Tensor<std::int64_t>(pk::zeros<std::int64_t>({2, 4}) - 1));
  CHECK(unlabelled.value()() == 0);
  CHECK(unlabelled.shape() == pk::Shape{});
  tape.backward(unlabelled);
  for (const float g : x.grad()) CHECK(g == 0);

  const auto one = tape.variable(random_tensor<float>({5, 1}, 5));
  const auto loss = pk::cross_entropy(one, pk::zeros<int>({5}), {.label_smoothing = 0.5});
  for (const float value : loss.value()) CHECK(value == 0);
  tape.backward(loss, random_tensor<float>({5}, 6));
  for (const float g : one.grad()) CHECK(g == 0);

  // A row alone: [C] and a class of shape [].
  pk::Tensor<int> single = pk::zeros<int>({});
  single() = 1;
  const auto row = pk::cross_entropy(pk::Tensor<double>{0.0, 0.0}, single);
  CHECK(row.dimension() == 0);
  CHECK(row() == Approx(std::log(2.0)));
}

TEST_CASE("Any class may be the one that is ignored, or none", "[autodiff]") {
  const auto logits = random_tensor<double>({3, 4}, 5);
  const pk::Tensor<int> target{0, 255, 3};
  CHECK(pk::cross_entropy(logits, target, {.ignore_class = 255})(1) == 0);
  CHECK(pk::cross_entropy(logits, pk::Tensor<int>{0, 1, 3}, {.ignore_class = 3})(2) == 0);
  CHECK_THROWS_AS(pk::cross_entropy(logits, pk::Tensor<int>{0, -1, 3}, {.ignore_class = {}}),
                  pk::ValueError);
}

TEST_CASE("Cross-entropies of views", "[autodiff]") {
  const auto logits = random_tensor<double>({4, 6}, 5);
  const pk::Tensor<int> target{3, 1, 0, 2};
  const auto columns = xt::view(logits, xt::all(), xt::range(1, 6));
  const auto rows = xt::view(target, xt::range(0, 4));
  CHECK(identical(pk::cross_entropy(columns, rows),
                  pk::cross_entropy(pk::Tensor<double>(columns), target)));
}

TEST_CASE("Cross-entropies of tensors and on tapes, for any number of threads", "[autodiff]") {
  for (const std::size_t classes : {3u, 37u}) {
    const auto logits = random_tensor<float>({6007, classes}, 5, -4, 4);
    const auto target = some_classes({6007}, classes);
    const auto soft = pk::softmax(random_tensor<float>({6007, classes}, 6));
    std::vector<pk::Tensor<float>> first;
    for (const int threads : {1, 3}) {
      pk::Tape<float> tape({.threads = threads});
      const auto x = tape.variable(pk::Tensor<float>(logits));
      const auto a = pk::cross_entropy(x, target, {.label_smoothing = 0.1});
      const auto b = pk::cross_entropy(x, soft);
      const auto m = pk::mean_cross_entropy(x, target);
      tape.backward(a + b, random_tensor<float>({6007}, 8));
      const std::vector<pk::Tensor<float>> results{a.value(), b.value(), m.value(), x.grad()};
      if (first.empty()) first = results;
      for (std::size_t i = 0; i < results.size(); ++i) CHECK(identical(results[i], first[i]));
      const pk::CrossEntropyOptions options{.threads = threads};
      CHECK(identical(pk::cross_entropy(logits, soft, options), first[1]));
      CHECK(identical(pk::mean_cross_entropy(logits, target, options), first[2]));
      CHECK(
          identical(pk::cross_entropy(logits, target, {.label_smoothing = 0.1, .threads = threads}),
                    first[0]));
    }
  }
}

TEST_CASE("Targets are kept as they were", "[autodiff]") {
  pk::Tape<double> tape;
  const auto x = tape.variable(random_tensor<double>({2, 3}, 5));
  const auto seed = pk::Tensor<double>{1.0, 1.0};
  pk::Tensor<double> soft{{1.0, 0.0, 0.0}, {0.0, 1.0, 0.0}};
  pk::Tensor<int> target{0, 1};
  const auto a = pk::cross_entropy(x, soft), b = pk::cross_entropy(x, target);
  soft.fill(0.25);
  target.fill(2);
  tape.backward(a, seed);
  const pk::Tensor<double> by_probabilities = x.grad();
  tape.backward(b, seed);
  CHECK(relative_difference(by_probabilities, x.grad()) < 1e-14);
}

TEST_CASE("Impossible cross-entropies are refused in words", "[autodiff]") {
  pk::Tape<double> tape;
  const auto x = tape.variable(random_tensor<double>({3, 4}, 5));
  const pk::Tensor<int> target{0, 1, 2};
  CHECK_THROWS_WITH(pk::cross_entropy(x, pk::Tensor<int>{0, 4, 2}),
                    "cross_entropy: target is 4 for row 1, expected a class from 0 to 3, or -1 "
                    "where there is none");
  CHECK_THROWS_WITH(pk::mean_cross_entropy(x, pk::Tensor<int>{0, 1, -2}, {.ignore_class = {}}),
                    "mean_cross_entropy: target is -2 for row 2, expected a class from 0 to 3");
  CHECK_THROWS_WITH(pk::cross_entropy(x, pk::Tensor<int>{0, 1}),
                    "cross_entropy: target has shape [2], expected [3]");
  CHECK_THROWS_WITH(pk::cross_entropy(x.value(), random_tensor<double>({3, 5}, 6)),
                    "cross_entropy: target has shape [3, 5], expected [3, 4]");
  CHECK_THROWS_WITH(pk::cross_entropy(tape.constant(pk::zeros<double>({})), target),
                    "cross_entropy: logits has shape [], expected [..., C] with C > 0");
  CHECK_THROWS_AS(pk::cross_entropy(pk::zeros<double>({3, 0}), target), pk::ShapeError);
  CHECK_THROWS_WITH(pk::cross_entropy(x, target, {.label_smoothing = 1.5}),
                    "cross_entropy: label_smoothing is 1.5, expected a number from 0 to 1");
  CHECK_THROWS_AS(pk::cross_entropy(x, target, {.label_smoothing = not_a_number}), pk::ValueError);
  for (const std::size_t classes : {4u, 40u}) {
    const auto logits = random_tensor<double>({3, classes}, 5);
    for (const double wrong : {not_a_number, -0.5, infinity, -infinity}) {
      pk::Tensor<double> soft = random_tensor<double>({3, classes}, 6, 0, 1);
      soft(2, 3) = wrong;
      CHECK_THROWS_AS(pk::cross_entropy(logits, soft), pk::ValueError);
      CHECK_THROWS_WITH(pk::mean_cross_entropy(logits, soft),
                        Catch::EndsWith(" for class 3 of row 2, expected 0 or a positive number"));
    }
  }
}
