#include <catch2/catch.hpp>

#include <limits>
#include <type_traits>

#include <posekit/simd/batch.hpp>

#include "support/architectures.hpp"

namespace simd = posekit::simd;

TEMPLATE_LIST_TEST_CASE("Partial loads and stores touch only what they name", "[simd]",
                        KernelCases) {
  using T = typename TestType::Value;
  using A = typename TestType::Arch;
  constexpr std::size_t L = simd::lanes<T, A>;
  for (std::size_t count = 0; count < L; ++count) {
    T source[3 * L];
    for (std::size_t i = 0; i < 3 * L; ++i) source[i] = static_cast<T>(i + 1);
    const auto batch = simd::load_partial<T, A>(source + 1, count);
    T out[3 * L];
    std::fill(std::begin(out), std::end(out), T(-1));
    simd::store<T, A>(out, batch);
    for (std::size_t i = 0; i < L; ++i) CHECK(out[i] == (i < count ? source[1 + i] : T(0)));
    std::fill(std::begin(out), std::end(out), T(-1));
    simd::store_partial<T, A>(out + 3, simd::load<T, A>(source), count);
    for (std::size_t i = 0; i < 3 * L; ++i) {
      CHECK(out[i] == (i >= 3 && i < 3 + count ? source[i - 3] : T(-1)));
    }
  }
}

TEMPLATE_LIST_TEST_CASE("Masks become bits and silence lanes, NaN included", "[simd]",
                        KernelCases) {
  using T = typename TestType::Value;
  using A = typename TestType::Arch;
  constexpr std::size_t L = simd::lanes<T, A>;
  for (std::uint32_t pattern = 0; pattern < 4096; pattern += 37) {
    const std::uint32_t bits = (pattern * 2654435761u >> 7) & ((1u << L) - 1u);
    T values[L], out[L];
    for (std::size_t i = 0; i < L; ++i) values[i] = ((bits >> i) & 1u) != 0 ? T(2) : T(-3);
    const auto batch = simd::load<T, A>(values);
    CHECK(simd::to_bits<T, A>(batch > simd::Batch<T, A>(T(0))) == bits);
    for (std::size_t i = 0; i < L; ++i) {
      values[i] = ((bits >> i) & 1u) != 0 ? static_cast<T>(i) : std::numeric_limits<T>::quiet_NaN();
    }
    simd::store<T, A>(out, simd::zero_unless<T, A>(bits, simd::load<T, A>(values)));
    for (std::size_t i = 0; i < L; ++i)
      CHECK(out[i] == (((bits >> i) & 1u) != 0 ? static_cast<T>(i) : T(0)));
  }
}

TEMPLATE_LIST_TEST_CASE("Lanes are summed and compared", "[simd]", KernelCases) {
  using T = typename TestType::Value;
  using A = typename TestType::Arch;
  constexpr std::size_t L = simd::lanes<T, A>;
  T values[L];
  T sum = 0;
  for (std::size_t i = 0; i < L; ++i) {
    values[i] = static_cast<T>((i * 7) % 5) - T(2);
    sum += values[i];
  }
  values[L / 2] += T(10);
  CHECK(simd::sum_lanes<T, A>(simd::load<T, A>(values)) == sum + T(10));
  CHECK(simd::max_lanes<T, A>(simd::load<T, A>(values)) == values[L / 2]);
}

TEMPLATE_LIST_TEST_CASE("Set bits are listed in order", "[simd]", KernelCases) {
  using A = typename TestType::Arch;
  for (std::uint32_t bits = 0; bits < 65536; bits += 97) {
    std::uint32_t out[16];
    const std::size_t count = simd::write_set_bits<A>(bits, 1000, out);
    std::size_t expected = 0;
    for (std::uint32_t i = 0; i < 16; ++i) {
      if (((bits >> i) & 1u) == 0) continue;
      if (expected >= count || out[expected] != 1000 + i) FAIL("bits " << bits);
      ++expected;
    }
    if (expected != count) FAIL("bits " << bits);
  }
  SUCCEED();
}
