#include <catch2/catch.hpp>

#include <cstdint>
#include <vector>

#include <posekit/kernels/gemm.hpp>
#include <posekit/testing/random_tensor.hpp>

#include "support/architectures.hpp"
#include "support/close.hpp"

namespace pk = posekit;
namespace kernels = posekit::kernels;
using pk::testing::random_tensor;

TEST_CASE("Panels cover all columns", "[kernels]") {
  for (std::size_t columns = 1; columns < 400; ++columns) {
    const kernels::PanelLayout layout(columns);
    std::size_t next = 0;
    for (std::size_t j = 0; j < layout.panels(); ++j) {
      if (layout.first(j) != next || layout.valid(j) == 0 || layout.valid(j) > layout.width(j)) {
        FAIL("panel " << j << " of " << columns << " columns");
      }
      next += layout.width(j);
    }
    if (next < columns || next != layout.padded_columns() || next - columns >= 16)
      FAIL(columns << " columns");
  }
  SUCCEED();
}

namespace {

template <class T>
pk::Tensor<T> pack(const pk::Tensor<T>& b) {
  const kernels::PanelLayout layout(b.shape()[1]);
  pk::Tensor<T> packed = pk::zeros<T>({layout.packed_size(b.shape()[0])});
  kernels::pack_panels(
      layout, b.shape()[0], [&](std::size_t k, std::size_t n) { return b(k, n); }, packed.data());
  return packed;
}

}  // namespace

TEMPLATE_LIST_TEST_CASE("Products of all sizes equal the definition", "[kernels]", KernelCases) {
  using T = typename TestType::Value;
  using A = typename TestType::Arch;
  for (const std::size_t rows : {1u, 3u, 4u, 9u, 14u, 23u, 61u}) {
    for (const std::size_t columns : {1u, 7u, 16u, 17u, 31u, 33u, 48u, 50u, 97u}) {
      for (const std::size_t depth : {0u, 1u, 5u, 27u}) {
        const auto a = random_tensor<T>({rows, depth + 2}, rows * 100 + depth);
        const auto b = random_tensor<T>({depth, columns}, columns);
        const auto bias = random_tensor<T>({columns}, 5);
        const auto packed = pack(b);
        for (const bool accumulate : {false, true}) {
          pk::Tensor<T> c = random_tensor<T>({rows, columns + 3}, 9);
          pk::Tensor<double> expected = pk::cast<double>(c);
          for (std::size_t m = 0; m < rows; ++m) {
            for (std::size_t n = 0; n < columns; ++n) {
              double sum = bias(n) + (accumulate ? static_cast<double>(c(m, n)) : 0.0);
              for (std::size_t k = 0; k < depth; ++k)
                sum += static_cast<double>(a(m, k)) * static_cast<double>(b(k, n));
              expected(m, n) = sum;
            }
          }
          kernels::Epilogue<T> epilogue;
          epilogue.bias = bias.data();
          epilogue.accumulate = accumulate;
          kernels::gemm_rows<T, A>(rows, depth, a.data(), depth + 2, kernels::PanelLayout(columns),
                                   packed.data(), c.data(), columns + 3, epilogue);
          INFO(rows << " x " << depth << " x " << columns);
          CHECK(relative_difference(c, expected) < close_enough<T>());
        }
      }
    }
  }
}

TEMPLATE_LIST_TEST_CASE("Activations and their masks follow a product", "[kernels]", KernelCases) {
  using T = typename TestType::Value;
  using A = typename TestType::Arch;
  const std::size_t rows = 13, depth = 11;
  for (const std::size_t columns : {5u, 16u, 24u, 53u}) {
    const auto a = random_tensor<T>({rows, depth}, 1, -4, 4);
    const auto b = random_tensor<T>({depth, columns}, 2);
    const auto slope = random_tensor<T>({columns}, 3);
    const auto packed = pack(b);
    for (const auto activation : {pk::Activation::relu, pk::Activation::relu6,
                                  pk::Activation::prelu, pk::Activation::sigmoid}) {
      pk::Tensor<T> c = pk::zeros<T>({rows, columns});
      std::vector<std::uint8_t> mask(rows * kernels::mask_row_bytes(columns), 0);
      kernels::Epilogue<T> epilogue;
      epilogue.activation = activation;
      epilogue.slope = slope.data();
      epilogue.mask = mask.data();
      kernels::gemm_rows<T, A>(rows, depth, a.data(), depth, kernels::PanelLayout(columns),
                               packed.data(), c.data(), columns, epilogue);
      double worst = 0;
      for (std::size_t m = 0; m < rows; ++m) {
        for (std::size_t n = 0; n < columns; ++n) {
          double x = 0;
          for (std::size_t k = 0; k < depth; ++k)
            x += static_cast<double>(a(m, k)) * static_cast<double>(b(k, n));
          double y = x;
          bool on = x > 0;
          if (activation == pk::Activation::relu) y = std::max(x, 0.0);
          if (activation == pk::Activation::relu6) {
            y = std::min(std::max(x, 0.0), 6.0);
            on = x > 0 && x <= 6;
          }
          if (activation == pk::Activation::prelu)
            y = x > 0 ? x : x * static_cast<double>(slope(n));
          if (activation == pk::Activation::sigmoid) {
            y = 1 / (1 + std::exp(-x));
            on = false;
          }
          worst = std::max(worst, std::abs(y - static_cast<double>(c(m, n))));
          const bool bit =
              ((mask[m * kernels::mask_row_bytes(columns) + n / 8] >> (n % 8)) & 1) != 0;
          if (bit != on && std::abs(x) > 1e-5 && std::abs(x - 6) > 1e-5) FAIL("mask of " << x);
        }
      }
      CHECK(worst < 20 * close_enough<T>());
    }
  }
}

TEMPLATE_LIST_TEST_CASE("Gathered products use the listed units only", "[kernels]", KernelCases) {
  using T = typename TestType::Value;
  using A = typename TestType::Arch;
  for (std::size_t rows = 1; rows <= 20; rows += 3) {
    for (const std::size_t columns : {3u, 16u, 40u, 48u, 65u}) {
      const std::size_t depth = 29;
      const auto a = random_tensor<T>({rows, 3 * depth}, rows);
      const auto b = random_tensor<T>({depth, columns}, columns);
      const auto packed = pack(b);
      const kernels::GatherGemm<T, A> product(rows, depth, kernels::PanelLayout(columns),
                                              packed.data());
      for (const std::size_t count : {0u, 1u, 13u}) {
        std::vector<std::uint32_t> units;
        for (std::size_t i = 0; i < count; ++i)
          units.push_back(static_cast<std::uint32_t>((5 * i + 1) % 14));
        const kernels::GatherSegment segments[2] = {{4, 15, units.data(), count},
                                                    {31, 2, units.data(), count / 2}};
        for (const bool accumulate : {false, true}) {
          for (const bool keeping : {false, true}) {
            std::vector<std::uint8_t> keep(kernels::mask_row_bytes(columns), 0x5a);
            pk::Tensor<T> c = random_tensor<T>({rows, columns + 1}, 9);
            pk::Tensor<double> expected = pk::cast<double>(c);
            for (std::size_t m = 0; m < rows; ++m) {
              for (std::size_t n = 0; n < columns; ++n) {
                double sum = accumulate ? static_cast<double>(c(m, n)) : 0.0;
                for (const auto& s : segments) {
                  for (std::size_t i = 0; i < s.count; ++i) {
                    sum += static_cast<double>(a(m, s.a_offset + s.units[i])) *
                           static_cast<double>(b(s.b_row + s.units[i], n));
                  }
                }
                expected(m, n) = keeping && ((0x5a >> (n % 8)) & 1) == 0 ? 0.0 : sum;
              }
            }
            product(segments, 2, a.data(), 3 * depth, c.data(), columns + 1, accumulate,
                    keeping ? keep.data() : nullptr);
            INFO(rows << " rows, " << columns << " columns, " << count << " units");
            CHECK(relative_difference(c, expected) < close_enough<T>());
          }
        }
      }
    }
  }
}
