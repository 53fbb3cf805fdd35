#pragma once

// The directions in which a few points spread, for as many sets of points as a batch has lanes.

#include <array>
#include <cstddef>
#include <type_traits>

#include <posekit/core/isa.hpp>
#include <posekit/simd/batch.hpp>

namespace posekit::inline POSEKIT_ISA::kernels {

template <class Arch>
using Point = std::array<simd::Batch<double, Arch>, 3>;

template <class Arch>
[[gnu::always_inline]] inline simd::Batch<double, Arch> dot(const Point<Arch>& a,
                                                            const Point<Arch>& b) {
  return xsimd::fma(a[0], b[0], xsimd::fma(a[1], b[1], a[2] * b[2]));
}

template <class Arch>
[[gnu::always_inline]] inline Point<Arch> cross(const Point<Arch>& a, const Point<Arch>& b) {
  return {xsimd::fms(a[1], b[2], a[2] * b[1]), xsimd::fms(a[2], b[0], a[0] * b[2]),
          xsimd::fms(a[0], b[1], a[1] * b[0])};
}

/// Points around their mean: point i is centre + size * offsets[i].
template <std::size_t Count, class Arch>
struct CentredPoints {
  std::array<Point<Arch>, Count> offsets;  ///< their largest coordinate is 1 or -1, or all are 0
  Point<Arch> centre;
  simd::Batch<double, Arch> size;
  simd::Batch<double, Arch> reach;  ///< the largest coordinate's magnitude before
};

/// Nothing overflows, however large the coordinates are. NaN where a point is not finite.
template <std::size_t Count, class Arch>
CentredPoints<Count, Arch> centre_points(const std::array<Point<Arch>, Count>& points) {
  using B = simd::Batch<double, Arch>;
  static_assert(Count <= 8, "so many differences, a sixteenth each, do not overflow");
  CentredPoints<Count, Arch> result;
  result.reach = result.size = B(0.0);
  B unknown(0.0);
  for (std::size_t a = 0; a < 3; ++a) {
    // From the first point, so that far from the origin the offsets are as exact as the points.
    B sum(0.0);
    for (std::size_t i = 0; i < Count; ++i) {
      unknown += points[i][a] * B(0.0);
      result.reach = xsimd::max(result.reach, xsimd::abs(points[i][a]));
      result.offsets[i][a] = points[i][a] * B(0.0625) - points[0][a] * B(0.0625);
      sum += result.offsets[i][a];
    }
    const B mean = sum * B(1.0 / Count);
    result.centre[a] = (points[0][a] * B(0.0625) + mean) * B(16.0);
    for (std::size_t i = 0; i < Count; ++i) {
      result.offsets[i][a] -= mean;
      result.size = xsimd::max(result.size, xsimd::abs(result.offsets[i][a]));
    }
  }
  const B inverse = xsimd::select(result.size > B(0.0), B(1.0) / result.size, B(0.0)) + unknown;
  for (auto& offset : result.offsets) {
    for (std::size_t a = 0; a < 3; ++a) offset[a] *= inverse;
  }
  for (std::size_t a = 0; a < 3; ++a) result.centre[a] += unknown;
  result.size = result.size * B(16.0) + unknown;
  return result;
}

/// Singular values, descending, and right singular vectors (axes[k], of length 1) of points as the
/// rows of a matrix.
template <class Arch>
struct PrincipalAxes {
  std::array<Point<Arch>, 3> axes;
  std::array<simd::Batch<double, Arch>, 3> singular;
};

namespace internal {

/// <points' coordinate p, coordinate q>
template <std::size_t Count, class Arch>
[[gnu::always_inline]] inline simd::Batch<double, Arch> coordinate_product(
    const std::array<Point<Arch>, Count>& points, std::size_t p, std::size_t q) {
  auto sum = points[0][p] * points[0][q];
  for (std::size_t i = 1; i < Count; ++i) sum = xsimd::fma(points[i][p], points[i][q], sum);
  return sum;
}

/// Turns coordinates p and q so that their product is 0, in the lanes where it is not. Returns
/// whether there was one.
template <std::size_t p, std::size_t q, std::size_t Count, class Arch>
[[gnu::always_inline]] inline bool turn_coordinates(std::array<Point<Arch>, Count>& points,
                                                    std::array<Point<Arch>, 3>& axes) {
  using B = simd::Batch<double, Arch>;
  constexpr double tolerance = 1e-15;
  const B pp = coordinate_product<Count, Arch>(points, p, p),
          qq = coordinate_product<Count, Arch>(points, q, q),
          pq = coordinate_product<Count, Arch>(points, p, q);
  const auto needed = pq * pq > B(tolerance * tolerance) * pp * qq;
  if (simd::to_bits<double, Arch>(needed) == 0) return false;
  // A lane that needs none is turned by 0.
  const B twice = pq + pq, apart = qq - pp;
  const B size = twice / (xsimd::abs(apart) + xsimd::sqrt(xsimd::fma(apart, apart, twice * twice)));
  const B tangent = xsimd::select(needed, xsimd::select(apart < B(0.0), -size, size), B(0.0));
  const B cosine = B(1.0) / xsimd::sqrt(xsimd::fma(tangent, tangent, B(1.0)));
  const B sine = cosine * tangent;
  const auto turn = [&](B & first, B & second) __attribute__((always_inline)) {
    const B old = first;
    first = xsimd::fms(cosine, old, sine * second);
    second = xsimd::fma(sine, old, cosine * second);
  };
  for (auto& point : points) turn(point[p], point[q]);
  for (std::size_t a = 0; a < 3; ++a) turn(axes[p][a], axes[q][a]);
  return true;
}

}  // namespace internal

/// By Jacobi rotations of the matrix itself from one side (Hestenes 1958), which keeps the digits
/// that its square would lose. Coordinates are of magnitude 1 at most, as `centre_points` leaves
/// them. What a lane gives does not depend on the others; NaN gives NaN. A rotation waits for the
/// one before: several sets of batches take turns.
template <std::size_t Count, class Arch, std::size_t Sets>
std::array<PrincipalAxes<Arch>, Sets> principal_axes(
    std::array<std::array<Point<Arch>, Count>, Sets> points) {
  using B = simd::Batch<double, Arch>;
  std::array<PrincipalAxes<Arch>, Sets> result;
  for (auto& set : result) {
    for (std::size_t k = 0; k < 3; ++k) {
      for (std::size_t a = 0; a < 3; ++a) set.axes[k][a] = B(k == a ? 1.0 : 0.0);
    }
  }
  constexpr int sweeps = 20;  // three or four are usual
  bool turned = true;
  for (int sweep = 0; sweep < sweeps && turned; ++sweep) {
    turned = false;
    const auto turn_all = [&](auto p, auto q) __attribute__((always_inline)) {
      simd::unroll<Sets>([&](auto s) __attribute__((always_inline)) {
        turned |= internal::turn_coordinates<decltype(p)::value, decltype(q)::value, Count, Arch>(
            points[s], result[s].axes);
      });
    };
    constexpr std::integral_constant<std::size_t, 0> x;
    constexpr std::integral_constant<std::size_t, 1> y;
    constexpr std::integral_constant<std::size_t, 2> z;
    turn_all(x, y);
    turn_all(x, z);
    turn_all(y, z);
  }
  for (std::size_t s = 0; s < Sets; ++s) {
    auto& axes = result[s].axes;
    auto& singular = result[s].singular;
    for (std::size_t k = 0; k < 3; ++k) {
      singular[k] = xsimd::sqrt(internal::coordinate_product<Count, Arch>(points[s], k, k));
      const B length = xsimd::sqrt(dot<Arch>(axes[k], axes[k]));
      for (std::size_t a = 0; a < 3; ++a) axes[k][a] /= length;
    }
    const auto order = [&](std::size_t first, std::size_t second) {
      const auto swap = singular[first] < singular[second];
      const auto exchange = [&](B& larger, B& smaller) {
        const B old = larger;
        larger = xsimd::select(swap, smaller, old);
        smaller = xsimd::select(swap, old, smaller);
      };
      exchange(singular[first], singular[second]);
      for (std::size_t a = 0; a < 3; ++a) exchange(axes[first][a], axes[second][a]);
    };
    order(0, 1);
    order(1, 2);
    order(0, 1);
  }
  return result;
}

}  // namespace posekit::inline POSEKIT_ISA::kernels
