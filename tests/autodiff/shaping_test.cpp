#include <catch2/catch.hpp>

#include <limits>
#include <utility>
#include <vector>

#include <posekit/autodiff/arithmetic.hpp>
#include <posekit/autodiff/reductions.hpp>
#include <posekit/autodiff/shaping.hpp>
#include <posekit/testing/gradient_check.hpp>

#include "support/close.hpp"

namespace pk = posekit;
using pk::testing::random_tensor;

namespace {

pk::Tensor<std::int64_t> indices_of(const pk::Shape& shape, const std::vector<int>& values) {
  return pk::tensor_from<std::int64_t>(shape, values);
}

}  // namespace

namespace {

template <class Function>
void check(const Function& f, const std::vector<pk::Tensor<double>>& in) {
  const auto gradients = pk::testing::check_gradients(f, in);
  INFO(gradients.message);
  CHECK(gradients.ok);
  CHECK(pk::testing::float_disagreement(f, in) < 1e-6);
}

}  // namespace

TEST_CASE("Moving elements moves their cotangents back", "[autodiff]") {
  const auto a = random_tensor<double>({2, 3, 4, 5}, 1);
  check([](const auto& v) { return pk::reshape(v[0], {6, 20}); }, {a});
  check([](const auto& v) { return pk::transpose(v[0], {2, 0, 3, 1}); }, {a});
  check([](const auto& v) { return pk::to_channels_first(pk::to_channels_last(v[0])); }, {a});
  check([](const auto& v) { return pk::slice(v[0], 1, 1, 3); }, {a});
  check([](const auto& v) { return pk::slice(v[0], -1, 0, 0); }, {a});
  check([](const auto& v) { return pk::take(v[0], 2, 3); }, {a});
  check([](const auto& v) { return pk::pad(v[0], {{0, 0}, {1, 2}, {3, 0}, {0, 1}}); }, {a});
  check([](const auto& v) { return pk::pad(v[0], {{0, 0}, {0, 0}, {1, 1}, {0, 0}}, 2.5); }, {a});
  check([](const auto& v) { return pk::pad(v[0], {{0, 0}, {0, 0}, {0, 0}, {0, 0}}); }, {a});
  check(
      [](const auto& v) {
        return pk::concatenate({v[0], v[1], v[0]}, 1);
      },
      {a, random_tensor<double>({2, 7, 4, 5}, 2)});
  check(
      [](const auto& v) {
        return pk::concatenate({v[0], v[1]}, -1);
      },
      {a, random_tensor<double>({2, 3, 4, 1}, 2)});
  const auto indices = indices_of({2, 3, 2}, {0, 2, 1, 1, 0, 2, 1, 0, 0, 0, 1, 2});
  check([&](const auto& v) { return pk::gather_nd(v[0], indices); }, {a});
}

TEST_CASE("Elements arrive where they should", "[autodiff]") {
  pk::Tape<double> tape;
  const auto values = random_tensor<double>({2, 3, 4}, 1);
  const auto x = tape.variable(pk::Tensor<double>(values));
  CHECK(pk::transpose(x, {2, 0, 1}).value()(3, 1, 2) == values(1, 2, 3));
  CHECK(pk::slice(x, 2, 1, 3).value()(1, 2, 0) == values(1, 2, 1));
  CHECK(pk::take(x, 1, 2).value()(1, 3) == values(1, 2, 3));
  const auto padded = pk::pad(x, {{1, 0}, {0, 2}, {1, 1}}, -7.0);
  CHECK(padded.shape() == pk::Shape{3, 5, 6});
  CHECK(padded.value()(2, 2, 4) == values(1, 2, 3));
  CHECK(padded.value()(0, 0, 1) == -7.0);
  CHECK(padded.value()(1, 0, 0) == -7.0);
  CHECK(padded.value()(2, 4, 2) == -7.0);
  const auto joined = pk::concatenate({x, x}, 1);
  CHECK(joined.value()(1, 4, 2) == values(1, 1, 2));
  CHECK(pk::gather_nd(x, indices_of({2, 3}, {1, 2, 3, 0, 0, 1})).value()(0) == values(1, 2, 3));
  CHECK(pk::gather_nd(x, indices_of({2, 1}, {1, 0})).shape() == pk::Shape{2, 3, 4});
}

TEST_CASE("argmax finds the first of the largest", "[autodiff]") {
  const pk::Tensor<float> x{{1.0f, 3.0f, 3.0f}, {-2.0f, -1.0f, -5.0f}};
  CHECK(pk::argmax(x, 1)(0) == 1);
  CHECK(pk::argmax(x, -1)(1) == 1);
  CHECK(pk::argmax(x, 0)(2) == 0);
  CHECK_THROWS_AS(pk::argmax(pk::zeros<float>({2, 0}), 1), pk::ShapeError);
}

TEST_CASE("Impossible moves are refused in words", "[autodiff]") {
  pk::Tape<double> tape;
  const auto x = tape.variable(pk::zeros<double>({2, 3, 4}));
  CHECK_THROWS_WITH(
      pk::reshape(x, {5, 5}),
      "reshape: x has shape [2, 3, 4], which has 24 elements and cannot become [5, 5]");
  CHECK_THROWS_AS(pk::transpose(x, {0, 1}), pk::ShapeError);
  CHECK_THROWS_AS(pk::transpose(x, {0, 1, 1}), pk::ShapeError);
  CHECK_THROWS_AS(pk::transpose(x, {0, 1, 3}), pk::ShapeError);
  CHECK_THROWS_AS(pk::transpose(x, {0, 1, 2, 3}), pk::ShapeError);
  CHECK_THROWS_WITH(pk::slice(x, 1, 2, 4), "slice: [2, 4) is outside axis 1 of shape [2, 3, 4]");
  CHECK_THROWS_AS(pk::slice(x, 1, 2, 1), pk::ShapeError);
  CHECK_THROWS_AS(pk::pad(x, {{1, 1}}), pk::ShapeError);
  CHECK_THROWS_AS(pk::concatenate(std::vector<pk::Var<double>>{}, 0), pk::ShapeError);
  CHECK_THROWS_WITH(pk::concatenate({x, tape.variable(pk::zeros<double>({2, 3, 5}))}, 1),
                    "concatenate: [2, 3, 5] does not join [2, 3, 4] along axis 1");
  CHECK_THROWS_AS(pk::concatenate({x, tape.variable(pk::zeros<double>({2}))}, 1), pk::ShapeError);
  CHECK_THROWS_WITH(pk::gather_nd(x, indices_of({1, 2}, {0, 3})),
                    "gather_nd: index 3 is outside axis 1 of shape [2, 3, 4]");
  CHECK_THROWS_AS(pk::gather_nd(x, indices_of({1, 1}, {-1})), pk::ValueError);
  CHECK_THROWS_AS(pk::gather_nd(x, pk::zeros<std::int64_t>({1, 4})), pk::ShapeError);
}

TEST_CASE("gather_nd of no indices, and of indices that name nothing", "[autodiff]") {
  pk::Tape<double> tape;
  const auto x = tape.variable(random_tensor<double>({2, 3}, 1));
  const auto none = pk::gather_nd(x, pk::zeros<std::int64_t>({0, 0}));
  CHECK(none.shape() == pk::Shape{0, 2, 3});
  const auto all = pk::gather_nd(x, pk::zeros<std::int64_t>({5, 0}));
  CHECK(all.shape() == pk::Shape{5, 2, 3});
  CHECK(all.value()(4, 1, 2) == x.value()(1, 2));
  CHECK(pk::gather_nd(x, pk::zeros<std::int64_t>({0, 2})).shape() == pk::Shape{0});
}

TEST_CASE("Paddings whose sums do not fit are refused", "[autodiff]") {
  pk::Tape<double> tape;
  const auto x = tape.variable(pk::zeros<double>({4}));
  constexpr std::size_t most = std::numeric_limits<std::size_t>::max();
  for (const auto& [before, after] : std::vector<std::pair<std::size_t, std::size_t>>{
           {most, 1}, {most - 3, 8}, {1, most}, {most - 4, 0}, {most / 2, most / 2}}) {
    CHECK_THROWS_AS(pk::pad(x, {{before, after}}), pk::ShapeError);
  }
  CHECK_THROWS_WITH(pk::pad(x, {{most, 1}}),
                    "pad: 4 + 18446744073709551615 is too large for a size");
}

TEST_CASE("Tensors are joined where they stand", "[autodiff]") {
  pk::Tape<float> tape;
  const auto a = tape.constant(pk::zeros<float>({2, 3}));
  const auto b = tape.constant(pk::zeros<float>({2, 1}));
  CHECK(pk::concatenate({a, b, a}, 1).shape() == pk::Shape{2, 7});
  CHECK_THROWS_AS(pk::concatenate({a, b}, 0), pk::ShapeError);
}

TEST_CASE("A reshaped tensor is a view until it is asked for", "[autodiff]") {
  pk::Tape<double> tape;
  const auto x = tape.variable(random_tensor<double>({2, 6}, 4));
  const auto y = pk::reshape(x * 2.0, {3, 4});
  const auto z = pk::reshape(y, {12});
  CHECK(z.data() == y.data());
  CHECK(z.shape() == pk::Shape{12});
  // The tensor has the view's shape, and what was made before goes on.
  CHECK(pk::shape_of(y.value()) == pk::Shape{3, 4});
  CHECK(pk::shape_of(z.value()) == pk::Shape{12});
  CHECK(z.value()(7) == 2 * x.value()(1, 1));
  CHECK(y.data() == y.value().data());
  // A value that is released stays with its views.
  const auto w = pk::reshape(x, {4, 3});
  const double third = x.value()(0, 3);
  tape.release_value(x);
  CHECK(w.value()(1, 0) == third);
  tape.backward(pk::sum(z * z + pk::reshape(w, {12})));
  CHECK(x.grad()(0, 3) == Approx(8 * third + 1));
}
