#include <catch2/catch.hpp>

#include <algorithm>
#include <map>

#include <posekit/core/permutation.hpp>

namespace pk = posekit;

TEST_CASE("A permutation has each number once, by seed and stream", "[core]") {
  for (const std::size_t count : {0u, 1u, 2u, 1000u}) {
    auto order = pk::random_permutation(count, 3, 4);
    CHECK(order == pk::random_permutation(count, 3, 4));
    std::sort(order.begin(), order.end());
    for (std::size_t i = 0; i < count; ++i) REQUIRE(order[i] == i);
  }
  CHECK(pk::random_permutation(100, 3) != pk::random_permutation(100, 4));
  CHECK(pk::random_permutation(100, 3, 1) != pk::random_permutation(100, 3, 2));
}

TEST_CASE("Each order is as likely as any other", "[core]") {
  std::map<std::vector<std::size_t>, int> seen;
  for (std::uint64_t seed = 0; seed < 24000; ++seed) ++seen[pk::random_permutation(4, seed)];
  CHECK(seen.size() == 24);
  double chi_squared = 0;
  for (const auto& [order, times] : seen) chi_squared += (times - 1000.0) * (times - 1000.0) / 1000;
  CHECK(chi_squared < 49.7);  // 23 degrees of freedom, p = 0.001
}
