#include <catch2/catch.hpp>

#include <cmath>
#include <limits>

#include <xtensor/xadapt.hpp>

#include <posekit/heatmap/decoders.hpp>
#include <posekit/heatmap/divergence.hpp>
#include <posekit/heatmap/expectation.hpp>
#include <posekit/heatmap/flat_softmax.hpp>
#include <posekit/heatmap/losses.hpp>
#include <posekit/heatmap/marginals.hpp>
#include <posekit/heatmap/regularized_soft_argmax.hpp>
#include <posekit/heatmap/soft_argmax.hpp>
#include <posekit/heatmap/statistics.hpp>
#include <posekit/testing/gradient_check.hpp>
#include <posekit/testing/random_tensor.hpp>

#include "support/close.hpp"
#include "support/heatmap_case.hpp"

namespace pk = posekit;
using pk::Coordinates;
using pk::testing::random_tensor;

TEST_CASE("Soft-argmax equals PyTorch's softmax and expectation", "[heatmap]") {
  const auto f = [](const auto& v) {
    return pk::soft_argmax(v[0], {.beta = 3.0, .coordinates = Coordinates::pixel});
  };
  CHECK(layer_case_difference<double>("soft_argmax", 1, f) < 1e-13);
  CHECK(layer_case_difference<float>("soft_argmax", 1, f) < 5e-6);
}

TEST_CASE("All conventions are differentiated", "[heatmap]") {
  for (const auto c :
       {Coordinates::pixel, Coordinates::normalized, Coordinates::normalized_corners}) {
    for (const pk::Shape& shape : {pk::Shape{1, 1, 1, 1}, pk::Shape{2, 3, 4, 5},
                                   pk::Shape{1, 2, 1, 19}, pk::Shape{1, 1, 17, 1}}) {
      const auto f = [&](const auto& v) {
        return pk::soft_argmax(v[0], {.beta = 2.5, .coordinates = c});
      };
      const std::vector<pk::Tensor<double>> in{random_tensor<double>(shape, 1, -2, 2)};
      const auto gradients = pk::testing::check_gradients(f, in);
      INFO(gradients.message);
      CHECK(gradients.ok);
      pk::Tape<double> tape;
      CHECK(identical(f(std::vector{tape.constant(pk::Tensor<double>(in[0]))}).value(),
                      pk::soft_argmax(in[0], {.beta = 2.5, .coordinates = c})));
    }
  }
}

TEST_CASE("Known positions in the three conventions", "[heatmap]") {
  pk::Tensor<double> logits = pk::zeros<double>({1, 1, 6, 8});
  logits(0, 0, 4, 1) = 1000;
  CHECK(pk::soft_argmax(logits, {.coordinates = Coordinates::pixel})(0, 0, 0) == Approx(1));
  CHECK(pk::soft_argmax(logits, {.coordinates = Coordinates::pixel})(0, 0, 1) == Approx(4));
  CHECK(pk::soft_argmax(logits)(0, 0, 0) == Approx(3.0 / 8 - 1));  // normalized is the default
  CHECK(pk::soft_argmax(logits)(0, 0, 1) == Approx(9.0 / 6 - 1));
  CHECK(pk::soft_argmax(logits, {.coordinates = Coordinates::normalized_corners})(0, 0, 0) ==
        Approx(2.0 / 7 - 1));
}

TEST_CASE("Invariant to a constant, equivariant to flips", "[heatmap]") {
  const auto logits = random_tensor<double>({2, 2, 7, 9}, 3, -5, 5);
  pk::Tensor<double> shifted(logits), flipped(logits);
  for (auto& v : shifted) v += 123.0;
  for (std::size_t n = 0; n < 2; ++n)
    for (std::size_t j = 0; j < 2; ++j)
      for (std::size_t y = 0; y < 7; ++y)
        for (std::size_t x = 0; x < 9; ++x) flipped(n, j, y, x) = logits(n, j, y, 8 - x);
  const auto a = pk::soft_argmax(logits), b = pk::soft_argmax(shifted),
             c = pk::soft_argmax(flipped);
  CHECK(relative_difference(b, a) < 1e-12);
  for (std::size_t i = 0; i < 4; ++i) {
    CHECK(c.flat(2 * i) == Approx(-a.flat(2 * i)));
    CHECK(c.flat(2 * i + 1) == Approx(a.flat(2 * i + 1)));
  }
}

TEST_CASE("Coordinates follow translations and swapped axes, and stay inside of the grid",
          "[heatmap]") {
  for (std::uint64_t seed = 0; seed < 30; ++seed) {
    const std::size_t height = 3 + seed % 7, width = 4 + seed * 5 % 23, margin = 1 + seed % 4;
    const auto logits = random_tensor<double>({1, 2, height, width}, seed, -6, 6);
    // Empty space around: the same softmax, further to the right and down.
    pk::Tensor<double> moved =
        pk::make_tensor<double>({1, 2, height + 3 * margin, width + 2 * margin});
    moved.fill(-1e4);
    pk::Tensor<double> swapped = pk::make_tensor<double>({1, 2, width, height});
    for (std::size_t j = 0; j < 2; ++j)
      for (std::size_t y = 0; y < height; ++y)
        for (std::size_t x = 0; x < width; ++x) {
          moved(0, j, y + 2 * margin, x + margin) = logits(0, j, y, x);
          swapped(0, j, x, y) = logits(0, j, y, x);
        }
    const pk::SoftArgmaxOptions pixels{.coordinates = Coordinates::pixel};
    const auto a = pk::soft_argmax(logits, pixels), b = pk::soft_argmax(moved, pixels),
               c = pk::soft_argmax(swapped, pixels);
    for (std::size_t j = 0; j < 2; ++j) {
      CHECK(b(0, j, 0) == Approx(a(0, j, 0) + static_cast<double>(margin)).epsilon(1e-12));
      CHECK(b(0, j, 1) == Approx(a(0, j, 1) + 2 * static_cast<double>(margin)).epsilon(1e-12));
      CHECK(c(0, j, 0) == Approx(a(0, j, 1)).epsilon(1e-12));
      CHECK(c(0, j, 1) == Approx(a(0, j, 0)).epsilon(1e-12));
      CHECK(a(0, j, 0) >= 0);
      CHECK(a(0, j, 0) <= static_cast<double>(width - 1));
    }
  }
}

TEST_CASE("NaN makes its own joint NaN only, wrong ranks are refused", "[heatmap]") {
  pk::Tensor<float> logits = pk::zeros<float>({1, 2, 3, 4});
  logits(0, 1, 1, 1) = std::numeric_limits<float>::quiet_NaN();
  const auto xy = pk::soft_argmax(logits);
  CHECK(xy(0, 0, 0) == Approx(0).margin(1e-6));
  CHECK(std::isnan(xy(0, 1, 0)));
  CHECK_THROWS_WITH(pk::soft_argmax(pk::zeros<float>({8, 17})),
                    "soft_argmax: logits has shape [8, 17], expected rank 3 [N, J, W], 4 [N, J, H, "
                    "W] or 5 [N, J, D, H, W]");
  CHECK_THROWS_AS(pk::soft_argmax(pk::zeros<float>({1, 1, 0, 4})), pk::ShapeError);
}

TEST_CASE("Soft-argmax of lines, maps and volumes, with an inverse temperature for each joint",
          "[heatmap]") {
  for (const auto& rank : map_ranks) {
    check_heatmap_case(
        "soft_argmax_" + rank, 2, [](const auto& v) { return pk::soft_argmax(v[0], v[1]); }, 1e-5);
    check_heatmap_case(
        "compensated_" + rank, 1,
        [](const auto& v) { return pk::compensated_soft_argmax(v[0], {.beta = 2}); }, 1e-5);
  }
  pk::Tape<double> tape;
  const auto logits = tape.variable(random_tensor<double>({2, 3, 4, 5}, 1));
  CHECK_THROWS_WITH(pk::soft_argmax(logits, tape.variable(pk::zeros<double>({2}))),
                    Catch::Contains("one for each of 3 joints"));
  // The gradient to beta alone.
  const auto constant = tape.constant(random_tensor<double>({2, 3, 4, 5}, 1));
  const auto beta = tape.variable(pk::tensor_from<double>({1}, std::vector<double>{1.3}));
  tape.backward(pk::soft_argmax(constant, beta), random_tensor<double>({2, 3, 2}, 2));
  const double slope = beta.grad()(0);
  const auto at = [&](double b) {
    const auto xy = pk::soft_argmax(constant.value(), {.beta = b});
    const auto seed = random_tensor<double>({2, 3, 2}, 2);
    double sum = 0;
    for (std::size_t i = 0; i < xy.size(); ++i) sum += xy.flat(i) * seed.flat(i);
    return sum;
  };
  CHECK(slope == Approx((at(1.3 + 1e-5) - at(1.3 - 1e-5)) / 2e-5).epsilon(1e-7));
}

TEST_CASE("Compensation takes the pull to the middle away", "[heatmap]") {
  // A blob of sigma 2 far off the centre, at beta 10, as the literature has it.
  for (const double cx : {12.0, 14.3, 40.25, 51.0}) {
    pk::Tensor<double> blob = pk::zeros<double>({1, 1, 64, 64});
    for (std::size_t y = 0; y < 64; ++y)
      for (std::size_t x = 0; x < 64; ++x)
        blob(0, 0, y, x) = std::exp(-0.125 * (std::pow(static_cast<double>(x) - cx, 2) +
                                              std::pow(static_cast<double>(y) - 20.6, 2)));
    const auto plain = pk::soft_argmax(blob, {.beta = 10, .coordinates = Coordinates::pixel});
    const auto fair =
        pk::compensated_soft_argmax(blob, {.beta = 10, .coordinates = Coordinates::pixel});
    CHECK(std::abs(plain(0, 0, 0) - cx) > 0.2);
    CHECK(std::abs(fair(0, 0, 0) - cx) < 0.05);
    CHECK(std::abs(fair(0, 0, 1) - 20.6) < 0.05);
  }
  const auto nothing = pk::compensated_soft_argmax(pk::zeros<double>({1, 1, 5, 8}),
                                                   {.coordinates = Coordinates::pixel});
  CHECK(nothing(0, 0, 0) == Approx(3.5));
}

TEST_CASE("An infinite logit takes everything and moves nothing", "[heatmap]") {
  pk::Tape<float> tape;
  pk::Tensor<float> logits = random_tensor<float>({1, 1, 6, 21}, 1);
  logits(0, 0, 2, 19) = std::numeric_limits<float>::infinity();
  const auto x = tape.variable(pk::Tensor<float>(logits));
  const auto xy = pk::soft_argmax(x, {.coordinates = Coordinates::pixel});
  CHECK(xy.value()(0, 0, 0) == 19);
  CHECK(xy.value()(0, 0, 1) == 2);
  tape.backward(xy, pk::Tensor<float>{{{1.0f, 1.0f}}});
  for (const float g : x.grad()) CHECK(g == 0);
  logits.fill(-std::numeric_limits<float>::infinity());
  CHECK(std::isnan(pk::soft_argmax(logits)(0, 0, 0)));
}

TEST_CASE("Logits of -infinity have no weight, wherever they are", "[heatmap]") {
  const auto check = [](auto zero) {
    using T = decltype(zero);
    constexpr T infinity = std::numeric_limits<T>::infinity();
    for (const bool upper : {true, false}) {
      pk::Tensor<T> logits = pk::zeros<T>({1, 1, 64, 64});
      for (std::size_t y = 0; y < 32; ++y)
        for (std::size_t x = 0; x < 64; ++x) logits(0, 0, upper ? y : 63 - y, x) = -infinity;
      const auto xy = pk::soft_argmax(logits, {.coordinates = Coordinates::pixel});
      CHECK(static_cast<double>(xy(0, 0, 0)) == Approx(31.5));
      CHECK(static_cast<double>(xy(0, 0, 1)) == Approx(upper ? 47.5 : 15.5));
      CHECK(pk::flat_softmax(logits)(0, 0, upper ? 3 : 60, 3) == T(0));
      // The gradient with respect to beta is finite, and 0 among equals.
      pk::Tape<T> tape;
      const auto beta = tape.variable(pk::tensor_from<T>({1}, std::vector<T>{T(1)}));
      tape.backward(pk::soft_argmax(tape.constant(logits), beta), pk::Tensor<T>{{{T(1), T(1)}}});
      CHECK(std::abs(static_cast<double>(beta.grad()(0))) < 1e-4);
    }
  };
  check(0.0);
  check(0.0f);
}

TEST_CASE("Large logits and temperatures lose no digits", "[heatmap]") {
  const pk::Tensor<float> logits{{{10000.0f, 9999.0f, 9998.5f, 9997.25f}}};
  const double expected[] = {0.6042524, 0.2222920, 0.1348269, 0.0386286};
  const auto p = pk::flat_softmax(logits);
  for (std::size_t i = 0; i < 4; ++i) CHECK(p.flat(i) == Approx(expected[i]).epsilon(1e-6));
  pk::Tensor<float> level = pk::zeros<float>({1, 1, 8, 8});
  level.fill(8.497316e9f);
  CHECK(pk::soft_argmax(level)(0, 0, 0) == Approx(0).margin(1e-6));
  auto peak = random_tensor<float>({1, 1, 8, 8}, 1, 0, 0.5);
  peak(0, 0, 2, 5) = 0.8f;
  CHECK(pk::soft_argmax(peak, {.beta = 4.4e10, .coordinates = Coordinates::pixel})(0, 0, 0) == 5);
  // What all logits have in common has no share in the derivative with respect to beta.
  const auto slope = [](double offset) {
    pk::Tape<double> tape;
    auto shifted = random_tensor<double>({1, 1, 64, 64}, 1, -3, 3);
    for (double& v : shifted) v += offset;
    const auto beta = tape.variable(pk::tensor_from<double>({1}, std::vector<double>{1.0}));
    tape.backward(pk::soft_argmax(tape.constant(shifted), beta, Coordinates::pixel),
                  pk::Tensor<double>{{{1.0, -0.5}}});
    return beta.grad()(0);
  };
  CHECK(slope(1e4) == Approx(slope(0)).epsilon(1e-9));
}

TEST_CASE("Compensation keeps its digits where the background weighs most", "[heatmap]") {
  pk::Tensor<double> blob = pk::zeros<double>({1, 1, 64, 64});
  for (std::size_t y = 0; y < 64; ++y)
    for (std::size_t x = 0; x < 64; ++x)
      blob(0, 0, y, x) = std::exp(-0.125 * (std::pow(static_cast<double>(x) - 20, 2) +
                                            std::pow(static_cast<double>(y) - 40, 2)));
  for (const double beta : {0.1, 1.0, 10.0}) {
    const auto exact = pk::compensated_soft_argmax(blob, {.beta = beta});
    const auto rounded = pk::compensated_soft_argmax(pk::cast<float>(blob), {.beta = beta});
    CHECK(rounded(0, 0, 0) == Approx(exact(0, 0, 0)).margin(3e-6));
    CHECK(rounded(0, 0, 1) == Approx(exact(0, 0, 1)).margin(3e-6));
  }
}

TEST_CASE("Inverse temperatures of joints are an option", "[heatmap]") {
  const auto logits = random_tensor<double>({2, 3, 4, 5}, 1);
  const auto all = pk::soft_argmax(logits, {.joint_betas = {1, 2, 3}});
  const auto second = pk::soft_argmax(logits, {.beta = 2});
  CHECK(all(1, 1, 0) == second(1, 1, 0));
  CHECK_THROWS_WITH(pk::soft_argmax(logits, {.joint_betas = {1, 2}}),
                    Catch::Contains("one for each of 3 joints"));
}

TEST_CASE("Memory of the caller's and views of tensors are taken", "[heatmap]") {
  const auto logits = random_tensor<double>({2, 3, 5, 7}, 1);
  const auto expected = pk::soft_argmax(logits);
  const std::vector<std::size_t> shape{2, 3, 5, 7};
  std::vector<double> mine(logits.begin(), logits.end());
  const auto adaptor = xt::adapt(mine, shape);
  CHECK(identical(pk::soft_argmax(adaptor), expected));
  CHECK(pk::ContiguousView<double>(adaptor).data() == mine.data());  // not copied
  // Channels last, seen as channels first.
  pk::Tensor<double> last = pk::make_tensor<double>({2, 5, 7, 3});
  for (std::size_t n = 0; n < 2; ++n)
    for (std::size_t j = 0; j < 3; ++j)
      for (std::size_t y = 0; y < 5; ++y)
        for (std::size_t x = 0; x < 7; ++x) last(n, y, x, j) = logits(n, j, y, x);
  CHECK(identical(pk::soft_argmax(xt::transpose(last, {0, 3, 1, 2})), expected));
}

TEST_CASE("The same bits for any number of threads", "[heatmap]") {
  const auto logits = random_tensor<float>({3, 17, 33, 21}, 1, -4, 4);
  pk::Tensor<float> value, gradient;
  for (const int threads : {1, 2, 3}) {
    pk::Tape<float> tape({.threads = threads});
    const auto x = tape.variable(pk::Tensor<float>(logits));
    const auto y = pk::soft_argmax(x, {.beta = 2});
    tape.backward(y, random_tensor<float>({3, 17, 2}, 2));
    if (threads == 1) {
      value = y.value();
      gradient = x.grad();
    }
    CHECK(identical(y.value(), value));
    CHECK(identical(x.grad(), gradient));
  }
}

TEST_CASE("Options that are no numbers, or no temperatures, are refused", "[heatmap]") {
  const auto check = [](auto zero) {
    using T = decltype(zero);
    const auto z = random_tensor<T>({1, 2, 4, 3}, 1);
    const auto mean = pk::zeros<T>({1, 2, 2});
    pk::Tape<T> tape;
    const auto x = tape.variable(z);
    const double nan = std::numeric_limits<double>::quiet_NaN();
    const double infinity = std::numeric_limits<double>::infinity();
    for (const double bad : {nan, infinity, -infinity, 1e308, -1e13}) {
      CHECK_THROWS_AS(pk::soft_argmax(z, {.beta = bad}), pk::ValueError);
      CHECK_THROWS_AS(pk::soft_argmax(x, {.beta = bad}), pk::ValueError);
      CHECK_THROWS_AS(pk::soft_argmax(z, {.joint_betas = {1.0, bad}}), pk::ValueError);
      CHECK_THROWS_AS(pk::compensated_soft_argmax(z, {.beta = bad}), pk::ValueError);
      CHECK_THROWS_AS(pk::compensated_soft_argmax(x, {.beta = bad}), pk::ValueError);
      CHECK_THROWS_AS(pk::flat_softmax(z, {.beta = bad}), pk::ValueError);
      CHECK_THROWS_AS(pk::flat_softmax(x, {.beta = bad}), pk::ValueError);
      CHECK_THROWS_AS(pk::regularized_soft_argmax(x, mean, {.beta = bad}), pk::ValueError);
      CHECK_THROWS_AS(pk::js_divergence_of_logits(x, mean, {}, bad), pk::ValueError);
      CHECK_THROWS_AS(pk::kl_divergence_of_logits(x, mean, {}, bad), pk::ValueError);
    }
    for (const double bad : {nan, infinity, -infinity}) {
      CHECK_THROWS_AS(pk::compensated_soft_argmax(z, {.background = bad}), pk::ValueError);
      CHECK_THROWS_AS(pk::compensated_soft_argmax(x, {.background = bad}), pk::ValueError);
      CHECK_THROWS_AS(pk::sharpen(pk::flat_softmax(z), bad), pk::ValueError);
    }
    CHECK_THROWS_WITH(pk::soft_argmax(z, {.beta = nan}),
                      "soft_argmax: beta is nan, expected a number from -1e+12 to 1e+12");
    auto far = mean;
    far(0, 1, 1) = -std::numeric_limits<T>::infinity();
    CHECK_THROWS_AS(pk::js_divergence(pk::flat_softmax(z), far, {}), pk::ValueError);
    CHECK_THROWS_AS(pk::js_divergence(pk::flat_softmax(x), far, {}), pk::ValueError);
    CHECK_THROWS_AS(pk::heatmap_mse(pk::flat_softmax(z), far, {}), pk::ValueError);
    auto infinite = pk::flat_softmax(z);
    infinite(0, 0, 1, 1) = std::numeric_limits<T>::infinity();
    CHECK_THROWS_WITH(pk::sharpen(infinite, 2), Catch::Contains("a heatmap holds inf"));
    // Temperatures of 0 and below it have a meaning.
    CHECK(pk::flat_softmax(z, {.beta = 0})(0, 0, 0, 0) == Approx(1.0 / 12));
    CHECK_NOTHROW(pk::soft_argmax(z, {.beta = -2}));
  };
  check(0.0f);
  check(0.0);
}

TEST_CASE("Threads are an option of each call, and change no bits", "[heatmap]") {
  const auto logits = pk::testing::random_tensor<float>({3, 17, 61, 53}, 2, -3, 3);
  const auto p = pk::flat_softmax(logits, {.threads = 1});
  CHECK(identical(p, pk::flat_softmax(logits, {.threads = 3})));
  CHECK(
      identical(pk::soft_argmax(logits, {.threads = 1}), pk::soft_argmax(logits, {.threads = 3})));
  CHECK(identical(pk::compensated_soft_argmax(logits, {.threads = 1}),
                  pk::compensated_soft_argmax(logits, {.threads = 3})));
  CHECK(identical(pk::expectation(p, {.threads = 1}), pk::expectation(p, {.threads = 3})));
  CHECK(identical(pk::hard_argmax(p, {.threads = 1}), pk::hard_argmax(p, {.threads = 3})));
  CHECK(identical(pk::dark_argmax(p, {.threads = 1}), pk::dark_argmax(p, {.threads = 3})));
  const auto means = pk::testing::random_tensor<float>({3, 17, 2}, 3, -0.8, 0.8);
  CHECK(identical(pk::js_divergence(p, means, {.threads = 1}),
                  pk::js_divergence(p, means, {.threads = 3})));
  CHECK(identical(pk::js_divergence_of_logits(logits, means, {.threads = 1}),
                  pk::js_divergence_of_logits(logits, means, {.threads = 3})));
  const auto q = pk::flat_softmax(pk::testing::random_tensor<float>({3, 17, 61, 53}, 4, -3, 3));
  const auto between = pk::js_divergence(p, q, 1);
  CHECK(between(2, 16) > 0.1f);
  CHECK(identical(between, pk::js_divergence(p, q, 3)));
  CHECK(identical(pk::kl_divergence(p, q, 1), pk::kl_divergence(p, q)));
  CHECK(
      identical(pk::heatmap_statistics(p, 1).covariance, pk::heatmap_statistics(p, 3).covariance));
  CHECK(identical(pk::variance_loss(p, 1.0, 1), pk::variance_loss(p, 1.0, 3)));
  CHECK(identical(pk::regularized_soft_argmax(logits, means, {.threads = 1}).divergence,
                  pk::regularized_soft_argmax(logits, means, {.threads = 3}).divergence));
  const pk::Tensor<float> volume = pk::testing::random_tensor<float>({1, 5, 16, 24, 16}, 9, 0, 1);
  CHECK(identical(pk::marginals(volume, 1).zy, pk::marginals(volume, 3).zy));
}
