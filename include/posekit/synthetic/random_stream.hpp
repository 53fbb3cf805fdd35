#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>
#include <posekit/core/random.hpp>

namespace posekit::inline POSEKIT_ISA {

/// The numbers of one stream of CounterRandom, drawn one after the other: what is generated for an
/// index depends on (seed, index) alone.
class RandomStream {
 public:
  explicit constexpr RandomStream(std::uint64_t seed, std::uint64_t stream = 0)
      : random_(seed, stream) {}

  constexpr std::uint64_t bits() { return random_.bits(next_++); }
  /// Uniform in [0, 1).
  constexpr double uniform() { return random_.uniform(next_++); }
  /// Uniform in [low, high).
  constexpr double uniform(double low, double high) { return low + (high - low) * uniform(); }
  constexpr bool chance(double probability) { return uniform() < probability; }
  /// Uniform in 0 ... count - 1.
  constexpr std::size_t below(std::size_t count) {
    return std::min(static_cast<std::size_t>(uniform() * static_cast<double>(count)), count - 1);
  }
  constexpr double sign() { return chance(0.5) ? 1.0 : -1.0; }

  double normal(double mean = 0, double deviation = 1);
  /// Normal, drawn again where it is further from the mean than `limit` deviations.
  double truncated_normal(double mean, double deviation, double limit = 2.5);
  /// The index of one of the weights, each as likely as it is large. Their sum has to be positive.
  template <std::size_t N>
  std::size_t choose(const std::array<double, N>& weights) {
    double sum = 0;
    for (const double weight : weights) sum += weight;
    double rest = uniform() * sum;
    std::size_t last = 0;
    for (std::size_t i = 0; i < N; ++i) {
      if (!(weights[i] > 0)) continue;
      last = i;
      if (rest < weights[i]) break;
      rest -= weights[i];
    }
    return last;
  }

 private:
  CounterRandom random_;
  std::uint64_t next_ = 0;
};

/// A seed for one of several purposes, so that their streams have nothing in common.
constexpr std::uint64_t derived_seed(std::uint64_t seed, std::uint64_t purpose) {
  return CounterRandom(seed, purpose).bits(0);
}

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_SYNTHETIC

namespace posekit::inline POSEKIT_ISA {

POSEKIT_INLINE double RandomStream::normal(double mean, double deviation) {
  const double u = uniform(), v = uniform();
  return mean + deviation * box_muller(u, v);
}

POSEKIT_INLINE double RandomStream::truncated_normal(double mean, double deviation, double limit) {
  for (int attempt = 0; attempt < 16; ++attempt) {
    const double value = normal();
    if (std::abs(value) <= limit) return mean + deviation * value;
  }
  return mean;
}

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_SYNTHETIC
