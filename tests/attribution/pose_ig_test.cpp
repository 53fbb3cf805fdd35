#include <catch2/catch.hpp>

#include <array>
#include <atomic>
#include <cmath>
#include <limits>

#include <posekit/attribution/pose_ig.hpp>
#include <posekit/autodiff.hpp>
#include <posekit/heatmap/soft_argmax.hpp>
#include <posekit/testing/random_tensor.hpp>

#include "support/close.hpp"

namespace pk = posekit;
using pk::testing::random_tensor;

namespace {

/// Two heatmaps from a smooth function of the image's channels.
template <class T>
pk::Var<T> smooth_model(const pk::Var<T>& x) {
  const auto red = pk::slice(x, 1, 0, 1), green = pk::slice(x, 1, 1, 2),
             blue = pk::slice(x, 1, 2, 3);
  const auto maps =
      pk::concatenate({pk::sigmoid(red * T(4) - green), pk::tanh(blue + red * green)}, 1);
  return pk::soft_argmax(maps, {.beta = 5.0, .coordinates = pk::Coordinates::pixel});
}

const auto model_double = [](const pk::Var<double>& x) { return smooth_model(x); };

pk::Tensor<double> test_image() { return random_tensor<double>({3, 13, 18}, 4, 0, 1); }

pk::Tensor<double> test_truth() { return pk::Tensor<double>{{{8.0, 6.2}, {9.1, 5.5}}}; }

double sum_of(const pk::Tensor<double>& t, std::size_t joint) {
  const std::size_t size = t.size() / t.shape()[0];
  double sum = 0;
  for (std::size_t i = 0; i < size; ++i) sum += t.data()[joint * size + i];
  return sum;
}

}  // namespace

TEST_CASE("Attributions are complete, more so with more steps", "[attribution]") {
  for (const auto path : {pk::PathKind::blur, pk::PathKind::straight}) {
    double previous = 1e9;
    for (const std::size_t steps : {5u, 20u, 100u}) {
      const auto result = pk::pose_ig(model_double, test_image(), test_truth(),
                                      {.path = path, .sigma = 3.0, .steps = steps});
      double gap = 0;
      for (std::size_t j = 0; j < 2; ++j) {
        const double change = result.score(j) - result.score_baseline(j);
        CHECK(result.completeness_gap(j) ==
              Approx(std::abs(sum_of(result.attributions, j) - change)).margin(1e-14));
        if (steps == 100) CHECK(result.completeness_gap(j) < 0.01 * std::abs(change));
        gap = std::max(gap, result.completeness_gap(j));
      }
      CHECK(gap < previous);
      previous = gap;
    }
  }
}

TEST_CASE("Every rule converges to the same attributions", "[attribution]") {
  const auto exact =
      pk::pose_ig(model_double, test_image(), test_truth(), {.sigma = 3.0, .steps = 400});
  for (const auto& [rule, tolerance] :
       std::vector<std::pair<pk::Quadrature, double>>{{pk::Quadrature::left, 0.02},
                                                      {pk::Quadrature::trapezoid, 1e-3},
                                                      {pk::Quadrature::gauss_legendre, 1e-3}}) {
    const auto result = pk::pose_ig(model_double, test_image(), test_truth(),
                                    {.sigma = 3.0, .steps = 200, .rule = rule});
    CHECK(relative_difference(result.attributions, exact.attributions) < tolerance);
  }
}

TEST_CASE("A straight path through a linear score is exact in one step", "[attribution]") {
  // J = (mean of the image, 0): with the distance likelihood and c small, S is nearly linear; with
  // a constant gradient, attributions are gradient times difference.
  const auto linear = [](const pk::Var<double>& x) {
    const auto mean = pk::mean(x, {1, 2, 3});
    return pk::reshape(pk::concatenate({mean, mean * 0.0}, 0), {1, 1, 2});
  };
  const auto image = random_tensor<double>({2, 3, 4}, 1, 0.5, 1);
  const pk::Tensor<double> truth{{{5.0, 0.0}}};
  const auto result =
      pk::pose_ig(linear, image, truth, {.path = pk::PathKind::straight, .steps = 1000});
  const double change = result.score(0) - result.score_baseline(0);
  double total = 0;
  for (const double v : image) total += v;
  for (std::size_t i = 0; i < image.size(); ++i) {
    CHECK(result.attributions.flat(i) == Approx(change * image.flat(i) / total).epsilon(1e-5));
  }
}

TEST_CASE("Endpoint differences: the same on a straight path, not on a blur path",
          "[attribution]") {
  const pk::PoseIgOptions straight{
      .path = pk::PathKind::straight, .baseline = pk::Baseline::mean, .steps = 40};
  pk::PoseIgOptions printed = straight;
  printed.integrand = pk::Integrand::endpoint_difference;
  CHECK(relative_difference(
            pk::pose_ig(model_double, test_image(), test_truth(), printed).attributions,
            pk::pose_ig(model_double, test_image(), test_truth(), straight).attributions) < 1e-12);
  pk::PoseIgOptions blur{.sigma = 3.0, .steps = 100};
  const auto complete = pk::pose_ig(model_double, test_image(), test_truth(), blur);
  blur.integrand = pk::Integrand::endpoint_difference;
  const auto incomplete = pk::pose_ig(model_double, test_image(), test_truth(), blur);
  CHECK(incomplete.completeness_gap(0) > 10 * complete.completeness_gap(0));
}

TEST_CASE("Baselines are what their names say", "[attribution]") {
  const auto image = test_image();
  pk::PoseIgOptions options{.path = pk::PathKind::straight, .steps = 1};
  const auto baseline = [&] {
    return pk::pose_ig(model_double, image, test_truth(), options).baseline;
  };
  for (const double v : baseline()) CHECK(v == 0);
  options.baseline = pk::Baseline::constant;
  options.baseline_value = 0.4;
  for (const double v : baseline()) CHECK(v == 0.4);
  options.baseline = pk::Baseline::mean;
  const auto mean = baseline();
  double red = 0;
  for (std::size_t i = 0; i < 13 * 18; ++i) red += image.flat(i) / (13 * 18);
  CHECK(mean(0, 3, 5) == Approx(red));
  options.baseline = pk::Baseline::image;
  CHECK_THROWS_WITH(baseline(), Catch::Contains("needs a baseline image"));
  const std::optional<pk::Tensor<double>> given = pk::zeros<double>({3, 13, 18});
  CHECK(pk::pose_ig(model_double, image, test_truth(), options, given).baseline(1, 2, 3) == 0);
  const std::optional<pk::Tensor<double>> wrong = pk::zeros<double>({3, 13, 17});
  CHECK_THROWS_AS(pk::pose_ig(model_double, image, test_truth(), options, wrong), pk::ShapeError);
  options.path = pk::PathKind::blur;
  options.sigma = 2;
  CHECK(identical(baseline(), pk::BlurPath<double>(image, 2).image_at(0)));
}

TEST_CASE("The bits do not depend on the number of threads", "[attribution]") {
  for (const std::size_t noise : {0u, 3u}) {
    pk::PoseIgOptions options{
        .sigma = 3.0, .steps = 7, .noise_samples = noise, .seed = 5, .threads = 1};
    const auto in_float = [](const pk::Var<float>& x) { return smooth_model(x); };
    const auto image = pk::cast<float>(test_image());
    const auto truth = pk::cast<float>(test_truth());
    const auto first = pk::pose_ig(in_float, image, truth, options);
    for (const int threads : {2, 3, 8}) {
      options.threads = threads;
      const auto again = pk::pose_ig(in_float, image, truth, options);
      CHECK(identical(again.attributions, first.attributions));
      CHECK(identical(again.score, first.score));
      CHECK(identical(again.completeness_gap, first.completeness_gap));
    }
  }
}

TEST_CASE("With noise, gradients at noisy points are averaged", "[attribution]") {
  // One step of the straight path from black: x times the mean gradient around x / 2.
  constexpr std::size_t samples = 3;
  constexpr std::uint64_t seed = 5;
  constexpr double sigma = 0.2, c = 0.3;
  const auto image = test_image();
  const auto truth = test_truth();
  const auto result = pk::pose_ig(model_double, image, truth,
                                  {.path = pk::PathKind::straight,
                                   .steps = 1,
                                   .likelihood = {.c = c},
                                   .noise_samples = samples,
                                   .noise_sigma = sigma,
                                   .seed = seed});
  pk::Tensor<double> expected = pk::zeros<double>({2, 3, 13, 18});
  for (std::size_t s = 0; s < samples; ++s) {
    const pk::CounterRandom random(seed, s);
    pk::Tensor<double> point = pk::reshaped(pk::Tensor<double>(image * 0.5), {1, 3, 13, 18});
    for (std::size_t i = 0; i < point.size(); ++i) point.data()[i] += sigma * random.normal(i);
    for (std::size_t j = 0; j < 2; ++j) {
      pk::Tape<double> tape;
      const auto x = tape.variable(point);
      const auto pose = pk::take(pk::take(smooth_model(x), 1, j), 0, 0);
      const auto distance =
          pk::square(pose - tape.constant(pk::Tensor<double>{truth(0, j, 0), truth(0, j, 1)}));
      tape.backward(pk::exp(pk::sum(distance) * -c));
      for (std::size_t i = 0; i < image.size(); ++i) {
        expected.data()[j * image.size() + i] +=
            image.data()[i] * x.grad().data()[i] / static_cast<double>(samples);
      }
    }
  }
  CHECK(relative_difference(result.attributions, expected) < 1e-12);
}

TEST_CASE("Noise is seeded, and vanishes with its size", "[attribution]") {
  pk::PoseIgOptions options{.sigma = 3.0, .steps = 10};
  const auto clean = pk::pose_ig(model_double, test_image(), test_truth(), options);
  options.noise_samples = 4;
  options.noise_sigma = 0.05;
  options.seed = 1;
  const auto a = pk::pose_ig(model_double, test_image(), test_truth(), options);
  const auto b = pk::pose_ig(model_double, test_image(), test_truth(), options);
  CHECK(identical(a.attributions, b.attributions));
  options.seed = 2;
  const auto c = pk::pose_ig(model_double, test_image(), test_truth(), options);
  CHECK_FALSE(identical(a.attributions, c.attributions));
  // In proportion to its size, where that is small.
  std::array<double, 2> differences{};
  for (std::size_t i = 0; i < 2; ++i) {
    options.noise_sigma = i == 0 ? 1e-4 : 1e-6;
    const auto noisy = pk::pose_ig(model_double, test_image(), test_truth(), options);
    differences[i] = relative_difference(noisy.attributions, clean.attributions);
  }
  CHECK(differences[0] < 1e-3);
  CHECK(differences[0] / differences[1] == Approx(100).epsilon(0.01));
  options.noise_sigma = 0;
  CHECK(relative_difference(
            pk::pose_ig(model_double, test_image(), test_truth(), options).attributions,
            clean.attributions) < 1e-12);
}

TEST_CASE("Maps are sums over the channels, and their magnitudes", "[attribution]") {
  const auto result =
      pk::pose_ig(model_double, test_image(), test_truth(), {.sigma = 3.0, .steps = 3});
  CHECK(pk::shape_of(result.attributions) == pk::Shape{2, 3, 13, 18});
  const auto with_sign = result.signed_maps();
  const auto maps = result.maps();
  CHECK(pk::shape_of(maps) == pk::Shape{2, 13, 18});
  CHECK(with_sign(1, 4, 5) ==
        Approx(result.attributions(1, 0, 4, 5) + result.attributions(1, 1, 4, 5) +
               result.attributions(1, 2, 4, 5)));
  CHECK(maps(1, 4, 5) == std::abs(with_sign(1, 4, 5)));
}

TEST_CASE("Truth may come without the batch axis, and in three dimensions", "[attribution]") {
  const auto options = pk::PoseIgOptions{.sigma = 3.0, .steps = 3};
  const auto a = pk::pose_ig(model_double, test_image(), test_truth(), options);
  const auto b =
      pk::pose_ig(model_double, test_image(), pk::reshaped(test_truth(), {2, 2}), options);
  CHECK(identical(a.attributions, b.attributions));
  const auto deep = [](const pk::Var<double>& x) {
    const auto flat = smooth_model(x);
    return pk::concatenate({flat, pk::slice(flat, 2, 0, 1) * 0.5}, 2);
  };
  const auto truth = random_tensor<double>({2, 3}, 3, 3, 8);
  const auto c = pk::pose_ig(deep, test_image(), truth, {.sigma = 3.0, .steps = 100});
  CHECK(pk::shape_of(c.pose) == pk::Shape{2, 3});
  CHECK(c.completeness_gap(0) < 0.01 * std::abs(c.score(0) - c.score_baseline(0)));
}

TEST_CASE("Progress is told in order, and can stop the work", "[attribution]") {
  for (const int threads : {1, 3}) {
    std::size_t last = 0;
    pk::PoseIgOptions options{.sigma = 3.0, .steps = 9, .threads = threads};
    options.progress = [&](const pk::Progress& p) {
      CHECK(p.done == last + 1);
      CHECK(p.total == 9);
      last = p.done;
      return true;
    };
    (void)pk::pose_ig(model_double, test_image(), test_truth(), options);
    CHECK(last == 9);
    options.progress = [](const pk::Progress& p) { return p.done < 4; };
    CHECK_THROWS_WITH(pk::pose_ig(model_double, test_image(), test_truth(), options),
                      "pose_ig: cancelled after 4 of 9 steps");
  }
}

TEST_CASE("What the model throws reaches the caller", "[attribution]") {
  std::atomic<int> calls{0};
  const auto failing = [&](const pk::Var<double>& x) {
    if (++calls > 4) throw pk::ValueError("the model is tired");
    return smooth_model(x);
  };
  CHECK_THROWS_WITH(pk::pose_ig(failing, test_image(), test_truth(), {.steps = 20, .threads = 2}),
                    "the model is tired");
}

TEST_CASE("Impossible arguments are told in words", "[attribution]") {
  const auto image = test_image();
  const auto truth = test_truth();
  CHECK_THROWS_WITH(pk::pose_ig(model_double, pk::zeros<double>({13, 18}), truth),
                    "pose_ig: image has shape [13, 18], expected rank 3 [C, H, W]");
  CHECK_THROWS_AS(pk::pose_ig(model_double, pk::zeros<double>({3, 0, 18}), truth), pk::ShapeError);
  CHECK_THROWS_WITH(pk::pose_ig(model_double, image, pk::zeros<double>({2, 2, 2})),
                    Catch::Contains("truth has shape [2, 2, 2]"));
  CHECK_THROWS_AS(pk::pose_ig(model_double, image, pk::zeros<double>({2, 4})), pk::ShapeError);
  CHECK_THROWS_AS(pk::pose_ig(model_double, image, pk::zeros<double>({0, 2})), pk::ShapeError);
  CHECK_THROWS_WITH(
      pk::pose_ig(model_double, image, pk::zeros<double>({5, 2})),
      "pose_ig: the model returned shape [1, 2, 2], expected [1, 5, 2] as truth says");
  CHECK_THROWS_AS(pk::pose_ig(model_double, image, truth, {.steps = 0}), pk::ValueError);
  CHECK_THROWS_AS(pk::pose_ig(model_double, image, truth, {.sigma = -1}), pk::ValueError);
  CHECK_THROWS_AS(pk::pose_ig(model_double, image, truth, {.likelihood = {.c = 0}}),
                  pk::ValueError);
  auto nan_image = image;
  nan_image(1, 2, 3) = std::numeric_limits<double>::quiet_NaN();
  CHECK_THROWS_WITH(pk::pose_ig(model_double, nan_image, truth),
                    "pose_ig: image[1, 2, 3] is nan, expected a finite number");
  const auto broken = [](const pk::Var<double>& x) { return pk::log(smooth_model(x) * -1.0); };
  CHECK_THROWS_WITH(pk::pose_ig(broken, image, truth), Catch::Contains("the model's output"));
}
