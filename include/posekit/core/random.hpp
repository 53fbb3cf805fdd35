#pragma once

#include <cmath>
#include <cstdint>

#include <posekit/core/isa.hpp>

namespace posekit::inline POSEKIT_ISA {

/// A standard normal number of two uniform ones in [0, 1), by Box and Muller's transform.
inline double box_muller(double u, double v) {
  return std::sqrt(-2.0 * std::log(1.0 - u)) * std::cos(6.283185307179586 * v);
}

/// A counter-based source of random numbers: number `index` of stream `stream` is a pure function
/// of (seed, stream, index), so results depend neither on the number of threads nor on the order
/// of the calls, nor on the standard library.
class CounterRandom {
 public:
  explicit constexpr CounterRandom(std::uint64_t seed, std::uint64_t stream = 0)
      : key_(mix(mix(seed) + 0x9e3779b97f4a7c15u * (stream + 1))) {}

  /// 64 uniformly random bits.
  constexpr std::uint64_t bits(std::uint64_t index) const {
    return mix(key_ + 0x9e3779b97f4a7c15u * (index + 1));
  }

  /// Uniform in [0, 1), with 53 random bits.
  constexpr double uniform(std::uint64_t index) const {
    return static_cast<double>(bits(index) >> 11) * 0x1.0p-53;
  }

  /// Standard normal, of uniforms 2·index and 2·index + 1.
  double normal(std::uint64_t index) const {
    return box_muller(uniform(2 * index), uniform(2 * index + 1));
  }

 private:
  /// Stafford's variant 13 of the 64-bit finaliser, as in SplitMix64.
  static constexpr std::uint64_t mix(std::uint64_t x) {
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
  }

  std::uint64_t key_;
};

}  // namespace posekit::inline POSEKIT_ISA
