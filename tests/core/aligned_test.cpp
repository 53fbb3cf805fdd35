#include <catch2/catch.hpp>

#include <cstdint>
#include <limits>
#include <new>
#include <vector>

#include <posekit/core/aligned.hpp>

namespace pk = posekit;

TEST_CASE("Memory begins at a cache line", "[core]") {
  for (const std::size_t n : {1u, 3u, 1000u}) {
    const std::vector<float, pk::AlignedAllocator<float>> v(n);
    CHECK(reinterpret_cast<std::uintptr_t>(v.data()) % 64 == 0);
  }
  pk::AlignedAllocator<double> allocator;
  CHECK_THROWS_AS(allocator.allocate(std::numeric_limits<std::size_t>::max() / 4), std::bad_alloc);
}
