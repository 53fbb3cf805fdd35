#include <catch2/catch.hpp>

#include <array>
#include <vector>

#include <posekit/optim/element_update.hpp>

namespace pk = posekit;

TEMPLATE_TEST_CASE("Elements within the range are replaced, whatever its length", "[optim]", float,
                   double) {
  using T = TestType;
  using Vector = pk::simd::Batch<T>;
  constexpr std::size_t size = 75;
  for (const std::size_t begin : {0u, 1u, 16u}) {
    for (std::size_t end = begin; end <= size; ++end) {
      std::vector<T> gradient(size), a(size), b(size);
      for (std::size_t i = 0; i < size; ++i) {
        gradient[i] = static_cast<T>(i);
        a[i] = static_cast<T>(100 + i);
        b[i] = static_cast<T>(1000 + 3 * i);
      }
      pk::optim::internal::update_elements<2, T>(gradient.data(), {a.data(), b.data()}, begin, end,
                                                 [](Vector g, std::array<Vector, 2>& values) {
                                                   values[1] += g;
                                                   values[0] -= values[1];
                                                 });
      for (std::size_t i = 0; i < size; ++i) {
        const bool inside = i >= begin && i < end;
        const T new_b = static_cast<T>(1000 + 3 * i + (inside ? i : 0));
        REQUIRE(b[i] == new_b);
        REQUIRE(a[i] == static_cast<T>(100 + i) - (inside ? new_b : T(0)));
      }
    }
  }
}
