#include <catch2/catch.hpp>

#include <posekit/kernels/strided.hpp>
#include <posekit/testing/random_tensor.hpp>

#include "support/architectures.hpp"
#include "support/close.hpp"

namespace pk = posekit;
namespace kernels = posekit::kernels;
using pk::testing::random_tensor;

TEST_CASE("Axes that are crossed alike are merged", "[kernels]") {
  const pk::Shape shape{2, 3, 1, 5};
  const auto full = kernels::broadcast_strides(shape, 4);
  const kernels::StridedRows<2> same(shape, {full, full});
  CHECK(same.rows() == 1);
  CHECK(same.row_length() == 30);
  const kernels::StridedRows<2> vector(shape, {full, kernels::broadcast_strides({5}, 4)});
  CHECK(vector.rows() == 6);
  CHECK(vector.row_length() == 5);
  CHECK(vector.row_offsets(4)[0] == 20);
  CHECK(vector.row_offsets(4)[1] == 0);
  const kernels::StridedRows<1> scalar(pk::Shape{}, {pk::Shape{}});
  CHECK(scalar.rows() == 1);
  CHECK(scalar.row_length() == 1);
}

TEMPLATE_LIST_TEST_CASE("Maps and reductions follow NumPy's broadcasting", "[kernels]",
                        KernelCases) {
  using T = typename TestType::Value;
  using A = typename TestType::Arch;
  const std::vector<std::pair<pk::Shape, pk::Shape>> cases{
      {{3, 5, 37}, {3, 5, 37}},      {{3, 5, 37}, {37}}, {{3, 5, 37}, {5, 1}},
      {{3, 1, 37}, {3, 5, 1}},       {{3, 5, 37}, {}},   {{1}, {4, 1}},
      {{2, 3, 1, 19}, {1, 3, 5, 1}}, {{0, 3}, {3}}};
  for (const auto& [shape_a, shape_b] : cases) {
    INFO(pk::to_string(shape_a) << " " << pk::to_string(shape_b));
    const auto a = random_tensor<T>(shape_a, 1), b = random_tensor<T>(shape_b, 2);
    const pk::Shape shape = pk::broadcast_shapes(shape_a, shape_b, "test");
    const std::size_t rank = shape.size();
    const pk::Tensor<T> expected = a * b - b;  // xtensor's own broadcasting
    const kernels::StridedRows<3> loop(
        shape, {kernels::broadcast_strides(shape, rank), kernels::broadcast_strides(shape_a, rank),
                kernels::broadcast_strides(shape_b, rank)});
    pk::Tensor<T> out = pk::zeros<T>(shape);
    const auto op = [](const auto& x, const auto& y) { return x * y - y; };
    kernels::strided_map<T, A, 2>(loop, out.data(), {a.data(), b.data()}, false, op, 2);
    CHECK(relative_difference(out, expected) < close_enough<T>());
    kernels::strided_map<T, A, 2>(loop, out.data(), {a.data(), b.data()}, true, op, 1);
    CHECK(relative_difference(out, pk::Tensor<T>(2 * expected)) < close_enough<T>());
  }
}
