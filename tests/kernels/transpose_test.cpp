#include <catch2/catch.hpp>

#include <algorithm>
#include <numeric>

#include <posekit/kernels/transpose.hpp>
#include <posekit/testing/random_tensor.hpp>

#include "support/close.hpp"

namespace pk = posekit;
using pk::testing::random_tensor;

TEST_CASE("Every permutation moves every element to its place", "[kernels]") {
  for (const pk::Shape& shape : {pk::Shape{2, 3, 5, 7}, pk::Shape{1, 70, 1, 67},
                                 pk::Shape{130, 3, 2, 1}, pk::Shape{0, 2, 3, 4}}) {
    const auto in = random_tensor<float>(shape, 1);
    std::vector<std::size_t> permutation{0, 1, 2, 3};
    do {
      pk::Shape result_shape;
      for (const std::size_t axis : permutation) result_shape.push_back(shape[axis]);
      pk::Tensor<float> out = pk::zeros<float>(result_shape),
                        twice = random_tensor<float>(result_shape, 2), added = twice;
      pk::kernels::transpose(shape, permutation, in.data(), out.data(), false, 2);
      pk::kernels::transpose(shape, permutation, in.data(), added.data(), true, 1);
      for (std::size_t i = 0; i < in.size(); ++i) {
        pk::Shape index(4);
        std::size_t rest = i;
        for (std::size_t axis = 4; axis-- > 0;) {
          index[axis] = rest % shape[axis];
          rest /= shape[axis];
        }
        std::size_t to = 0;
        for (std::size_t axis = 0; axis < 4; ++axis)
          to = to * result_shape[axis] + index[permutation[axis]];
        if (out.data()[to] != in.data()[i] || added.data()[to] != twice.data()[to] + in.data()[i]) {
          FAIL(pk::to_string(shape) << " by " << pk::to_string(permutation));
        }
      }
    } while (std::next_permutation(permutation.begin(), permutation.end()));
  }
  SUCCEED();
}
