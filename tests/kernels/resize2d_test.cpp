#include <catch2/catch.hpp>

#include <cmath>

#include <posekit/kernels/resize2d.hpp>
#include <posekit/testing/random_tensor.hpp>

#include "support/architectures.hpp"
#include "support/close.hpp"

namespace pk = posekit;
namespace kernels = posekit::kernels;
using pk::testing::random_tensor;

TEST_CASE("Every output pixel's weights sum to 1 and stay inside", "[kernels]") {
  for (const auto corners : {pk::ResizeCorners::half_pixel, pk::ResizeCorners::align_corners,
                             pk::ResizeCorners::asymmetric}) {
    for (std::size_t in = 1; in < 12; ++in) {
      for (std::size_t out = 1; out < 25; ++out) {
        const auto axis = kernels::linear_axis(in, out, corners);
        REQUIRE(axis.rows.size() == out);
        for (const auto& row : axis.rows) {
          double sum = 0;
          for (const auto& [index, weight] : row) {
            sum += weight;
            if (index >= in || weight < 0) FAIL(in << " -> " << out);
          }
          if (std::abs(sum - 1) > 1e-12) FAIL(in << " -> " << out << " sums to " << sum);
        }
      }
    }
  }
  SUCCEED();
}

TEST_CASE("A ramp is sampled where each convention says", "[kernels]") {
  const std::size_t in = 5, out = 8;
  const auto at = [&](pk::ResizeCorners corners, std::size_t o) {
    double position = 0;
    const auto axis = kernels::linear_axis(in, out, corners);
    for (const auto& [index, weight] : axis.rows[o]) {
      position += weight * static_cast<double>(index);
    }
    return position;
  };
  for (std::size_t o = 0; o < out; ++o) {
    const double x = static_cast<double>(o);
    CHECK(at(pk::ResizeCorners::half_pixel, o) ==
          Approx(std::min(4.0, std::max(0.0, (x + 0.5) * 5 / 8 - 0.5))));
    CHECK(at(pk::ResizeCorners::align_corners, o) == Approx(x * 4 / 7));
    CHECK(at(pk::ResizeCorners::asymmetric, o) == Approx(std::min(4.0, x * 5 / 8)));
  }
}

TEMPLATE_LIST_TEST_CASE("Resampling is the product of its axes, and transposes", "[kernels]",
                        KernelCases) {
  using T = typename TestType::Value;
  using A = typename TestType::Arch;
  const std::size_t planes = 2, channels = 19, h = 5, w = 7, oh = 9, ow = 4;
  const auto rows = kernels::linear_axis(h, oh, pk::ResizeCorners::half_pixel);
  const auto columns = kernels::linear_axis(w, ow, pk::ResizeCorners::half_pixel);
  const auto in = random_tensor<T>({planes, h, w, channels}, 1);
  pk::Tensor<T> out = pk::zeros<T>({planes, oh, ow, channels});
  kernels::resample2d<T, A>(planes, channels, h, w, rows, columns, in.data(), out.data(), false, 2);
  pk::Tensor<double> expected = pk::zeros<double>(pk::shape_of(out));
  for (std::size_t p = 0; p < planes; ++p) {
    for (std::size_t y = 0; y < oh; ++y) {
      for (std::size_t x = 0; x < ow; ++x) {
        for (const auto& [iy, wy] : rows.rows[y]) {
          for (const auto& [ix, wx] : columns.rows[x]) {
            for (std::size_t c = 0; c < channels; ++c)
              expected(p, y, x, c) += wy * wx * static_cast<double>(in(p, iy, ix, c));
          }
        }
      }
    }
  }
  CHECK(relative_difference(out, expected) < close_enough<T>());
  // <resample(x), g> = <x, resample^T(g)>
  const auto g = random_tensor<T>(pk::shape_of(out), 2);
  pk::Tensor<T> back = pk::zeros<T>(pk::shape_of(in));
  kernels::resample2d<T, A>(planes, channels, oh, ow, kernels::transposed(rows, h),
                            kernels::transposed(columns, w), g.data(), back.data(), true, 1);
  double left = 0, right = 0;
  for (std::size_t i = 0; i < out.size(); ++i)
    left += static_cast<double>(out.flat(i)) * static_cast<double>(g.flat(i));
  for (std::size_t i = 0; i < in.size(); ++i)
    right += static_cast<double>(in.flat(i)) * static_cast<double>(back.flat(i));
  CHECK(left == Approx(right).epsilon(1e-5));
}

TEST_CASE("Nearest axes copy the pixel below, box axes cover what lies above", "[kernels]") {
  for (std::size_t in = 1; in < 12; ++in) {
    for (std::size_t out = 1; out < 25; ++out) {
      INFO(in << " -> " << out);
      const auto nearest = kernels::nearest_axis(in, out);
      const auto box = kernels::box_axis(in, out);
      REQUIRE(nearest.rows.size() == out);
      REQUIRE(box.rows.size() == out);
      std::size_t wrong = 0, next = 0;
      for (std::size_t o = 0; o < out; ++o) {
        const double from = static_cast<double>(o * in) / static_cast<double>(out);
        const double until = static_cast<double>((o + 1) * in) / static_cast<double>(out);
        const auto first = static_cast<std::size_t>(std::floor(from)),
                   end = static_cast<std::size_t>(std::ceil(until));
        const auto& copied = nearest.rows[o];
        wrong += copied.size() != 1 || copied[0].index != first || copied[0].weight != 1.0;
        const auto& row = box.rows[o];
        wrong += row.size() != end - first || row.front().index != first;
        for (std::size_t i = 0; i < row.size(); ++i) {
          wrong += row[i].index != first + i;
          wrong += std::abs(row[i].weight * static_cast<double>(end - first) - 1) > 1e-15;
        }
        // Without a gap between two windows.
        wrong += row.front().index > next;
        next = row.back().index + 1;
      }
      CHECK(wrong == 0);
      CHECK(next == in);
    }
  }
}
