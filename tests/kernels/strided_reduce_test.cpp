#include <catch2/catch.hpp>

#include <cmath>
#include <limits>
#include <vector>

#include <posekit/kernels/strided_reduce.hpp>
#include <posekit/testing/random_tensor.hpp>

#include "support/architectures.hpp"
#include "support/close.hpp"

namespace pk = posekit;
namespace kernels = posekit::kernels;
using pk::testing::random_tensor;

namespace {

/// Of a shape that is broadcast, and the shape that its terms are summed onto.
struct Case {
  pk::Shape shape, kept;
};

template <class T, class A>
pk::Tensor<T> summed(const Case& c, const pk::Tensor<T>& a, const pk::Tensor<T>& b, double scale,
                     int threads) {
  const std::size_t rank = c.shape.size();
  const kernels::StridedRows<3> loop(c.shape, {kernels::broadcast_strides(c.kept, rank),
                                               kernels::broadcast_strides(pk::shape_of(a), rank),
                                               kernels::broadcast_strides(pk::shape_of(b), rank)});
  pk::Tensor<T> sums = pk::zeros<T>(c.kept) + T(2);
  kernels::strided_reduce<T, A, 2>(
      loop, sums.data(), {a.data(), b.data()}, scale,
      [](const auto& x, const auto& y) { return x * y - y; }, threads);
  return sums;
}

}  // namespace

TEMPLATE_LIST_TEST_CASE("Sums over broadcast axes equal the definition", "[kernels]", KernelCases) {
  using T = typename TestType::Value;
  using A = typename TestType::Arch;
  for (const Case& c : std::vector<Case>{{{3, 5, 37}, {3, 5, 37}},
                                         {{3, 5, 37}, {37}},
                                         {{3, 5, 37}, {5, 1}},
                                         {{3, 5, 37}, {3, 1, 37}},
                                         {{3, 5, 37}, {3, 5, 1}},
                                         {{3, 5, 37}, {}},
                                         {{3, 5, 37}, {1, 1, 1}},
                                         {{2, 3, 4, 19}, {2, 1, 4, 1}},
                                         {{2, 3, 4, 19}, {3, 1, 19}},
                                         {{70, 2, 5000}, {2, 1}},
                                         {{40, 4500}, {4500}},
                                         {{300, 700, 3}, {3}},
                                         {{2, 100, 1300}, {2, 1, 1300}},
                                         {{200001}, {}},
                                         {{1, 1}, {}},
                                         {{7, 1}, {7, 1}},
                                         {{0, 3}, {3}},
                                         {{3, 0}, {3, 1}}}) {
    INFO(pk::to_string(c.shape) << " onto " << pk::to_string(c.kept));
    const auto a = random_tensor<T>(c.shape, 1), b = random_tensor<T>(c.kept, 2);
    const std::size_t rank = c.shape.size();
    std::vector<long double> expected(b.size(), 2), size(b.size(), 2);
    const auto strides = kernels::broadcast_strides(c.kept, rank);
    for (std::size_t i = 0; i < a.size(); ++i) {
      std::size_t rest = i, offset = 0;
      for (std::size_t axis = rank; axis-- > 0;) {
        offset += rest % c.shape[axis] * strides[axis];
        rest /= c.shape[axis];
      }
      const auto y = static_cast<long double>(b.data()[offset]);
      const long double term = (static_cast<long double>(a.data()[i]) * y - y) / 4;
      expected[offset] += term;
      size[offset] += std::abs(term);
    }
    const auto sums = summed<T, A>(c, a, b, 0.25, 1);
    for (std::size_t i = 0; i < sums.size(); ++i) {
      const long double error = std::abs(static_cast<long double>(sums.data()[i]) - expected[i]);
      CHECK(error <= 8 * static_cast<long double>(std::numeric_limits<T>::epsilon()) * size[i]);
    }
    CHECK(identical(summed<T, A>(c, a, b, 0.25, 3), sums));
  }
}
