#include <catch2/catch.hpp>

#include <cmath>
#include <limits>

#include <posekit/autodiff/arithmetic.hpp>
#include <posekit/heatmap/divergence.hpp>
#include <posekit/heatmap/flat_softmax.hpp>
#include <posekit/testing/gradient_check.hpp>

#include "support/heatmap_case.hpp"

namespace pk = posekit;
using pk::testing::random_tensor;

TEST_CASE("Divergences and their gradients equal PyTorch's", "[heatmap]") {
  for (const auto& rank : map_ranks) {
    const pk::GaussianOptions gaussian{.sigma = 2.0};
    check_heatmap_case(
        "js_" + rank, 2, [&](const auto& v) { return pk::js_divergence(v[0], v[1], gaussian); },
        2e-5);
    check_heatmap_case(
        "kl_" + rank, 2, [&](const auto& v) { return pk::kl_divergence(v[0], v[1], gaussian); },
        2e-5);
    check_heatmap_case(
        "js_logits_" + rank, 2,
        [&](const auto& v) { return pk::js_divergence_of_logits(v[0], v[1], gaussian, 1.4); },
        2e-5);
    check_heatmap_case(
        "kl_logits_" + rank, 2,
        [&](const auto& v) { return pk::kl_divergence_of_logits(v[0], v[1], gaussian, 1.4); },
        2e-5);
    check_heatmap_case(
        "js_maps_" + rank, 2, [&](const auto& v) { return pk::js_divergence(v[0], v[1]); }, 2e-5);
    check_heatmap_case(
        "kl_maps_" + rank, 2, [&](const auto& v) { return pk::kl_divergence(v[0], v[1]); }, 2e-5);
  }
}

TEST_CASE("JSD is symmetric, between 0 and log 2, and 0 for equals", "[heatmap]") {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const auto p = pk::flat_softmax(random_tensor<double>({1, 2, 5, 9}, seed, -8, 8));
    const auto q = pk::flat_softmax(random_tensor<double>({1, 2, 5, 9}, seed + 100, -8, 8));
    const auto pq = pk::js_divergence(p, q), qp = pk::js_divergence(q, p);
    for (std::size_t j = 0; j < 2; ++j) {
      CHECK(pq(0, j) == Approx(qp(0, j)).epsilon(1e-12));
      CHECK(pq(0, j) >= 0);
      CHECK(pq(0, j) <= std::log(2.0));
    }
    CHECK(std::abs(pk::js_divergence(p, p)(0, 0)) < 1e-15);
  }
  pk::Tensor<double> here = pk::zeros<double>({1, 1, 4, 4}), there = here;
  here(0, 0, 0, 0) = there(0, 0, 3, 3) = 1;
  CHECK(pk::js_divergence(here, there)(0, 0) == Approx(std::log(2.0)));
}

TEST_CASE("Maps with zeros and means far away have finite values and gradients", "[heatmap]") {
  const auto check = [](auto zero) {
    using T = decltype(zero);
    for (const T mean : {T(0), T(5), T(-1e6)}) {
      pk::Tape<T> tape;
      pk::Tensor<T> map = pk::zeros<T>({1, 1, 6, 19});
      map(0, 0, 2, 3) = 1;
      const auto p = tape.variable(pk::Tensor<T>(map));
      const auto means = tape.variable(pk::tensor_from<T>({1, 1, 2}, std::vector<T>{mean, mean}));
      const auto loss =
          pk::js_divergence(p, means, {.sigma = 1}) + pk::kl_divergence(p, means, {.sigma = 1});
      CHECK(std::isfinite(loss.value()(0, 0)));
      tape.backward(loss, pk::tensor_from<T>({1, 1}, std::vector<T>{T(1)}));
      for (const T g : p.grad()) CHECK(std::isfinite(g));
      for (const T g : means.grad()) CHECK(std::isfinite(g));
    }
  };
  check(0.0);
  check(0.0f);
}

TEST_CASE("The steepest slopes stay finite", "[heatmap]") {
  pk::Tape<float> tape;
  const auto p = tape.constant(pk::Tensor<float>{{{1.0f, 0.0f}}});
  const auto q = tape.variable(pk::Tensor<float>{{{0.0f, 1.0f}}});
  tape.backward(pk::kl_divergence(p, q), pk::tensor_from<float>({1, 1}, std::vector<float>{10.0f}));
  for (const float g : q.grad()) CHECK(std::isfinite(g));
}

TEST_CASE("Divergences of tensors are those of the tape", "[heatmap]") {
  const auto logits = random_tensor<double>({2, 3, 5, 9}, 1);
  const auto means = random_tensor<double>({2, 3, 2}, 2);
  pk::Tape<double> tape;
  const auto z = tape.constant(pk::Tensor<double>(logits));
  CHECK(identical(pk::js_divergence_of_logits(logits, means, {.sigma = 1}, 2.0),
                  pk::js_divergence_of_logits(z, means, {.sigma = 1}, 2.0).value()));
  CHECK(identical(pk::kl_divergence_of_logits(logits, means, {.sigma = 1}),
                  pk::kl_divergence_of_logits(z, means, {.sigma = 1}).value()));
  CHECK(relative_difference(pk::js_divergence_of_logits(logits, means, {.sigma = 1}),
                            pk::js_divergence(pk::flat_softmax(logits), means, {.sigma = 1})) <
        1e-12);
}

TEST_CASE("Impossible divergences are refused in words", "[heatmap]") {
  const auto p = pk::zeros<double>({1, 2, 5, 9});
  CHECK_THROWS_WITH(
      pk::js_divergence(p, pk::zeros<double>({1, 2, 3}), {.sigma = 1}),
      "js_divergence: means has shape [1, 2, 3], expected [1, 2, 2]: a position for each map");
  CHECK_THROWS_WITH(pk::kl_divergence(p, pk::zeros<double>({1, 2, 5, 8})),
                    Catch::Contains("expected the same"));
  CHECK_THROWS_AS(pk::js_divergence(p, pk::zeros<double>({1, 2, 2}), {.sigma = -1}),
                  pk::ValueError);
  CHECK_THROWS_AS(
      pk::js_divergence(p, pk::zeros<double>({1, 2, 2}), {.sigma = 1, .normalised = false}),
      pk::ValueError);
}
