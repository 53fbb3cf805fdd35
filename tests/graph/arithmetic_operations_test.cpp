#include <catch2/catch.hpp>

#include <posekit/testing/random_tensor.hpp>

#include "support/close.hpp"
#include "support/graph_operation.hpp"

namespace pk = posekit;
using pk::testing::random_tensor;

TEST_CASE("Sizes and indices are computed in integers", "[graph]") {
  CHECK(
      identical(run_integers("AddV2", {{{3}, {1, 2, 3}}, {{}, {10}}}), values({3}, {11, 12, 13})));
  CHECK(identical(run_integers("Sub", {{{2, 1}, {5, 7}}, {{2}, {1, 2}}}),
                  values({2, 2}, {4, 3, 6, 5})));
  CHECK(identical(run_integers("Mul", {{{2}, {-3, 4}}, {{2}, {5, 6}}}), values({2}, {-15, 24})));
  CHECK(identical(run_integers("FloorDiv", {{{4}, {7, -7, 7, -7}}, {{4}, {2, 2, -2, -2}}}),
                  values({4}, {3, -4, -4, 3})));
  CHECK(identical(run_integers("SquaredDifference", {{{2}, {1, 5}}, {{}, {3}}}),
                  values({2}, {4, 4})));
  CHECK_THROWS_WITH(run_integers("FloorDiv", {{{1}, {7}}, {{1}, {0}}}),
                    Catch::Contains("an integer division by zero"));
}

TEST_CASE("Real tensors are reduced and cast", "[graph]") {
  const auto x = random_tensor<double>({2, 3, 1, 4}, 1);
  CHECK(run_real("Mean", x, {{{2}, {0, -1}}}, {{"keep_dims", {{"b", true}}}})(0, 1, 0, 0) ==
        Approx([&] {
          double sum = 0;
          for (std::size_t n = 0; n < 2; ++n)
            for (std::size_t c = 0; c < 4; ++c) sum += x(n, 1, 0, c);
          return sum / 8;
        }()));
  CHECK(run_real("Sum", x, {{{1}, {1}}})(1, 0, 2) ==
        Approx(x(1, 0, 0, 2) + x(1, 1, 0, 2) + x(1, 2, 0, 2)));
  CHECK(identical(run_real("Identity", x), x));
  CHECK(identical(run_real("Cast", values({2}, {1.9, -1.9}), {},
                           {{"SrcT", {{"type", "DT_FLOAT"}}}, {"DstT", {{"type", "DT_INT32"}}}}),
                  values({2}, {1, -1})));
  CHECK(identical(run_real("Cast", values({2}, {1.9, -1.9}), {},
                           {{"SrcT", {{"type", "DT_INT32"}}}, {"DstT", {{"type", "DT_FLOAT"}}}}),
                  values({2}, {1.9, -1.9})));
}

TEST_CASE("Casts to booleans are 0 and 1", "[graph]") {
  const auto attributes = [](const char* from) {
    return nlohmann::ordered_json{{"SrcT", {{"type", from}}}, {"DstT", {{"type", "DT_BOOL"}}}};
  };
  CHECK(identical(run_real("Cast", values({3}, {0.5, -7, 0}), {}, attributes("DT_FLOAT")),
                  values({3}, {1, 1, 0})));
  CHECK(identical(run_integers("Cast", {{{2}, {0, -3}}}, attributes("DT_INT32")),
                  values({2}, {0, 1})));
}

TEST_CASE("Impossible arithmetic names the node and what came", "[graph]") {
  const auto x = random_tensor<double>({2, 3}, 1);
  CHECK_THROWS_WITH(run_real("Cast", values({1}, {1e12}), {},
                             {{"SrcT", {{"type", "DT_FLOAT"}}}, {"DstT", {{"type", "DT_INT32"}}}}),
                    Catch::Contains("cast to an integer"));
  CHECK_THROWS_WITH(run_real("Relu", x, {{{1}, {1}}}), Catch::Contains("has 2 inputs, expected 1"));
}
