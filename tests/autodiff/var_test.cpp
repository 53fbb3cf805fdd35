#include <catch2/catch.hpp>

#include <posekit/autodiff/arithmetic.hpp>
#include <posekit/autodiff/tape.hpp>

namespace pk = posekit;

TEST_CASE("An empty handle can be copied and asked whether it is valid, and nothing else",
          "[autodiff]") {
  const pk::Var<float> empty;
  pk::Var<float> copy = empty;
  CHECK_FALSE(copy.valid());
  CHECK_THROWS_WITH(copy.value(), "Var: an empty handle was used");
  CHECK_THROWS_AS(copy.shape(), pk::Error);
  CHECK_THROWS_AS(copy + copy, pk::Error);
  pk::Tape<float> tape;
  copy = tape.constant(pk::zeros<float>({2, 3}));
  CHECK(copy.valid());
  CHECK(copy.dimension() == 2);
  CHECK(copy.size() == 6);
  CHECK_FALSE(copy.requires_grad());
  CHECK(&copy.tape() == &tape);
}
