#include <catch2/catch.hpp>

#include <cmath>

#include <posekit/attribution/quadrature.hpp>
#include <posekit/io/npy.hpp>

#include "support/shared_data.hpp"

namespace pk = posekit;

namespace {

double integrate(pk::Quadrature rule, std::size_t steps, double (*f)(double)) {
  double sum = 0;
  for (const auto& [position, weight] : pk::quadrature_nodes(rule, steps))
    sum += weight * f(position);
  return sum;
}

}  // namespace

TEST_CASE("Weights sum to 1, positions ascend within [0, 1]", "[attribution]") {
  for (const auto rule : {pk::Quadrature::left, pk::Quadrature::midpoint, pk::Quadrature::trapezoid,
                          pk::Quadrature::gauss_legendre}) {
    for (const std::size_t steps : {1u, 2u, 3u, 10u, 51u, 1000u}) {
      const auto nodes = pk::quadrature_nodes(rule, steps);
      CHECK(nodes.size() == steps + (rule == pk::Quadrature::trapezoid ? 1 : 0));
      double sum = 0;
      for (std::size_t i = 0; i < nodes.size(); ++i) {
        sum += nodes[i].weight;
        if (nodes[i].position < 0 || nodes[i].position > 1 ||
            (i > 0 && nodes[i].position <= nodes[i - 1].position))
          FAIL("node " << i);
      }
      CHECK(sum == Approx(1).epsilon(1e-13));
    }
  }
  CHECK_THROWS_AS(pk::quadrature_nodes(pk::Quadrature::left, 0), pk::ValueError);
}

TEST_CASE("Gauss-Legendre nodes equal numpy's", "[attribution]") {
  for (const std::size_t n : {1u, 2u, 5u, 12u, 51u}) {
    const auto expected =
        pk::load_npy<double>(golden_file("attribution/gauss_" + std::to_string(n) + ".npy"));
    const auto nodes = pk::quadrature_nodes(pk::Quadrature::gauss_legendre, n);
    for (std::size_t i = 0; i < n; ++i) {
      CHECK(nodes[i].position == Approx(expected(i, 0)).margin(1e-15));
      // numpy's own outermost weights are good to 1.2e-12 (checked with 50 digits).
      CHECK(nodes[i].weight == Approx(expected(i, 1)).epsilon(3e-12));
    }
  }
}

TEST_CASE("Rules converge at their orders", "[attribution]") {
  const auto f = +[](double x) { return std::exp(2 * x); };
  const double exact = (std::exp(2.0) - 1) / 2;
  const auto error = [&](pk::Quadrature rule, std::size_t n) {
    return std::abs(integrate(rule, n, f) - exact);
  };
  CHECK(error(pk::Quadrature::left, 40) / error(pk::Quadrature::left, 80) ==
        Approx(2).epsilon(0.05));
  CHECK(error(pk::Quadrature::midpoint, 40) / error(pk::Quadrature::midpoint, 80) ==
        Approx(4).epsilon(0.05));
  CHECK(error(pk::Quadrature::trapezoid, 40) / error(pk::Quadrature::trapezoid, 80) ==
        Approx(4).epsilon(0.05));
  CHECK(error(pk::Quadrature::gauss_legendre, 8) < 1e-14);
  // n points are exact for polynomials of degree 2n - 1.
  CHECK(integrate(
            pk::Quadrature::gauss_legendre, 3, +[](double x) { return x * x * x * x * x; }) ==
        Approx(1.0 / 6).epsilon(1e-14));
}
