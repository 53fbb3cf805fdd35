#include <catch2/catch.hpp>

#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include <posekit/core/tensor.hpp>

namespace pk = posekit;

TEST_CASE("Tensors are aligned, row-major and indexable", "[core]") {
  pk::Tensor<double> t = pk::Tensor<double>::from_shape({3, 5, 7});
  CHECK(reinterpret_cast<std::uintptr_t>(t.data()) % 64 == 0);
  for (std::size_t i = 0; i < t.size(); ++i) t.flat(i) = static_cast<double>(i);
  CHECK(t(2, 4, 6) == 104.0);
  CHECK(t(1, 0, 3) == 38.0);
  const pk::Tensor<double> nested{{{20.0, 9.0}}};
  CHECK(pk::shape_of(nested) == pk::Shape{1, 1, 2});
  pk::Tensor<float> scalar = pk::make_tensor<float>({});
  scalar() = 4.0f;
  CHECK(scalar() == 4.0f);
  CHECK(pk::zeros<float>({0, 3}).size() == 0);
}

TEST_CASE("Tensors are built, reshaped and cast", "[core]") {
  const auto t = pk::tensor_from<float>({2, 3}, std::vector<int>{1, 2, 3, 4, 5, 6});
  CHECK(t(1, 0) == 4.0f);
  CHECK(pk::reshaped(pk::Tensor<float>(t), {3, 2})(2, 1) == 6.0f);
  CHECK(pk::cast<double>(t)(0, 2) == 3.0);
  CHECK_THROWS_WITH(pk::tensor_from<float>({2, 2}, std::vector<int>{1}),
                    "tensor_from: 1 values do not fill shape [2, 2]");
  CHECK_THROWS_WITH(pk::reshaped(pk::Tensor<float>(t), {4}),
                    "reshaped: a tensor of shape [2, 3] cannot become [4]");
}

TEST_CASE("Requirements name function, argument, what came and what was expected", "[core]") {
  auto t = pk::zeros<float>({8, 17, 64});
  CHECK_THROWS_WITH(pk::require_rank(t, 4, "soft_argmax", "logits", "[N, J, H, W]"),
                    "soft_argmax: logits has shape [8, 17, 64], expected rank 4 [N, J, H, W]");
  CHECK_THROWS_WITH(pk::require_shape(t, {8, 17}, "f", "x"),
                    "f: x has shape [8, 17, 64], expected [8, 17]");
  CHECK_NOTHROW(pk::require_finite(t, "f", "x"));
  t(3, 2, 1) = std::numeric_limits<float>::quiet_NaN();
  CHECK_THROWS_WITH(pk::require_finite(t, "f", "x"),
                    "f: x[3, 2, 1] is nan, expected a finite number");
  t(3, 2, 1) = -std::numeric_limits<float>::infinity();
  CHECK_THROWS_AS(pk::require_finite(t, "f", "x"), pk::ValueError);
}
