#include <catch2/catch.hpp>

#include <cmath>

#include <posekit/core/redrawn.hpp>

#include "support/close.hpp"

namespace pk = posekit;

TEMPLATE_TEST_CASE("Redrawn numbers have a tensor's mean and deviation", "[core]", float, double) {
  using T = TestType;
  pk::Tensor<T> tensor = pk::make_tensor<T>({40, 50});
  for (std::size_t i = 0; i < tensor.size(); ++i)
    tensor.data()[i] = static_cast<T>(i % 2 == 0 ? 5 : 1);
  const auto drawn = pk::redrawn(tensor, 3, 4);
  CHECK(pk::shape_of(drawn) == pk::Shape{40, 50});
  double mean = 0, square = 0;
  for (const T value : drawn) {
    mean += static_cast<double>(value) / 2000;
    square += static_cast<double>(value) * static_cast<double>(value) / 2000;
  }
  CHECK(std::abs(mean - 3) < 0.15);
  CHECK(std::abs(std::sqrt(square - mean * mean) - 2) < 0.15);
  CHECK(identical(drawn, pk::redrawn(tensor, 3, 4)));
  CHECK(!identical(drawn, pk::redrawn(tensor, 3, 5)));
  CHECK(!identical(drawn, pk::redrawn(tensor, 4, 4)));
  CHECK(pk::redrawn(pk::Tensor<T>(pk::zeros<T>({0, 3})), 1, 1).size() == 0);
}
