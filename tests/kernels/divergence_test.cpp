#include <catch2/catch.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include <posekit/kernels/divergence.hpp>
#include <posekit/kernels/gaussian_map.hpp>
#include <posekit/testing/random_tensor.hpp>

#include "support/architectures.hpp"
#include "support/close.hpp"

namespace pk = posekit;
namespace kernels = posekit::kernels;
using pk::testing::random_tensor;

TEMPLATE_LIST_TEST_CASE("Divergences of logits from a Gaussian, with every lane remainder",
                        "[kernels]", KernelCases) {
  using T = typename TestType::Value;
  using A = typename TestType::Arch;
  const double tolerance = sizeof(T) == 4 ? 3e-6 : 1e-12;
  for (std::size_t width = 1; width < 36; ++width) {
    const pk::MapGrid grid{1, 4, width};
    const auto logits = random_tensor<T>({grid.size()}, width, -2, 2);
    const auto state = kernels::softmax_moments<T, A>(grid, logits.data(), T(1.5));
    std::array<kernels::GaussianAxis<T>, 3> axes;
    kernels::gaussian_axis<T, A>(width, 0.3 * static_cast<double>(width), 1.7, true, axes[0]);
    kernels::gaussian_axis<T, A>(4, 2.2, 1.7, true, axes[1]);
    kernels::gaussian_axis<T, A>(1, 0.0, 1.7, true, axes[2]);
    pk::Tensor<T> q = pk::make_tensor<T>({grid.size()}), p = q;
    kernels::gaussian_map<T, A>(grid, axes, q.data());
    kernels::softmax<T, A>(grid.size(), logits.data(), state, p.data());
    double kl = 0, js = 0, sum = 0;
    for (std::size_t i = 0; i < grid.size(); ++i) {
      const double a = static_cast<double>(p(i)), b = static_cast<double>(q(i)), m = (a + b) / 2;
      sum += b;
      if (a > 0) kl += a * std::log(a / std::max(b, 1e-300));
      js += 0.5 * ((a > 0 ? a * std::log(a / m) : 0) + (b > 0 ? b * std::log(b / m) : 0));
    }
    CHECK(sum == Approx(1).epsilon(1e-5));
    const kernels::SoftmaxOfLogits<T, A> source(logits.data(), T(1.5), state);
    const kernels::GaussianWeights<T, A> gaussian{axes};
    const kernels::MapWeights<T, A> weights{p.data()};
    using pk::Divergence;
    CHECK(kernels::divergence<Divergence::js, T, A>(grid, source, gaussian).value ==
          Approx(js).margin(tolerance));
    CHECK(kernels::divergence<Divergence::js, T, A>(grid, weights, gaussian).value ==
          Approx(js).margin(tolerance));
    if (width < 20 || sizeof(T) == 8) {  // further out, q has vanished in float
      CHECK(kernels::divergence<Divergence::kl, T, A>(grid, source, gaussian).value ==
            Approx(kl).epsilon(10 * tolerance));
    }
  }
}

namespace {

/// JSD of a softmax from a Gaussian by its definition, in double, and its derivatives.
struct Definition {
  double value = 0;
  std::vector<double> by_weight, by_logit;  // by_logit: of the JSD plus pull . expected position
  std::array<double, 3> by_mean{};

  template <class T>
  Definition(const pk::MapGrid& grid, const pk::Tensor<T>& logits, double beta,
             const std::array<double, 3>& centre, double sigma, const std::array<double, 3>& pull) {
    const std::size_t n = grid.size();
    const auto at = [&](std::size_t i) {
      return std::array<double, 3>{static_cast<double>(i % grid.width),
                                   static_cast<double>(i / grid.width % grid.height),
                                   static_cast<double>(i / grid.width / grid.height)};
    };
    std::vector<double> p(n), log_q(n);
    const double top = static_cast<double>(*std::max_element(logits.begin(), logits.end()));
    double p_mass = 0, q_mass = 0;
    for (std::size_t i = 0; i < n; ++i) {
      p_mass += p[i] = std::exp(beta * (static_cast<double>(logits(i)) - top));
      for (std::size_t a = 0; a < 3; ++a) {
        log_q[i] -= std::pow(at(i)[a] - centre[a], 2) / (2 * sigma * sigma);
      }
      q_mass += std::exp(log_q[i]);
    }
    std::array<double, 3> p_mean{}, q_mean{};
    for (std::size_t i = 0; i < n; ++i) {
      p[i] /= p_mass;
      log_q[i] -= std::log(q_mass);
      for (std::size_t a = 0; a < 3; ++a) {
        p_mean[a] += p[i] * at(i)[a];
        q_mean[a] += std::exp(log_q[i]) * at(i)[a];
      }
    }
    double mean_slope = 0;
    for (std::size_t i = 0; i < n; ++i) {
      const double q = std::exp(log_q[i]), log_m = std::log((p[i] + q) / 2);
      by_weight.push_back((std::log(p[i]) - log_m) / 2);
      const double q_slope = (log_q[i] - log_m) / 2;
      value += p[i] * by_weight[i] + q * q_slope;
      mean_slope += p[i] * by_weight[i];
      for (std::size_t a = 0; a < 3; ++a) {
        by_mean[a] += q * q_slope * (at(i)[a] - q_mean[a]) / (sigma * sigma);
      }
    }
    for (std::size_t i = 0; i < n; ++i) {
      double slope = by_weight[i] - mean_slope;
      for (std::size_t a = 0; a < 3; ++a) slope += pull[a] * (at(i)[a] - p_mean[a]);
      by_logit.push_back(beta * p[i] * slope);
    }
  }
};

}  // namespace

TEMPLATE_LIST_TEST_CASE(
    "Where a Gaussian covers a part of the map, JSD is what it is by definition", "[kernels]",
    KernelCases) {
  using T = typename TestType::Value;
  using A = typename TestType::Arch;
  const double tolerance = sizeof(T) == 4 ? 4e-6 : 1e-12;
  const double beta = 1.3, sigma = 1.1;
  const std::array<double, 3> pull{0.01, -0.02, 0.03};
  for (const pk::MapGrid grid : {pk::MapGrid{1, 37, 75}, pk::MapGrid{9, 21, 50}}) {
    for (const double range : {2.0, 30.0}) {
      for (const double place : {0.0, 0.37, 1.0, 1.4}) {
        const auto logits = random_tensor<T>({grid.size()}, 5, -range, range);
        const auto extents = grid.extents();
        std::array<double, 3> centre{};
        std::array<kernels::GaussianAxis<T>, 3> axes;
        for (std::size_t a = 0; a < 3; ++a) {
          centre[a] = grid.depth == 1 && a == 2 ? 0.0 : place * static_cast<double>(extents[a] - 1);
          kernels::gaussian_axis<T, A>(extents[a], centre[a], sigma, true, axes[a]);
        }
        const Definition expected(grid, logits, beta, centre, sigma, pull);
        const auto state = kernels::softmax_moments<T, A>(grid, logits.data(), T(beta));
        const kernels::GaussianWeights<T, A> q{axes};
        pk::Tensor<T> p = pk::make_tensor<T>({grid.size()}), slopes = p;
        kernels::softmax<T, A>(grid.size(), logits.data(), state, p.data());
        const auto check = [&](const auto& source, const std::vector<double>& by_p) {
          const auto value = kernels::divergence<pk::Divergence::js, T, A>(grid, source, q);
          CHECK(value.value == Approx(expected.value).margin(tolerance));
          std::array<double, 3> mean{};
          kernels::DivergenceTargets<T> to;
          to.p = slopes.data();
          to.mean = mean.data();
          to.position = {T(pull[0]), T(pull[1]), T(pull[2])};
          kernels::divergence_vjp<pk::Divergence::js, T, A>(grid, source, q, value, T(1), to);
          CHECK(relative_difference(slopes, pk::tensor_from<double>({grid.size()}, by_p)) <
                10 * tolerance);
          for (std::size_t a = 0; a < 3; ++a) {
            CHECK(mean[a] == Approx(expected.by_mean[a]).margin(20 * tolerance));
          }
        };
        check(kernels::SoftmaxOfLogits<T, A>(logits.data(), T(beta), state), expected.by_logit);
        if (range < 10) check(kernels::MapWeights<T, A>{p.data()}, expected.by_weight);
      }
    }
  }
}
