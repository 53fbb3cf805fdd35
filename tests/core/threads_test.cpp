#include <catch2/catch.hpp>

#include <atomic>
#include <stdexcept>
#include <vector>

#include <posekit/core/threads.hpp>

namespace pk = posekit;

TEST_CASE("Ranges cover every index once, for any number of threads", "[core]") {
  for (const int threads : {1, 2, 3, 8}) {
    for (const std::size_t count : {0u, 1u, 2u, 7u, 100u}) {
      std::vector<std::atomic<int>> hits(count);
      pk::parallel_for(count, threads, [&](std::size_t i) { ++hits[i]; });
      for (const auto& hit : hits) CHECK(hit == 1);
    }
  }
}

TEST_CASE("An exception in a thread reaches the caller", "[core]") {
  CHECK_THROWS_WITH(pk::parallel_for(50, 3,
                                     [](std::size_t i) {
                                       if (i == 37) throw std::runtime_error("thirty-seven");
                                     }),
                    "thirty-seven");
}

TEST_CASE("Ordered work is handed over in order", "[core]") {
  for (const int threads : {1, 2, 5}) {
    std::vector<std::size_t> order;
    std::atomic<int> workers{0};
    pk::parallel_ordered(
        40, threads, [&] { return ++workers; },
        [](int&, std::size_t i) {
          volatile double spin = 0;
          for (std::size_t k = 0; k < (40 - i) * 1000; ++k) spin = spin + 1;
        },
        [&](int&, std::size_t i) { order.push_back(i); });
    REQUIRE(order.size() == 40);
    for (std::size_t i = 0; i < 40; ++i) CHECK(order[i] == i);
    CHECK(workers <= threads);
  }
}

TEST_CASE("Ordered work stops at the first exception", "[core]") {
  for (const int threads : {1, 3}) {
    std::vector<std::size_t> done;
    CHECK_THROWS_WITH(pk::parallel_ordered(
                          30, threads, [] { return 0; },
                          [](int&, std::size_t i) {
                            if (i == 11) throw std::runtime_error("eleven");
                          },
                          [&](int&, std::size_t i) { done.push_back(i); }),
                      "eleven");
    CHECK(done.size() <= 11);
    CHECK_THROWS_WITH(pk::parallel_ordered(
                          30, threads, [] { return 0; }, [](int&, std::size_t) {},
                          [](int&, std::size_t i) {
                            if (i == 5) throw std::runtime_error("five");
                          }),
                      "five");
  }
}

TEST_CASE("Nested work does not start more threads", "[core]") {
  std::atomic<int> most{0};
  pk::parallel_for(4, 2, [&](std::size_t) {
    const int inner = pk::resolve_threads(8);
    int seen = most.load();
    while (inner > seen && !most.compare_exchange_weak(seen, inner)) {
    }
  });
#if defined(_OPENMP)
  CHECK(most == 1);
#endif
  CHECK(pk::resolve_threads(3) >= 1);
}
