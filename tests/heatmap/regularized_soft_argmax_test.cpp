#include <catch2/catch.hpp>

#include <limits>

#include <posekit/autodiff/arithmetic.hpp>
#include <posekit/heatmap/losses.hpp>
#include <posekit/heatmap/regularized_soft_argmax.hpp>
#include <posekit/heatmap/soft_argmax.hpp>
#include <posekit/testing/gradient_check.hpp>

#include "support/close.hpp"

namespace pk = posekit;
using pk::Coordinates;
using pk::testing::random_tensor;

namespace {

const std::vector<pk::Shape> shapes{{2, 3, 23}, {2, 3, 7, 19}, {1, 2, 3, 5, 18}, {1, 1, 1, 1}};

pk::Shape mean_shape(const pk::Shape& maps) { return {maps[0], maps[1], maps.size() - 2}; }

}  // namespace

TEST_CASE("Regularised soft-argmax is soft-argmax and JSD, gradients included", "[heatmap]") {
  const auto check = [](auto zero) {
    using T = decltype(zero);
    for (const auto& shape : shapes) {
      for (const auto c :
           {Coordinates::pixel, Coordinates::normalized, Coordinates::normalized_corners}) {
        const auto logits = random_tensor<T>(shape, 1, -4, 4);
        const auto means = random_tensor<T>(mean_shape(shape), 2, -0.7, 0.7);
        const auto differentiate = [&](const auto& terms) {
          pk::Tape<T> tape;
          const auto x = tape.variable(pk::Tensor<T>(logits));
          const auto m = tape.variable(pk::Tensor<T>(means));
          const auto [xy, js] = terms(x, m);
          const auto loss = pk::euclidean_loss(xy, m) + T(0.7) * js;
          tape.backward(loss, random_tensor<T>({shape[0], shape[1]}, 3));
          return std::vector<pk::Tensor<T>>{loss.value(), x.grad(), m.grad()};
        };
        const auto together = differentiate([&](const auto& x, const auto& m) {
          const auto r =
              pk::regularized_soft_argmax(x, m, {.beta = 1.4, .sigma = 1.2, .coordinates = c});
          return std::pair(r.coordinates, r.divergence);
        });
        const auto apart = differentiate([&](const auto& x, const auto& m) {
          return std::pair(
              pk::soft_argmax(x, {.beta = 1.4, .coordinates = c}),
              pk::js_divergence_of_logits(x, m, {.sigma = 1.2, .coordinates = c}, 1.4));
        });
        for (std::size_t i = 0; i < 3; ++i) {
          CHECK(relative_difference(together[i], apart[i]) < (sizeof(T) == 4 ? 1e-5 : 1e-13));
        }
      }
    }
  };
  check(0.0);
  check(0.0f);
}

TEST_CASE("Regularised soft-argmax agrees with differences", "[heatmap]") {
  for (const auto& shape : shapes) {
    const auto f = [](const auto& v) {
      const auto r = pk::regularized_soft_argmax(v[0], v[1], {.beta = 0.8, .sigma = 1.5});
      return pk::euclidean_loss(r.coordinates, v[1]) + r.divergence;
    };
    const auto gradients = pk::testing::check_gradients(
        f, std::vector<pk::Tensor<double>>{random_tensor<double>(shape, 4, -2, 2),
                                           random_tensor<double>(mean_shape(shape), 5, -0.9, 0.9)});
    INFO(gradients.message);
    CHECK(gradients.ok);
  }
}

TEST_CASE("An infinite logit has a divergence and moves nothing", "[heatmap]") {
  pk::Tape<double> tape;
  pk::Tensor<double> logits = random_tensor<double>({1, 1, 6, 40}, 1);
  logits(0, 0, 2, 30) = std::numeric_limits<double>::infinity();
  const auto x = tape.variable(pk::Tensor<double>(logits));
  const auto [xy, js] = pk::regularized_soft_argmax(x, pk::zeros<double>({1, 1, 2}));
  CHECK(xy.value()(0, 0, 0) == Approx(61.0 / 40 - 1));
  CHECK(js.value()(0, 0) == Approx(std::log(2.0)).epsilon(1e-3));
  tape.backward(pk::sum(xy) + pk::sum(js));
  for (const double g : x.grad()) CHECK(std::abs(g) < 1e-15);
}

TEST_CASE("A mean for each map is asked for", "[heatmap]") {
  pk::Tape<double> tape;
  const auto x = tape.variable(pk::zeros<double>({2, 3, 4, 5}));
  CHECK_THROWS_WITH(pk::regularized_soft_argmax(x, pk::zeros<double>({2, 3, 3})),
                    "regularized_soft_argmax: means has shape [2, 3, 3], expected [2, 3, 2]: a "
                    "position for each map");
  CHECK_THROWS_AS(pk::regularized_soft_argmax(x, pk::zeros<double>({2, 3, 2}), {.sigma = 0}),
                  pk::ValueError);
}
