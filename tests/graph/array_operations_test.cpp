#include <catch2/catch.hpp>

#include <posekit/testing/random_tensor.hpp>

#include "support/close.hpp"
#include "support/graph_operation.hpp"

namespace pk = posekit;
using pk::testing::random_tensor;

TEST_CASE("Sizes and indices are put together and taken apart in integers", "[graph]") {
  CHECK(identical(run_integers("Pack", {{{}, {4}}, {{}, {5}}}, {{"axis", {{"i", "0"}}}}),
                  values({2}, {4, 5})));
  CHECK(identical(run_integers("Pack", {{{2}, {4, 6}}, {{2}, {5, 7}}}, {{"axis", {{"i", "-1"}}}}),
                  values({2, 2}, {4, 5, 6, 7})));
  CHECK(identical(run_integers("ConcatV2", {{{2, 1}, {1, 2}}, {{2, 2}, {3, 4, 5, 6}}, {{}, {1}}}),
                  values({2, 3}, {1, 3, 4, 2, 5, 6})));
  CHECK(identical(run_integers("Unpack", {{{2, 3}, {1, 2, 3, 4, 5, 6}}},
                               {{"axis", {{"i", "1"}}}, {"num", {{"i", "3"}}}}, "y:2"),
                  values({2}, {3, 6})));
  CHECK(identical(
      run_integers("StridedSlice", {{{4}, {1, 2, 3, 4}}, {{1}, {-2}}, {{1}, {4}}, {{1}, {1}}},
                   nlohmann::ordered_json::object()),
      values({2}, {3, 4})));
  CHECK(identical(
      run_integers("StridedSlice", {{{4}, {1, 2, 3, 4}}, {{1}, {2}}, {{1}, {3}}, {{1}, {1}}},
                   {{"shrink_axis_mask", {{"i", "1"}}}}),
      values({}, {3})));
  CHECK(identical(
      run_integers("StridedSlice",
                   {{{2, 3}, {1, 2, 3, 4, 5, 6}}, {{2}, {0, 1}}, {{2}, {1, 9}}, {{2}, {1, 1}}},
                   {{"begin_mask", {{"i", "1"}}}, {"end_mask", {{"i", "3"}}}}),
      values({2, 2}, {2, 3, 5, 6})));
}

TEST_CASE("Real tensors change shape as TensorFlow does it", "[graph]") {
  const auto x = random_tensor<double>({2, 3, 1, 4}, 1);
  CHECK(pk::shape_of(run_real("Shape", x)) == pk::Shape{4});
  CHECK(run_real("Shape", x)(3) == 4);
  CHECK(pk::shape_of(run_real("Reshape", x, {{{2}, {-1, 8}}})) == pk::Shape{3, 8});
  CHECK(pk::shape_of(run_real("Squeeze", x)) == pk::Shape{2, 3, 4});
  CHECK(pk::shape_of(run_real("Squeeze", x, {}, {{"squeeze_dims", TfjsFiles::list({-2})}})) ==
        pk::Shape{2, 3, 4});
  CHECK(pk::shape_of(run_real("ExpandDims", x, {{{}, {-1}}})) == pk::Shape{2, 3, 1, 4, 1});
  CHECK(run_real("Transpose", x, {{{4}, {3, 0, 1, 2}}})(2, 1, 0, 0) == x(1, 0, 0, 2));
  CHECK(run_real("Unpack", x, {}, {{"axis", {{"i", "1"}}}}, "y:2")(1, 0, 3) == x(1, 2, 0, 3));
  CHECK(run_real("Pad", x, {{{4, 2}, {0, 0, 0, 0, 1, 0, 0, 2}}})(1, 2, 1, 3) == x(1, 2, 0, 3));
  CHECK(run_real("ArgMax", values({2, 3}, {1, 5, 2, 9, 3, 9}), {{{}, {1}}})(1) == 0);
  CHECK(identical(run_real("GatherNd", values({2, 2}, {1, 2, 3, 4}), {{{2, 2}, {1, 0, 0, 1}}}),
                  values({2}, {3, 2})));
}

TEST_CASE("Impossible operands name the node and what came", "[graph]") {
  const auto x = random_tensor<double>({2, 3}, 1);
  CHECK_THROWS_WITH(
      run_real("Reshape", x, {{{1}, {5}}}),
      Catch::Contains("node 'y' (Reshape): a tensor of shape [2, 3] cannot become [5]"));
  CHECK_THROWS_WITH(run_real("Reshape", x, {{{2}, {-1, -1}}}), Catch::Contains("impossible"));
  CHECK_THROWS_WITH(run_real("Squeeze", x, {}, {{"squeeze_dims", TfjsFiles::list({0})}}),
                    Catch::Contains("is not 1"));
  CHECK_THROWS_WITH(run_real("Pad", x, {{{2, 2}, {0, 0, -1, 0}}}),
                    Catch::Contains("the padding (-1, 0) is impossible"));
  CHECK_THROWS_WITH(run_real("Unpack", x, {}, {{"axis", {{"i", "0"}}}, {"num", {{"i", "5"}}}}),
                    Catch::Contains("unpacked into 5"));
  CHECK_THROWS_WITH(run_real("StridedSlice", x, {{{1}, {0}}, {{1}, {1}}, {{1}, {2}}}),
                    Catch::Contains("a slice with steps"));
  CHECK_THROWS_WITH(run_real("ConcatV2", x, {{{1}, {1}}, {{}, {0}}}),
                    Catch::Contains("does not join"));
  CHECK_THROWS_WITH(run_real("GatherNd", x, {{{1, 2}, {0, 7}}}),
                    Catch::Contains("index 7 is outside axis 1"));
  CHECK_THROWS_AS(run_real("Transpose", x, {{{2}, {0, 5}}}), pk::GraphError);
  CHECK_THROWS_WITH(run_real("StridedSlice", x, {{{1}, {-5}}, {{1}, {-4}}, {{1}, {1}}},
                             {{"shrink_axis_mask", {{"i", "1"}}}}),
                    Catch::Contains("index -5 is outside axis 0"));
}
