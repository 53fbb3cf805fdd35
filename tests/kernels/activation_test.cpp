#include <catch2/catch.hpp>

#include <limits>
#include <vector>

#include <posekit/kernels/activation.hpp>

#include "support/architectures.hpp"

namespace pk = posekit;
namespace kernels = posekit::kernels;
namespace simd = posekit::simd;

TEMPLATE_LIST_TEST_CASE("Mask bits are read as they were written", "[kernels]", KernelCases) {
  using T = typename TestType::Value;
  constexpr std::size_t L = simd::lanes<T, typename TestType::Arch>;
  for (const std::size_t channels : {1u, 5u, 16u, 24u, 39u}) {
    std::vector<std::uint8_t> row(kernels::mask_row_bytes(channels), 0);
    CHECK(row.size() * 8 >= channels);
    const auto pattern = [](std::size_t c) {
      return static_cast<std::uint32_t>((c * c + c / 3) % 3 == 0 ? 1 : 0);
    };
    for (std::size_t c = 0; c < channels; c += L) {
      std::uint32_t bits = 0;
      for (std::size_t l = 0; l < L && c + l < channels; ++l) bits |= pattern(c + l) << l;
      kernels::set_mask_bits<L>(row.data(), c, bits);
    }
    for (std::size_t c = 0; c < channels; ++c) CHECK(((row[c / 8] >> (c % 8)) & 1u) == pattern(c));
    for (std::size_t c = 0; c + L <= channels; c += L) {
      for (std::size_t l = 0; l < L; ++l)
        CHECK(((kernels::mask_bits<L>(row.data(), c) >> l) & 1u) == pattern(c + l));
    }
  }
}

TEMPLATE_LIST_TEST_CASE("Rectifiers are exact at their kinks, and keep NaN", "[kernels]",
                        KernelCases) {
  using T = typename TestType::Value;
  using A = typename TestType::Arch;
  using Batch = simd::Batch<T, A>;
  const auto apply = [](pk::Activation activation, T x) {
    std::uint32_t bits = 0;
    T out[simd::lanes<T, A>];
    simd::store<T, A>(out, kernels::activate<T, A>(Batch(x), activation, Batch(T(0.25)), bits));
    return std::pair<T, bool>{out[0], (bits & 1u) != 0};
  };
  const T inf = std::numeric_limits<T>::infinity();
  CHECK(apply(pk::Activation::relu, T(0)) == std::pair<T, bool>{T(0), false});
  CHECK(apply(pk::Activation::relu, T(2)) == std::pair<T, bool>{T(2), true});
  CHECK(apply(pk::Activation::relu, -inf) == std::pair<T, bool>{T(0), false});
  // The derivative of relu6 is 1 on (0, 6].
  CHECK(apply(pk::Activation::relu6, T(0)) == std::pair<T, bool>{T(0), false});
  CHECK(apply(pk::Activation::relu6, T(6)) == std::pair<T, bool>{T(6), true});
  CHECK(apply(pk::Activation::relu6, std::nextafter(T(6), T(7))) ==
        std::pair<T, bool>{T(6), false});
  CHECK(apply(pk::Activation::relu6, inf) == std::pair<T, bool>{T(6), false});
  CHECK(apply(pk::Activation::prelu, T(-2)) == std::pair<T, bool>{T(-0.5), false});
  CHECK(apply(pk::Activation::prelu, T(3)) == std::pair<T, bool>{T(3), true});
  CHECK(apply(pk::Activation::sigmoid, T(0)).first == T(0.5));
  CHECK(apply(pk::Activation::sigmoid, T(-1000)).first == T(0));
  CHECK(apply(pk::Activation::sigmoid, T(1000)).first == T(1));
  const T nan = std::numeric_limits<T>::quiet_NaN();
  for (const auto a : {pk::Activation::relu, pk::Activation::relu6, pk::Activation::prelu,
                       pk::Activation::sigmoid}) {
    CHECK(std::isnan(apply(a, nan).first));
  }
}
