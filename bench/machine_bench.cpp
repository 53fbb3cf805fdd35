// What this machine can do: multiply-adds from registers and copies from memory.

#include "support/machine.hpp"

namespace {

void multiply_add_peak(benchmark::State& state) {
  const auto threads = static_cast<int>(state.range(0));
  double peak = 0;
  for (auto _ : state) peak = std::max(peak, bench::measure_peak(threads));
  state.counters["GMAC/s"] = peak * 1e-9;
}

void copy_bandwidth(benchmark::State& state) {
  const auto threads = static_cast<int>(state.range(0));
  double copy = 0;
  for (auto _ : state) copy = std::max(copy, bench::measure_copy(threads));
  state.counters["GB/s"] = copy * 1e-9;
}

BENCHMARK(multiply_add_peak)->ArgName("threads")->Arg(1)->Arg(2)->Iterations(3)->UseRealTime();
BENCHMARK(copy_bandwidth)->ArgName("threads")->Arg(1)->Arg(2)->Iterations(3)->UseRealTime();

}  // namespace

BENCHMARK_MAIN();
