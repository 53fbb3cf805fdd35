#include <catch2/catch.hpp>

#include <set>
#include <vector>

#include <posekit/core/digest.hpp>

namespace pk = posekit;

TEST_CASE("A digest differs where a bit or the size does", "[core]") {
  std::set<std::uint64_t> seen;
  std::size_t count = 0;
  for (std::size_t size = 0; size < 100; ++size) {
    std::vector<unsigned char> bytes(size);
    const std::uint64_t zeros = pk::digest(bytes.data(), size);
    CHECK(pk::digest(bytes.data(), size) == zeros);
    seen.insert(zeros);
    ++count;
    for (std::size_t bit = 0; bit < 8 * size; ++bit) {
      bytes[bit / 8] ^= static_cast<unsigned char>(1u << (bit % 8));
      seen.insert(pk::digest(bytes.data(), size));
      ++count;
      bytes[bit / 8] = 0;
    }
  }
  CHECK(seen.size() == count);
}

TEST_CASE("A digest differs where signs change", "[core]") {
  // Of any three of the first floats.
  std::vector<float> values(24);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = 0.25f + static_cast<float>(i);
  const std::size_t size = values.size() * sizeof(float);
  std::set<std::uint64_t> seen{pk::digest(values.data(), size)};
  std::size_t count = 1;
  for (std::size_t i = 0; i < values.size(); ++i) {
    for (std::size_t k = 0; k < i; ++k) {
      for (std::size_t m = 0; m < k; ++m) {
        for (const std::size_t at : {i, k, m}) values[at] = -values[at];
        seen.insert(pk::digest(values.data(), size));
        ++count;
        for (const std::size_t at : {i, k, m}) values[at] = -values[at];
      }
    }
  }
  CHECK(seen.size() == count);
}

TEST_CASE("A digest differs where words change places", "[core]") {
  std::vector<std::uint64_t> words(32);
  for (std::size_t i = 0; i < words.size(); ++i) words[i] = 0x3ff0000000000000u + i;
  std::set<std::uint64_t> seen{pk::digest(words.data(), 256)};
  for (std::size_t i = 0; i < words.size(); ++i) {
    for (std::size_t k = 0; k < i; ++k) {
      std::swap(words[i], words[k]);
      seen.insert(pk::digest(words.data(), 256));
      std::swap(words[i], words[k]);
    }
  }
  CHECK(seen.size() == 1 + 32 * 31 / 2);
}
