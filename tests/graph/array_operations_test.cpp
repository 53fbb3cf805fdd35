#include <catch2/catch.hpp>

#include <posekit/graph/tfjs.hpp>
#include <posekit/testing/random_tensor.hpp>

#include "support/close.hpp"
#include "support/shared_data.hpp"
#include "support/tfjs_files.hpp"

namespace pk = posekit;
using Json = nlohmann::ordered_json;
using pk::testing::random_tensor;

namespace {

/// Runs one node on integer constants; returns its first output.
pk::Tensor<double> run_integers(const std::string& op, const std::vector<std::pair<std::vector<std::size_t>, std::vector<std::int32_t>>>& inputs,
                                const Json& attributes = Json::object(), const std::string& output = "y") {
  TfjsFiles f(scratch_folder("integer-operation"));
  f.node("x", "Placeholder");
  std::vector<std::string> names;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    names.push_back(pk::error_text("c", i));
    f.integers(names.back(), inputs[i].first, inputs[i].second);
  }
  f.node("y", op, names, attributes);
  const auto net = pk::load_tfjs<double>(f.write());
  pk::Tape<double> tape;
  return net(tape.constant(pk::zeros<double>({1})), {output})[0].value();
}

/// Runs one node on a real input and integer constants.
pk::Tensor<double> run_real(const std::string& op, const pk::Tensor<double>& x,
                            const std::vector<std::pair<std::vector<std::size_t>, std::vector<std::int32_t>>>& inputs = {},
                            const Json& attributes = Json::object(), const std::string& output = "y") {
  TfjsFiles f(scratch_folder("real-operation"));
  f.node("x", "Placeholder");
  std::vector<std::string> names{"x"};
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    names.push_back(pk::error_text("c", i));
    f.integers(names.back(), inputs[i].first, inputs[i].second);
  }
  f.node("y", op, names, attributes);
  const auto net = pk::load_tfjs<double>(f.write());
  pk::Tape<double> tape;
  return net(tape.constant(pk::Tensor<double>(x)), {output})[0].value();
}

pk::Tensor<double> values(const pk::Shape& shape, const std::vector<double>& v) { return pk::tensor_from<double>(shape, v); }

}  // namespace

TEST_CASE("Sizes and indices are computed in integers", "[graph]") {
  CHECK(identical(run_integers("AddV2", {{{3}, {1, 2, 3}}, {{}, {10}}}), values({3}, {11, 12, 13})));
  CHECK(identical(run_integers("Sub", {{{2, 1}, {5, 7}}, {{2}, {1, 2}}}), values({2, 2}, {4, 3, 6, 5})));
  CHECK(identical(run_integers("Mul", {{{2}, {-3, 4}}, {{2}, {5, 6}}}), values({2}, {-15, 24})));
  CHECK(identical(run_integers("FloorDiv", {{{4}, {7, -7, 7, -7}}, {{4}, {2, 2, -2, -2}}}), values({4}, {3, -4, -4, 3})));
  CHECK(identical(run_integers("SquaredDifference", {{{2}, {1, 5}}, {{}, {3}}}), values({2}, {4, 4})));
  CHECK(identical(run_integers("Pack", {{{}, {4}}, {{}, {5}}}, {{"axis", {{"i", "0"}}}}), values({2}, {4, 5})));
  CHECK(identical(run_integers("Pack", {{{2}, {4, 6}}, {{2}, {5, 7}}}, {{"axis", {{"i", "-1"}}}}), values({2, 2}, {4, 5, 6, 7})));
  CHECK(identical(run_integers("ConcatV2", {{{2, 1}, {1, 2}}, {{2, 2}, {3, 4, 5, 6}}, {{}, {1}}}), values({2, 3}, {1, 3, 4, 2, 5, 6})));
  CHECK(identical(run_integers("Unpack", {{{2, 3}, {1, 2, 3, 4, 5, 6}}}, {{"axis", {{"i", "1"}}}, {"num", {{"i", "3"}}}}, "y:2"), values({2}, {3, 6})));
  CHECK(identical(run_integers("StridedSlice", {{{4}, {1, 2, 3, 4}}, {{1}, {-2}}, {{1}, {4}}, {{1}, {1}}}, Json::object()), values({2}, {3, 4})));
  CHECK(identical(run_integers("StridedSlice", {{{4}, {1, 2, 3, 4}}, {{1}, {2}}, {{1}, {3}}, {{1}, {1}}}, {{"shrink_axis_mask", {{"i", "1"}}}}), values({}, {3})));
  CHECK(identical(run_integers("StridedSlice", {{{2, 3}, {1, 2, 3, 4, 5, 6}}, {{2}, {0, 1}}, {{2}, {1, 9}}, {{2}, {1, 1}}}, {{"begin_mask", {{"i", "1"}}}, {"end_mask", {{"i", "3"}}}}),
                  values({2, 2}, {2, 3, 5, 6})));
  CHECK_THROWS_WITH(run_integers("FloorDiv", {{{1}, {7}}, {{1}, {0}}}), Catch::Contains("an integer division by zero"));
}

TEST_CASE("Real tensors change shape as TensorFlow does it", "[graph]") {
  const auto x = random_tensor<double>({2, 3, 1, 4}, 1);
  CHECK(pk::shape_of(run_real("Shape", x)) == pk::Shape{4});
  CHECK(run_real("Shape", x)(3) == 4);
  CHECK(pk::shape_of(run_real("Reshape", x, {{{2}, {-1, 8}}})) == pk::Shape{3, 8});
  CHECK(pk::shape_of(run_real("Squeeze", x)) == pk::Shape{2, 3, 4});
  CHECK(pk::shape_of(run_real("Squeeze", x, {}, {{"squeeze_dims", TfjsFiles::list({-2})}})) == pk::Shape{2, 3, 4});
  CHECK(pk::shape_of(run_real("ExpandDims", x, {{{}, {-1}}})) == pk::Shape{2, 3, 1, 4, 1});
  CHECK(run_real("Transpose", x, {{{4}, {3, 0, 1, 2}}})(2, 1, 0, 0) == x(1, 0, 0, 2));
  CHECK(run_real("Unpack", x, {}, {{"axis", {{"i", "1"}}}}, "y:2")(1, 0, 3) == x(1, 2, 0, 3));
  CHECK(run_real("Pad", x, {{{4, 2}, {0, 0, 0, 0, 1, 0, 0, 2}}})(1, 2, 1, 3) == x(1, 2, 0, 3));
  CHECK(identical(run_real("Identity", x), x));
  CHECK(run_real("Mean", x, {{{2}, {0, -1}}}, {{"keep_dims", {{"b", true}}}})(0, 1, 0, 0) == Approx([&] {
          double sum = 0;
          for (std::size_t n = 0; n < 2; ++n)
            for (std::size_t c = 0; c < 4; ++c) sum += x(n, 1, 0, c);
          return sum / 8;
        }()));
  CHECK(run_real("Sum", x, {{{1}, {1}}})(1, 0, 2) == Approx(x(1, 0, 0, 2) + x(1, 1, 0, 2) + x(1, 2, 0, 2)));
  CHECK(run_real("ArgMax", values({2, 3}, {1, 5, 2, 9, 3, 9}), {{{}, {1}}})(1) == 0);
  CHECK(identical(run_real("GatherNd", values({2, 2}, {1, 2, 3, 4}), {{{2, 2}, {1, 0, 0, 1}}}), values({2}, {3, 2})));
  CHECK(identical(run_real("Cast", values({2}, {1.9, -1.9}), {}, {{"SrcT", {{"type", "DT_FLOAT"}}}, {"DstT", {{"type", "DT_INT32"}}}}), values({2}, {1, -1})));
  CHECK(identical(run_real("Cast", values({2}, {1.9, -1.9}), {}, {{"SrcT", {{"type", "DT_INT32"}}}, {"DstT", {{"type", "DT_FLOAT"}}}}), values({2}, {1.9, -1.9})));
}

TEST_CASE("Impossible operands name the node and what came", "[graph]") {
  const auto x = random_tensor<double>({2, 3}, 1);
  CHECK_THROWS_WITH(run_real("Reshape", x, {{{1}, {5}}}), Catch::Contains("node 'y' (Reshape): a tensor of shape [2, 3] cannot become [5]"));
  CHECK_THROWS_WITH(run_real("Reshape", x, {{{2}, {-1, -1}}}), Catch::Contains("impossible"));
  CHECK_THROWS_WITH(run_real("Squeeze", x, {}, {{"squeeze_dims", TfjsFiles::list({0})}}), Catch::Contains("is not 1"));
  CHECK_THROWS_WITH(run_real("Pad", x, {{{2, 2}, {0, 0, -1, 0}}}), Catch::Contains("the padding (-1, 0) is impossible"));
  CHECK_THROWS_WITH(run_real("Unpack", x, {}, {{"axis", {{"i", "0"}}}, {"num", {{"i", "5"}}}}), Catch::Contains("unpacked into 5"));
  CHECK_THROWS_WITH(run_real("StridedSlice", x, {{{1}, {0}}, {{1}, {1}}, {{1}, {2}}}), Catch::Contains("a slice with steps"));
  CHECK_THROWS_WITH(run_real("Cast", values({1}, {1e12}), {}, {{"SrcT", {{"type", "DT_FLOAT"}}}, {"DstT", {{"type", "DT_INT32"}}}}), Catch::Contains("cast to an integer"));
  CHECK_THROWS_WITH(run_real("ConcatV2", x, {{{1}, {1}}, {{}, {0}}}), Catch::Contains("does not join"));
  CHECK_THROWS_WITH(run_real("Relu", x, {{{1}, {1}}}), Catch::Contains("has 2 inputs, expected 1"));
  CHECK_THROWS_WITH(run_real("GatherNd", x, {{{1, 2}, {0, 7}}}), Catch::Contains("index 7 is outside axis 1"));
  CHECK_THROWS_AS(run_real("Transpose", x, {{{2}, {0, 5}}}), pk::GraphError);
}
