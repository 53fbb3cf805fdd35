#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include <posekit/core/definitions.hpp>
#include <posekit/core/isa.hpp>

namespace posekit::inline POSEKIT_ISA {

/// A number that all but surely differs where bytes differ. Not for bytes that somebody chooses to
/// deceive.
std::uint64_t digest(const void* data, std::size_t size);

}  // namespace posekit::inline POSEKIT_ISA

#if POSEKIT_DEFINES_CORE

namespace posekit::inline POSEKIT_ISA {

POSEKIT_INLINE std::uint64_t digest(const void* data, std::size_t size) {
  constexpr std::uint64_t prime = 0x9e3779b97f4a7c15u, second_prime = 0xd6e8feb86659fd93u;
  const auto* bytes = static_cast<const unsigned char*>(data);
  // Four chains, so that no multiplication waits for the one before.
  std::array<std::uint64_t, 4> chains{1, 2, 3, 4};
  const auto add = [&](std::size_t chain, std::size_t at, std::size_t count) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes + at, count);
    chains[chain] = std::rotl(chains[chain] + word * prime, 31) * second_prime;
  };
  std::size_t at = 0;
  for (; at + 32 <= size; at += 32) {
    for (std::size_t chain = 0; chain < 4; ++chain) add(chain, at + 8 * chain, 8);
  }
  for (; at + 8 <= size; at += 8) add(0, at, 8);
  if (at < size) add(1, at, size - at);
  std::uint64_t result = size;
  for (const std::uint64_t chain : chains) {
    result = (result ^ chain) * prime;
    result ^= result >> 29;
    result *= second_prime;
    result ^= result >> 32;
  }
  return result;
}

}  // namespace posekit::inline POSEKIT_ISA

#endif  // POSEKIT_DEFINES_CORE
