#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <posekit/core/random.hpp>

/// Damaged versions of a file: cut off anywhere, and with a few bytes changed, repeated or removed.
/// Calls check(bytes) for each; the same ones every time.
template <class Check>
void for_each_mutation(const std::vector<std::uint8_t>& file, std::size_t count, std::uint64_t seed,
                       const Check& check) {
  const std::size_t step = std::max<std::size_t>(1, file.size() / 200);
  for (std::size_t size = 0; size < file.size(); size += step)
    check(
        std::vector<std::uint8_t>(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(size)));
  for (std::size_t i = 0; i < count; ++i) {
    const posekit::CounterRandom random(seed, i);
    std::vector<std::uint8_t> bytes = file;
    const std::size_t changes = 1 + random.bits(0) % 4;
    for (std::size_t k = 0; k < changes && !bytes.empty(); ++k) {
      // Headers are short and come first: half of the damage goes there.
      const std::size_t range =
          random.bits(8 * k + 1) % 2 == 0 ? std::min<std::size_t>(bytes.size(), 160) : bytes.size();
      const auto at = static_cast<std::ptrdiff_t>(random.bits(8 * k + 2) % range);
      const auto value = static_cast<std::uint8_t>(random.bits(8 * k + 3));
      static constexpr std::uint8_t extremes[] = {0x00, 0xff, 0x7f, 0x80, '0', '9', '-', '"'};
      switch (random.bits(8 * k + 4) % 5) {
        case 0:
          bytes[static_cast<std::size_t>(at)] = value;
          break;
        case 1:
          bytes[static_cast<std::size_t>(at)] = extremes[value % 8];
          break;
        case 2:
          bytes[static_cast<std::size_t>(at)] ^= static_cast<std::uint8_t>(1u << (value % 8));
          break;
        case 3:
          bytes.insert(bytes.begin() + at, 1 + value % 5, extremes[value % 8]);
          break;
        default:
          bytes.erase(bytes.begin() + at);
          break;
      }
    }
    check(bytes);
  }
}
