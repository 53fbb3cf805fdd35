#pragma once

#include <cmath>
#include <cstddef>
#include <numbers>
#include <vector>

#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>

namespace posekit::inline POSEKIT_ISA {

/// How an integral over [0, 1] becomes a sum.
enum class Quadrature {
  left,            ///< n points i / n (the reference implementation of PoseIG)
  midpoint,        ///< n points (i + 1/2) / n
  trapezoid,       ///< n + 1 points i / n
  gauss_legendre,  ///< n points, exact for polynomials of degree 2n - 1
};

struct QuadratureNode {
  double position;
  double weight;
};

/// The nodes of a rule with `steps` steps, in ascending order; the weights sum to 1.
/// Throws ValueError for 0 steps.
std::vector<QuadratureNode> quadrature_nodes(Quadrature rule, std::size_t steps);

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_ATTRIBUTION

#include <posekit/core/error.hpp>

namespace posekit::inline POSEKIT_ISA {

POSEKIT_INLINE std::vector<QuadratureNode> quadrature_nodes(Quadrature rule, std::size_t steps) {
  if (steps == 0) throw ValueError("quadrature_nodes: steps is 0, expected at least 1");
  const auto n = static_cast<double>(steps);
  std::vector<QuadratureNode> nodes;
  switch (rule) {
    case Quadrature::left:
      for (std::size_t i = 0; i < steps; ++i)
        nodes.push_back({static_cast<double>(i) / n, 1.0 / n});
      break;
    case Quadrature::midpoint:
      for (std::size_t i = 0; i < steps; ++i) {
        nodes.push_back({(static_cast<double>(i) + 0.5) / n, 1.0 / n});
      }
      break;
    case Quadrature::trapezoid:
      for (std::size_t i = 0; i <= steps; ++i) {
        nodes.push_back({static_cast<double>(i) / n, (i == 0 || i == steps ? 0.5 : 1.0) / n});
      }
      break;
    case Quadrature::gauss_legendre:
      nodes.resize(steps);
      for (std::size_t i = 0; i < (steps + 1) / 2; ++i) {
        // Newton's method for the i-th largest root of the Legendre polynomial P_n.
        double x = std::cos(std::numbers::pi * (static_cast<double>(i) + 0.75) / (n + 0.5));
        double slope = 1.0;
        for (double step = 1.0; std::abs(step) > 1e-15;) {
          double previous = 0.0, value = 1.0;
          for (std::size_t k = 1; k <= steps; ++k) {
            const auto d = static_cast<double>(k);
            const double next = ((2.0 * d - 1.0) * x * value - (d - 1.0) * previous) / d;
            previous = value;
            value = next;
          }
          slope = n * (x * value - previous) / (x * x - 1.0);
          // The last step is below what x can resolve, so that `slope` belongs to x.
          const double last = step;
          step = value / slope;
          if (std::abs(step) >= std::abs(last)) break;
          x -= step;
        }
        const double weight = 1.0 / ((1.0 - x * x) * slope * slope);  // half of that on [-1, 1]
        nodes[i] = {0.5 * (1.0 - x), weight};
        nodes[steps - 1 - i] = {0.5 * (1.0 + x), weight};
      }
      break;
  }
  return nodes;
}

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_ATTRIBUTION
