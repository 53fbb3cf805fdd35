#pragma once

// What this machine can do at most, measured: the floors that benchmarks are compared with.

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstring>
#include <map>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include <posekit/core/aligned.hpp>
#include <posekit/core/threads.hpp>
#include <posekit/simd/batch.hpp>

namespace bench {

namespace pk = posekit;

inline double seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// The shortest of several runs of `body`, in seconds.
template <class Body>
double shortest(int runs, const Body& body) {
  double best = 1e300;
  for (int run = 0; run < runs; ++run) {
    const double start = seconds();
    body();
    best = std::min(best, seconds() - start);
  }
  return best;
}

/// Float multiply-adds per second on `threads` threads, from registers.
inline double measure_peak(int threads) {
  using Batch = pk::simd::Batch<float>;
  constexpr std::size_t chains = 12;
  constexpr std::size_t loops = 4'000'000;
  std::atomic<float> sink = 0;
  const double time = shortest(5, [&] {
    pk::parallel_ranges(
        static_cast<std::size_t>(threads), threads, [&](std::size_t, std::size_t, int) {
          // Numbers that differ and that the compiler does not know: equal chains would be one.
          Batch sum[chains];
          float start = 0.5f, shrink = 0.999f, step = 0.001f;
          benchmark::DoNotOptimize(shrink);
          benchmark::DoNotOptimize(step);
          for (auto& s : sum) {
            s = Batch(start);
            start += 0.01f;
            benchmark::DoNotOptimize(start);
          }
          const Batch factor(shrink), term(step);
          for (std::size_t i = 0; i < loops; ++i) {
            pk::simd::unroll<chains>([&](auto c) { sum[c] = xsimd::fma(sum[c], factor, term); });
          }
          Batch total(0.f);
          for (const auto& s : sum) total += s;
          sink = pk::simd::sum_lanes<float, pk::simd::DefaultArch>(total);
        });
  });
  return static_cast<double>(threads) * static_cast<double>(loops * chains * Batch::size) / time;
}

/// Bytes read and written per second by a copy of arrays larger than the caches.
inline double measure_copy(int threads) {
  constexpr std::size_t bytes = std::size_t{256} << 20;
  std::vector<char> from(bytes, 1), to(bytes, 2);
  const double time = shortest(5, [&] {
    pk::parallel_ranges(bytes, threads, [&](std::size_t begin, std::size_t end, int) {
      std::memcpy(to.data() + begin, from.data() + begin, end - begin);
    });
    benchmark::ClobberMemory();
  });
  return 2.0 * static_cast<double>(bytes) / time;
}

struct Machine {
  double multiply_adds;  ///< per second
  double copy;           ///< bytes per second
};

/// Measured once per number of threads.
inline const Machine& machine(int threads) {
  static std::map<int, Machine> measured;
  auto found = measured.find(threads);
  if (found == measured.end()) {
    found = measured.emplace(threads, Machine{measure_peak(threads), measure_copy(threads)}).first;
  }
  return found->second;
}

/// What a benchmark's loop body has to do at least.
struct Work {
  double multiply_adds = 0;
  double bytes = 0;
};

/// Adds the counters GMAC/s, GB/s, and the shares of the machine's peaks in per cent: `peak%` of
/// multiply-adds, `copy%` of copy bandwidth (more than 100 where caches hold the data).
class Shares {
 public:
  Shares(benchmark::State& state, const Work& work, int threads)
      : state_(state), work_(work), machine_(machine(threads)), start_(seconds()) {}
  ~Shares() {
    const double each = (seconds() - start_) / static_cast<double>(state_.iterations());
    if (work_.multiply_adds > 0) {
      state_.counters["GMAC/s"] = work_.multiply_adds / each * 1e-9;
      state_.counters["peak%"] = 100 * work_.multiply_adds / each / machine_.multiply_adds;
    }
    if (work_.bytes > 0) {
      state_.counters["GB/s"] = work_.bytes / each * 1e-9;
      state_.counters["copy%"] = 100 * work_.bytes / each / machine_.copy;
    }
  }
  Shares(const Shares&) = delete;
  Shares& operator=(const Shares&) = delete;

 private:
  benchmark::State& state_;
  Work work_;
  const Machine& machine_;
  double start_;
};

}  // namespace bench
